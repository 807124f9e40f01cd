//! §13: the OpenAPI document describes everything that the server does.

use std::collections::BTreeSet;

use serde_json::{Value, json};
use wire::error::ErrorCode;

use crate::support::TestServer;

fn document() -> Value {
    serde_json::from_str(&server::openapi_json()).unwrap()
}

/// The path, the method and the description of every operation.
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
async fn the_server_serves_the_document_that_the_code_generates() {
    let server = TestServer::start().await;
    let older: Value = serde_json::from_str(&server::openapi_3_0_json()).unwrap();
    for (path, version, generated) in
        [("/openapi.json", "3.1", document()), ("/openapi-3.0.json", "3.0", older)]
    {
        let mut served = server.request("GET", path).send().await.expect(200);
        assert_eq!(served["servers"], json!([{ "url": server.url }]), "{path}");
        served["servers"] = generated["servers"].clone();
        assert!(served == generated, "{path} is not what the code generates");
        assert!(generated["openapi"].as_str().unwrap().starts_with(version), "{path}");
    }
}

#[tokio::test]
async fn each_documented_path_knows_the_documented_methods_and_no_others() {
    let server = TestServer::start().await;
    let document = document();
    for path in document["paths"].as_object().unwrap().keys() {
        let refused = server.request("PROPFIND", path).send().await;
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
        let literals = table.split('"').skip(1).step_by(2);
        let paths: Vec<&str> =
            literals.filter(|text| text.starts_with('/') && *text != prefix).collect();
        assert!(paths.len() > 5, "the routes of {prefix} are in this file: {paths:?}");
        for path in paths {
            assert!(documented.contains(&format!("{prefix}{path}")), "{path}");
        }
    }
}

#[tokio::test]
async fn an_operation_wants_credentials_exactly_when_the_document_says_so() {
    let server = TestServer::start().await;
    for (path, method, operation) in operations(&document()) {
        let response = server.request(&method, &path).send().await;
        // Of public operations the document says that they need nothing.
        let schemes = operation["security"].as_array().unwrap();
        let is_secured = !schemes.is_empty() || path.ends_with("verification-events");
        assert_eq!(response.status == 401, is_secured, "{method} {path}: {}", response.text);
        assert_eq!(operation["responses"]["401"].is_object(), is_secured, "{method} {path}");
    }
}

#[test]
fn every_operation_has_a_unique_name_a_summary_a_description_a_tag_and_a_503() {
    let document = document();
    let tags = document["tags"].as_array().unwrap();
    assert!(tags.iter().all(|tag| tag["description"].is_string()));
    let mut names = BTreeSet::new();
    for (path, method, operation) in operations(&document) {
        let location = format!("{method} {path}");
        assert!(operation["summary"].is_string(), "{location}");
        assert!(operation["description"].is_string(), "{location}");
        let [tag] = &**operation["tags"].as_array().unwrap() else { panic!("{location}: one tag") };
        assert!(tags.iter().any(|known| known["name"] == *tag), "{location}: {tag}");
        assert!(names.insert(operation["operationId"].to_string()), "{location}: named twice");
        let is_trivial = path == "/healthz" || path == "/metrics";
        assert!(is_trivial || operation["responses"]["503"].is_object(), "{location}");
        for parameter in operation["parameters"].as_array().into_iter().flatten() {
            assert!(parameter["description"].is_string(), "{location}: {parameter}");
        }
    }
}

#[test]
fn every_response_is_described_and_its_body_has_a_type() {
    for (path, method, operation) in operations(&document()) {
        for (status, response) in operation["responses"].as_object().unwrap() {
            let location = format!("{method} {path}: {status}");
            assert!(response["description"].is_string(), "{location}");
            let bodies = response["content"].as_object();
            assert_eq!(bodies.is_none(), ["204", "303"].contains(&status.as_str()), "{location}");
            for (media_type, body) in bodies.into_iter().flatten() {
                let is_typed =
                    ["$ref", "type", "oneOf"].iter().any(|it| body["schema"][it] != json!(null));
                assert!(is_typed, "{location}: {media_type}");
            }
        }
    }
}

