//! Workspaces, their keys and their apps, created without the server.

use std::collections::BTreeSet;

use domain::api_key::{self, Access, ApiKey, SecretHash};
use domain::app::{App, ProviderState};
use domain::{Environment, WorkspaceId};
use store_workspace::{
    CreateApiKey, CreateApp, CreateWorkspace, RevokeApiKey, SetProvider, Workspace,
};

use super::TestServer;

impl TestServer {
    /// The id of the demo workspace.
    pub(crate) async fn demo_workspace(&self) -> WorkspaceId {
        let workspaces = self.with_store(async |store, _| store.workspaces().await).await;
        workspaces.unwrap().remove(0).id
    }

    /// A new workspace and a key of it with full access.
    pub(crate) async fn create_workspace(&self) -> (WorkspaceId, String) {
        let id = WorkspaceId::random(self.clock_and_rng.randomness());
        let workspace = Workspace { id: id.clone(), name: "Other".into(), created_at: self.now() };
        let write = CreateWorkspace(workspace);
        self.with_store(async |store, _| store.create_workspace(write).await).await.unwrap();
        let key = self.create_key(&id, |_| {}).await;
        (id, key)
    }

    /// The secret of a new key of this workspace.
    pub(crate) async fn create_key(
        &self,
        workspace_id: &WorkspaceId,
        change: impl FnOnce(&mut ApiKey),
    ) -> String {
        self.create_key_for(self.environment, workspace_id, change).await
    }

    /// The secret of a new key of this workspace for one kind of deployment.
    pub(crate) async fn create_key_for(
        &self,
        environment: Environment,
        workspace_id: &WorkspaceId,
        change: impl FnOnce(&mut ApiKey),
    ) -> String {
        let secret = api_key::new_secret(environment, self.clock_and_rng.randomness());
        let mut key = ApiKey {
            id: self.clock_and_rng.ids().api_key(),
            workspace_id: workspace_id.clone(),
            name: "test".into(),
            access: Access::Full,
            created_at: self.now(),
            expires_at: None,
            revoked_at: None,
            last_used_at: None,
        };
        change(&mut key);
        let write = CreateApiKey { key, secret_hash: SecretHash::of(&secret) };
        assert!(self.with_store(async |store, _| store.create_api_key(write).await).await.unwrap());
        secret
    }

    /// A second key of the demo workspace.
    pub(crate) async fn second_key(&self) -> String {
        self.create_key(&self.demo_workspace().await, |_| {}).await
    }

    /// A key of the demo workspace that may only read.
    pub(crate) async fn read_only_key(&self) -> String {
        let workspace = self.demo_workspace().await;
        self.create_key(&workspace, |key| key.access = Access::ReadOnly).await
    }

    /// Revokes a key in the tables, as an operator's command does.
    pub(crate) async fn revoke_key(&self, is_it: impl Fn(&ApiKey) -> bool) {
        let now = self.now();
        let is_revoked = self.with_store(async |store, _| {
            let keys = store.api_keys(None).await.unwrap();
            let id = keys.iter().find(|key| is_it(key)).expect("such a key").id;
            store.revoke_api_key(RevokeApiKey { id, now }).await.unwrap()
        });
        assert!(is_revoked.await);
    }

    /// Registers an app with these enabled providers.
    pub(crate) async fn create_app(
        &self,
        workspace_id: &WorkspaceId,
        client_id: &str,
        providers: &[&str],
    ) {
        let app = App {
            workspace_id: workspace_id.clone(),
            client_id: client_id.parse().unwrap(),
            name: "Other App".into(),
            enabled_providers: providers.iter().map(|id| id.parse().unwrap()).collect(),
            requested_providers: BTreeSet::new(),
            created_at: self.now(),
        };
        let write = CreateApp {
            app,
            client_secret_hash: SecretHash::of("x"),
            client_secret_preview: "****".into(),
        };
        self.with_store(async |store, _| store.create_app(write).await).await.unwrap();
    }

    /// Changes a provider of the demo's app in the tables, as another server or an operator's
    /// command does. `workspace_id` restricts the change to apps of that workspace. Whether the
    /// app was found.
    pub(crate) async fn set_provider(
        &self,
        workspace_id: Option<WorkspaceId>,
        provider_id: &str,
        state: Option<ProviderState>,
    ) -> bool {
        let write = SetProvider {
            workspace_id,
            client_id: "FK5b0KSM".parse().unwrap(),
            provider_id: provider_id.parse().unwrap(),
            state,
            now: self.now(),
        };
        self.with_store(async |store, _| store.set_provider(write).await).await.unwrap()
    }
}
