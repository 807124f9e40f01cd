//! The challenge service: challenges, the testers who join them, and the stamps that they are
//! granted (§10).
//!
//! It is a separate service: only this crate reads its tables, and the rest of the program reaches
//! it through [`handle`], in the same process or over HTTP. The published API calls it `tpas`. That
//! name stands in its paths (`/tpas/v1`), options, files, schema and metrics; the code says
//! "challenge service".
//!
//! [`routes`] lists the operations. Each has its own file, `<noun>/<verb>.rs`. The numbers in
//! brackets (§10) are sections of `docs/api-design.md`.

#![cfg_attr(
    not(feature = "openapi"),
    expect(
        unused_imports,
        reason = "some types are named only in annotations for the OpenAPI document"
    )
)]

// The annotations for the OpenAPI document expand to nothing where it is not generated.
#[cfg(not(feature = "openapi"))]
extern crate openapi_off as utoipa;

mod challenge_requests;
mod challenges;
mod documentation;
pub mod handle;
pub mod lapse;
mod origin;
pub mod pages;
mod participations;
pub mod prune;
mod routes;
mod secrets;
mod service;
mod service_caller;
mod spans;
mod verification;
mod verifier;

#[cfg(feature = "openapi")]
use utoipa::OpenApi;

pub use self::participations::limits::JoinLimits;
pub use self::routes::routes;
pub use self::secrets::{Secrets, VerificationSecret};
pub use self::service::{
    ChallengeService, DecisionCounter, Parts, VerificationCounter, VerificationLabels,
};
pub use self::verifier::{CALLBACK_PATH, Verifier, VerifierContext, Verifiers, VerifiersError};

/// The part of the OpenAPI document about the challenge service.
#[cfg(feature = "openapi")]
#[derive(OpenApi)]
#[openapi(paths(
    challenge_requests::put::put,
    challenges::open::open,
    challenges::show::show,
    challenges::report::report,
    challenges::outcomes::outcomes,
    challenges::close::close,
    challenges::update::update,
    participations::create::create,
    participations::show::show,
    participations::feedback::give,
    verification::event::receive,
    verification::start::start,
    verification::callback::callback,
    verification::keys::keys,
    verifier::list::list,
    verifier::simulator::page::show,
    verifier::simulator::play::play,
))]
pub struct Paths;
