//! Schemas that utoipa cannot derive. Each takes its description as an argument, because utoipa
//! ignores the doc comment of a field with `schema_with`.

use utoipa::openapi::extensions::Extensions;
use utoipa::openapi::schema::{Object, ObjectBuilder, SchemaType, Type};

/// A string with a constant value, which discriminates the variants of a union.
///
/// An `enum` with one value means the same, but client generators create a separate type for it.
pub(crate) fn constant(text: &str, description: &str) -> Object {
    ObjectBuilder::new()
        .schema_type(SchemaType::Type(Type::String))
        .description(Some(description))
        .extensions(Some(Extensions::from_iter([("const", text)])))
        .build()
}
