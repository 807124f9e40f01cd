//! PgBouncer in front of a cluster.

use std::fs;
use std::process::Child;

use tempfile::TempDir;

use crate::ClusterError;
use crate::cluster::{Cluster, free_port};

/// How PgBouncer hands out its connections to PostgreSQL.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PoolMode {
    /// One for each client, for as long as the client is connected.
    Session,
    /// One for each transaction.
    Transaction,
}

/// A PgBouncer. Dropping it ends it.
#[derive(Debug)]
pub struct Pooler {
    process: Child,
    port: u16,
    _folder: TempDir,
}

impl Pooler {
    /// Starts PgBouncer on a free port of 127.0.0.1, in front of all databases of the cluster.
    ///
    /// # Errors
    /// When PgBouncer is not installed or does not start.
    pub fn start(cluster: &Cluster, mode: PoolMode) -> Result<Self, ClusterError> {
        let failed = || ClusterError::system("cannot configure PgBouncer");
        let installation = cluster.installation();
        let folder = tempfile::tempdir().map_err(failed())?;
        let port = free_port()?;
        let mode = match mode {
            PoolMode::Session => "session",
            PoolMode::Transaction => "transaction",
        };
        let (settings, users) = (folder.path().join("pgbouncer.ini"), folder.path().join("users"));
        let text = format!(
            "[databases]\n* = host=127.0.0.1 port={}\n[pgbouncer]\nlisten_addr = 127.0.0.1\n\
             listen_port = {port}\nunix_socket_dir =\nauth_type = trust\nauth_file = {}\n\
             pool_mode = {mode}\ndefault_pool_size = 60\n",
            cluster.address().port(),
            users.display(),
        );
        fs::write(&settings, text).map_err(failed())?;
        fs::write(&users, "\"fieldtest\" \"\"\n").map_err(failed())?;
        for path in [folder.path(), &settings, &users] {
            installation.chown(path)?;
        }
        let program = installation.pgbouncer()?;
        let process = installation.command_at(&program).arg("--quiet").arg(&settings).spawn();
        let process = process.map_err(ClusterError::system("cannot run pgbouncer"))?;
        let pooler = Self { process, port, _folder: folder };
        pooler.wait(cluster)?;
        Ok(pooler)
    }

    /// The URL of a database through PgBouncer.
    #[must_use]
    pub fn url(&self, cluster: &Cluster, database: &str) -> String {
        let direct = format!(":{}/", cluster.address().port());
        cluster.url(database).replace(&direct, &format!(":{}/", self.port))
    }

    /// Asks until it answers, for a bounded number of times.
    fn wait(&self, cluster: &Cluster) -> Result<(), ClusterError> {
        const ATTEMPTS: u32 = 100;
        let mut attempt = 1;
        loop {
            match cluster.psql_at(&self.url(cluster, "postgres"), "SELECT 1") {
                Ok(_) => return Ok(()),
                Err(error) if attempt == ATTEMPTS => return Err(error),
                Err(_) => attempt += 1,
            }
        }
    }
}

impl Drop for Pooler {
    fn drop(&mut self) {
        // It is a child of this process, so it can be gone only if it was ended before.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}
