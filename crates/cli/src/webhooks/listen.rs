//! `fieldtest webhooks listen` (§12): events come to this machine over the event stream, so it needs
//! no public address.

use std::time::Duration;

use clap::Args;
use domain::ClockAndRng;
use domain::webhook::{WebhookSecrets, new_secret};
use futures_util::StreamExt;
use webhooks::{AddressPolicy, Message, Sender, delivery_body};

use super::{Session, attempt_text};
use crate::failure::Failure;
use crate::output;

/// The arguments of `webhooks listen`.
#[derive(Args)]
pub(super) struct ListenArguments {
    /// Where to send the events
    #[arg(long, value_name = "URL")]
    forward_to: String,

    /// Begin after the event with this number, instead of with what happens from now on
    #[arg(long, value_name = "NUMBER")]
    after: Option<String>,
}

/// Sends each event to a URL of this machine, until it is stopped.
pub(super) async fn run(
    session: &Session,
    app: &str,
    arguments: ListenArguments,
) -> Result<(), Failure> {
    let deployment = &session.deployment;
    let clock_and_rng = ClockAndRng::system()?;
    let config = deployment.api.webhook_config(app).await;
    let config = config.map_err(|error| deployment.explain(&error))?;
    let (secret, origin) = match config.secret {
        Some(secret) => (secret, "the secret of the app's webhook"),
        None => (new_secret(clock_and_rng.randomness()), "a secret for this time"),
    };
    // The receiver is this machine, or whatever its owner names.
    let anywhere = ["0.0.0.0/0", "::/0"].into_iter().filter_map(|network| network.parse().ok());
    let policy = AddressPolicy::new(anywhere.collect(), false);
    let ListenArguments { forward_to, after } = arguments;
    policy
        .read_url(&forward_to)
        .map_err(|error| Failure::Input(format!("--forward-to must be {}", error.0)))?;
    let sender = Sender::new(policy, clock_and_rng)
        .map_err(|error| Failure::Other(format!("cannot set up TLS: {error}")))?;
    output::print(&format!(
        "Events of {app} go to {forward_to}, signed with {origin}:\n{secret}\n\n"
    ))?;
    let secrets = WebhookSecrets { current: secret, previous: None };
    let mut events = deployment.api.follow(app, after.as_deref());
    while let Some(event) = events.next().await {
        let event = event.map_err(|error| deployment.explain(&error))?;
        let body = delivery_body(&event.event, event.id.parse().unwrap_or_default()).to_string();
        let message = Message {
            url: &forward_to,
            secrets: &secrets,
            id: &event.event.event_id,
            body: &body,
            timeout: Duration::from_secs(config.timeout_seconds.into()),
        };
        let attempt = sender.send(&message).await;
        let name = serde_json::to_value(event.event.event).ok();
        let name = name.as_ref().and_then(|name| name.as_str()).unwrap_or_default();
        let attempt = serde_json::from_value(attempt.to_body())
            .map_err(|error| Failure::Other(format!("cannot print the attempt: {error}")))?;
        output::print(&format!("{} {name}: {}", event.id, attempt_text(&attempt)))?;
    }
    Ok(())
}
