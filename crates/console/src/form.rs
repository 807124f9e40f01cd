//! Forms of the console: only those of its own pages are accepted (§14).

use axum::extract::{FromRequest, FromRequestParts, Request};
use axum::response::{IntoResponse, Response};
use http_support::body;
use http_support::error::ApiError;
use subtle::ConstantTimeEq;

use crate::origin::Origin;
use crate::session::Session;
use crate::state::Console;

/// The extractor of a form that a person who is signed in has sent from a page of the console.
pub(crate) struct Form {
    /// Who sent it.
    pub(crate) session: Session,
    fields: Vec<(String, String)>,
}

impl FromRequest<Console> for Form {
    type Rejection = Response;

    async fn from_request(request: Request, console: &Console) -> Result<Self, Response> {
        let (mut parts, body) = request.into_parts();
        let session = Session::from_request_parts(&mut parts, console).await?;
        let is_ours = Origin::of(&parts.headers, console).sent(&parts.headers);
        let request = Request::from_parts(parts, body);
        let fields = read(request).await.map_err(IntoResponse::into_response)?;
        let form = Self { session, fields };
        let csrf = form.get("csrf").as_bytes();
        if !is_ours || !bool::from(csrf.ct_eq(form.session.csrf.as_bytes())) {
            let message = "This form was not sent by a page of your session. Open the page again, and \
                           send it from there.";
            return Err(ApiError::forbidden(message).into_response());
        }
        Ok(form)
    }
}

/// Reads the fields of a form.
pub(crate) async fn read(request: Request) -> Result<Vec<(String, String)>, ApiError> {
    body::form(&body::read(request, &()).await?)
}

impl Form {
    /// The value of a field, without white space around it; empty if it is missing.
    pub(crate) fn get(&self, name: &str) -> &str {
        let found = self.fields.iter().find(|(field, _)| field == name);
        found.map_or("", |(_, value)| value.trim())
    }

    /// The value of a field, unless it is empty.
    pub(crate) fn filled(&self, name: &str) -> Option<&str> {
        Some(self.get(name)).filter(|value| !value.is_empty())
    }

    /// All values of a field.
    pub(crate) fn all(&self, name: &str) -> Vec<&str> {
        let values = self.fields.iter().filter(|(field, _)| field == name);
        values.map(|(_, value)| value.as_str()).collect()
    }
}
