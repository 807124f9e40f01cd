//! Challenge requests, which the scheduler hands over (§9, §10).

pub(super) mod put;
