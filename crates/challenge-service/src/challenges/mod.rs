//! Challenges: found by testers, read and closed by the scheduler (§10).

pub(super) mod close;
pub(super) mod open;
pub(super) mod report;
pub(super) mod show;
