//! Servers of the real program. They are killed when they are dropped.

use std::path::Path;

use client::WorkspaceApi;
use test_support::{Server, ServerCommand};

use crate::program::PROGRAM;

/// Starts a server that logs warnings.
pub(crate) fn serve(data_dir: &Path, options: &[&str]) -> Server {
    command(data_dir, "warn", options).start().unwrap()
}

/// Starts a server that logs into a file, from this level on.
pub(crate) fn serve_and_log_at(
    level: &str,
    data_dir: &Path,
    log: &Path,
    options: &[&str],
) -> Server {
    command(data_dir, level, options).log_to(log).start().unwrap()
}

/// Starts a server that logs every event into a file.
pub(crate) fn serve_and_log(data_dir: &Path, log: &Path, options: &[&str]) -> Server {
    serve_and_log_at("trace", data_dir, log, options)
}

/// Stops a server, and starts one on the same data and at the same address.
pub(crate) fn restart(server: Server, data_dir: &Path) -> Server {
    let address = server.address();
    server.stop().unwrap();
    command(data_dir, "warn", &[]).listen(address).start().unwrap()
}

fn command(data_dir: &Path, log_level: &str, options: &[&str]) -> ServerCommand {
    let command = ServerCommand::new(Path::new(PROGRAM), data_dir);
    command.options(&["--log-level", log_level]).options(options)
}

/// A client of the Workspace API with the key of the demo workspace.
pub(crate) fn workspace_api(server: &Server) -> WorkspaceApi {
    WorkspaceApi::new(&server.url(), &server.secret("demo-api-key").unwrap()).unwrap()
}
