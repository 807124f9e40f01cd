//! §14: who may use which page and which form of the console.

use std::collections::BTreeSet;
use std::time::Duration;

use console::CONSOLE_ROUTES;
use serde_json::json;

use crate::console::{Person, demo, location, read_only_key};
use crate::support::{APP, TestServer};

/// Who may use a route, and what others are answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum For {
    /// Everybody, also without a session.
    Everybody,
    /// Who is signed in: a page of the workspace itself.
    Workspace,
    /// Who is signed in to the workspace of the app. For others there is no such app.
    App,
    /// As [`Self::Workspace`], but not with a read-only key.
    WorkspaceWriters,
    /// As [`Self::App`], but not with a read-only key.
    AppWriters,
}

/// Every route of the console, who may use it, and the fields of a form.
const EXPECTED: &[(&str, &str, For, &str)] = &[
    ("GET", "/console", For::Workspace, ""),
    ("POST", "/console/apps", For::WorkspaceWriters, "name=x"),
    ("GET", "/console/apps/{client_id}", For::App, ""),
    ("GET", "/console/apps/{client_id}/events", For::App, ""),
    ("GET", "/console/apps/{client_id}/webhooks", For::App, ""),
    (
        "POST",
        "/console/apps/{client_id}/webhooks",
        For::AppWriters,
        "url=https://bank.example/h&enabled=yes&timeoutSeconds=5",
    ),
    ("POST", "/console/apps/{client_id}/webhooks/rotate-secret", For::AppWriters, ""),
    ("POST", "/console/apps/{client_id}/webhooks/test", For::AppWriters, ""),
    ("POST", "/console/apps/{client_id}/webhooks/{id}/redeliver", For::AppWriters, ""),
    ("GET", "/console/apps/{client_id}/providers", For::App, ""),
    ("POST", "/console/apps/{client_id}/providers/{provider_id}", For::AppWriters, "enabled=false"),
    ("GET", "/console/apps/{client_id}/providers/{provider_id}/activation", For::App, ""),
    (
        "POST",
        "/console/apps/{client_id}/providers/{provider_id}/activation",
        For::AppWriters,
        "legalCompanyName=Acme",
    ),
    ("GET", "/console/apps/{client_id}/production-tests/new", For::App, ""),
    (
        "POST",
        "/console/apps/{client_id}/production-tests/new",
        For::AppWriters,
        "key=k&title=x&maxStamps=1&provider=mitid",
    ),
    ("GET", "/console/apps/{client_id}/production-tests/{id}", For::App, ""),
    (
        "POST",
        "/console/apps/{client_id}/production-tests/{id}/update",
        For::AppWriters,
        "maxStamps=9",
    ),
    ("POST", "/console/apps/{client_id}/production-tests/{id}/cancel", For::AppWriters, ""),
    ("POST", "/console/apps/{client_id}/production-tests/{id}/retry", For::AppWriters, ""),
    ("POST", "/console/apps/{client_id}/production-tests/{id}/share", For::AppWriters, "days=1"),
    (
        "POST",
        "/console/apps/{client_id}/production-tests/{id}/share/revoke",
        For::AppWriters,
        "link=00",
    ),
    ("GET", "/console/apps/{client_id}/production-tests/{id}/report.json", For::App, ""),
    ("GET", "/console/apps/{client_id}/production-tests/{id}/outcomes.json", For::App, ""),
    ("GET", "/console/apps/{client_id}/production-tests/{id}/outcomes.csv", For::App, ""),
    ("GET", "/console/keys", For::Workspace, ""),
    ("POST", "/console/keys", For::WorkspaceWriters, "name=x&access=full"),
    ("POST", "/console/keys/{id}/revoke", For::WorkspaceWriters, ""),
    // Their own tests say what these do: the token, the key or the session is their subject.
    ("GET", "/console/shared/{token}", For::Everybody, ""),
    ("GET", "/console/sign-in", For::Everybody, ""),
    ("POST", "/console/sign-in", For::Everybody, ""),
    ("POST", "/console/sign-out", For::Everybody, ""),
];

/// Sends the request of a route as this person. Returns the status.
async fn ask(server: &TestServer, person: &Person, method: &str, path: &str, fields: &str) -> u16 {
    match method {
        // A stream does not end by itself.
        "GET" if path.ends_with("/events") => {
            let request = server.request("GET", path).header("Cookie", &person.cookie);
            match request.header("Accept", "text/html").try_open_stream().await {
                Ok(_) => 200,
                Err(refused) => refused.status,
            }
        }
        "GET" => person.open(server, path).await.status,
        _ => person.send(server, path, fields).await.status,
    }
}

