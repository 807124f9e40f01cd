//! `fieldtest tests list` (§6).

use std::io::{self, Write};

use clap::{Args, ValueEnum};
use client::ListQuery;
use domain::{Clock, SystemClock, Timestamp};
use futures_util::TryStreamExt;
use wire::page::{MAX_PAGE_SIZE, Order};
use wire::production_test::{ItemType, ListItem, RequestStatus};

use super::Session;
use super::stage::Stage;
use crate::failure::Failure;
use crate::table::Table;
use crate::terminal::Terminal;

const EXAMPLES: &str = "\
Examples:
  fieldtest tests list
  fieldtest tests list --status failed --all --json";

/// Which of them.
#[derive(Args)]
#[command(after_help = EXAMPLES)]
pub(super) struct ListArguments {
    /// At most so many, from 1 to 100
    #[arg(long, value_name = "NUMBER", default_value_t = 20, value_parser = clap::value_parser!(u32).range(1..=i64::from(MAX_PAGE_SIZE)))]
    limit: u32,

    /// Leave out so many at the beginning
    #[arg(long, value_name = "NUMBER", default_value_t = 0)]
    offset: u64,

    /// All of them, however many there are
    #[arg(long, conflicts_with_all = ["limit", "offset"])]
    all: bool,

    /// Only those that have a challenge, or only those that have none
    #[arg(long, value_name = "TYPE")]
    r#type: Option<Kind>,

    /// Only those whose request stands here
    #[arg(long)]
    status: Option<Status>,

    /// Oldest (asc) or youngest (desc) first
    #[arg(long, default_value = "desc")]
    order: Direction,
}

#[derive(Clone, Copy, ValueEnum)]
enum Kind {
    Challenge,
    Request,
}

#[derive(Clone, Copy, ValueEnum)]
enum Status {
    Pending,
    Scheduled,
    Failed,
    Cancelled,
}

#[derive(Clone, Copy, ValueEnum)]
enum Direction {
    Asc,
    Desc,
}

impl ListArguments {
    fn query(&self) -> ListQuery {
        ListQuery {
            limit: Some(if self.all { MAX_PAGE_SIZE } else { self.limit }),
            offset: Some(self.offset),
            kind: self.r#type.map(|kind| match kind {
                Kind::Challenge => ItemType::Challenge,
                Kind::Request => ItemType::Request,
            }),
            status: self.status.map(|status| match status {
                Status::Pending => RequestStatus::Pending,
                Status::Scheduled => RequestStatus::Scheduled,
                Status::Failed => RequestStatus::Failed,
                Status::Cancelled => RequestStatus::Cancelled,
            }),
            order: Some(match self.order {
                Direction::Asc => Order::Asc,
                Direction::Desc => Order::Desc,
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
        // A note for whoever looks at it; a pipe gets the table alone.
        let _ = writeln!(
            io::stderr(),
            "{shown} of {total}; --all shows all of them, --offset the next"
        );
    }
    Ok(())
}

fn table(items: &[ListItem], now: Timestamp, terminal: Terminal) -> Table<4> {
    let table =
        items.iter().fold(Table::new(["ID", "STATE", "CREATED (UTC)", "TITLE"]), |table, item| {
            let cells = match (&item.challenge, &item.request) {
                (Some(challenge), _) => {
                    let stage = Stage::of_challenge(challenge, now);
                    (challenge.id.clone(), stage, challenge.created_at, challenge.title.clone())
                }
                (None, Some(request)) => {
                    let stage = Stage::of_request(request.status);
                    (request.id.clone(), stage, request.created_at, request.payload.title.clone())
                }
                (None, None) => return table,
            };
            let (id, stage, created_at, title) = cells;
            table.row([id, stage.name().to_owned(), to_the_minute(created_at.0), title])
        });
    table.fit(terminal, 3).paint(1, Stage::tone_of)
}

/// `2026-04-08 10:00`: a list is for the eye, and a narrow terminal needs the room.
fn to_the_minute(moment: Timestamp) -> String {
    moment.to_string().replace('T', " ").chars().take(16).collect()
}
