//! Participations: testers join a challenge and follow their verification (§10).

pub(crate) mod browser;
pub(crate) mod create;
pub(crate) mod feedback;
pub(crate) mod limits;
pub(super) mod show;
