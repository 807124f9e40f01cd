//! Programs that steps need and that cargo does not install.

use std::process::{Command, Stdio};

use anyhow::{Result, bail};

use crate::command::{output, run, succeeds, which};

/// A program that a step needs.
pub(crate) struct Tool {
    /// The name that users know.
    pub(crate) name: &'static str,
    pub(crate) is_installed: fn() -> bool,
    /// The Debian packages that contain it.
    pub(crate) packages: &'static [&'static str],
}

/// Python with what a virtual environment needs, which Debian ships separately.
pub(crate) const PYTHON: Tool = Tool {
    name: "Python 3 with its venv module",
    is_installed: || succeeds(Command::new("python3").args(["-c", "import venv, ensurepip"])),
    packages: &["python3", "python3-venv"],
};

/// Node.js.
pub(crate) const NODE: Tool =
    Tool { name: "Node.js", is_installed: || which("node").is_some(), packages: &["nodejs"] };

/// npm, which Debian ships separately from Node.js.
pub(crate) const NPM: Tool =
    Tool { name: "npm", is_installed: || which("npm").is_some(), packages: &["npm"] };

/// nginx, as a proxy in front of the program.
pub(crate) const NGINX: Tool =
    Tool { name: "nginx", is_installed: || which("nginx").is_some(), packages: &["nginx"] };

/// Caddy, as a proxy in front of the program.
pub(crate) const CADDY: Tool =
    Tool { name: "Caddy", is_installed: || which("caddy").is_some(), packages: &["caddy"] };

/// Java, which openapi-generator runs on.
pub(crate) const JAVA: Tool = Tool {
    name: "Java",
    is_installed: || succeeds(Command::new("java").arg("-version")),
    packages: &["default-jre-headless"],
};

/// openssl, which makes certificates.
pub(crate) const OPENSSL: Tool =
    Tool { name: "openssl", is_installed: || which("openssl").is_some(), packages: &["openssl"] };

/// Prometheus and promtool.
pub(crate) const PROMETHEUS: Tool = Tool {
    name: "Prometheus",
    is_installed: || which("prometheus").is_some() && which("promtool").is_some(),
    packages: &["prometheus"],
};

/// PostgreSQL, openssl for its certificates, and a pooler in front of it.
pub(crate) const POSTGRESQL: Tool = Tool {
    name: "PostgreSQL with openssl and PgBouncer",
    is_installed: test_support::postgres_is_installed,
    packages: &["postgresql", "openssl", "pgbouncer"],
};

/// A browser of Chromium's family, see [`chromium`].
pub(crate) const CHROMIUM: Tool =
    Tool { name: "Chromium", is_installed: || chromium().is_some(), packages: &["chromium"] };

/// The path of the browser, whose name differs between systems.
pub(crate) fn chromium() -> Option<std::path::PathBuf> {
    ["chromium", "chromium-browser", "google-chrome", "google-chrome-stable"]
        .into_iter()
        .find_map(which)
}

/// Ensures that the tools are installed. Missing ones are installed if this is Debian and the user
/// is root; otherwise they are named in the error.
pub(crate) fn need(tools: &[Tool]) -> Result<()> {
    let missing: Vec<&Tool> = tools.iter().filter(|tool| !(tool.is_installed)()).collect();
    if missing.is_empty() {
        return Ok(());
    }
    let names: Vec<&str> = missing.iter().map(|tool| tool.name).collect();
    if !is_debian_as_root() {
        bail!(
            "this step needs {}, which cannot be found: install it and run the step again",
            names.join(" and ")
        );
    }
    println!("installing with apt-get: {}", names.join(", "));
    run(&mut apt_get(&["update", "-qq"]))?;
    let packages = missing.iter().flat_map(|tool| tool.packages.iter().copied());
    run(apt_get(&["install", "-qq", "--yes", "--no-install-recommends"]).args(packages))?;
    match missing.iter().find(|tool| !(tool.is_installed)()) {
        Some(tool) => {
            bail!("{} is still not found after installing {}", tool.name, tool.packages.join(" "))
        }
        None => Ok(()),
    }
}

fn apt_get(arguments: &[&str]) -> Command {
    let mut command = Command::new("apt-get");
    // Standard output is only progress; errors are on standard error.
    command.env("DEBIAN_FRONTEND", "noninteractive").args(arguments).stdout(Stdio::null());
    command
}

fn is_debian_as_root() -> bool {
    let root = output(Command::new("id").arg("-u")).is_ok_and(|user| user.trim() == "0");
    root && which("apt-get").is_some() && std::path::Path::new("/etc/debian_version").exists()
}
