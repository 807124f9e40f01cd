//! `fieldtest tests update` (§7).

use clap::Args;
use domain::Timestamp;
use wire::production_test::UpdateProductionTest;

use super::{Session, show, test_id};
use crate::failure::Failure;

/// The arguments of `tests update`.
#[derive(Args)]
pub(super) struct UpdateArguments {
    /// The id of the request (req_…) or of the challenge (ch_…)
    #[arg(value_parser = test_id)]
    id: String,

    /// The new number of stamps, which can only grow
    #[arg(
        long,
        value_name = "NUMBER",
        value_parser = clap::value_parser!(u32).range(1..=2_147_483_647),
        required_unless_present = "expires_at"
    )]
    max_stamps: Option<u32>,

    /// The new end: a time such as 2026-04-30T12:00:00Z, at most 30 days from now
    #[arg(long, value_name = "TIME", value_parser = moment)]
    expires_at: Option<Timestamp>,
}

fn moment(text: &str) -> Result<Timestamp, &'static str> {
    text.parse().map_err(|_| "write a date and a time with an offset: 2026-04-30T12:00:00Z")
}

/// Gives a production test more room and more time, and prints it.
pub(super) async fn run(session: &Session, arguments: UpdateArguments) -> Result<(), Failure> {
    let UpdateArguments { id, max_stamps, expires_at } = arguments;
    let deployment = &session.deployment;
    let update = UpdateProductionTest { max_stamps, expires_at: expires_at.map(Into::into) };
    let app = deployment.app().await?;
    let test = deployment.api.update_production_test(&app, &id, &update).await;
    show::print(session, &test.map_err(|error| deployment.explain(&error))?)
}
