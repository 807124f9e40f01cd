//! Participations: testers join a challenge and follow their verification (§10).

mod browser;
pub(super) mod create;
pub(super) mod show;
