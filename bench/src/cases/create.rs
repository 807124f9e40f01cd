//! Creating production tests on SQLite, and the no-op route.

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

use crate::context::{BenchContext, Figures};
use crate::load::{Closed, Keys, Measured, Open, Request, each_once, push_key};
use crate::program::{APP, Server};

/// The example in the documentation of the operation.
const ORDER: &str = r#"{"title":"BankID SE Test","providerIds":["bankidse"],"maxStamps":3}"#;

/// How many writes are in flight while a database is filled.
const IN_FLIGHT: usize = 512;

/// A request that creates a production test.
pub(crate) fn order(api_key: &str) -> Request {
    Request::post(&Server::tests_path(), api_key, ORDER, 201)
}

pub(crate) fn no_op(context: &BenchContext) -> Result<Figures> {
    let data = context.program.new_data()?;
    let server = context.program.serve(data.path(), &[])?;
    let request = Request::post("/bench/no-op", &server.api_key()?, ORDER, 200).with(Keys::Unique);
    Ok(figures(&closed(context, &server, 64).run(&request)?))
}

pub(crate) fn sqlite_1(context: &BenchContext) -> Result<Figures> {
    on_fresh_data(context, 1)
}

pub(crate) fn sqlite_64(context: &BenchContext) -> Result<Figures> {
    on_fresh_data(context, 64)
}

pub(crate) fn sqlite_512(context: &BenchContext) -> Result<Figures> {
    on_fresh_data(context, 512)
}

fn on_fresh_data(context: &BenchContext, connections: usize) -> Result<Figures> {
    let data = context.program.new_data()?;
    let server = context.program.serve(data.path(), &[])?;
    create(context, &server, connections)
}

pub(crate) fn create(
    context: &BenchContext,
    server: &Server,
    connections: usize,
) -> Result<Figures> {
    let request = order(&server.api_key()?).with(Keys::Unique);
    Ok(figures(&closed(context, server, connections).run(&request)?))
}

pub(crate) fn sqlite_full(context: &BenchContext) -> Result<Figures> {
    let data = context.filled(fill)?;
    let server = context.program.serve(data.path(), &[])?;
    // The first create after a start waits until the idempotency keys are loaded.
    let mut first = order(&server.api_key()?).with(Keys::Unique);
    let mut bytes = Vec::new();
    first.write(&mut bytes);
    let start = Instant::now();
    each_once(server.address, 1, first.status, &[bytes], |_| {})?;
    let first_create = start.elapsed().as_secs_f64() * 1000.0;
    let mut figures = create(context, &server, 64)?;
    figures.insert("first create after a start ms", first_create);
    Ok(figures)
}

pub(crate) fn sqlite_open(context: &BenchContext) -> Result<Figures> {
    let data = context.program.new_data()?;
    let server = context.program.serve(data.path(), &[])?;
    at_half_rate(context, &server)
}

/// Measures the greatest rate, then the latencies at half of it.
pub(crate) fn at_half_rate(context: &BenchContext, server: &Server) -> Result<Figures> {
    let request = order(&server.api_key()?).with(Keys::Unique);
    let greatest = closed(context, server, 64).run(&request)?.per_second();
    let load = Open {
        address: server.address,
        connections: 512,
        per_second: greatest / 2.0,
        warm_up: context.settings.warm_up,
        duration: context.settings.duration,
    };
    Ok(figures(&load.run(&request)?))
}

pub(crate) fn replay(context: &BenchContext) -> Result<Figures> {
    let data = context.program.new_data()?;
    let server = context.program.serve(data.path(), &[])?;
    let request = order(&server.api_key()?).with(Keys::Repeated(1000));
    Ok(figures(&closed(context, &server, 64).run(&request)?))
}

fn closed(context: &BenchContext, server: &Server, connections: usize) -> Closed {
    let (warm_up, duration) = (context.settings.warm_up, context.settings.duration);
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

/// Fills a database with many production tests whose idempotency keys are valid. They are
/// cancelled, so that no scheduler takes them.
pub(crate) fn fill(context: &BenchContext) -> Result<tempfile::TempDir> {
    let data = context.program.new_data()?;
    context.program.serve(data.path(), &[])?.stop()?;
    println!("  creating {} production tests first", context.settings.many);
    let runtime = tokio::runtime::Runtime::new()?;
    runtime.block_on(fill_store(data.path(), context.settings.many))?;
    Ok(data)
}

async fn fill_store(data: &Path, many: usize) -> Result<()> {
    let store =
        WorkspaceStore::open(&Location::Folder(data.to_owned()), WriterMetrics::default()).await?;
    let workspaces = store.workspaces().await?;
    let workspace = workspaces.first().context("there is no demo workspace")?;
    let app = store.app(&workspace.id, &APP.parse()?).await?.context("there is no demo app")?;
    let clock = Arc::new(SystemClock);
    let ids = IdGenerator::new(clock.clone(), Arc::new(SeededRandomness::from_system()?));
    let order =
        serde_json::from_str(ORDER).map(|order| wire::production_test::read_order(&order))?;
    let payload = order
        .map_err(|errors| anyhow::anyhow!("{errors:?}"))?
        .into_payload(vec!["bankidse".parse()?]);
    let create = |number: usize| {
        let now = clock.now();
        let mut request = ChallengeRequest::new(ids.request(), &app, payload.clone(), now);
        request.status = Status::Cancelled;
        request.scheduling.next_attempt_at = None;
        let mut key = Vec::with_capacity(32);
        // Distinct from the keys of the load, which count from zero.
        push_key(u64::MAX - u64::try_from(number).unwrap_or(0), &mut key);
        let key = IdempotencyKey::new(&String::from_utf8_lossy(&key));
        let write = key.map(|key| CreateChallengeRequest {
            request: request.into(),
            idempotency: Some(Idempotency {
                key,
                fingerprint: Fingerprint::from_bytes([7; 32]),
                expires_at: now.plus(VALIDITY),
            }),
            lease: None,
        });
        let store = store.clone();
        async move { anyhow::Ok(store.create_challenge_request(write?).await.map(drop)?) }
    };
    stream::iter((0..many).map(create)).buffer_unordered(IN_FLIGHT).try_collect::<()>().await?;
    store.database().close().await;
    Ok(())
}
