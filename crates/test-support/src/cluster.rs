use std::fs;
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::path::{Path, PathBuf};

use tempfile::TempDir;

use crate::ClusterError;
use crate::certificates::{self, AUTHORITY, SERVER, SERVER_KEY};
use crate::installation::{Installation, run};

/// The superuser, which needs no password.
const USER: &str = "fieldtest";

/// How long a start may take, recovery after a crash included.
const SECONDS_TO_START: &str = "60";

/// How many ports are tried, in case another process takes one between the choice and the start.
const PORTS: u32 = 5;

/// Whether committed transactions survive a crash of the server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Durability {
    /// Commits are synced to the disk, as by default.
    Real,
    /// Nothing is synced: for tests without crashes.
    Fast,
}

/// How the server is stopped.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stop {
    /// Connections are closed, and a checkpoint is written.
    Fast,
    /// At once and without a checkpoint, as in a crash.
    Immediate,
}

/// A PostgreSQL server with its data in a temporary folder. Dropping it stops the server and
/// deletes the data.
#[derive(Debug)]
pub struct Cluster {
    folder: TempDir,
    installation: Installation,
    port: u16,
    is_running: bool,
}

impl Cluster {
    /// Creates a cluster on a free port of 127.0.0.1 and starts it.
    ///
    /// # Errors
    /// When PostgreSQL is not installed or does not start.
    pub fn start(durability: Durability) -> Result<Self, ClusterError> {
        let installation = Installation::find()?;
        let folder = tempfile::tempdir().map_err(ClusterError::system("cannot make a folder"))?;
        installation.chown(folder.path())?;
        certificates::make(folder.path(), &installation)?;
        let data = folder.path().join("data");
        run(installation
            .command("initdb")
            .args([
                "--username",
                USER,
                "--auth",
                "trust",
                "--encoding",
                "UTF8",
                "--locale",
                "C",
                "--no-sync",
                "--pgdata",
            ])
            .arg(&data))?;
        let settings = settings(folder.path(), durability);
        fs::write(data.join("postgresql.auto.conf"), settings)
            .map_err(ClusterError::system("cannot configure"))?;
        fs::write(data.join("pg_hba.conf"), ACCESS)
            .map_err(ClusterError::system("cannot configure"))?;
        let mut cluster = Self { folder, installation, port: 0, is_running: false };
        cluster.start_on_any_port()?;
        cluster.psql(
            "postgres",
            &format!("CREATE ROLE {PASSWORD_USER} SUPERUSER LOGIN PASSWORD '{PASSWORD}'"),
        )?;
        Ok(cluster)
    }

    /// The URL of a database, without TLS.
    #[must_use]
    pub fn url(&self, database: &str) -> String {
        format!("postgres://{USER}@127.0.0.1:{}/{database}?sslmode=disable", self.port)
    }

    /// The URL of a database for a user with a password, without a query.
    #[must_use]
    pub fn url_with_password(&self, host: &str, database: &str) -> String {
        format!("postgres://{PASSWORD_USER}:{PASSWORD}@{host}:{}/{database}", self.port)
    }

