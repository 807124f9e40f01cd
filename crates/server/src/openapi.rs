//! The OpenAPI document (§13): `docs/openapi.json`, which `cargo xtask generate` writes.

/// The document as indented JSON.
pub(crate) const JSON: &str = include_str!("../../../docs/openapi.json");
