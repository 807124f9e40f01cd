//! Challenge requests, as they are handed over (§9, §10).

pub(super) mod put;
