//! Runs other programs.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context, Result, bail};

/// The folder of the workspace.
pub(crate) fn root() -> &'static Path {
    let crate_folder = Path::new(env!("CARGO_MANIFEST_DIR"));
    crate_folder.parent().unwrap_or(crate_folder)
}

/// Creates a folder below `target/xtask`, for tools, logs and pictures.
pub(crate) fn workshop(name: &str) -> Result<PathBuf> {
    let folder = root().join("target/xtask").join(name);
    std::fs::create_dir_all(&folder)
        .with_context(|| format!("cannot create the folder {}", folder.display()))?;
    Ok(folder)
}

/// `cargo` with these arguments, in the workspace's folder.
///
/// The variables that cargo sets for a program that it runs, such as the package's name, are
/// removed: some build scripts run again when one of them changes.
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

/// Builds a program, and returns its path.
pub(crate) fn build(arguments: &[&str]) -> Result<PathBuf> {
    let common = ["build", "--quiet", "--message-format", "json-render-diagnostics"];
    let messages = output(cargo(&common).args(arguments))?;
    let mut programs = messages.lines().filter_map(|line| {
        let message: serde_json::Value = serde_json::from_str(line).ok()?;
        message.get("executable")?.as_str().map(PathBuf::from)
    });
    programs.next_back().context("cargo does not say where the program is")
}

/// Prints the command and runs it without input. Fails if the command fails.
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

/// Runs the command without input, and returns its standard output. Its standard error is that of
/// this process.
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
        .with_context(|| format!("the output of `{}` is not UTF-8", text(command)))
}

/// Prints the command, runs it without input, and returns its standard output and standard error.
/// If the command fails, they are in the error.
pub(crate) fn transcript(command: &mut Command) -> Result<String> {
    println!("$ {}", text(command));
    let output = command
        .stdin(Stdio::null())
        .output()
        .with_context(|| format!("cannot run {}", text(command)))?;
    let transcript = [output.stdout, output.stderr]
        .map(|part| String::from_utf8_lossy(&part).into_owned())
        .concat();
    if !output.status.success() {
        bail!("`{}` ended with {}:\n{transcript}", text(command), output.status);
    }
    Ok(transcript)
}

/// Whether the command can be run and succeeds. Its output is discarded.
pub(crate) fn succeeds(command: &mut Command) -> bool {
    let silent = command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    silent.status().is_ok_and(|status| status.success())
}

/// The path of a program in the folders of `PATH`.
pub(crate) fn which(program: &str) -> Option<PathBuf> {
    std::env::split_paths(&std::env::var_os("PATH")?)
        .map(|folder| folder.join(program))
        .find(|path| path.is_file())
}

/// The command as a user would type it: paths are relative to the workspace, other programs have no
/// path.
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
