//! The authorization request, in the browser's address or pushed (RFC 9126).

use reqwest::Url;
use serde::Deserialize;

use crate::client_authentication::{Form, authenticate, encode_form};
use crate::discovery::Document;
use crate::relying_party::Session;
use crate::{Attempt, Configuration, Failure, PushedAuthorization, http};

#[derive(Deserialize)]
struct Pushed {
    request_uri: String,
}

/// The address that the person's browser is sent to.
pub(crate) async fn url(session: &Session<'_>, attempt: &Attempt) -> Result<String, Failure> {
    let (document, configuration) = (&session.document, session.configuration);
    let endpoint =
        http::endpoint("authorization_endpoint", document.authorization_endpoint.as_deref())?;
    let parameters = parameters(configuration, session.redirect_uri, attempt);
    let Some(pushed) = pushed_endpoint(document, configuration.pushed_authorization)? else {
        return Ok(with_parameters(endpoint, &parameters));
    };
    let request_uri = push(session, pushed, parameters).await?;
    let short = vec![
        ("client_id".to_owned(), configuration.client_id.clone()),
        ("request_uri".to_owned(), request_uri),
    ];
    Ok(with_parameters(endpoint, &short))
}

/// Where the request is pushed to, if it is.
pub(crate) fn pushed_endpoint(
    document: &Document,
    wish: PushedAuthorization,
) -> Result<Option<Url>, Failure> {
    let offered = document.pushed_authorization_request_endpoint.as_deref();
    let is_demanded = document.require_pushed_authorization_requests;
    let name = "pushed_authorization_request_endpoint";
    match wish {
        PushedAuthorization::Required if offered.is_none() => Err(Failure::misconfigured(
            "par is \"required\", but the provider offers no pushed authorization requests",
        )),
        PushedAuthorization::Off if !is_demanded => Ok(None),
        PushedAuthorization::Auto if !is_demanded && offered.is_none() => Ok(None),
        _ => http::endpoint(name, offered).map(Some),
    }
}

fn parameters(configuration: &Configuration, redirect_uri: &str, attempt: &Attempt) -> Form {
    let mut scopes: Vec<&str> = configuration.scopes.iter().map(String::as_str).collect();
    if !scopes.contains(&"openid") {
        scopes.insert(0, "openid");
    }
    let acr_values = configuration.acr_values.join(" ");
    let mut form: Form = [
        ("response_type", Some("code")),
        ("client_id", Some(configuration.client_id.as_str())),
        ("redirect_uri", Some(redirect_uri)),
        ("scope", Some(scopes.join(" ").as_str())),
        ("state", Some(attempt.state.as_str())),
        ("nonce", Some(attempt.nonce.as_str())),
        ("response_mode", Some("query")),
        ("code_challenge", Some(attempt.code_challenge().as_str())),
        ("code_challenge_method", Some("S256")),
        ("acr_values", Some(acr_values.as_str()).filter(|values| !values.is_empty())),
        ("prompt", configuration.prompt.as_deref()),
        ("login_hint", configuration.login_hint.as_deref()),
    ]
    .into_iter()
    .filter_map(|(name, value)| Some((name.to_owned(), value?.to_owned())))
    .collect();
    for (name, value) in &configuration.extra {
        if !form.iter().any(|(known, _)| known == name) {
            form.push((name.clone(), value.clone()));
        }
    }
    form
}

/// Adds parameters, keeping those that the endpoint has already.
fn with_parameters(mut endpoint: Url, parameters: &Form) -> String {
    let own = endpoint.query().filter(|query| !query.is_empty()).map(|query| format!("{query}&"));
    endpoint.set_query(Some(&format!("{}{}", own.unwrap_or_default(), encode_form(parameters))));
    endpoint.into()
}

async fn push(session: &Session<'_>, endpoint: Url, parameters: Form) -> Result<String, Failure> {
    let what = "the pushed authorization request endpoint";
    let request = session.client.post(endpoint);
    let request = authenticate(request, parameters, session)?;
    let answer = http::send(request, what).await?;
    if !answer.is_success {
        return Err(answer.failure(what));
    }
    let pushed: Pushed = serde_json::from_slice(&answer.body)
        .map_err(|_| Failure::invalid(format!("{what} answers without request_uri")))?;
    Ok(pushed.request_uri)
}
