//! `fieldtest openapi` (§13).

use clap::{Args, ValueEnum};

use crate::failure::Failure;
use crate::output;

const EXAMPLES: &str = "\
Examples:
  fieldtest openapi > openapi.json
  fieldtest openapi --version 3.0 > openapi-3.0.json";

/// The arguments of `openapi`.
#[derive(Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct OpenapiArguments {
    /// The version of OpenAPI: 3.0 is for programs that do not read 3.1
    #[arg(long, value_name = "VERSION", default_value = "3.1")]
    version: Version,
}

/// A version of OpenAPI.
#[derive(Clone, Copy, ValueEnum)]
enum Version {
    #[value(name = "3.1")]
    V3_1,
    #[value(name = "3.0")]
    V3_0,
}

/// Prints the document.
pub(crate) fn run(OpenapiArguments { version }: &OpenapiArguments) -> Result<(), Failure> {
    output::print(&match version {
        Version::V3_1 => server::openapi_json(),
        Version::V3_0 => server::openapi_3_0_json(),
    })
}
