//! Runs the script in `xtask/browser` against a server with a real browser: the pages load, fit the
//! screen, load nothing from other hosts, and a tester gets a stamp with them.

use std::fs;
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result};

use crate::command::{self, workshop};
use crate::server::{DEMO_KEY, Server};
use crate::{packages, tools};

/// The folder with the script and the lock file of its dependencies.
pub(crate) const FOLDER: &str = "xtask/browser";

/// Installs what the script needs, starts a server and runs the script.
pub(crate) fn run() -> Result<()> {
    tools::need(&[tools::NODE, tools::NPM, tools::CHROMIUM])?;
    let folder = packages::npm(FOLDER, "browser")?;
    let (port, provider_port) = (free_port()?, free_port()?);
    let workshop_folder = workshop("browser-verifiers")?;
    let verifiers = write_verifiers(&workshop_folder, provider_port)?;
    let options = ["--verifiers", &*verifiers.to_string_lossy()].map(str::to_owned);
    let server = Server::start_at("browser", port, &options)?;
    command::run(
        Command::new("node")
            .arg(folder.join("main.mjs"))
            .env("ORIGIN", server.url())
            .env("PROVIDER_PORT", provider_port.to_string())
            .env("API_KEY", server.secret(DEMO_KEY)?)
            .env("CHROMIUM", tools::chromium().context("Chromium cannot be found any more")?)
            .env("PICTURES", workshop("browser-pictures")?)
            .current_dir(&folder),
    )?;
    server.stop()
}

/// A port that is free now. The server and the provider must know each other's before they start.
fn free_port() -> Result<u16> {
    let listener = TcpListener::bind(("127.0.0.1", 0)).context("no port is free")?;
    Ok(listener.local_addr()?.port())
}

/// A verifiers' file that has the provider of the script for MitID. Its name and its secret at the
/// provider are those of `provider.mjs`.
fn write_verifiers(folder: &Path, provider_port: u16) -> Result<PathBuf> {
    let (file, secret) = (folder.join("verifiers.toml"), folder.join("client-secret"));
    fs::write(&secret, "colon:plus+percent%space and more\n")
        .context("cannot write the client's secret")?;
    let text = format!(
        "[mitid]\nkind = \"oidc\"\nissuer = \"http://127.0.0.1:{provider_port}\"\n\
         client_id = \"field test:+\"\nclient_auth = \"client_secret_basic\"\n\
         client_secret_file = {secret:?}\n"
    );
    fs::write(&file, text).context("cannot write the verifiers' file")?;
    Ok(file)
}
