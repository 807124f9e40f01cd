//! API keys of workspaces (§2).

pub(crate) mod create;
mod read;
pub(crate) mod record_uses;
pub(crate) mod revoke;
