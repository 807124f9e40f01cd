//! §13: the OpenAPI document says what the server does, all of it.

use std::collections::BTreeSet;

use serde_json::Value;

use crate::support::TestServer;

fn document() -> Value {
    serde_json::from_str(&server::openapi_json()).unwrap()
}

/// Every operation: path, method and what is said of it.
fn operations(document: &Value) -> Vec<(String, String, Value)> {
    let paths = document["paths"].as_object().unwrap();
    let methods = |item: &Value| item.as_object().unwrap().clone();
    paths
        .iter()
        .flat_map(|(path, item)| {
            methods(item)
                .into_iter()
                .map(move |(method, operation)| (path.clone(), method.to_uppercase(), operation))
        })
        .collect()
}

#[tokio::test]
async fn the_document_is_served_as_it_is_checked_in() {
    let site = TestServer::start().await;
    let served = site.call("GET", "/openapi.json").send().await;
    assert_eq!(served.expect(200), document());
    assert!(document()["openapi"].as_str().unwrap().starts_with("3.1"));
}

#[tokio::test]
async fn each_documented_path_knows_the_documented_methods_and_no_others() {
    let site = TestServer::start().await;
    let document = document();
    for path in document["paths"].as_object().unwrap().keys() {
        let refused = site.call("PROPFIND", path).send().await;
        refused.expect_error(405, "METHOD_NOT_ALLOWED");
        let allowed: BTreeSet<String> = refused
            .header("allow")
            .unwrap()
            .split(',')
            .filter(|method| *method != "HEAD")
            .map(str::to_owned)
            .collect();
        let documented: BTreeSet<String> = document["paths"][path]
            .as_object()
            .unwrap()
            .keys()
            .map(|method| method.to_uppercase())
            .collect();
        assert_eq!(allowed, documented, "{path}");
    }
}

#[test]
fn each_route_is_documented() {
    let documented: BTreeSet<String> =
        document()["paths"].as_object().unwrap().keys().cloned().collect();
    for (table, prefix) in [
        (include_str!("../../../workspace-api/src/routes.rs"), "/connect/v1"),
        (include_str!("../../../challenge-service/src/routes.rs"), "/tpas/v1"),
    ] {
        let paths = table
            .split('"')
            .skip(1)
            .step_by(2)
            .filter(|text| text.starts_with('/') && *text != prefix);
        for path in paths {
            assert!(documented.contains(&format!("{prefix}{path}")), "{path}");
        }
    }
}

#[tokio::test]
async fn an_operation_wants_credentials_exactly_when_the_document_says_so() {
    let site = TestServer::start().await;
    for (path, method, operation) in operations(&document()) {
        let answer = site.call(&method, &path).send().await;
        let is_secured = operation["security"].is_array() || path.ends_with("verification-events");
        assert_eq!(answer.status == 401, is_secured, "{method} {path}: {}", answer.text);
        assert_eq!(operation["responses"]["401"].is_object(), is_secured, "{method} {path}");
    }
}

#[test]
fn every_operation_has_a_name_a_summary_examples_and_its_errors() {
    let document = document();
    let mut names = BTreeSet::new();
    for (path, method, operation) in operations(&document) {
        let place = format!("{method} {path}");
        assert!(operation["summary"].is_string(), "{place}");
        assert!(names.insert(operation["operationId"].to_string()), "{place}: named twice");
        let is_trivial = path == "/healthz" || path == "/metrics";
        assert!(is_trivial || operation["responses"]["503"].is_object(), "{place}");
        for parameter in operation["parameters"].as_array().into_iter().flatten() {
            assert!(parameter["description"].is_string(), "{place}: {parameter}");
        }
    }
}

/// Everything in the document that fits, with its place.
fn find<'a>(
    value: &'a Value,
    place: &str,
    fits: &dyn Fn(&Value) -> bool,
    found: &mut Vec<(String, &'a Value)>,
) {
    if fits(value) {
        found.push((place.to_owned(), value));
    }
    match value {
        Value::Object(members) => {
            members
                .iter()
                .for_each(|(name, member)| find(member, &format!("{place}/{name}"), fits, found));
        }
        Value::Array(items) => items.iter().for_each(|item| find(item, place, fits, found)),
        _ => {}
    }
}

#[test]
fn every_schema_and_each_of_its_members_is_described() {
    let document = document();
    for (name, schema) in document["components"]["schemas"].as_object().unwrap() {
        assert!(schema["description"].is_string(), "{name}");
        let mut objects = Vec::new();
        find(schema, name, &|value| value["properties"].is_object(), &mut objects);
        for (place, object) in objects {
            for (name, member) in object["properties"].as_object().unwrap() {
                assert!(member["description"].is_string(), "{place}: {name}");
            }
        }
    }
}

#[test]
fn whatever_is_referred_to_exists() {
    let document = document();
    let mut references = Vec::new();
    find(&document, "", &|value| value["$ref"].is_string(), &mut references);
    assert!(!references.is_empty());
    for (place, reference) in references {
        let target = reference["$ref"].as_str().unwrap().strip_prefix('#').unwrap();
        assert!(document.pointer(target).is_some(), "{place}: {target}");
    }
}

#[test]
fn every_post_that_creates_something_takes_an_idempotency_key() {
    let mut places = Vec::new();
    for (path, method, operation) in operations(&document()) {
        if method != "POST" || !operation["responses"]["201"].is_object() {
            continue;
        }
        let place = format!("{method} {path}");
        let parameters = operation["parameters"].as_array().cloned().unwrap_or_default();
        let is_key = |parameter: &Value| {
            parameter["name"] == "Idempotency-Key" && parameter["in"] == "header"
        };
        assert!(parameters.iter().any(is_key), "{place}");
        for status in ["400", "409"] {
            assert!(operation["responses"][status].is_object(), "{place}: {status}");
        }
        assert!(
            operation["responses"]["201"]["headers"]["Idempotency-Replayed"].is_object(),
            "{place}"
        );
        places.push(place);
    }
    assert_eq!(places.len(), 5, "{places:?}");
}

#[test]
fn an_apps_name_is_as_a_title_is() {
    let document = document();
    let pattern = |schema: &str, property: &str| {
        document["components"]["schemas"][schema]["properties"][property]["pattern"]
            .as_str()
            .unwrap()
            .to_owned()
    };
    let title = pattern("CreateProductionTest", "title");
    assert!(title.starts_with('^') && title.ends_with('$'), "{title}");
    assert_eq!(
        [pattern("CreateApp", "name"), pattern("UpdateApp", "name")],
        [title.clone(), title]
    );
}

#[tokio::test]
async fn the_page_loads_nothing_from_elsewhere() {
    let site = TestServer::start().await;
    let page = site.call("GET", "/docs").send().await;
    assert_eq!(page.status, 200);
    let policy = page.header("content-security-policy").unwrap();
    assert!(policy.starts_with("default-src 'none'") && !policy.contains("http"), "{policy}");
    for script in page.text.split("src=\"").skip(1).map(|rest| rest.split('"').next().unwrap()) {
        let answer = site.call("GET", script).send().await;
        assert_eq!(
            (answer.status, answer.header("content-type")),
            (200, Some("text/javascript; charset=utf-8"))
        );
    }
    assert_eq!(site.call("GET", "/").send().await.status, 200);
}
