//! The relying party of OpenID Connect, as a verifier of fieldtest needs it (§10, `oidc`): the
//! authorization code flow with PKCE against one provider. Without web framework, database or page.
//!
//! Nothing that this crate says about a failure holds a code, token, claim, subject or secret.

mod algorithm;
mod attempt;
mod authorization;
mod check;
mod client_authentication;
mod configuration;
mod discovery;
mod error;
mod health;
mod http;
mod id_token;
mod jose;
mod keys;
mod relying_party;
mod token;
mod userinfo;

pub use algorithm::Algorithm;
pub use attempt::{Attempt, Callback};
pub use check::Finding;
pub use configuration::{
    AssertionAudience, ClientAuthentication, Configuration, ConfigurationError,
    PushedAuthorization, Secret,
};
pub use error::Failure;
pub use health::Health;
pub use relying_party::RelyingParty;
