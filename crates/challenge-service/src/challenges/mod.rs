//! Challenges: testers list the open ones, the scheduler reads, changes and closes them (§10).

pub(super) mod close;
pub(super) mod open;
pub(super) mod outcomes;
pub(super) mod report;
pub(super) mod show;
pub(super) mod update;