#[test]
fn members_of_an_object_differ_in_more_than_underscores_and_capitals() {
    // Languages write names in one style, so such members would become one.
    let document = document();
    let mut objects = Vec::new();
    find(&document, "", &|value| value["properties"].is_object(), &mut objects);
    assert!(!objects.is_empty());
    for (location, object) in objects {
        let mut names = BTreeSet::new();
        for name in object["properties"].as_object().unwrap().keys() {
            assert!(names.insert(name.replace('_', "").to_lowercase()), "{location}: {name}");
        }
    }
}

#[test]
fn no_member_is_only_null_and_none_has_a_default() {
    // Generators crash on the one, and require members with the other.
    let document = document();
    let mut objects = Vec::new();
    find(&document, "", &|value| value["properties"].is_object(), &mut objects);
    for (location, object) in objects {
        for (name, member) in object["properties"].as_object().unwrap() {
            assert_ne!(member["type"], "null", "{location}: {name}");
            assert!(member.get("default").is_none(), "{location}: {name}");
        }
    }
}

/// The values in a document that match, each with its path.
fn find<'a>(
    value: &'a Value,
    location: &str,
    matches: &dyn Fn(&Value) -> bool,
    found: &mut Vec<(String, &'a Value)>,
) {
    if matches(value) {
        found.push((location.to_owned(), value));
    }
    match value {
        Value::Object(members) => {
            members.iter().for_each(|(name, member)| {
                find(member, &format!("{location}/{name}"), matches, found)
            });
        }
        Value::Array(items) => items.iter().for_each(|item| find(item, location, matches, found)),
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
        for (location, object) in objects {
            for (name, member) in object["properties"].as_object().unwrap() {
                assert!(member["description"].is_string(), "{location}: {name}");
            }
        }
    }
}

#[test]
fn every_reference_has_a_target() {
    let document = document();
    let mut references = Vec::new();
    find(&document, "", &|value| value["$ref"].is_string(), &mut references);
    assert!(!references.is_empty());
    for (location, reference) in references {
        let target = reference["$ref"].as_str().unwrap().strip_prefix('#').unwrap();
        assert!(document.pointer(target).is_some(), "{location}: {target}");
    }
}

#[test]
fn every_post_that_creates_something_takes_an_idempotency_key() {
    // A repetition of these makes another key or link, which ends by itself or is revoked.
    let without = ["/connect/v1/api-keys", "/connect/v1/console-links"];
    let mut locations = Vec::new();
    for (path, method, operation) in operations(&document()) {
        if method != "POST"
            || without.contains(&path.as_str())
            || !operation["responses"]["201"].is_object()
        {
            continue;
        }
        let location = format!("{method} {path}");
        let parameters = operation["parameters"].as_array().cloned().unwrap_or_default();
        let is_key = |parameter: &Value| {
            parameter["name"] == "Idempotency-Key" && parameter["in"] == "header"
        };
        assert!(parameters.iter().any(is_key), "{location}");
        for status in ["400", "409"] {
            assert!(operation["responses"][status].is_object(), "{location}: {status}");
        }
        assert!(
            operation["responses"]["201"]["headers"]["Idempotency-Replayed"].is_object(),
            "{location}"
        );
        locations.push(location);
    }
    assert_eq!(locations.len(), 6, "{locations:?}");
}

