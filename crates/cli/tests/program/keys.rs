//! Keys, apps and providers of `fieldtest admin` in the database.

use db::WriterMetrics;
use domain::Environment;
use domain::api_key::{SecretHash, recognise};
use store_workspace::WorkspaceStore;

use crate::program::Program;

#[tokio::test]
async fn only_the_hash_of_a_secret_is_stored() {
    let program = Program::new();
    let workspace = program.workspace();
    let created = program.admin(&format!(
        "key create --workspace {workspace} --name ci --read-only --expires 2999-12-31"
    ));
    let secret = created[0]["secret"].as_str().unwrap();
    let hash = recognise(secret, Environment::Sandbox).unwrap();
    let store =
        WorkspaceStore::open(&program.folder().join("data").into(), WriterMetrics::default())
            .await
            .unwrap();
    let key = store.api_key(hash).await.unwrap().unwrap();
    store.database().close().await;
    assert_eq!(key.id.to_string(), created[0]["id"].as_str().unwrap());
    assert_eq!(
        (key.workspace_id.as_str(), &*key.name, key.access.as_str()),
        (&*workspace, "ci", "read_only")
    );
    assert_eq!(key.expires_at.unwrap().to_string(), "2999-12-31T23:59:59.000Z");
    let file = std::fs::read(program.folder().join("data/connect.sqlite3")).unwrap();
    assert!(
        !file.windows(secret.len()).any(|part| part == secret.as_bytes()),
        "the file has the secret"
    );
    assert!(
        file.windows(32).any(|part| part == SecretHash::of(secret).as_bytes()),
        "the file has its hash"
    );
}

#[test]
fn keys_are_listed_by_workspace_with_their_state() {
    let program = Program::new();
    let (one, other) = (program.workspace(), program.workspace());
    let key = program.admin(&format!("key create --workspace {one} --name first")).remove(0);
    program.admin(&format!("key create --workspace {other} --name second"));
    let names = |arguments: &str| -> Vec<String> {
        let keys = program.admin(&format!("key list{arguments}"));
        keys.iter()
            .map(|key| {
                format!("{} {}", key["name"].as_str().unwrap(), key["state"].as_str().unwrap())
            })
            .collect()
    };
    let id = key["id"].as_str().unwrap();
    // Revoking is idempotent.
    let revoked = program.admin(&format!("key revoke {id}"));
    assert_eq!(program.admin(&format!("key revoke {id}"))[0]["revokedAt"], revoked[0]["revokedAt"]);
    assert_eq!(names(""), ["first revoked", "second valid"]);
    assert_eq!(names(&format!(" --workspace {other}")), ["second valid"]);
    let error = program.fail(1, "admin key list --workspace org_missing");
    assert!(error.contains("there is no workspace org_missing"), "{error}");
}

#[tokio::test]
async fn a_new_app_has_the_passport_enabled_and_a_unique_client_id() {
    let program = Program::new();
    let workspace = program.workspace();
    let app = program.admin(&format!("app create --workspace {workspace} --name Bank")).remove(0);
    program.admin(&format!("app create --workspace {workspace} --name Bank"));
    let client_id = app["clientId"].as_str().unwrap();
    program.admin(&format!("provider enable --app {client_id} --provider mitid"));
    let store =
        WorkspaceStore::open(&program.folder().join("data").into(), WriterMetrics::default())
            .await
            .unwrap();
    let stored =
        store.app(&workspace.parse().unwrap(), &client_id.parse().unwrap()).await.unwrap().unwrap();
    store.database().close().await;
    let providers: Vec<&str> = stored.enabled_providers.iter().map(|id| id.as_str()).collect();
    assert_eq!((&*stored.name, providers), ("Bank", vec!["mitid", "passport"]));
}

#[test]
fn providers_are_looked_up_in_a_custom_catalogue() {
    let program = Program::new();
    let workspace = program.workspace();
    program.admin(&format!("app create --workspace {workspace} --name Bank --client-id AcmeBank"));
    let text =
        include_str!("../../../domain/catalogue.toml").replace("\"bankidse\"", "\"house-id\"");
    std::fs::write(program.folder().join("own.toml"), text).unwrap();
    let enable = "provider enable --app AcmeBank --provider house-id";
    let error = program.fail(2, &format!("admin {enable}"));
    assert!(error.contains("the catalogue has no provider \"house-id\""), "{error}");
    assert_eq!(program.admin(&format!("{enable} --catalogue own.toml"))[0]["enabled"], true);
    std::fs::write(program.folder().join("own.toml"), "provider = 1").unwrap();
    let error = program.fail(2, &format!("admin {enable} --catalogue own.toml"));
    assert!(error.contains("own.toml") && error.contains("line 1"), "{error}");
}

#[test]
fn only_a_requested_provider_is_approved() {
    let program = Program::new();
    let workspace = program.workspace();
    program.admin(&format!("app create --workspace {workspace} --name Bank --client-id AcmeBank"));
    let approve = "provider approve --app AcmeBank --provider bankidse";
    let error = program.fail(1, &format!("admin {approve}"));
    assert!(error.contains("AcmeBank has no request for bankidse"), "{error}");
    let file = rusqlite::Connection::open(program.folder().join("data/connect.sqlite3")).unwrap();
    let request = "INSERT INTO app_providers
        SELECT workspace_id, client_id, 'bankidse', 0, 'requested' FROM apps";
    assert_eq!(file.execute(request, ()).unwrap(), 1);
    assert_eq!(program.admin(approve)[0]["enabled"], true);
    program.fail(1, &format!("admin {approve}"));
}
