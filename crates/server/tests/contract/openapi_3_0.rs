//! §13: the OpenAPI 3.0 document says what the 3.1 document says.

use serde_json::{Value, json};

fn documents() -> (Value, Value) {
    let parse = |text: String| serde_json::from_str(&text).unwrap();
    (parse(server::openapi_json()), parse(server::openapi_3_0_json()))
}

/// Calls `visit` with each object in the value, examples aside, and where it is.
fn objects(value: &Value, location: &str, visit: &mut impl FnMut(&str, &Value)) {
    if value.is_object() {
        visit(location, value);
    }
    let members = value.as_object().into_iter().flatten();
    for (name, member) in members.filter(|(name, _)| *name != "example") {
        objects(member, &format!("{location}/{name}"), visit);
    }
    for item in value.as_array().into_iter().flatten() {
        objects(item, location, visit);
    }
}

#[test]
fn both_documents_have_the_same_operations_in_the_same_order() {
    let names = |text: String| -> Vec<String> {
        let parts = text.split("\"operationId\": \"").skip(1);
        parts.map(|part| part.split('"').next().unwrap().to_owned()).collect()
    };
    let newer = names(server::openapi_json());
    assert!(newer.len() > 50, "{}", newer.len());
    assert_eq!(names(server::openapi_3_0_json()), newer);
}

#[test]
fn both_documents_have_the_same_schemas_with_the_same_required_members() {
    let (newer, older) = documents();
    let schemas = |document: &Value| {
        let schemas = document["components"]["schemas"].as_object().unwrap().clone();
        let shape = |schema: &Value| {
            let members = schema["properties"].as_object().into_iter().flatten();
            let members: Vec<String> = members.map(|(name, _)| name.clone()).collect();
            (members, schema["required"].clone(), schema["enum"].clone())
        };
        schemas.iter().map(|(name, schema)| (name.clone(), shape(schema))).collect::<Vec<_>>()
    };
    assert_eq!(schemas(&older), schemas(&newer));
}

#[test]
fn the_older_document_has_nothing_that_only_the_newer_version_knows() {
    let (_, older) = documents();
    objects(&older, "", &mut |location, object| {
        for keyword in ["const", "propertyNames", "patternProperties", "examples", "identifier"] {
            // Members may have such names.
            let is_keyword = !location.ends_with("/properties");
            assert!(!is_keyword || object.get(keyword).is_none(), "{location}: {keyword}");
        }
        assert!(object["type"] != "null" && !object["type"].is_array(), "{location}");
        if object.get("$ref").is_some_and(Value::is_string) {
            assert_eq!(object.as_object().unwrap().len(), 1, "{location}");
        }
        if object["nullable"] == true {
            assert!(object["type"].is_string(), "{location}");
        }
    });
}

#[test]
fn what_only_the_newer_version_knows_is_rewritten() {
    let (newer, older) = documents();
    let member = |document: &Value, schema: &str, member: &str| {
        document["components"]["schemas"][schema]["properties"][member].clone()
    };
    let expect = |schema: &str, name: &str, before: Value, after: Value| {
        let (mut found, mut rewritten) =
            (member(&newer, schema, name), member(&older, schema, name));
        for found in [&mut found, &mut rewritten] {
            found.as_object_mut().unwrap().remove("description").unwrap();
            found.as_object_mut().unwrap().remove("example");
        }
        assert_eq!((found, rewritten), (before, after), "{schema}: {name}");
    };
    let challenge = json!({ "$ref": "#/components/schemas/Challenge" });
    expect(
        "ProductionTestItem",
        "challenge",
        json!({ "oneOf": [challenge, { "type": "null" }] }),
        json!({ "type": "object", "nullable": true, "allOf": [challenge] }),
    );
    expect(
        "ChallengeRequest",
        "challengeId",
        json!({ "type": ["string", "null"] }),
        json!({ "type": "string", "nullable": true }),
    );
    expect(
        "CompletedSimulation",
        "outcome",
        json!({ "type": "string", "const": "completed" }),
        json!({ "type": "string", "enum": ["completed"] }),
    );
    let status = json!({ "$ref": "#/components/schemas/ChallengeRequestStatus" });
    expect("ChallengeRequest", "status", status.clone(), json!({ "allOf": [status] }));
}
