//! The body that a collector gets: OTLP in JSON (opentelemetry-proto, `ExportTraceServiceRequest`).

use serde_json::{Value, json};

use crate::span::{Kind, Span};

/// What sends the spans.
#[derive(Clone, Debug)]
pub struct Resource {
    /// The version of the program.
    pub version: &'static str,
    /// Sandbox or production.
    pub environment: String,
}

pub(crate) fn request(resource: &Resource, spans: &[Span]) -> Value {
    json!({ "resourceSpans": [{
        "resource": { "attributes": [
            attribute("service.name", "fieldtest"),
            attribute("service.version", resource.version),
            attribute("deployment.environment.name", &resource.environment),
        ] },
        "scopeSpans": [{
            "scope": { "name": "fieldtest" },
            "spans": spans.iter().map(to_json).collect::<Vec<_>>(),
        }],
    }] })
}

fn to_json(span: &Span) -> Value {
    let attributes = span.attributes.iter().map(|(key, value)| attribute(key, value));
    let links = span.caller.iter().map(|caller| {
        json!({ "traceId": hex::encode(caller.trace.0), "spanId": hex::encode(caller.span.0) })
    });
    let status = match &span.error {
        None => json!({}),
        Some(error) => json!({ "code": 2, "message": error }),
    };
    json!({
        "traceId": hex::encode(span.trace.0),
        "spanId": hex::encode(span.id.0),
        "parentSpanId": span.parent.map(|parent| hex::encode(parent.0)).unwrap_or_default(),
        "name": span.name,
        "kind": match span.kind {
            Kind::Internal => 1,
            Kind::Server => 2,
            Kind::Client => 3,
        },
        // 64-bit numbers are texts in the JSON of protocol buffers.
        "startTimeUnixNano": nanoseconds(span.start),
        "endTimeUnixNano": nanoseconds(span.end),
        "attributes": attributes.collect::<Vec<_>>(),
        "links": links.collect::<Vec<_>>(),
        "status": status,
    })
}

fn attribute(key: &str, value: &str) -> Value {
    json!({ "key": key, "value": { "stringValue": value } })
}

fn nanoseconds(at: domain::Timestamp) -> String {
    at.as_millis().max(0).saturating_mul(1_000_000).to_string()
}
