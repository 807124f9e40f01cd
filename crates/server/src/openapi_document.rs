//! Generates the OpenAPI document from the handlers and bodies (§13).

use std::mem::take;

use utoipa::openapi::RefOr;
use utoipa::openapi::schema::{AllOf, Object, OneOf, Schema};
use utoipa::openapi::security::{Http, HttpAuthScheme, SecurityScheme};
use utoipa::openapi::server::Server;
use utoipa::{Modify, OpenApi};

use crate::lifecycle::health;

#[derive(OpenApi)]
#[openapi(
    info(
        title = "fieldtest",
        description = "Production tests of electronic identities, with real people on real devices: order a test, let testers \
            join, grant stamps, read the report.",
    ),
    tags(
        (name = "Workspace", description = "For the relying party's engineer: whose key this is."),
        (name = "Apps", description = "For the relying party's engineer: what production tests are ordered for."),
        (name = "Providers", description = "For the relying party's engineer: which electronic identities an app can test."),
        (name = "Production tests", description = "For the relying party's engineer: order tests, follow them, read reports."),
        (name = "Testers", description = "For testers' browsers and apps: find a challenge, join it, follow it."),
        (name = "Sandbox simulator", description = "In a sandbox: plays the person that is verified."),
        (name = "Verifiers", description = "For verifiers: report outcomes."),
        (name = "Challenge service", description = "For the scheduler: make, read and close challenges."),
        (name = "Operations", description = "For operators."),
    ),
    modifiers(&Schemes),
)]
struct Document;

struct Schemes;

impl Modify for Schemes {
    fn modify(&self, document: &mut utoipa::openapi::OpenApi) {
        let components = document.components.get_or_insert_default();
        let schemes = [
            (
                "workspace_api_key",
                "A workspace API key: sk_workspace_test_… in a sandbox, sk_workspace_prod_… in production",
            ),
            (
                "service_token",
                "The token that the operator shares between the scheduler and the challenge service",
            ),
            ("participation_token", "The token that joining has answered"),
        ];
        for (name, description) in schemes {
            let mut scheme = Http::new(HttpAuthScheme::Bearer);
            scheme.description = Some(description.to_owned());
            components.add_security_scheme(name, SecurityScheme::Http(scheme));
        }
        document.servers = Some(vec![Server::new("/")]);
    }
}

/// Says what a member means beside its type.
///
/// utoipa says it inside: where a member is a reference or null, its description is on the
/// reference in the `oneOf`, and neither generators of clients nor readers look for it there.
fn lift_descriptions(document: &mut utoipa::openapi::OpenApi) {
    let schemas =
        document.components.iter_mut().flat_map(|components| components.schemas.values_mut());
    for member in schemas.flat_map(members) {
        if let RefOr::T(Schema::OneOf(OneOf { items, description: description @ None, .. })) =
            member
        {
            *description = items.iter_mut().find_map(|item| match item {
                RefOr::Ref(reference) if !reference.description.is_empty() => {
                    Some(take(&mut reference.description))
                }
                RefOr::Ref(_) | RefOr::T(_) => None,
            });
        }
    }
}

/// The members of an object, and of those that it is composed of.
fn members(schema: &mut RefOr<Schema>) -> Vec<&mut RefOr<Schema>> {
    match schema {
        RefOr::T(Schema::Object(Object { properties, .. })) => properties.values_mut().collect(),
        RefOr::T(Schema::AllOf(AllOf { items, .. })) => {
            items.iter_mut().flat_map(members).collect()
        }
        RefOr::T(_) | RefOr::Ref(_) => Vec::new(),
    }
}

/// The document as indented JSON.
pub(crate) fn generate() -> String {
    let mut document = Document::openapi();
    let others = [challenge_service::Paths::openapi(), health::Paths::openapi()];
    for part in workspace_api::documents().into_iter().chain(others) {
        document.merge(part);
    }
    lift_descriptions(&mut document);
    // Only a value that is no JSON could fail here, and the document has none.
    let mut text = document.to_pretty_json().unwrap_or_default();
    text.push('\n');
    text
}
