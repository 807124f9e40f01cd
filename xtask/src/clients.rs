//! Generates clients for TypeScript, Python and Rust from the OpenAPI document by several generators,
//! type-checks them, and runs the programs in `xtask/clients`, which follow the README's first
//! minute on a server.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail};

use crate::command::{self, workshop};
use crate::server::{DEMO_KEY, Server};
use crate::{generate, packages, tools};

/// The folder of each client: a program, its configuration, and the lock file of its tools.
const TYPESCRIPT: &str = "xtask/clients/typescript";
const PYTHON: &str = "xtask/clients/python";
const OPENAPI_TYPESCRIPT: &str = "xtask/clients/openapi-typescript";
const PYTHON_OPENAPI_GENERATOR: &str = "xtask/clients/python-openapi-generator";
const RUST: &str = "xtask/clients/rust";
const TYPESCRIPT_FETCH: &str = "xtask/clients/typescript-fetch";

/// The folder with the pins of openapi-generator and of what its Python client needs.
const OPENAPI_GENERATOR: &str = "xtask/clients/openapi-generator";

/// Generates and type-checks each client, starts a server and runs the programs against it.
pub(crate) fn run() -> Result<()> {
    tools::need(&[tools::NODE, tools::NPM, tools::PYTHON, tools::JAVA])?;
    let document = workshop("clients")?.join("openapi.json");
    fs::write(&document, generate::openapi("3.1")?)
        .with_context(|| format!("cannot write {}", document.display()))?;
    let generate =
        [typescript, python, openapi_typescript, typescript_fetch, python_openapi_generator, rust];
    let programs: Vec<Command> =
        generate.into_iter().map(|generate| generate(&document)).collect::<Result<_>>()?;
    let server = Server::start("clients")?;
    for mut program in programs {
        let program = program.env("ORIGIN", server.url()).env("DOCUMENT", &document);
        command::run(program.env("API_KEY", server.secret(DEMO_KEY)?))?;
    }
    server.stop()
}

/// Generates with openapi-ts and checks with tsc. Returns the command that runs the program.
fn typescript(document: &Path) -> Result<Command> {
    let folder = packages::npm(TYPESCRIPT, "clients/typescript")?;
    let tool = |name| Command::new(folder.join("node_modules/.bin").join(name));
    let mut generator = tool("openapi-ts");
    // Warnings of Node.js about the generator itself say nothing about the document.
    generator
        .arg("-i")
        .arg(document)
        .args(["-o", "fieldtest"])
        .env("NODE_NO_WARNINGS", "1")
        .current_dir(&folder);
    let log = command::transcript(&mut generator)?;
    // The generator does not fail on what it does not support: it warns, or leaves out the type.
    if log.to_lowercase().contains("warn") {
        bail!("openapi-ts warns:\n{log}");
    }
    let types = folder.join("fieldtest/types.gen.ts");
    let text =
        fs::read_to_string(&types).with_context(|| format!("cannot read {}", types.display()))?;
    if let Some(line) = untyped_response(&text) {
        bail!("{}:{line}: a response has no type", types.display());
    }
    compiled(folder)
}

/// Generates types with openapi-typescript, for openapi-fetch, and checks with tsc.
fn openapi_typescript(document: &Path) -> Result<Command> {
    let folder = packages::npm(OPENAPI_TYPESCRIPT, "clients/openapi-typescript")?;
    let mut generator = Command::new(folder.join("node_modules/.bin/openapi-typescript"));
    generator.arg(document).args(["--output", "fieldtest.d.ts"]);
    command::run(generator.current_dir(&folder))?;
    compiled(folder)
}

/// Generates with the generator `typescript-fetch` of openapi-generator, and checks with tsc.
fn typescript_fetch(document: &Path) -> Result<Command> {
    let folder = packages::npm(TYPESCRIPT_FETCH, "clients/typescript-fetch")?;
    let tools = packages::pip(OPENAPI_GENERATOR, "clients/openapi-generator")?;
    openapi_generator(&tools, document, &folder, "typescript-fetch", "importFileExtension=.js")?;
    compiled(folder)
}

