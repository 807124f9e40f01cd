//! The cases on PostgreSQL.

use std::fs;
use std::sync::atomic::{AtomicU32, Ordering};

use anyhow::{Context, Result};

use super::{claims, create};
use crate::context::{BenchContext, Figures};
use crate::program::Server;

/// A database with fieldtest's tables and the demo workspace. Dropping it deletes the database.
pub(crate) struct Deployment<'a> {
    context: &'a BenchContext,
    data: tempfile::TempDir,
    name: String,
    pub(crate) url: String,
}

impl<'a> Deployment<'a> {
    pub(crate) fn create(context: &'a BenchContext) -> Result<Self> {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let name = format!("bench_{}", COUNT.fetch_add(1, Ordering::Relaxed));
        let url = context.cluster()?.create_database(&name)?;
        let deployment = Self { context, data: context.program.new_data()?, name, url };
        deployment.serve()?.stop()?;
        Ok(deployment)
    }

    pub(crate) fn serve(&self) -> Result<Server> {
        self.context.program.serve(self.data.path(), &["--database-url", &self.url])
    }

    pub(crate) fn api_key(&self) -> Result<String> {
        let file = self.data.path().join("demo-api-key");
        Ok(fs::read_to_string(file)
            .context("cannot read the demo workspace's key")?
            .trim()
            .to_owned())
    }

    /// The id of the demo workspace.
    pub(crate) fn workspace(&self) -> Result<String> {
        let found = self
            .context
            .cluster()?
            .psql(&self.name, "SELECT id FROM fieldtest_connect.workspaces")?;
        Ok(found.trim().to_owned())
    }
}

impl Drop for Deployment<'_> {
    fn drop(&mut self) {
        // If this fails, the database is deleted with the cluster.
        if let Ok(cluster) = self.context.cluster() {
            let _ = cluster.psql("postgres", &format!("DROP DATABASE {} WITH (FORCE)", self.name));
        }
    }
}

pub(crate) fn create_1(context: &BenchContext) -> Result<Figures> {
    create::create(context, &Deployment::create(context)?.serve()?, 1)
}

pub(crate) fn create_64(context: &BenchContext) -> Result<Figures> {
    create::create(context, &Deployment::create(context)?.serve()?, 64)
}

pub(crate) fn create_512(context: &BenchContext) -> Result<Figures> {
    create::create(context, &Deployment::create(context)?.serve()?, 512)
}

pub(crate) fn create_open(context: &BenchContext) -> Result<Figures> {
    create::at_half_rate(context, &Deployment::create(context)?.serve()?)
}

pub(crate) fn claims_64(context: &BenchContext) -> Result<Figures> {
    claims::claim(context, &Deployment::create(context)?.serve()?, 64)
}

pub(crate) fn claims_10000(context: &BenchContext) -> Result<Figures> {
    claims::claim(context, &Deployment::create(context)?.serve()?, 10_000)
}