    /// The address that the server listens on.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        SocketAddr::from((Ipv4Addr::LOCALHOST, self.port))
    }

    /// The file with the certificate of the authority that signed the server's certificate.
    #[must_use]
    pub fn authority(&self) -> PathBuf {
        self.folder.path().join(AUTHORITY)
    }

    /// Creates an empty database and returns its URL.
    ///
    /// # Errors
    /// When the server refuses to.
    pub fn create_database(&self, name: &str) -> Result<String, ClusterError> {
        self.psql("postgres", &format!("CREATE DATABASE {name}"))?;
        Ok(self.url(name))
    }

    /// Runs SQL in a database and returns what it prints: a line per row, `|` between columns.
    ///
    /// # Errors
    /// When the SQL fails.
    pub fn psql(&self, database: &str, sql: &str) -> Result<String, ClusterError> {
        self.psql_at(&self.url(database), sql)
    }

    /// Runs SQL over a connection to this URL.
    pub(crate) fn psql_at(&self, url: &str, sql: &str) -> Result<String, ClusterError> {
        let options =
            ["--no-psqlrc", "--quiet", "--tuples-only", "--no-align", "--set", "ON_ERROR_STOP=1"];
        let statement = ["--dbname", url, "--command", sql];
        run(self.installation.command("psql").args(options).args(statement))
    }

    pub(crate) fn installation(&self) -> &Installation {
        &self.installation
    }

    /// Replaces the server's certificate by one of version 1, as PostgreSQL's own recipe makes it.
    ///
    /// # Errors
    /// When openssl or the server fails.
    pub fn use_certificate_of_version_1(&self) -> Result<(), ClusterError> {
        certificates::make_version_1(self.folder.path(), &self.installation)?;
        self.psql("postgres", "SELECT pg_reload_conf()").map(drop)
    }

    /// Stops the server and keeps its data.
    ///
    /// # Errors
    /// When the server cannot be stopped.
    pub fn stop(&mut self, how: Stop) -> Result<(), ClusterError> {
        let mode = match how {
            Stop::Fast => "fast",
            Stop::Immediate => "immediate",
        };
        if self.is_running {
            self.stop_now(mode)?;
        }
        self.is_running = false;
        Ok(())
    }

    /// Starts a stopped server on the same port.
    ///
    /// # Errors
    /// When the server does not start.
    pub fn start_again(&mut self) -> Result<(), ClusterError> {
        self.start_on(self.port)
    }

    /// The path of one of PostgreSQL's programs, such as `pgbench`.
    #[must_use]
    pub fn program(&self, name: &str) -> PathBuf {
        self.installation.path(name)
    }

    fn data(&self) -> PathBuf {
        self.folder.path().join("data")
    }

    fn log(&self) -> PathBuf {
        self.data().join("server.log")
    }

    fn start_on_any_port(&mut self) -> Result<(), ClusterError> {
        let mut attempt = 1;
        loop {
            match self.start_on(free_port()?) {
                Err(_) if attempt < PORTS => attempt += 1,
                started => return started,
            }
        }
    }

    fn start_on(&mut self, port: u16) -> Result<(), ClusterError> {
        let mut start = self.installation.command("pg_ctl");
        start.args([
            "start",
            "--wait",
            "--timeout",
            SECONDS_TO_START,
            "--options",
            &format!("-p {port}"),
        ]);
        start.arg("--log").arg(self.log()).arg("--pgdata").arg(self.data());
        run(&mut start).map_err(|error| self.with_log(error))?;
        self.port = port;
        self.is_running = true;
        Ok(())
    }

    fn stop_now(&self, mode: &str) -> Result<(), ClusterError> {
        run(self
            .installation
            .command("pg_ctl")
            .args(["stop", "--mode", mode, "--pgdata"])
            .arg(self.data()))
        .map(drop)
    }

    /// Adds the log to the error: the log is deleted with the folder.
    fn with_log(&self, error: ClusterError) -> ClusterError {
        if !self.is_running {
            // A server that only took too long would keep running without its folder.
            let _ = self.stop_now("immediate");
        }
        match (error, fs::read_to_string(self.log())) {
            (ClusterError::Failed { program, output }, Ok(log)) => {
                ClusterError::Failed { program, output: format!("{output}\n{log}") }
            }
            (other, _) => other,
        }
    }
}

impl Drop for Cluster {
    fn drop(&mut self) {
        // There is no caller left for an error.
        let _ = self.stop(Stop::Immediate);
    }
}

const PASSWORD_USER: &str = "password_user";
const PASSWORD: &str = "open-sesame";

/// One user needs a password; all others on this machine need none.
const ACCESS: &str = "\
local all all                          trust
host  all password_user 127.0.0.1/32   scram-sha-256
host  all password_user ::1/128        scram-sha-256
host  all all           127.0.0.1/32   trust
";

fn settings(folder: &Path, durability: Durability) -> String {
    let folder = folder.display();
    let fast = match durability {
        Durability::Fast => "fsync = off\nfull_page_writes = off\n",
        Durability::Real => "",
    };
    format!(
        "listen_addresses = '127.0.0.1'
        unix_socket_directories = '{folder}'
        max_connections = 400
        shared_buffers = 64MB
        ssl = on
        ssl_cert_file = '{folder}/{SERVER}'
        ssl_key_file = '{folder}/{SERVER_KEY}'
        {fast}"
    )
}

pub(crate) fn free_port() -> Result<u16, ClusterError> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))
        .map_err(ClusterError::system("cannot take a port"))?;
    listener
        .local_addr()
        .map(|address| address.port())
        .map_err(ClusterError::system("cannot take a port"))
}
