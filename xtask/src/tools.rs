//! Programs that some steps need and that cargo cannot bring.

use std::process::{Command, Stdio};

use anyhow::{Result, bail};

use crate::command::{output, run, succeeds, which};

/// A program that must be there.
pub(crate) struct Tool {
    /// How people call it.
    pub(crate) name: &'static str,
    pub(crate) is_there: fn() -> bool,
    /// The Debian packages that bring it.
    pub(crate) packages: &'static [&'static str],
}

/// Python with all that a virtual environment needs; Debian ships the latter apart.
pub(crate) const PYTHON: Tool = Tool {
    name: "Python 3 with its venv module",
    is_there: || succeeds(Command::new("python3").args(["-c", "import venv, ensurepip"])),
    packages: &["python3", "python3-venv"],
};

/// Node.js.
pub(crate) const NODE: Tool =
    Tool { name: "Node.js", is_there: || which("node").is_some(), packages: &["nodejs"] };

/// npm, which Debian ships apart from Node.js.
pub(crate) const NPM: Tool =
    Tool { name: "npm", is_there: || which("npm").is_some(), packages: &["npm"] };

/// PostgreSQL's server, and what makes certificates for it.
pub(crate) const POSTGRESQL: Tool = Tool {
    name: "PostgreSQL with openssl",
    is_there: test_support::are_installed,
    packages: &["postgresql", "openssl"],
};

/// A browser of Chromium's family, see [`chromium`].
pub(crate) const CHROMIUM: Tool =
    Tool { name: "Chromium", is_there: || chromium().is_some(), packages: &["chromium"] };

/// The browser, under the names that systems give it.
pub(crate) fn chromium() -> Option<std::path::PathBuf> {
    ["chromium", "chromium-browser", "google-chrome", "google-chrome-stable"]
        .into_iter()
        .find_map(which)
}

/// Makes sure that the tools are there: on Debian as root what is missing gets installed, elsewhere
/// it is named.
pub(crate) fn need(tools: &[Tool]) -> Result<()> {
    let missing: Vec<&Tool> = tools.iter().filter(|tool| !(tool.is_there)()).collect();
    if missing.is_empty() {
        return Ok(());
    }
    let names: Vec<&str> = missing.iter().map(|tool| tool.name).collect();
    if !is_debian_as_root() {
        bail!(
            "this step needs {}, which cannot be found: install that and run the step again",
            names.join(" and ")
        );
    }
    println!("not found, so apt-get installs it now: {}", names.join(", "));
    run(&mut apt_get(&["update", "-qq"]))?;
    let packages = missing.iter().flat_map(|tool| tool.packages.iter().copied());
    run(apt_get(&["install", "-qq", "--yes", "--no-install-recommends"]).args(packages))?;
    match missing.iter().find(|tool| !(tool.is_there)()) {
        Some(tool) => {
            bail!("{} is still not found after installing {}", tool.name, tool.packages.join(" "))
        }
        None => Ok(()),
    }
}

fn apt_get(arguments: &[&str]) -> Command {
    let mut command = Command::new("apt-get");
    // What it does fills pages; what goes wrong is on standard error.
    command.env("DEBIAN_FRONTEND", "noninteractive").args(arguments).stdout(Stdio::null());
    command
}

fn is_debian_as_root() -> bool {
    let root = output(Command::new("id").arg("-u")).is_ok_and(|user| user.trim() == "0");
    root && which("apt-get").is_some() && std::path::Path::new("/etc/debian_version").exists()
}
