//! `cargo xtask check`: static checks of the code and its dependencies.

use anyhow::Result;

use crate::command::{cargo, run};
use crate::steps::Step;
use crate::{deny, generate, openapi_lint};

/// The steps, the quickest first.
pub(crate) const STEPS: &[Step] = &[
    Step { name: "format", about: "the code is formatted", run: format, gate: false },
    Step { name: "clippy", about: "no lint warns", run: clippy, gate: false },
    Step {
        name: "docs",
        about: "the documentation builds without a warning",
        run: docs,
        gate: false,
    },
    Step {
        name: "generated",
        about: "generated files are up to date",
        run: generate::compare,
        gate: false,
    },
    Step {
        name: "redocly",
        about: "Redocly finds no error and no warning in the OpenAPI documents",
        run: openapi_lint::redocly,
        gate: false,
    },
    Step {
        name: "spectral",
        about: "Spectral finds no error and no warning in the OpenAPI documents",
        run: openapi_lint::spectral,
        gate: false,
    },
    Step {
        name: "deny",
        about: "dependencies, their licences and their sources are allowed",
        run: deny::run,
        gate: false,
    },
];

fn format() -> Result<()> {
    run(&mut cargo(&["fmt", "--all", "--check"]))
}

fn clippy() -> Result<()> {
    let arguments = ["clippy", "--workspace", "--all-targets", "--all-features", "--quiet"];
    run(cargo(&arguments).args(["--", "-D", "warnings"]))
}

fn docs() -> Result<()> {
    run(cargo(&["doc", "--no-deps", "--workspace", "--quiet"]).env("RUSTDOCFLAGS", "-Dwarnings"))
}
