//! What a deployment's error means to whoever typed the command, and what to do next.

use client::ClientError;
use serde_json::Value;
use wire::error::{ErrorBody, ErrorCode};

use crate::failure::Failure;
use crate::table::printable;

/// The error in words: what went wrong, what to do, and the id under which the operator finds it.
pub(crate) fn explain(error: &ClientError, url: &str) -> Failure {
    Failure::Other(match error {
        ClientError::NoResponse(reason) => {
            format!("{url} did not answer: {}\n  Does it run there? See --url.", printable(reason))
        }
        ClientError::UnexpectedResponse { status, .. } => {
            format!(
                "what answered at {url}, with status {status}, is not fieldtest\n  Is the URL right? See --url."
            )
        }
        ClientError::ErrorResponse { error: envelope, .. } => {
            let mut lines = vec![printable(&envelope.error.message)];
            lines.extend(
                fields(&envelope.error)
                    .into_iter()
                    .map(|field| format!("  - {}", printable(&field))),
            );
            lines.extend(advice(envelope.error.code).map(|advice| format!("  {advice}")));
            lines.push(format!(
                "  {}, request id {}",
                envelope.error.code,
                printable(&envelope.request_id)
            ));
            lines.join("\n")
        }
    })
}

/// What is wrong with each field, where there is more to say than the message does.
fn fields(error: &ErrorBody) -> Vec<String> {
    let list = |name: &str| error.details.as_ref()?.get(name)?.as_array();
    let text = |value: &Value, name: &str| value.get(name)?.as_str().map(str::to_owned);
    let errors = list("errors").filter(|errors| errors.len() > 1);
    let messages = errors.into_iter().flatten().filter_map(|error| text(error, "message"));
    let providers = list("providers").into_iter().flatten();
    let refused = providers.filter_map(|provider| {
        Some(format!("{}: {}", text(provider, "providerId")?, text(provider, "reason")?))
    });
    messages.chain(refused).collect()
}

/// What the API's own message cannot say, because it does not know of the command line.
fn advice(code: ErrorCode) -> Option<&'static str> {
    match code {
        ErrorCode::AuthInvalidCredentials => {
            Some("Give another key with FIELDTEST_API_KEY or `fieldtest login`.")
        }
        ErrorCode::AuthForbidden => {
            Some("This needs a key with full access: `fieldtest admin key list` shows which are.")
        }
        ErrorCode::SystemInternalError => {
            Some("This is a bug. Please tell the operator the request id.")
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn answer(code: &str, details: &Value) -> String {
        let envelope = json!({ "error": { "code": code, "message": "It is so.\u{1b}[2J", "details": details },
            "request_id": "228aaefb" });
        let error = Box::new(serde_json::from_value(envelope).unwrap());
        explain(&ClientError::ErrorResponse { status: 400, error, retry_after: None }, "http://x.example")
            .to_string()
    }

    #[test]
    fn an_answer_says_what_the_server_said_and_names_the_request() {
        let said = answer("RESOURCE_NOT_FOUND", &json!({}));
        assert_eq!(said, "It is so.\u{fffd}[2J\n  RESOURCE_NOT_FOUND, request id 228aaefb");
    }

    #[test]
    fn every_wrong_field_is_named() {
        let errors = json!({ "errors": [{ "message": "title is long." }, { "message": "maxStamps is small." }] });
        let said = answer("VALIDATION_INVALID_PARAMETER", &errors);
        assert!(said.contains("\n  - title is long.\n  - maxStamps is small.\n"), "{said}");
        let providers = json!({ "errors": [{ "message": "once" }], "providers": [{ "providerId": "x", "reason": "not_enabled" }] });
        let said = answer("VALIDATION_INVALID_PARAMETER", &providers);
        assert!(said.contains("\n  - x: not_enabled\n") && !said.contains("once"), "{said}");
    }

    #[test]
    fn without_an_answer_the_url_is_in_doubt() {
        let said =
            explain(&ClientError::NoResponse("refused".into()), "http://x.example").to_string();
        assert!(said.starts_with("http://x.example did not answer: refused"), "{said}");
    }
}
