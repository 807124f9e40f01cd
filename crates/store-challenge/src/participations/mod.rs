//! Participations of testers in challenges (§10).

pub(crate) mod join;
pub(crate) mod lapse;
mod read;

pub(crate) use self::read::{PARTICIPATION, challenges_of, lock};
