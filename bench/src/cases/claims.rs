//! The rush: testers by the thousand, verified at the same moment, for a few stamps of one
//! challenge.

use std::cell::RefCell;
use std::time::Duration;

use anyhow::{Context, Result, bail};
use domain::{Clock, SystemClock};
use serde_json::{Value, json};

use super::create::figures;
use super::reads;
use crate::load::{Request, each_once};
use crate::patience::until;
use crate::program::Server;
use crate::rounds::{Figures, Ground};

/// How many stamps there are.
const STAMPS: u32 = 100;

/// Over how many connections testers join: that is not what is measured.
const JOINED_OVER: usize = 64;

/// How long the challenge may take to appear.
const DEFAULT_TIMEOUT: Duration = Duration::from_secs(10);

pub(crate) fn sqlite_64(ground: &Ground) -> Result<Figures> {
    on_fresh_data(ground, 64)
}

pub(crate) fn sqlite_10000(ground: &Ground) -> Result<Figures> {
    on_fresh_data(ground, 10_000)
}

fn on_fresh_data(ground: &Ground, connections: usize) -> Result<Figures> {
    let data = ground.program.new_data()?;
    let server = ground.program.serve(data.path(), &[])?;
    rush(ground, &server, connections)
}

/// Has all testers join, and then all of them verified; exactly as many stamps must be granted as
/// there are.
pub(crate) fn rush(ground: &Ground, server: &Server, connections: usize) -> Result<Figures> {
    let challenge = hot_challenge(server)?;
    let path = format!("/tpas/v1/challenges/{challenge}/participations");
    let mut join = Request::post(&path, "", r#"{"providerId":"bankidse","platform":"ios"}"#, 201);
    let mut bytes = Vec::new();
    join.write(&mut bytes);
    let joined = RefCell::new(Vec::new());
    let joins = vec![bytes; ground.scale.testers];
    each_once(server.address, JOINED_OVER, join.status, &joins, |body| {
        joined.borrow_mut().push(id_in(body))
    })?;

    let secret = server.secret("verification-secret")?;
    let outcomes: Result<Vec<Vec<u8>>> = joined
        .into_inner()
        .into_iter()
        .enumerate()
        .map(|(number, id)| outcome(&secret, &id?, number))
        .collect();
    let claimed = RefCell::new(0);
    let measured = each_once(server.address, connections, 200, &outcomes?, |body| {
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

/// Orders a challenge and waits until it is there; its id.
fn hot_challenge(server: &Server) -> Result<String> {
    let order = json!({ "title": "Rush", "providerIds": ["bankidse"], "maxStamps": STAMPS,
        "allowDuplicateParticipation": true });
    let mut request =
        Request::post(&Server::tests_path(), &server.api_key()?, &order.to_string(), 201);
    let mut bytes = Vec::new();
    request.write(&mut bytes);
    each_once(server.address, 1, request.status, &[bytes], |_| {})?;
    let challenge =
        || anyhow::Ok(reads::get(server, "?limit=1")?.pointer("/0/challenge/id").cloned());
    until(DEFAULT_TIMEOUT, || Ok(challenge()?.is_some()))?;
    let id = challenge()?;
    Ok(id.as_ref().and_then(Value::as_str).context("a challenge without an id")?.to_owned())
}

fn id_in(joined: &[u8]) -> Result<String> {
    let joined: Value = serde_json::from_slice(joined)?;
    Ok(joined
        .get("id")
        .and_then(Value::as_str)
        .context("a participation without an id")?
        .to_owned())
}

/// A verifier's signed word that another person was verified.
fn outcome(secret: &str, participation: &str, number: usize) -> Result<Vec<u8>> {
    let data = json!({ "participationId": participation, "subject": format!("person {number}") });
    let body = json!({ "event": "verification.completed", "data": data }).to_string();
    let signature = wire::signature::sign(secret.as_bytes(), SystemClock.now(), body.as_bytes());
    let mut request = Request::post("/tpas/v1/verification-events", "", &body, 200)
        .with_header(wire::signature::HEADER, &signature);
    let mut bytes = Vec::new();
    request.write(&mut bytes);
    Ok(bytes)
}
