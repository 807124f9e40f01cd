use std::fs;
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::path::{Path, PathBuf};

use tempfile::TempDir;

use crate::ClusterError;
use crate::certificates::{self, AUTHORITY, SERVER, SERVER_KEY};
use crate::programs::{Programs, run};

/// Who may do everything, without a password.
const USER: &str = "fieldtest";

/// How long a start may take: after a crash there is something to be recovered.
const SECONDS_TO_START: &str = "60";

/// How often another port is tried if somebody has taken the last one.
const PORTS: u32 = 5;

/// Whether what was committed survives a crash of the server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Durability {
    /// As PostgreSQL's users have it.
    Real,
    /// Nothing is synced: for tests that crash nothing.
    Fast,
}

/// How the server is stopped.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stop {
    /// Connections are cut, everything is written down.
    Fast,
    /// As in a crash: at once.
    Immediate,
}

/// A PostgreSQL server with its data.
#[derive(Debug)]
pub struct Cluster {
    folder: TempDir,
    programs: Programs,
    port: u16,
    is_running: bool,
}

impl Cluster {
    /// Makes a new one and starts it.
    ///
    /// # Errors
    /// When PostgreSQL is not installed or does not start.
    pub fn start(durability: Durability) -> Result<Self, ClusterError> {
        let programs = Programs::find()?;
        let folder = tempfile::tempdir().map_err(ClusterError::system("cannot make a folder"))?;
        programs.hand_over(folder.path())?;
        certificates::make(folder.path(), &programs)?;
        let data = folder.path().join("data");
        run(programs
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
        let mut cluster = Self { folder, programs, port: 0, is_running: false };
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

    /// The URL of a database for a user with a password, without a `?` and what comes behind it.
    #[must_use]
    pub fn url_with_password(&self, host: &str, database: &str) -> String {
        format!("postgres://{PASSWORD_USER}:{PASSWORD}@{host}:{}/{database}", self.port)
    }

    /// Where the server listens.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        SocketAddr::from((Ipv4Addr::LOCALHOST, self.port))
    }

    /// The certificate of whoever has signed the server's.
    #[must_use]
    pub fn authority(&self) -> PathBuf {
        self.folder.path().join(AUTHORITY)
    }

    /// Makes an empty database; its URL.
    ///
    /// # Errors
    /// When the server does not make it.
    pub fn create_database(&self, name: &str) -> Result<String, ClusterError> {
        self.psql("postgres", &format!("CREATE DATABASE {name}"))?;
        Ok(self.url(name))
    }

    /// Runs SQL in a database; what it prints, a row a line, columns divided by `|`.
    ///
    /// # Errors
    /// When the server refuses it.
    pub fn psql(&self, database: &str, sql: &str) -> Result<String, ClusterError> {
        let options =
            ["--no-psqlrc", "--quiet", "--tuples-only", "--no-align", "--set", "ON_ERROR_STOP=1"];
        run(self.programs.command("psql").args(options).args([
            "--dbname",
            &self.url(database),
            "--command",
            sql,
        ]))
    }

    /// Stops the server; its data stay.
    ///
    /// # Errors
    /// When it cannot be stopped.
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

    /// Starts the server again where it was.
    ///
    /// # Errors
    /// When it does not start.
    pub fn start_again(&mut self) -> Result<(), ClusterError> {
        self.start_on(self.port)
    }

    /// Where one of PostgreSQL's own programs is, such as `pgbench`.
    #[must_use]
    pub fn program(&self, name: &str) -> PathBuf {
        self.programs.path(name)
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
                Err(_taken) if attempt < PORTS => attempt += 1,
                started => return started,
            }
        }
    }

    fn start_on(&mut self, port: u16) -> Result<(), ClusterError> {
        let mut start = self.programs.command("pg_ctl");
        start.args([
            "start",
            "--wait",
            "--timeout",
            SECONDS_TO_START,
            "--options",
            &format!("-p {port}"),
        ]);
        start.arg("--log").arg(self.log()).arg("--pgdata").arg(self.data());
        run(&mut start).map_err(|error| self.not_started(error))?;
        self.port = port;
        self.is_running = true;
        Ok(())
    }

    fn stop_now(&self, mode: &str) -> Result<(), ClusterError> {
        run(self
            .programs
            .command("pg_ctl")
            .args(["stop", "--mode", mode, "--pgdata"])
            .arg(self.data()))
        .map(drop)
    }

    /// Why the server did not start, in its own words: its log goes with the folder.
    fn not_started(&self, error: ClusterError) -> ClusterError {
        if !self.is_running {
            // One that only took too long would go on without its folder.
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
        // Nobody is left to be told.
        let _ = self.stop(Stop::Immediate);
    }
}

const PASSWORD_USER: &str = "password_user";
const PASSWORD: &str = "open-sesame";

/// One user needs a password; everybody else on this machine comes in.
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

fn free_port() -> Result<u16, ClusterError> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))
        .map_err(ClusterError::system("cannot take a port"))?;
    listener
        .local_addr()
        .map(|address| address.port())
        .map_err(ClusterError::system("cannot take a port"))
}
