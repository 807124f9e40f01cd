//! How it goes with the verifiers (§10): one row for each provider that was ever verified here.

mod note;
mod read;

pub use self::note::{NoteVerifier, VerifierNews};
pub use self::read::VerifierHealth;