/// Generates with the generator `python` of openapi-generator, and checks with mypy.
fn python_openapi_generator(document: &Path) -> Result<Command> {
    let folder = packages::copy(PYTHON_OPENAPI_GENERATOR, "clients/python-openapi-generator")?;
    let tools = packages::pip(OPENAPI_GENERATOR, "clients/openapi-generator")?;
    openapi_generator(&tools, document, &folder, "python", "packageName=fieldtest")?;
    // The package is inside the generated project.
    let project = folder.join("fieldtest");
    let mut mypy = Command::new(tools.join("mypy"));
    mypy.args(["--strict", "main.py"]).env("MYPYPATH", &project).current_dir(&folder);
    command::run(&mut mypy)?;
    let mut program = Command::new(tools.join("python"));
    program.arg("main.py").env("PYTHONPATH", project).current_dir(folder);
    Ok(program)
}

/// Generates with the generator `rust` of openapi-generator from the document for OpenAPI 3.0, and
/// builds.
fn rust(document: &Path) -> Result<Command> {
    let document = document.with_file_name("openapi-3.0.json");
    fs::write(&document, generate::openapi("3.0")?)
        .with_context(|| format!("cannot write {}", document.display()))?;
    let folder = packages::copy(RUST, "clients/rust")?;
    let tools = packages::pip(OPENAPI_GENERATOR, "clients/openapi-generator")?;
    openapi_generator(&tools, &document, &folder, "rust", "packageName=fieldtest")?;
    // In a folder of its own, whatever the caller's environment says.
    let target = folder.join("target");
    let mut build = command::cargo(&["build", "--quiet", "--locked", "--target-dir"]);
    command::run(build.arg(&target).current_dir(&folder))?;
    Ok(Command::new(target.join("debug/first-minute")))
}

/// Generates into the folder `fieldtest` of `folder`.
fn openapi_generator(
    tools: &Path,
    document: &Path,
    folder: &Path,
    generator: &str,
    property: &str,
) -> Result<()> {
    let mut program = Command::new(tools.join("openapi-generator-cli"));
    program.args(["generate", "--generator-name", generator, "--output", "fieldtest"]);
    program.args(["--additional-properties", property, "--input-spec"]).arg(document);
    let log = command::transcript(program.current_dir(folder))?;
    if log.contains("ERROR") {
        bail!("openapi-generator reports errors:\n{log}");
    }
    Ok(())
}

/// Compiles the program in the folder with tsc. Returns the command that runs it.
fn compiled(folder: PathBuf) -> Result<Command> {
    command::run(Command::new(folder.join("node_modules/.bin/tsc")).current_dir(&folder))?;
    let mut program = Command::new("node");
    program.arg("build/main.js").current_dir(folder);
    Ok(program)
}

/// The number of the first line, from 1, that gives a response the type `unknown`.
fn untyped_response(types: &str) -> Option<usize> {
    let is_untyped = |line: &str| {
        let status = line.trim().strip_suffix(": unknown;");
        status.is_some_and(|status| status.parse::<u16>().is_ok())
    };
    types.lines().position(is_untyped).map(|index| index + 1)
}

/// Generates with openapi-python-client and checks with mypy. Returns the command that runs the
/// program.
fn python(document: &Path) -> Result<Command> {
    let tools = packages::pip(PYTHON, "clients/python")?;
    let folder = packages::copy(PYTHON, "clients/python")?;
    let mut generator = Command::new(tools.join("openapi-python-client"));
    generator.args(["generate", "--fail-on-warning", "--config", "config.yaml", "--overwrite"]);
    generator.args(["--meta", "none", "--output-path", "fieldtest", "--path"]).arg(document);
    command::run(generator.current_dir(&folder))?;
    command::run(
        Command::new(tools.join("mypy")).args(["--strict", "main.py"]).current_dir(&folder),
    )?;
    let mut program = Command::new(tools.join("python"));
    program.arg("main.py").current_dir(folder);
    Ok(program)
}

#[cfg(test)]
mod tests {
    use super::untyped_response;

    #[test]
    fn only_responses_must_have_a_type() {
        assert_eq!(untyped_response("type A = {\n    200: unknown;\n};"), Some(2));
        let types = "type A = {\n    200: Health;\n    value?: unknown;\n};";
        assert_eq!(untyped_response(types), None);
    }
}
