//! Other programs, run where everybody can see it.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context, Result, bail};

/// The folder of the workspace.
pub(crate) fn root() -> &'static Path {
    let own = Path::new(env!("CARGO_MANIFEST_DIR"));
    own.parent().unwrap_or(own)
}

/// A folder below `target` for what xtask makes: tools, logs, pictures.
pub(crate) fn workshop(name: &str) -> Result<PathBuf> {
    let folder = root().join("target/xtask").join(name);
    std::fs::create_dir_all(&folder)
        .with_context(|| format!("cannot make the folder {}", folder.display()))?;
    Ok(folder)
}

/// `cargo` with these arguments, in the workspace's folder, as if xtask were not a cargo program
/// itself.
///
/// What cargo tells a program that it runs (whose package it is, and so on) must not reach another
/// cargo: some dependencies build again when one of these variables changes.
pub(crate) fn cargo(arguments: &[&str]) -> Command {
    let mut command = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    for (name, _) in std::env::vars_os() {
        let text = name.to_string_lossy();
        if ["CARGO_PKG_", "CARGO_MANIFEST_", "CARGO_BIN_", "CARGO_CRATE_"]
            .iter()
            .any(|start| text.starts_with(start))
        {
            command.env_remove(&name);
        }
    }
    command.args(arguments).current_dir(root());
    command
}

/// Shows the command, runs it without input, and fails if it fails.
pub(crate) fn run(command: &mut Command) -> Result<()> {
    println!("$ {}", text(command));
    let status = command
        .stdin(Stdio::null())
        .status()
        .with_context(|| format!("cannot run {}", text(command)))?;
    if !status.success() {
        bail!("`{}` ended with {status}", text(command));
    }
    Ok(())
}

/// Runs the command without input and gives what it wrote to standard output; its complaints go
/// where ours go.
pub(crate) fn output(command: &mut Command) -> Result<String> {
    let output = command
        .stdin(Stdio::null())
        .stderr(Stdio::inherit())
        .output()
        .with_context(|| format!("cannot run {}", text(command)))?;
    if !output.status.success() {
        bail!("`{}` ended with {}", text(command), output.status);
    }
    String::from_utf8(output.stdout)
        .with_context(|| format!("`{}` wrote something else than text", text(command)))
}

/// Shows the command, runs it without input and gives all that it said; fails, and says it, if the
/// command fails.
pub(crate) fn transcript(command: &mut Command) -> Result<String> {
    println!("$ {}", text(command));
    let output = command
        .stdin(Stdio::null())
        .output()
        .with_context(|| format!("cannot run {}", text(command)))?;
    let said = [output.stdout, output.stderr]
        .map(|part| String::from_utf8_lossy(&part).into_owned())
        .concat();
    if !output.status.success() {
        bail!("`{}` ended with {}:\n{said}", text(command), output.status);
    }
    Ok(said)
}

/// Whether the command can be run and succeeds; it prints nothing.
pub(crate) fn succeeds(command: &mut Command) -> bool {
    let silent = command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    silent.status().is_ok_and(|status| status.success())
}

/// Where this program is, if `PATH` has it.
pub(crate) fn which(program: &str) -> Option<PathBuf> {
    std::env::split_paths(&std::env::var_os("PATH")?)
        .map(|folder| folder.join(program))
        .find(|path| path.is_file())
}

/// The command as one would type it: paths below the workspace made short, programs from elsewhere
/// by name alone.
fn text(command: &Command) -> String {
    let here = format!("{}/", root().display());
    let program = command.get_program().to_string_lossy().replace(&here, "");
    let name = if program.starts_with('/') {
        program.rsplit('/').next().unwrap_or_default()
    } else {
        &program
    };
    let arguments =
        command.get_args().map(|argument| argument.to_string_lossy().replace(&here, ""));
    std::iter::once(name.to_owned()).chain(arguments).collect::<Vec<_>>().join(" ")
}
