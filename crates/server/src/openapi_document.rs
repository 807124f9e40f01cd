//! Generates the OpenAPI document from the handlers and bodies (§13).

use std::mem::take;

use utoipa::openapi::header::{Header, HeaderBuilder};
use utoipa::openapi::path::{Operation, Parameter, PathItem};
use utoipa::openapi::schema::{AllOf, Object, OneOf, Schema, Type};
use utoipa::openapi::security::{Http, HttpAuthScheme, SecurityScheme};
use utoipa::openapi::server::Server;
use utoipa::openapi::{RefOr, Response};
use utoipa::{Modify, OpenApi};
use wire::error::ErrorEnvelope;

use crate::openapi::BASE_URL;
use crate::{health, openapi_3_0};

#[derive(OpenApi)]
#[openapi(
    info(
        title = "fieldtest",
        description = "Production tests of electronic identities, with real people on real \
            devices: order a test, let testers join, grant stamps, read the report. \
            [Each error code](/docs/errors) says what to do; [the API design](/docs/api-design) \
            has the rules.",
        contact(name = "The operator of this deployment"),
    ),
    tags(
        (name = "Workspace",
            description = "For the relying party's engineer: the workspace of an API key."),
        (name = "API keys",
            description = "For the relying party's engineer: the keys of the workspace."),
        (name = "Apps",
            description = "For the relying party's engineer: the apps that are tested."),
        (name = "Providers",
            description = "For the relying party's engineer: the electronic identities that an app \
                can test."),
        (name = "Production tests",
            description = "For the relying party's engineer: order tests, follow them, read \
                reports."),
        (name = "Webhooks",
            description = "For the relying party's engineer: be told of an app's events."),
        (name = "Console",
            description = "For the relying party's engineer: links that sign in to the console."),
        (name = "Testers",
            description = "For testers' browsers and apps: find a challenge, join it, follow it."),
        (name = "Sandbox simulator",
            description = "In a sandbox: plays the person that is verified."),
        (name = "Verifiers", description = "For verifiers: report outcomes."),
        (name = "Challenge service",
            description = "For the scheduler: create, read and close challenges."),
        (name = "Operations", description = "For operators."),
    ),
    components(schemas(ErrorEnvelope)),
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
                "A workspace API key: sk_workspace_test_… in a sandbox, sk_workspace_prod_… in \
                 production",
            ),
            (
                "service_token",
                "The token that the operator shares between the scheduler and the challenge \
                 service",
            ),
            ("participation_token", "The token that joining has answered"),
        ];
        for (name, description) in schemes {
            let mut scheme = Http::new(HttpAuthScheme::Bearer);
            scheme.description = Some(description.to_owned());
            components.add_security_scheme(name, SecurityScheme::Http(scheme));
        }
        document.servers = Some(vec![Server::new(BASE_URL)]);
    }
}

/// Documents the response headers that every operation has, and those that follow from its
/// parameters.
fn add_headers(document: &mut utoipa::openapi::OpenApi) {
    for operation in document.paths.paths.values_mut().flat_map(operations) {
        let is_key = |parameter: &RefOr<Parameter>| match parameter {
            RefOr::T(parameter) => parameter.name == "Idempotency-Key",
            RefOr::Ref(_) => false,
        };
        let takes_key = operation.parameters.iter().flatten().any(is_key);
        for (status, response) in &mut operation.responses.responses {
            let RefOr::T(response) = response else { continue };
            if status.starts_with('2') {
                add_header(response, "X-Request-Id", "The request's id");
            }
            if status == "201" && takes_key {
                let meaning = "`true` when this is the answer to an earlier request";
                add_header(response, "Idempotency-Replayed", meaning);
            }
        }
    }
}

fn operations(path: &mut PathItem) -> impl Iterator<Item = &mut Operation> {
    let PathItem { get, put, post, delete, patch, .. } = path;
    [get, put, post, delete, patch].into_iter().flatten()
}

/// Adds a header, unless the operation documents it itself.
fn add_header(response: &mut Response, name: &str, meaning: &str) {
    let header = || -> Header {
        let text = Object::with_type(Type::String);
        HeaderBuilder::new().schema(Some(text)).description(Some(meaning)).build()
    };
    response.headers.entry(name.to_owned()).or_insert_with(|| header().into());
}

/// Says of public operations that they need no key: otherwise linters assume that it was forgotten.
fn mark_public(document: &mut utoipa::openapi::OpenApi) {
    for operation in document.paths.paths.values_mut().flat_map(operations) {
        operation.security.get_or_insert_default();
    }
}

/// Removes descriptions of the variants of a union.
///
/// utoipa puts them next to references, where some generators do not look for a reference then. The
/// variants have descriptions of their own.
fn bare_variants(document: &mut utoipa::openapi::OpenApi) {
    let schemas =
        document.components.iter_mut().flat_map(|components| components.schemas.values_mut());
    for schema in schemas {
        let RefOr::T(Schema::OneOf(OneOf { items, .. })) = schema else { continue };
        for item in items {
            if let RefOr::Ref(reference) = item {
                reference.description.clear();
            }
        }
    }
}

/// Moves descriptions of members to where readers and client generators look for them.
///
/// If a member is a reference or null, utoipa puts its description on the reference inside the
/// `oneOf`. This moves it to the member.
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

/// The members of an object, including those of the objects that it is composed of.
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
    // Every value in the document can be written as JSON.
    let mut text = document().to_pretty_json().unwrap_or_default();
    text.push('\n');
    text
}

/// The document for programs that read only OpenAPI 3.0, as indented JSON.
pub(crate) fn generate_3_0() -> String {
    // As above.
    let mut text = openapi_3_0::render(&document()).unwrap_or_default();
    text.push('\n');
    text
}

fn document() -> utoipa::openapi::OpenApi {
    let mut document = Document::openapi();
    let others = [challenge_service::Paths::openapi(), health::Paths::openapi()];
    for part in workspace_api::documents().into_iter().chain(others) {
        document.merge(part);
    }
    add_headers(&mut document);
    mark_public(&mut document);
    lift_descriptions(&mut document);
    bare_variants(&mut document);
    document
}
