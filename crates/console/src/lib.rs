//! The pages for people: the welcome page and the API reference.
//!
//! The numbers in brackets (§13) are sections of `docs/api-design.md`.

mod docs;
mod routes;
mod welcome;

pub use self::routes::routes;
