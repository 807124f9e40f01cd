//! `fieldtest tests list` (§6).

use std::io::{self, Write};

use clap::builder::{PossibleValuesParser, TypedValueParser};
use clap::{Args, ValueEnum};
use client::{ClientError, ListQuery};
use domain::{Clock, SystemClock, Timestamp};
use futures_util::{StreamExt, TryStreamExt};
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
  fieldtest tests list --status open
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

    /// Only those with this word in the column STATE; scheduled: all that have a challenge
    #[arg(long, value_name = "STATUS", value_parser = status_filter())]
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

/// What `--status` filters by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum StatusFilter {
    /// The request's status, which the server filters by.
    Request(RequestStatus),
    /// The state of a challenge, which the server does not filter by.
    Challenge(TestState),
}

impl From<TestState> for StatusFilter {
    fn from(state: TestState) -> Self {
        match state {
            TestState::Pending => Self::Request(RequestStatus::Pending),
            TestState::Failed => Self::Request(RequestStatus::Failed),
            TestState::Cancelled => Self::Request(RequestStatus::Cancelled),
            TestState::Open | TestState::Complete | TestState::Expired | TestState::Closed => {
                Self::Challenge(state)
            }
        }
    }
}

/// The words of the column STATE, and `scheduled`.
fn status_filter() -> impl TypedValueParser<Value = StatusFilter> {
    const SCHEDULED: &str = "scheduled";
    let words = TestState::ALL.map(TestState::name).into_iter().chain([SCHEDULED]);
    PossibleValuesParser::new(words).map(|word| {
        let state = TestState::ALL.into_iter().find(|state| state.name() == word);
        state.map_or(StatusFilter::Request(RequestStatus::Scheduled), StatusFilter::from)
    })
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
            cursor: None,
            kind: self.r#type.map(|kind| match kind {
                TypeFilter::Challenge => ItemType::Challenge,
                TypeFilter::Request => ItemType::Request,
            }),
            status: self.status.map(|status| match status {
                StatusFilter::Request(status) => status,
                StatusFilter::Challenge(_) => RequestStatus::Scheduled,
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
    let (items, total) =
        read(session, &app, &arguments).await.map_err(|error| deployment.explain(&error))?;
    session.print(&items, |terminal| table(&items, SystemClock.now(), terminal).to_string())?;
    let shown = u64::try_from(items.len()).unwrap_or(u64::MAX);
    if let Some(total) = total.filter(|total| *total > shown && !session.as_json) {
        // On standard error, so that a pipe gets only the table.
        let _ =
            writeln!(io::stderr(), "{shown} of {total}; --all lists all, --offset the next ones");
    }
    Ok(())
}

/// The production tests, and the number of all that match, if the server counts them.
async fn read(
    session: &Session,
    app: &str,
    arguments: &ListArguments,
) -> Result<(Vec<ListItem>, Option<u64>), ClientError> {
    let api = &session.deployment.api;
    let query = arguments.query();
    if let Some(StatusFilter::Challenge(state)) = arguments.status {
        let query = ListQuery { limit: None, offset: None, ..query };
        let now = SystemClock.now();
        let limit = if arguments.all { usize::MAX } else { arguments.limit as usize };
        let found = api
            .all_production_tests(app, query)
            .try_filter(|item| std::future::ready(TestState::of_item(item, now) == state))
            .skip(usize::try_from(arguments.offset).unwrap_or(usize::MAX))
            .take(limit);
        return Ok((found.try_collect().await?, None));
    }
    if arguments.all {
        return Ok((api.all_production_tests(app, query).try_collect().await?, None));
    }
    let page = api.production_tests(app, &query).await?;
    Ok((page.items, page.total))
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
