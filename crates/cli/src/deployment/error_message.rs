//! The message for an error of the API: what went wrong and what to do.

use client::ClientError;
use serde_json::Value;
use wire::error::{ErrorBody, ErrorCode};

use crate::failure::Failure;
use crate::table::printable;

/// Explains an error: what went wrong, what to do, and the request id for the operator.
pub(crate) fn explain(error: &ClientError, url: &str) -> Failure {
    Failure::Other(match error {
        ClientError::NoResponse(reason) => {
            format!(
                "{url} did not answer: {}\n  Is the server running? Is --url right?",
                printable(reason)
            )
        }
        ClientError::UnexpectedResponse { status, .. } => {
            format!(
                "the server at {url}, which answered with status {status}, is not fieldtest\n  \
                 Is --url right?"
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

/// The errors of single fields, if there is more than the message says.
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

/// What to do on the command line. The API's message is for all clients.
fn advice(code: ErrorCode) -> Option<&'static str> {
    match code {
        ErrorCode::AuthInvalidCredentials => {
            Some("Use another key with FIELDTEST_API_KEY or `fieldtest login`.")
        }
        ErrorCode::AuthForbidden => Some(
            "This needs a key with full access: `fieldtest admin key list` shows which have it.",
        ),
        ErrorCode::SystemInternalError => {
            Some("This is a bug. Please send the request id to the operator.")
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn answer(code: &str, details: &Value) -> String {
        let error = json!({ "code": code, "message": "It is so.\u{1b}[2J", "details": details });
        let envelope = json!({ "error": error, "request_id": "228aaefb" });
        let error = Box::new(serde_json::from_value(envelope).unwrap());
        let error = ClientError::ErrorResponse { status: 400, error, retry_after: None };
        explain(&error, "http://x.example").to_string()
    }

    #[test]
    fn the_message_has_the_request_id() {
        let message = answer("RESOURCE_NOT_FOUND", &json!({}));
        assert_eq!(message, "It is so.\u{fffd}[2J\n  RESOURCE_NOT_FOUND, request id 228aaefb");
    }

    #[test]
    fn every_invalid_field_is_listed() {
        let errors = json!({
            "errors": [{ "message": "title is long." }, { "message": "maxStamps is small." }]
        });
        let message = answer("VALIDATION_INVALID_PARAMETER", &errors);
        assert!(message.contains("\n  - title is long.\n  - maxStamps is small.\n"), "{message}");
        let providers = json!({
            "errors": [{ "message": "once" }],
            "providers": [{ "providerId": "x", "reason": "not_enabled" }]
        });
        let message = answer("VALIDATION_INVALID_PARAMETER", &providers);
        assert!(
            message.contains("\n  - x: not_enabled\n") && !message.contains("once"),
            "{message}"
        );
    }

    #[test]
    fn without_an_answer_the_message_names_the_url() {
        let error = ClientError::NoResponse("refused".into());
        let message = explain(&error, "http://x.example").to_string();
        assert!(message.starts_with("http://x.example did not answer: refused"), "{message}");
    }
}