#[test]
fn an_app_name_has_the_pattern_of_a_title() {
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
async fn the_reference_page_loads_nothing_from_other_hosts() {
    let server = TestServer::start().await;
    let page = server.request("GET", "/docs").send().await;
    assert_eq!(page.status, 200);
    let policy = page.header("content-security-policy").unwrap();
    assert!(policy.starts_with("default-src 'none'") && !policy.contains("http"), "{policy}");
    let sources = page.text.split("src=\"").skip(1).map(|rest| rest.split('"').next().unwrap());
    let scripts: Vec<&str> = sources.collect();
    assert!(!scripts.is_empty(), "{}", page.text);
    for script in scripts {
        assert!(script.starts_with('/'), "{script}");
        let response = server.request("GET", script).send().await;
        assert_eq!(response.status, 200);
        assert_eq!(response.header("content-type"), Some("text/javascript; charset=utf-8"));
    }
    assert_eq!(server.request("GET", "/").send().await.status, 200);
}

#[tokio::test]
async fn what_a_browser_keeps_is_compressed_and_not_sent_again() {
    let server = TestServer::start().await;
    for (path, limit) in [
        ("/docs/reference.js", 1_600_000),
        ("/docs/start.js", 1_000),
        ("/openapi.json", 60_000),
        ("/openapi-3.0.json", 60_000),
        ("/docs/errors", 20_000),
        ("/docs/api-design", 50_000),
    ] {
        let get = async |accepted: &str, known: &str| {
            let request = server.request("GET", path).header("Accept-Encoding", accepted);
            request.header("If-None-Match", known).send().await
        };
        let plain = get("identity", "\"other\"").await;
        assert_eq!((plain.status, plain.header("content-encoding")), (200, None), "{path}");
        let refused = get("gzip;q=0", "\"other\"").await;
        assert_eq!(refused.text, plain.text, "{path}");
        let compressed = get("br, gzip", plain.header("etag").unwrap()).await;
        assert_eq!((compressed.status, compressed.header("content-encoding")), (200, Some("gzip")));
        let length: usize = compressed.header("content-length").unwrap().parse().unwrap();
        assert!(length < limit && length < plain.text.len(), "{path}: {length}");
        for (accepted, first) in [("identity", &plain), ("gzip", &compressed)] {
            assert_eq!(first.header("vary"), Some("accept-encoding"), "{path}");
            let tag = first.header("etag").unwrap();
            let again = get(accepted, &format!("\"other\", {tag}")).await;
            assert_eq!((again.status, again.text.as_str()), (304, ""), "{path}");
            assert_eq!(again.header("etag"), Some(tag), "{path}");
            assert_eq!(again.header("vary"), Some("accept-encoding"), "{path}");
        }
    }
}

#[tokio::test]
async fn each_error_code_is_explained_on_a_page_and_every_link_there_leads_somewhere() {
    let server = TestServer::start().await;
    let (mut pages, mut anchors) = (Vec::new(), BTreeSet::new());
    for path in ["/docs/errors", "/docs/api-design"] {
        let page = server.request("GET", path).send().await;
        assert_eq!(page.header("content-type"), Some("text/html; charset=utf-8"));
        let policy = page.header("content-security-policy").unwrap();
        assert!(policy.starts_with("default-src 'none'"), "{policy}");
        for part in page.text.split(" id=\"").skip(1) {
            anchors.insert(format!("{path}#{}", part.split('"').next().unwrap()));
        }
        pages.push((path, page.text));
    }
    for code in ErrorCode::ALL {
        let anchor = format!("/docs/errors#{}", code.as_str().to_ascii_lowercase());
        assert!(anchors.contains(&anchor), "{anchor}");
    }
    for (path, text) in pages {
        for part in text.split(" href=\"").skip(1) {
            let link = part.split('"').next().unwrap();
            let target = if link.starts_with('#') { format!("{path}{link}") } else { link.into() };
            let is_page = link.starts_with('/') && !link.contains('#');
            let is_known = is_page || link.starts_with("data:") || link.starts_with("https://");
            assert!(is_known || anchors.contains(&target), "{path}: {link}");
            if is_page {
                let status = server.request("GET", link).send().await.status;
                assert!(status < 400, "{path}: {link}");
            }
        }
    }
}

#[tokio::test]
async fn the_reference_replaces_the_example_of_an_idempotency_key_and_links_to_the_errors() {
    let server = TestServer::start().await;
    let script = server.request("GET", "/docs/start.js").send().await;
    let mut examples = BTreeSet::new();
    for (_, _, operation) in operations(&document()) {
        let parameters = operation["parameters"].as_array().cloned().unwrap_or_default();
        let keys = parameters.iter().filter(|parameter| parameter["name"] == "Idempotency-Key");
        examples.extend(keys.map(|key| key["example"].as_str().unwrap().to_owned()));
    }
    let [example] = &*examples.into_iter().collect::<Vec<_>>() else { panic!("one example") };
    assert!(script.text.contains(&format!("=== \"{example}\"")), "{}", script.text);
    let description = document()["info"]["description"].as_str().unwrap().to_owned();
    assert!(description.contains("(/docs/errors)"), "{description}");
}

#[tokio::test]
async fn an_error_page_of_the_console_says_where_its_code_is_explained() {
    let server = TestServer::start().await;
    let page = async |path: &str| {
        server.request("GET", path).header("Accept", "text/html").send().await.text
    };
    let link = "/docs/errors#resource_not_found";
    assert!(page("/console/nowhere").await.contains(link));
    assert!(!page("/t/nowhere").await.contains(link));
}
