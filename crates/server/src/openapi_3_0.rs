//! Renders the OpenAPI document for programs that read only OpenAPI 3.0 (§13).
//!
//! OpenAPI 3.1 took over JSON Schema, and 3.0 has an older dialect of it. The rules below cover
//! what the document uses. `tests/contract/openapi_3_0.rs` compares both documents.

use serde::{Serialize, Serializer};
use serde_json::{Map, Value, json};
use utoipa::openapi::OpenApi;

/// The members of the document, in the order that readers expect.
#[derive(Serialize)]
struct Document {
    openapi: &'static str,
    info: Value,
    servers: Value,
    paths: Ordered<Ordered<Value>>,
    components: Value,
    tags: Value,
}

/// An object whose members stay in this order.
struct Ordered<T>(Vec<(String, T)>);

impl<T: Serialize> Serialize for Ordered<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.0.iter().map(|(name, member)| (name, member)))
    }
}

/// The document as indented JSON.
pub(crate) fn render(document: &OpenApi) -> serde_json::Result<String> {
    let value = serde_json::to_value(document)?;
    let rewriter = Rewriter { schemas: member(&member(&value, "components"), "schemas") };
    let operations = |path: &str| {
        let methods = METHODS.iter().filter_map(|method| {
            let operation = value.get("paths")?.get(path)?.get(method)?;
            Some(((*method).to_owned(), rewriter.part(operation)))
        });
        Ordered(methods.collect())
    };
    let paths = document.paths.paths.keys().map(|path| (path.clone(), operations(path)));
    let rendered = Document {
        openapi: "3.0.3",
        info: info(member(&value, "info")),
        servers: member(&value, "servers"),
        paths: Ordered(paths.collect()),
        components: rewriter.part(&member(&value, "components")),
        tags: member(&value, "tags"),
    };
    serde_json::to_string_pretty(&rendered)
}

/// The methods of the API, in the order of the 3.1 document.
const METHODS: &[&str] = &["get", "put", "post", "delete", "patch"];

/// 3.0 names a licence by a URL, and has no identifier for it.
fn info(mut info: Value) -> Value {
    if let Some(license) = info.get_mut("license").and_then(Value::as_object_mut)
        && let Some(Value::String(identifier)) = license.remove("identifier")
    {
        license.insert("url".into(), format!("https://spdx.org/licenses/{identifier}.html").into());
    }
    info
}

struct Rewriter {
    /// The components that references name.
    schemas: Value,
}

impl Rewriter {
    /// A part of the document that is not a schema: rewrites the schemas in it.
    fn part(&self, part: &Value) -> Value {
        match part {
            Value::Object(members) => members
                .iter()
                .map(|(name, member)| {
                    let rewritten = match name.as_str() {
                        "schema" => self.schema(member),
                        "schemas" => self.schemas(member),
                        // Examples are values of the API.
                        "example" | "examples" => member.clone(),
                        _ => self.part(member),
                    };
                    (name.clone(), rewritten)
                })
                .collect(),
            Value::Array(items) => items.iter().map(|item| self.part(item)).collect(),
            value => value.clone(),
        }
    }

    /// Schemas by name.
    fn schemas(&self, schemas: &Value) -> Value {
        let members = schemas.as_object().into_iter().flatten();
        members.map(|(name, schema)| (name.clone(), self.schema(schema))).collect()
    }

    fn schema(&self, schema: &Value) -> Value {
        let Value::Object(keywords) = schema else { return schema.clone() };
        let mut rewritten = Map::new();
        for (keyword, value) in keywords {
            match (keyword.as_str(), value) {
                // The names of members in JSON are strings anyway.
                ("propertyNames", _) => {}
                ("const", value) => {
                    rewritten.insert("enum".into(), json!([value]));
                }
                ("type", Value::Array(types)) => {
                    let mut types = types.iter().filter(|one| *one != "null");
                    rewritten.insert("type".into(), types.next().cloned().unwrap_or_default());
                    rewritten.insert("nullable".into(), true.into());
                }
                ("oneOf", Value::Array(items)) if items.contains(&null()) => {
                    self.nullable_reference(items, &mut rewritten);
                }
                ("oneOf" | "allOf", Value::Array(items)) => {
                    let items = items.iter().map(|item| self.schema(item));
                    rewritten.insert(keyword.clone(), items.collect());
                }
                // Other keywords next to a reference are ignored in 3.0.
                ("$ref", reference) if keywords.len() > 1 => {
                    rewritten.insert("allOf".into(), json!([{ "$ref": reference }]));
                }
                ("properties", properties) => {
                    rewritten.insert(keyword.clone(), self.schemas(properties));
                }
                ("items" | "additionalProperties", value) => {
                    rewritten.insert(keyword.clone(), self.schema(value));
                }
                (_, value) => {
                    rewritten.insert(keyword.clone(), value.clone());
                }
            }
        }
        Value::Object(rewritten)
    }

    /// A reference or null. `nullable` counts only next to a type, which is that of the target.
    fn nullable_reference(&self, items: &[Value], rewritten: &mut Map<String, Value>) {
        let others = items.iter().filter(|item| **item != null());
        let target = others.clone().find_map(|item| {
            let name = item.get("$ref")?.as_str()?.rsplit('/').next()?;
            self.schemas.get(name)?.get("type").cloned()
        });
        if let Some(target) = target {
            rewritten.insert("type".into(), target);
        }
        rewritten.insert("nullable".into(), true.into());
        rewritten.insert("allOf".into(), others.map(|item| self.schema(item)).collect());
    }
}

/// A member of an object; null if there is none.
fn member(object: &Value, name: &str) -> Value {
    object.get(name).cloned().unwrap_or_default()
}

fn null() -> Value {
    json!({ "type": "null" })
}
