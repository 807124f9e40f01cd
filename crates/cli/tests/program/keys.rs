//! What a made key and app are in the database.

use db::WriterMetrics;
use domain::Environment;
use domain::api_key::{SecretHash, recognise};
use store_workspace::WorkspaceStore;

use crate::invocation::Program;

#[tokio::test]
async fn a_new_secret_is_recognised_and_only_its_hash_is_kept() {
    let program = Program::new();
    let workspace = program.workspace();
    let made = program.admin(&format!(
        "key create --workspace {workspace} --name ci --read-only --expires 2999-12-31"
    ));
    let secret = made[0]["secret"].as_str().unwrap();
    let hash = recognise(secret, Environment::Sandbox).unwrap();
    let store =
        WorkspaceStore::open(&program.folder().join("data").into(), WriterMetrics::default())
            .await
            .unwrap();
    let key = store.api_key(hash).await.unwrap().unwrap();
    store.database().close().await;
    assert_eq!(key.id.to_string(), made[0]["id"].as_str().unwrap());
    assert_eq!(
        (key.workspace_id.as_str(), &*key.name, key.access.as_str()),
        (&*workspace, "ci", "read_only")
    );
    assert_eq!(key.expires_at.unwrap().to_string(), "2999-12-31T23:59:59.000Z");
    let file = std::fs::read(program.folder().join("data/connect.sqlite3")).unwrap();
    assert!(
        !file.windows(secret.len()).any(|part| part == secret.as_bytes()),
        "the secret is in the file"
    );
    assert!(file.windows(32).any(|part| part == SecretHash::of(secret).as_bytes()), "its hash is");
}

#[test]
fn keys_are_listed_by_workspace_and_with_their_state() {
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
    // To revoke twice is no failure, and keeps the first moment.
    let revoked = program.admin(&format!("key revoke {id}"));
    assert_eq!(program.admin(&format!("key revoke {id}"))[0]["revokedAt"], revoked[0]["revokedAt"]);
    assert_eq!(names(""), ["first revoked", "second valid"]);
    assert_eq!(names(&format!(" --workspace {other}")), ["second valid"]);
    let complaint = program.complain(1, "admin key list --workspace org_nobody");
    assert!(complaint.contains("there is no workspace org_nobody"), "{complaint}");
}

#[tokio::test]
async fn a_new_app_has_the_passport_enabled_and_a_client_id_of_its_own() {
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
fn a_provider_is_looked_up_in_the_operators_own_catalogue() {
    let program = Program::new();
    let workspace = program.workspace();
    program.admin(&format!("app create --workspace {workspace} --name Bank --client-id AcmeBank"));
    let text =
        include_str!("../../../domain/catalogue.toml").replace("\"bankidse\"", "\"house-id\"");
    std::fs::write(program.folder().join("own.toml"), text).unwrap();
    let enable = "provider enable --app AcmeBank --provider house-id";
    let complaint = program.complain(2, &format!("admin {enable}"));
    assert!(complaint.contains("the catalogue has no provider \"house-id\""), "{complaint}");
    assert_eq!(program.admin(&format!("{enable} --catalogue own.toml"))[0]["enabled"], true);
    std::fs::write(program.folder().join("own.toml"), "provider = 1").unwrap();
    let complaint = program.complain(2, &format!("admin {enable} --catalogue own.toml"));
    assert!(complaint.contains("own.toml") && complaint.contains("line 1"), "{complaint}");
}

#[test]
fn only_what_was_asked_for_is_approved() {
    let program = Program::new();
    let workspace = program.workspace();
    program.admin(&format!("app create --workspace {workspace} --name Bank --client-id AcmeBank"));
    let approve = "provider approve --app AcmeBank --provider bankidse";
    let complaint = program.complain(1, &format!("admin {approve}"));
    assert!(complaint.contains("AcmeBank does not wait for bankidse"), "{complaint}");
    let file = rusqlite::Connection::open(program.folder().join("data/connect.sqlite3")).unwrap();
    let ask = "INSERT INTO app_providers SELECT workspace_id, client_id, 'bankidse', 0, 'requested' FROM apps";
    assert_eq!(file.execute(ask, ()).unwrap(), 1);
    assert_eq!(program.admin(approve)[0]["enabled"], true);
    program.complain(1, &format!("admin {approve}"));
}
