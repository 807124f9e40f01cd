//! Participations of testers in challenges (§10).

pub(crate) mod feedback;
pub(crate) mod join;
pub(crate) mod lapse;
mod read;
pub(crate) mod start_verification;

pub(crate) use self::read::{PARTICIPATION, challenges_of, lock};
