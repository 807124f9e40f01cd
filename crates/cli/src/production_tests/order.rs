//! An order from a JSON file or from standard input, judged as the server would judge it, before
//! anything is sent (§5).

use std::fs;
use std::io::{self, Read};

use domain::production_test::{Description, Order, Title};
use serde_json::{Map, Value};
use wire::error::FieldError;
use wire::production_test::{CreateProductionTest, read_order};

use crate::failure::Failure;
use crate::table::printable;

/// What the API's orders are made of.
const MEMBERS: [&str; 6] = [
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

/// The order that a JSON object says.
fn parse(text: &str) -> Result<CreateProductionTest, String> {
    let value: Value =
        serde_json::from_str(text).map_err(|error| format!("is not JSON: {error}"))?;
    let Value::Object(members) = value else { return Err("must be a JSON object".into()) };
    if let Some(unknown) = members.keys().find(|member| !MEMBERS.contains(&member.as_str())) {
        return Err(format!(
            "has a member {}; an order has {}",
            printable(unknown),
            MEMBERS.join(", ")
        ));
    }
    judge(&members).map_err(|errors| format!("is no order:\n  - {}", errors.join("\n  - ")))
}

/// The order, if the server would accept its form; otherwise everything that is wrong with it.
pub(super) fn judge(members: &Map<String, Value>) -> Result<CreateProductionTest, Vec<String>> {
    read_order(members).map(body).map_err(|errors: Vec<FieldError>| {
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
    fn an_order_is_what_the_api_takes() {
        let order =
            parse(r#"{"title":"BankID","providerIds":["bankidse"],"maxStamps":2.0,"targetPlatform":"ios"}"#).unwrap();
        assert_eq!((&*order.title, order.max_stamps), ("BankID", Some(2)));
        assert_eq!(order.provider_ids.unwrap(), ["bankidse"]);
    }

    #[test]
    fn everything_that_is_wrong_is_said_at_once() {
        let problem = parse(r#"{"title":"","maxStamps":0}"#).unwrap_err();
        assert!(
            problem.contains("title is required") && problem.contains("maxStamps must be"),
            "{problem}"
        );
    }

    #[test]
    fn a_slip_of_the_pen_is_not_ignored() {
        for (text, part) in [
            (r#"{"title":"x","maxStamp":5}"#, "has a member maxStamp; an order has title"),
            ("[]", "must be a JSON object"),
            ("{", "is not JSON: EOF while parsing an object at line 1 column 1"),
        ] {
            assert!(parse(text).unwrap_err().contains(part), "{text}");
        }
    }
}
