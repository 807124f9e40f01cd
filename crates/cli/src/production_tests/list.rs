//! `fieldtest tests list` (§6).

use std::io::{self, Write};

use clap::{Args, ValueEnum};
use client::ListQuery;
use domain::{Clock, SystemClock, Timestamp};
use futures_util::TryStreamExt;
use wire::page::{MAX_PAGE_SIZE, Order};
use wire::production_test::{ItemType, ListItem, RequestStatus};

use super::Session;
use super::state::{TestState, style_of};
use crate::failure::Failure;
use crate::table::Table;
use crate::terminal::Terminal;

const EXAMPLES: &str = "\
Examples:
  fieldtest tests list
  fieldtest tests list --status failed --all --json";

/// The arguments of `tests list`.
#[derive(Args)]
#[command(after_help = EXAMPLES)]
pub(super) struct ListArguments {
    /// The maximum number of production tests, from 1 to 100
    #[arg(
        long,
        value_name = "NUMBER",
        default_value_t = 20,
        value_parser = clap::value_parser!(u32).range(1..=i64::from(MAX_PAGE_SIZE))
    )]
    limit: u32,

    /// Skip this number of production tests
    #[arg(long, value_name = "NUMBER", default_value_t = 0)]
    offset: u64,

    /// List all production tests
    #[arg(long, conflicts_with_all = ["limit", "offset"])]
    all: bool,

    /// Only those with a challenge, or only those without one
    #[arg(long, value_name = "TYPE")]
    r#type: Option<TypeFilter>,

    /// Only those whose request has this status
    #[arg(long)]
    status: Option<StatusFilter>,

    /// Oldest (asc) or newest (desc) first
    #[arg(long, default_value = "desc")]
    order: SortOrder,
}

#[derive(Clone, Copy, ValueEnum)]
enum TypeFilter {
    Challenge,
    Request,
}

#[derive(Clone, Copy, ValueEnum)]
enum StatusFilter {
    Pending,
    Scheduled,
    Failed,
    Cancelled,
}

#[derive(Clone, Copy, ValueEnum)]
enum SortOrder {
    Asc,
    Desc,
}

impl ListArguments {
    fn query(&self) -> ListQuery {
        ListQuery {
            limit: Some(if self.all { MAX_PAGE_SIZE } else { self.limit }),
            offset: Some(self.offset),
            kind: self.r#type.map(|kind| match kind {
                TypeFilter::Challenge => ItemType::Challenge,
                TypeFilter::Request => ItemType::Request,
            }),
            status: self.status.map(|status| match status {
                StatusFilter::Pending => RequestStatus::Pending,
                StatusFilter::Scheduled => RequestStatus::Scheduled,
                StatusFilter::Failed => RequestStatus::Failed,
                StatusFilter::Cancelled => RequestStatus::Cancelled,
            }),
            order: Some(match self.order {
                SortOrder::Asc => Order::Asc,
                SortOrder::Desc => Order::Desc,
            }),
        }
    }
}

pub(super) async fn run(session: &Session, arguments: ListArguments) -> Result<(), Failure> {
    let deployment = &session.deployment;
    let app = deployment.app().await?;
    let query = arguments.query();
    let (items, total) = if arguments.all {
        let items: Vec<ListItem> = deployment
            .api
            .all_production_tests(&app, query)
            .try_collect()
            .await
            .map_err(|error| deployment.explain(&error))?;
        (items, None)
    } else {
        let page = deployment
            .api
            .production_tests(&app, &query)
            .await
            .map_err(|error| deployment.explain(&error))?;
        (page.items, page.total)
    };
    session.print(&items, |terminal| table(&items, SystemClock.now(), terminal).to_string())?;
    let shown = u64::try_from(items.len()).unwrap_or(u64::MAX);
    if let Some(total) = total.filter(|total| *total > shown && !session.as_json) {
        // On standard error, so that a pipe gets only the table.
        let _ =
            writeln!(io::stderr(), "{shown} of {total}; --all lists all, --offset the next ones");
    }
    Ok(())
}

fn table(items: &[ListItem], now: Timestamp, terminal: Terminal) -> Table<4> {
    let table =
        items.iter().fold(Table::new(["ID", "STATE", "CREATED (UTC)", "TITLE"]), |table, item| {
            let cells = match (&item.challenge, &item.request) {
                (Some(challenge), _) => {
                    let state = TestState::of_challenge(challenge, now);
                    (challenge.id.clone(), state, challenge.created_at, challenge.title.clone())
                }
                (None, Some(request)) => {
                    let state = TestState::of_request(request.status);
                    (request.id.clone(), state, request.created_at, request.payload.title.clone())
                }
                (None, None) => return table,
            };
            let (id, state, created_at, title) = cells;
            table.row([id, state.name().to_owned(), minutes(created_at.0), title])
        });
    table.fit(terminal, 3).paint(1, style_of)
}

/// A time without seconds, which leaves more room for the title: `2026-04-08 10:00`.
fn minutes(time: Timestamp) -> String {
    time.to_string().replace('T', " ").chars().take(16).collect()
}
