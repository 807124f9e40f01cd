//! The body of an order from a JSON file or from standard input. It is validated as the server does
//! it, before anything is sent (§5).

use std::fs;
use std::io::{self, Read};

use domain::production_test::{Description, Order, Title};
use domain::text::without_byte_order_mark;
use serde_json::{Map, Value};
use wire::error::FieldError;
use wire::production_test::{CreateProductionTest, read_order};

use crate::failure::Failure;
use crate::table::printable;

/// The fields of an order.
const FIELDS: [&str; 6] = [
    "title",
    "description",
    "providerIds",
    "targetPlatform",
    "maxStamps",
    "allowDuplicateParticipation",
];

/// Reads an order from a file, or from standard input if the name is `-`.
pub(super) fn read(name: &str) -> Result<CreateProductionTest, Failure> {
    let text = if name == "-" {
        let mut text = String::new();
        io::stdin().lock().read_to_string(&mut text).map(|_| text)
    } else {
        fs::read_to_string(name)
    };
    let source = if name == "-" { "standard input" } else { name };
    let text = text.map_err(|error| Failure::Input(format!("cannot read {source}: {error}")))?;
    parse(&text).map_err(|problem| Failure::Input(format!("{source} {problem}")))
}

/// Parses a JSON object. Unlike the server, it refuses unknown fields, which may be typos.
fn parse(text: &str) -> Result<CreateProductionTest, String> {
    let value: Value = serde_json::from_str(without_byte_order_mark(text))
        .map_err(|error| format!("is not JSON: {error}"))?;
    let Value::Object(fields) = value else { return Err("must be a JSON object".into()) };
    if let Some(unknown) = fields.keys().find(|field| !FIELDS.contains(&field.as_str())) {
        return Err(format!(
            "has an unknown field {}; an order has {}",
            printable(unknown),
            FIELDS.join(", ")
        ));
    }
    validate(&fields)
        .map_err(|errors| format!("is not a valid order:\n  - {}", errors.join("\n  - ")))
}

/// Validates an order as the server does it. The errors name every invalid field.
pub(super) fn validate(fields: &Map<String, Value>) -> Result<CreateProductionTest, Vec<String>> {
    read_order(fields).map(body).map_err(|errors: Vec<FieldError>| {
        errors.into_iter().map(|error| printable(&error.message)).collect()
    })
}

fn body(order: Order) -> CreateProductionTest {
    let Order {
        title,
        description,
        provider_ids,
        target_platform,
        max_stamps,
        allow_duplicate_participation,
    } = order;
    CreateProductionTest {
        title: Title::into_string(title),
        description: description.map(Description::into_string),
        provider_ids,
        target_platform: target_platform.map(Into::into),
        max_stamps: Some(max_stamps.get()),
        allow_duplicate_participation,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_order_has_the_form_of_the_api() {
        let text = r#"{"title":"BankID","providerIds":["bankidse"],"maxStamps":2.0}"#;
        let order = parse(text).unwrap();
        assert_eq!(parse(&format!("\u{feff}{text}")).unwrap().title, order.title);
        assert_eq!((&*order.title, order.max_stamps), ("BankID", Some(2)));
        assert_eq!(order.provider_ids.unwrap(), ["bankidse"]);
    }

    #[test]
    fn all_errors_are_reported_at_once() {
        let problem = parse(r#"{"title":"","maxStamps":0}"#).unwrap_err();
        assert!(
            problem.contains("title is required") && problem.contains("maxStamps must be"),
            "{problem}"
        );
    }

    #[test]
    fn unknown_fields_are_refused() {
        for (text, part) in [
            (r#"{"title":"x","maxStamp":5}"#, "has an unknown field maxStamp; an order has title"),
            ("[]", "must be a JSON object"),
            ("{", "is not JSON: EOF while parsing an object at line 1 column 1"),
        ] {
            assert!(parse(text).unwrap_err().contains(part), "{text}");
        }
    }
}
