//! The Rust client against the real program: apps (§11) and the event stream (§7).

use client::{Retries, RetryPolicy};
use futures_util::{StreamExt, TryStreamExt};
use serde_json::json;
use wire::app::{App, CreateApp, RedirectUris, UpdateApp};
use wire::event::EventName;

use crate::server::{restart, serve, workspace_api};

#[tokio::test]
async fn the_client_creates_changes_and_deletes_apps() {
    let folder = tempfile::tempdir().unwrap();
    let server = serve(folder.path(), &[]);
    let api = workspace_api(&server).with_retries(Retries::new(RetryPolicy::default()).unwrap());

    let body = CreateApp { name: "Other Bank".into(), ..CreateApp::default() };
    let app = api.create_app(&body, Some("k")).await.unwrap();
    assert_eq!(
        api.create_app(&body, Some("k")).await.unwrap().client_id,
        app.client_id,
        "one key, one app"
    );
    let id = &*app.client_id;
    assert_eq!(app.client_secret.len(), 64);
    assert!(api.app(id).await.unwrap().client_secret.starts_with("****"));
    assert_ne!(api.rotate_client_secret(id, None).await.unwrap().client_secret, app.client_secret);

    let change = UpdateApp { name: Some("Third Bank".into()), ..UpdateApp::default() };
    assert_eq!(api.update_app(id, &change).await.unwrap().name, "Third Bank");
    let uris = RedirectUris { redirect_uris: vec!["https://bank.example/back".into()] };
    assert_eq!(api.replace_redirect_uris(id, &uris).await.unwrap(), uris);
    assert_eq!(api.redirect_uris(id).await.unwrap(), uris);

    assert!(api.set_provider(id, "mitid", true).await.unwrap().enabled);
    let providers = api.providers(id).await.unwrap();
    let mitid = providers.iter().find(|provider| provider.id == "mitid").unwrap();
    assert!(mitid.is_active && mitid.activation.is_some());

    let batch = json!({ "items": [{ "name": "A" }, { "name": "" }], "continueOnError": true });
    let batch = api.create_apps(&serde_json::from_value(batch).unwrap(), None).await.unwrap();
    assert_eq!((batch.success_count, batch.error_count), (1, 1));

    let names = |apps: Vec<App>| apps.into_iter().map(|app| app.name).collect::<Vec<_>>();
    let all = names(api.all_apps().try_collect().await.unwrap());
    assert_eq!(all, ["Acme Bank", "Third Bank", "A"]);
    assert_eq!(names(api.apps(Some(1), Some(1)).await.unwrap().data), ["Third Bank"]);
    assert_eq!(api.delete_app(id).await.unwrap().client_id, id);
    assert_eq!(api.app(id).await.unwrap_err().status(), Some(404));
    assert_eq!(api.workspace().await.unwrap().apps_count, 2);
}

#[tokio::test]
async fn events_are_followed_across_a_restart_of_the_server() {
    let folder = tempfile::tempdir().unwrap();
    let server = serve(folder.path(), &[]);
    let api = workspace_api(&server).with_retries(Retries::new(RetryPolicy::default()).unwrap());
    let order =
        serde_json::from_value(json!({ "title": "BankID", "providerIds": ["bankidse"] })).unwrap();

    let mut events = api.follow("FK5b0KSM", Some("0"));
    let first = api.create_production_test("FK5b0KSM", &order, None).await.unwrap().request.id;
    let event = events.next().await.unwrap().unwrap();
    assert_eq!((event.id.as_str(), event.event.event), ("1", EventName::Scheduled));
    assert_eq!(event.event.data.request_id, first);

    let _server = restart(server, folder.path());
    api.cancel_production_test("FK5b0KSM", &first).await.unwrap();
    let event = events.next().await.unwrap().unwrap();
    assert_eq!((event.id.as_str(), event.event.event), ("2", EventName::Cancelled));

    let error = api.follow("FK5b0KSM", Some("7")).next().await.unwrap().unwrap_err();
    assert_eq!(error.status(), Some(409));
    assert!(
        api.follow("00000000", None)
            .collect::<Vec<_>>()
            .await
            .into_iter()
            .all(|item| item.is_err())
    );
}
