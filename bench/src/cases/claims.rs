//! Thousands of testers are verified at the same moment, for a few stamps of one challenge.

use std::cell::RefCell;
use std::time::Duration;

use anyhow::{Context, Result, bail};
use domain::{Clock, SystemClock};
use serde_json::{Value, json};

use super::create::figures;
use super::reads;
use crate::context::{BenchContext, Figures};
use crate::load::{Request, each_once};
use crate::polling::wait_until;
use crate::program::Server;

/// How many stamps the challenge grants.
const STAMPS: u32 = 100;

/// How many connections join testers, which is not measured.
const JOIN_CONNECTIONS: usize = 64;

/// How long scheduling the challenge may take.
const TIMEOUT: Duration = Duration::from_secs(10);

pub(crate) fn sqlite_64(context: &BenchContext) -> Result<Figures> {
    on_fresh_data(context, 64)
}

pub(crate) fn sqlite_10000(context: &BenchContext) -> Result<Figures> {
    on_fresh_data(context, 10_000)
}

fn on_fresh_data(context: &BenchContext, connections: usize) -> Result<Figures> {
    let data = context.program.new_data()?;
    let server = context.program.serve(data.path(), &[])?;
    claim(context, &server, connections)
}

/// Joins all testers, then measures their verifications. Fails unless every stamp is granted and no
/// more than that.
pub(crate) fn claim(
    context: &BenchContext,
    server: &Server,
    connections: usize,
) -> Result<Figures> {
    let challenge = create_challenge(server)?;
    let path = format!("/tpas/v1/challenges/{challenge}/participations");
    let mut join = Request::post(&path, "", r#"{"providerId":"bankidse","platform":"ios"}"#, 201);
    let mut bytes = Vec::new();
    join.write(&mut bytes);
    let joined = RefCell::new(Vec::new());
    let joins = vec![bytes; context.settings.testers];
    each_once(server.address, JOIN_CONNECTIONS, join.status, &joins, |body| {
        joined.borrow_mut().push(participation_id(body))
    })?;

    let secret = server.secret("verification-secret")?;
    let events: Result<Vec<Vec<u8>>> = joined
        .into_inner()
        .into_iter()
        .enumerate()
        .map(|(number, id)| verification_event(&secret, &id?, number))
        .collect();
    let claimed = RefCell::new(0);
    let measured = each_once(server.address, connections, 200, &events?, |body| {
        if body.windows(7).any(|part| part == b"claimed") {
            *claimed.borrow_mut() += 1;
        }
    })?;
    let claimed = claimed.into_inner();
    if claimed != STAMPS {
        bail!("{claimed} stamps were granted instead of {STAMPS}");
    }
    Ok(figures(&measured))
}

/// Orders a production test, waits for its challenge and returns its id.
fn create_challenge(server: &Server) -> Result<String> {
    let order = json!({ "title": "Rush", "providerIds": ["bankidse"], "maxStamps": STAMPS,
        "allowDuplicateParticipation": true });
    let mut request =
        Request::post(&Server::tests_path(), &server.api_key()?, &order.to_string(), 201);
    let mut bytes = Vec::new();
    request.write(&mut bytes);
    each_once(server.address, 1, request.status, &[bytes], |_| {})?;
    let challenge =
        || anyhow::Ok(reads::get(server, "?limit=1")?.pointer("/0/challenge/id").cloned());
    wait_until(TIMEOUT, || Ok(challenge()?.is_some()))?;
    let id = challenge()?;
    Ok(id.as_ref().and_then(Value::as_str).context("a challenge without an id")?.to_owned())
}

fn participation_id(joined: &[u8]) -> Result<String> {
    let joined: Value = serde_json::from_slice(joined)?;
    Ok(joined
        .get("id")
        .and_then(Value::as_str)
        .context("a participation without an id")?
        .to_owned())
}

/// A signed verification event: another person was verified.
fn verification_event(secret: &str, participation: &str, number: usize) -> Result<Vec<u8>> {
    let data = json!({ "participationId": participation, "subject": format!("person {number}") });
    let body = json!({ "event": "verification.completed", "data": data }).to_string();
    let signature = wire::signature::sign(secret.as_bytes(), SystemClock.now(), body.as_bytes());
    let mut request = Request::post("/tpas/v1/verification-events", "", &body, 200)
        .with_header(wire::signature::HEADER, &signature);
    let mut bytes = Vec::new();
    request.write(&mut bytes);
    Ok(bytes)
}
