//! Clients that others generate: from the OpenAPI document to a TypeScript and a Python program
//! that spend the README's first minute on a running server. What the programs do is in
//! `xtask/clients/`; this file has the clients made and checked.

use std::fs;
use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result, bail};

use crate::command::{self, workshop};
use crate::server::{DEMO_KEY, Server};
use crate::{generate, packages, tools};

/// A folder with a program, its configuration and its versions for each language.
const TYPESCRIPT: &str = "xtask/clients/typescript";
const PYTHON: &str = "xtask/clients/python";

/// Has both clients generated and type-checked, starts a server and runs both programs against it.
pub(crate) fn run() -> Result<()> {
    tools::need(&[tools::NODE, tools::NPM, tools::PYTHON])?;
    let document = workshop("clients")?.join("openapi.json");
    fs::write(&document, generate::openapi()?)
        .with_context(|| format!("cannot write {}", document.display()))?;
    let programs = [typescript(&document)?, python(&document)?];
    let server = Server::start("clients")?;
    for mut program in programs {
        let program = program.env("ORIGIN", &server.origin).env("DOCUMENT", &document);
        command::run(program.env("API_KEY", server.secret(DEMO_KEY)?))?;
    }
    server.stop()
}

/// Generates with openapi-ts, checks with tsc, and answers the program.
fn typescript(document: &Path) -> Result<Command> {
    let folder = packages::npm(TYPESCRIPT, "clients/typescript")?;
    let tool = |name| Command::new(folder.join("node_modules/.bin").join(name));
    let mut generator = tool("openapi-ts");
    // What Node.js has to say about the generator itself is not about the document.
    generator
        .arg("-i")
        .arg(document)
        .args(["-o", "fieldtest"])
        .env("NODE_NO_WARNINGS", "1")
        .current_dir(&folder);
    let said = command::transcript(&mut generator)?;
    // It does not fail where it does not understand: it warns, or gives up the type.
    if said.to_lowercase().contains("warn") {
        bail!("openapi-ts has a complaint:\n{said}");
    }
    let types = folder.join("fieldtest/types.gen.ts");
    let text =
        fs::read_to_string(&types).with_context(|| format!("cannot read {}", types.display()))?;
    if let Some(line) = answer_without_type(&text) {
        bail!("{}:{line}: an answer has no type", types.display());
    }
    command::run(tool("tsc").current_dir(&folder))?;
    let mut program = Command::new("node");
    program.arg("build/main.js").current_dir(folder);
    Ok(program)
}

/// The first line that says of an answer, of whatever status, that its body may be anything.
fn answer_without_type(types: &str) -> Option<usize> {
    let is_one = |line: &str| {
        let status = line.trim().strip_suffix(": unknown;");
        status.is_some_and(|status| status.parse::<u16>().is_ok())
    };
    types.lines().position(is_one).map(|index| index + 1)
}

/// Generates with openapi-python-client, checks with mypy, and answers the program.
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
    use super::answer_without_type;

    #[test]
    fn an_answer_without_a_type_is_noticed_and_a_member_without_one_is_not() {
        assert_eq!(answer_without_type("type A = {\n    200: unknown;\n};"), Some(2));
        assert_eq!(
            answer_without_type("type A = {\n    200: Health;\n    value?: unknown;\n};"),
            None
        );
    }
}
