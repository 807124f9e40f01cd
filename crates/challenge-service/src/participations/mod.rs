//! Participations: testers join, and follow how it goes (§10).

mod browser;
pub(super) mod create;
pub(super) mod show;
