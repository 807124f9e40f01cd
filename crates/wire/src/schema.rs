//! Words of the OpenAPI document that utoipa does not know. Each says what it describes itself,
//! because utoipa takes no description from beside them.

use utoipa::openapi::extensions::Extensions;
use utoipa::openapi::schema::{Object, ObjectBuilder, SchemaType, Type};

/// A text that is always this one: by it the variants of a choice are told apart.
///
/// An `enum` with one value says the same, but generators of clients make a type with a name of its
/// own of that.
pub(crate) fn constant(text: &str, description: &str) -> Object {
    ObjectBuilder::new()
        .schema_type(SchemaType::Type(Type::String))
        .description(Some(description))
        .extensions(Some(Extensions::from_iter([("const", text)])))
        .build()
}

/// What is always null.
pub(crate) fn null() -> Object {
    ObjectBuilder::new()
        .schema_type(SchemaType::Type(Type::Null))
        .description(Some("Always null."))
        .build()
}
