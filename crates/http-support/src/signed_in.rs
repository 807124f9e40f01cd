//! Requests that a page of this process makes to the API for a person who is signed in (§14).

use domain::api_key::SecretHash;

/// The API key that a person is signed in with, in the extensions of a request. It stands for the
/// bearer token. A request from outside cannot carry it.
#[derive(Clone, Copy)]
pub struct SignedInKey(pub SecretHash);
