//! Three API replicas, two schedulers and two challenge services on one database.

use std::path::Path;
use std::sync::{Arc, Mutex};

use client::WorkspaceApi;
use tempfile::TempDir;
use test_support::{Cluster, Durability, Server, Stop};

use super::balancer::{Addresses, balance};
use crate::server::serve;

const TOKEN: &str = "token-of-the-fleet";

/// The role of a replica.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Role {
    Api,
    Scheduler,
    ChallengeService,
}

/// The role of each replica. The challenge services start first, because the others need them.
const ROLES: [Role; 7] = [
    Role::ChallengeService,
    Role::ChallengeService,
    Role::Api,
    Role::Api,
    Role::Api,
    Role::Scheduler,
    Role::Scheduler,
];

pub(super) struct Fleet {
    pub(super) cluster: Cluster,
    folder: TempDir,
    database_url: String,
    replicas: Vec<Option<Server>>,
    /// The addresses behind the balancer of the API replicas.
    apis: Addresses,
    /// The addresses behind the balancer of the challenge services.
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
            replicas: ROLES.iter().map(|_| None).collect(),
            api_url: balance(Arc::clone(&apis)).await,
            tpas_url: balance(Arc::clone(&challenge_services)).await,
            apis,
            challenge_services,
        };
        for index in 0..ROLES.len() {
            fleet.start_replica(index);
        }
        fleet
    }

    pub(super) fn size(&self) -> usize {
        ROLES.len()
    }

    pub(super) fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// A client of the Workspace API through the balancer.
    pub(super) fn api(&self) -> WorkspaceApi {
        let key = std::fs::read_to_string(self.folder().join("demo-api-key")).unwrap();
        WorkspaceApi::new(&self.api_url, key.trim()).unwrap()
    }

    /// Kills a replica with SIGKILL, and starts another one.
    pub(super) fn replace(&mut self, index: usize) {
        self.replicas[index].take().unwrap().kill();
        self.start_replica(index);
    }

    /// Crashes the database while the replicas use it, and restarts it.
    pub(super) fn crash_database(&mut self) {
        self.cluster.stop(Stop::Immediate).unwrap();
        self.cluster.start_again().unwrap();
    }

    /// Closes every connection to the database.
    pub(super) fn cut_connections(&self) {
        let cut =
            "SELECT COUNT(pg_terminate_backend(pid)) FROM pg_stat_activity WHERE datname = 'fleet'";
        self.cluster.psql("postgres", cut).unwrap();
    }

    fn start_replica(&mut self, index: usize) {
        let common = ["--database-url", &self.database_url, "--tpas-token", TOKEN];
        let challenge_service = ["--tpas-url", &self.tpas_url];
        let more: Vec<&str> = match ROLES[index] {
            Role::Api => [&common[..], &challenge_service, &["--roles", "api,web"]].concat(),
            Role::Scheduler => {
                [&common[..], &challenge_service, &["--roles", "scheduler"]].concat()
            }
            Role::ChallengeService => {
                [&common[..], &["--roles", "tpas", "--public-url", &self.tpas_url]].concat()
            }
        };
        self.replicas[index] = Some(serve(self.folder.path(), &more));
        let update = |addresses: &Mutex<Vec<String>>, kind| {
            let running = ROLES.iter().zip(&self.replicas).filter(|(cast, _)| **cast == kind);
            let running = running.filter_map(|(_, replica)| replica.as_ref());
            *addresses.lock().unwrap() =
                running.map(|replica| replica.address().to_string()).collect();
        };
        update(&self.apis, Role::Api);
        update(&self.challenge_services, Role::ChallengeService);
    }
}
