//! Ordering production tests on SQLite, and the route that does nothing.

use std::path::Path;
use std::sync::Arc;
use std::time::Instant;

use anyhow::{Context, Result};
use db::{Idempotency, Location, WriterMetrics};
use domain::challenge_request::{ChallengeRequest, Status};
use domain::idempotency::{Fingerprint, IdempotencyKey, VALIDITY};
use domain::{Clock, IdGenerator, SeededRandomness, SystemClock};
use futures_util::stream::{self, StreamExt, TryStreamExt};
use store_workspace::{CreateChallengeRequest, WorkspaceStore};

use crate::load::{Closed, Keys, Measured, Open, Request, each_once, push_key};
use crate::program::{APP, Server};
use crate::rounds::{Figures, Ground};

/// As in the documentation of the operation.
const ORDER: &str = r#"{"title":"BankID SE Test","providerIds":["bankidse"],"maxStamps":3}"#;

/// How many writes wait together while data is filled.
const TOGETHER: usize = 512;

/// A create.
pub(crate) fn order(api_key: &str) -> Request {
    Request::post(&Server::tests_path(), api_key, ORDER, 201)
}

pub(crate) fn no_op(ground: &Ground) -> Result<Figures> {
    let data = ground.program.new_data()?;
    let server = ground.program.serve(data.path(), &[])?;
    let request = Request::post("/bench/no-op", &server.api_key()?, ORDER, 200).with(Keys::Unique);
    Ok(figures(&closed(ground, &server, 64).run(&request)?))
}

pub(crate) fn sqlite_1(ground: &Ground) -> Result<Figures> {
    on_fresh_data(ground, 1)
}

pub(crate) fn sqlite_64(ground: &Ground) -> Result<Figures> {
    on_fresh_data(ground, 64)
}

pub(crate) fn sqlite_512(ground: &Ground) -> Result<Figures> {
    on_fresh_data(ground, 512)
}

fn on_fresh_data(ground: &Ground, connections: usize) -> Result<Figures> {
    let data = ground.program.new_data()?;
    let server = ground.program.serve(data.path(), &[])?;
    create(ground, &server, connections)
}

pub(crate) fn create(ground: &Ground, server: &Server, connections: usize) -> Result<Figures> {
    let request = order(&server.api_key()?).with(Keys::Unique);
    Ok(figures(&closed(ground, server, connections).run(&request)?))
}

pub(crate) fn sqlite_full(ground: &Ground) -> Result<Figures> {
    let data = ground.filled()?;
    let server = ground.program.serve(data.path(), &[])?;
    // After a start somebody waits until it is known which keys there are; that is a figure of its
    // own.
    let mut first = order(&server.api_key()?).with(Keys::Unique);
    let mut bytes = Vec::new();
    first.write(&mut bytes);
    let start = Instant::now();
    each_once(server.address, 1, first.status, &[bytes], |_| {})?;
    let waited = start.elapsed().as_secs_f64() * 1000.0;
    let mut figures = create(ground, &server, 64)?;
    figures.insert("first create after a start ms", waited);
    Ok(figures)
}

pub(crate) fn sqlite_open(ground: &Ground) -> Result<Figures> {
    let data = ground.program.new_data()?;
    let server = ground.program.serve(data.path(), &[])?;
    at_half_rate(ground, &server)
}

/// Finds the greatest rate, and then asks for half of it.
pub(crate) fn at_half_rate(ground: &Ground, server: &Server) -> Result<Figures> {
    let request = order(&server.api_key()?).with(Keys::Unique);
    let greatest = closed(ground, server, 64).run(&request)?.per_second();
    let load = Open {
        address: server.address,
        connections: 512,
        per_second: greatest / 2.0,
        warm_up: ground.scale.warm_up,
        duration: ground.scale.duration,
    };
    Ok(figures(&load.run(&request)?))
}

pub(crate) fn replay(ground: &Ground) -> Result<Figures> {
    let data = ground.program.new_data()?;
    let server = ground.program.serve(data.path(), &[])?;
    let request = order(&server.api_key()?).with(Keys::Repeated(1000));
    Ok(figures(&closed(ground, &server, 64).run(&request)?))
}

fn closed(ground: &Ground, server: &Server, connections: usize) -> Closed {
    let (warm_up, duration) = (ground.scale.warm_up, ground.scale.duration);
    Closed { address: server.address, connections, warm_up, duration }
}

pub(crate) fn figures(measured: &Measured) -> Figures {
    Figures::from([
        ("per second", measured.per_second()),
        ("p50", measured.quantile(0.5)),
        ("p99", measured.quantile(0.99)),
        ("p99.9", measured.quantile(0.999)),
    ])
}

/// Data in which many production tests were ordered, with idempotency keys that are still valid,
/// and cancelled, so that no scheduler wants them.
pub(crate) fn fill(ground: &Ground) -> Result<tempfile::TempDir> {
    let data = ground.program.new_data()?;
    ground.program.serve(data.path(), &[])?.stop()?;
    println!("  ordering {} production tests beforehand", ground.scale.many);
    let runtime = tokio::runtime::Runtime::new()?;
    runtime.block_on(fill_store(data.path(), ground.scale.many))?;
    Ok(data)
}

async fn fill_store(data: &Path, many: usize) -> Result<()> {
    let store =
        WorkspaceStore::open(&Location::Folder(data.to_owned()), WriterMetrics::default()).await?;
    let workspaces = store.workspaces().await?;
    let workspace = workspaces.first().context("the demo has no workspace")?;
    let app = store.app(&workspace.id, &APP.parse()?).await?.context("the demo has no app")?;
    let clock = Arc::new(SystemClock);
    let ids = IdGenerator::new(clock.clone(), Arc::new(SeededRandomness::from_system()?));
    let order =
        serde_json::from_str(ORDER).map(|order| wire::production_test::read_order(&order))?;
    let payload = order
        .map_err(|errors| anyhow::anyhow!("{errors:?}"))?
        .into_payload(vec!["bankidse".parse()?]);
    let write = |number: usize| {
        let now = clock.now();
        let mut request = ChallengeRequest::new(ids.request(), &app, payload.clone(), now);
        request.status = Status::Cancelled;
        request.scheduling.next_attempt_at = None;
        let mut key = Vec::with_capacity(32);
        // The load counts from zero; these are others.
        push_key(u64::MAX - u64::try_from(number).unwrap_or(0), &mut key);
        let key = IdempotencyKey::new(&String::from_utf8_lossy(&key));
        let unit = key.map(|key| CreateChallengeRequest {
            request,
            idempotency: Some(Idempotency {
                key,
                fingerprint: Fingerprint::from_bytes([7; 32]),
                expires_at: now.plus(VALIDITY),
            }),
            lease: None,
        });
        let store = store.clone();
        async move { anyhow::Ok(store.create_challenge_request(unit?).await.map(drop)?) }
    };
    stream::iter((0..many).map(write)).buffer_unordered(TOGETHER).try_collect::<()>().await?;
    store.database().close().await;
    Ok(())
}
