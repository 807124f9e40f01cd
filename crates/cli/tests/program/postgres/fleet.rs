//! Three API replicas, two schedulers and two challenge services on one database.

use std::path::Path;
use std::sync::{Arc, Mutex};

use client::WorkspaceApi;
use tempfile::TempDir;
use test_support::{Cluster, Durability, Stop};

use super::balancer::{Addresses, balance};
use crate::process::Process;

const TOKEN: &str = "token-of-the-fleet";

/// What a replica is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Api,
    Scheduler,
    ChallengeServiceClient,
}

/// Who plays in it. The challenge services come first: the others want them.
const CAST: [Kind; 7] = [
    Kind::ChallengeServiceClient,
    Kind::ChallengeServiceClient,
    Kind::Api,
    Kind::Api,
    Kind::Api,
    Kind::Scheduler,
    Kind::Scheduler,
];

pub(super) struct Fleet {
    pub(super) cluster: Cluster,
    folder: TempDir,
    database_url: String,
    replicas: Vec<Option<Process>>,
    /// What the balancer in front of the API replicas knows.
    apis: Addresses,
    /// What the balancer in front of the challenge services knows.
    challenge_services: Addresses,
    pub(super) api_url: String,
    pub(super) tpas_url: String,
}

impl Fleet {
    pub(super) async fn start() -> Self {
        let cluster = Cluster::start(Durability::Real).unwrap();
        let database_url = cluster.create_database("fleet").unwrap();
        let (apis, challenge_services) = (Addresses::default(), Addresses::default());
        let mut fleet = Self {
            cluster,
            folder: tempfile::tempdir().unwrap(),
            database_url,
            replicas: CAST.iter().map(|_| None).collect(),
            api_url: balance(Arc::clone(&apis)).await,
            tpas_url: balance(Arc::clone(&challenge_services)).await,
            apis,
            challenge_services,
        };
        for index in 0..CAST.len() {
            fleet.start_replica(index);
        }
        fleet
    }

    pub(super) fn size(&self) -> usize {
        CAST.len()
    }

    pub(super) fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// The Workspace API, on whichever replica the balancer chooses.
    pub(super) fn api(&self) -> WorkspaceApi {
        let key = std::fs::read_to_string(self.folder().join("demo-api-key")).unwrap();
        WorkspaceApi::new(&self.api_url, key.trim()).unwrap()
    }

    /// `kill -9`, and a new one in its place.
    pub(super) fn replace(&mut self, index: usize) {
        self.replicas[index].take().unwrap().kill();
        self.start_replica(index);
    }

    /// The database crashes and recovers, under everybody's feet.
    pub(super) fn crash_database(&mut self) {
        self.cluster.stop(Stop::Immediate).unwrap();
        self.cluster.start_again().unwrap();
    }

    /// Every connection to the database is cut.
    pub(super) fn cut_connections(&self) {
        let cut =
            "SELECT COUNT(pg_terminate_backend(pid)) FROM pg_stat_activity WHERE datname = 'fleet'";
        self.cluster.psql("postgres", cut).unwrap();
    }

    fn start_replica(&mut self, index: usize) {
        let common = ["--database-url", &self.database_url, "--tpas-token", TOKEN];
        let elsewhere = ["--tpas-url", &self.tpas_url];
        let more: Vec<&str> = match CAST[index] {
            Kind::Api => [&common[..], &elsewhere, &["--roles", "api,web"]].concat(),
            Kind::Scheduler => [&common[..], &elsewhere, &["--roles", "scheduler"]].concat(),
            Kind::ChallengeServiceClient => {
                [&common[..], &["--roles", "tpas", "--public-url", &self.tpas_url]].concat()
            }
        };
        self.replicas[index] = Some(Process::serve(self.folder.path(), &more));
        let list = |addresses: &Mutex<Vec<String>>, kind| {
            let living = CAST.iter().zip(&self.replicas).filter(|(cast, _)| **cast == kind);
            let living = living.filter_map(|(_, replica)| replica.as_ref());
            *addresses.lock().unwrap() =
                living.map(|replica| replica.url.replace("http://", "")).collect();
        };
        list(&self.apis, Kind::Api);
        list(&self.challenge_services, Kind::ChallengeServiceClient);
    }
}
