//! Verifications at providers elsewhere (§10): begun with a state that is used once, and parked
//! where another browser came back.

mod begin;
mod park;
mod prune;
mod use_state;

pub use self::begin::{BeginOutcome, BeginVerification};
pub use self::park::{AnswerParked, ParkOutcome, Parked};
pub use self::prune::PruneVerifications;
pub use self::use_state::{UseState, Verification};