/// Those who may not use everything.
struct People {
    nobody: Person,
    /// With a key that was revoked afterwards.
    shut_out: Person,
    reader: Person,
    /// The id of the reader's key.
    reader_key: String,
    /// Of another workspace, with full access.
    stranger: Person,
}

async fn people(server: &TestServer) -> People {
    let key = read_only_key(server).await;
    let reader = Person::sign_in(server, key["secret"].as_str().unwrap()).await;
    let (_, stranger) = server.create_workspace().await;
    let stranger = Person::sign_in(server, &stranger).await;
    let revoked = read_only_key(server).await;
    let shut_out = Person::sign_in(server, revoked["secret"].as_str().unwrap()).await;
    let path = format!("/connect/v1/api-keys/{}", revoked["id"].as_str().unwrap());
    server.authorized("DELETE", &path).send().await.expect(200);
    let nobody = Person { cookie: "fieldtest_session=forged".into(), csrf: String::new() };
    People { nobody, shut_out, reader, reader_key: key["id"].as_str().unwrap().into(), stranger }
}

#[test]
fn every_route_of_the_console_is_in_the_table_of_who_may_use_it() {
    let routes: BTreeSet<(&str, &str)> =
        CONSOLE_ROUTES.iter().map(|route| (route.method, route.path)).collect();
    let expected: BTreeSet<(&str, &str)> =
        EXPECTED.iter().map(|(method, path, ..)| (*method, *path)).collect();
    assert_eq!(routes, expected);
    assert_eq!(EXPECTED.len(), expected.len());
}

#[tokio::test]
async fn each_route_is_for_those_who_may_use_it() {
    let (server, person) = demo().await;
    let challenge = server.order_and_schedule(&json!({ "title": "x" })).await;
    let People { nobody, shut_out, reader, reader_key, stranger } = people(&server).await;
    let before = server.get(APP).send().await.expect(200);
    let keys = server.get("/connect/v1/api-keys").send().await.expect(200);
    let path_of = |path: &str| {
        let id = match path {
            _ if path.contains("/keys/") => reader_key.as_str(),
            _ if path.contains("/webhooks/") => "1",
            _ => &challenge,
        };
        path.replace("{client_id}", "FK5b0KSM")
            .replace("{id}", id)
            .replace("{provider_id}", "mitid")
    };
    for (method, path, who, fields) in EXPECTED {
        let path = path_of(path);
        let route = format!("{method} {path}");
        let ask = async |person| ask(&server, person, method, &path, fields).await;
        if *who == For::Everybody {
            continue;
        }
        // Without a session, and with one whose key is revoked: the page that signs in.
        assert_eq!(ask(&nobody).await, 303, "{route}");
        assert_eq!(ask(&shut_out).await, 303, "{route}");
        let (of_reader, of_stranger) = match who {
            For::Everybody | For::Workspace => (200, 200),
            For::App => (200, 404),
            // Those of another workspace do it in their own.
            For::WorkspaceWriters if route.ends_with("/revoke") => (403, 404),
            For::WorkspaceWriters => (403, 0),
            // A link of another workspace is as unknown as one that was revoked before.
            For::AppWriters if route.ends_with("/share/revoke") => (403, 303),
            For::AppWriters => (403, 404),
        };
        assert_eq!(ask(&reader).await, of_reader, "{route}, read-only");
        if of_stranger != 0 {
            assert_eq!(ask(&stranger).await, of_stranger, "{route}, another workspace");
        }
        if of_reader == 200 {
            assert_eq!(ask(&person).await, 200, "{route}");
        }
    }
    assert_eq!(server.get(APP).send().await.expect(200), before);
    assert_eq!(server.get("/connect/v1/api-keys").send().await.expect(200)[0]["id"], keys[0]["id"]);
    assert_eq!(server.show(&challenge).await["challenge"]["isActive"], true);

    server.advance(Duration::from_hours(12));
    for (method, path, who, fields) in EXPECTED {
        if *who != For::Everybody {
            let status = ask(&server, &person, method, &path_of(path), fields).await;
            assert_eq!(status, 303, "{method} {path}, expired");
        }
    }
    let signed_out = person.send(&server, "/console/sign-out", "").await;
    assert!(location(&signed_out).starts_with("/console/sign-in"));
}
