//! The same on PostgreSQL.

use std::fs;
use std::sync::atomic::{AtomicU32, Ordering};

use anyhow::{Context, Result};

use super::{claims, create};
use crate::program::Server;
use crate::rounds::{Figures, Ground};

/// fieldtest's tables, with the demo in them, in a database of their own that goes with this.
pub(crate) struct Tables<'a> {
    ground: &'a Ground,
    data: tempfile::TempDir,
    name: String,
    pub(crate) url: String,
}

impl<'a> Tables<'a> {
    pub(crate) fn make(ground: &'a Ground) -> Result<Self> {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let name = format!("bench_{}", COUNT.fetch_add(1, Ordering::Relaxed));
        let url = ground.cluster()?.create_database(&name)?;
        let tables = Self { ground, data: ground.program.new_data()?, name, url };
        tables.serve()?.stop()?;
        Ok(tables)
    }

    pub(crate) fn serve(&self) -> Result<Server> {
        self.ground.program.serve(self.data.path(), &["--database-url", &self.url])
    }

    pub(crate) fn api_key(&self) -> Result<String> {
        let file = self.data.path().join("demo-api-key");
        Ok(fs::read_to_string(file).context("cannot read the demo's key")?.trim().to_owned())
    }

    /// The demo's workspace.
    pub(crate) fn workspace(&self) -> Result<String> {
        let found = self
            .ground
            .cluster()?
            .psql(&self.name, "SELECT id FROM fieldtest_connect.workspaces")?;
        Ok(found.trim().to_owned())
    }
}

impl Drop for Tables<'_> {
    fn drop(&mut self) {
        // It goes with the cluster at the latest.
        if let Ok(cluster) = self.ground.cluster() {
            let _ = cluster.psql("postgres", &format!("DROP DATABASE {} WITH (FORCE)", self.name));
        }
    }
}

pub(crate) fn create_1(ground: &Ground) -> Result<Figures> {
    create::create(ground, &Tables::make(ground)?.serve()?, 1)
}

pub(crate) fn create_64(ground: &Ground) -> Result<Figures> {
    create::create(ground, &Tables::make(ground)?.serve()?, 64)
}

pub(crate) fn create_512(ground: &Ground) -> Result<Figures> {
    create::create(ground, &Tables::make(ground)?.serve()?, 512)
}

pub(crate) fn create_open(ground: &Ground) -> Result<Figures> {
    create::at_half_rate(ground, &Tables::make(ground)?.serve()?)
}

pub(crate) fn claims_64(ground: &Ground) -> Result<Figures> {
    claims::rush(ground, &Tables::make(ground)?.serve()?, 64)
}

pub(crate) fn claims_10000(ground: &Ground) -> Result<Figures> {
    claims::rush(ground, &Tables::make(ground)?.serve()?, 10_000)
}
