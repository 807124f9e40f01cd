//! `fieldtest webhooks set` (§12).

use clap::Args;
use wire::event::EventName;
use wire::webhook::UpdateWebhookConfig;

use crate::failure::Failure;

/// The arguments of `webhooks set`. What is left out stays as it is.
#[derive(Args)]
#[group(required = true, multiple = true)]
pub(super) struct SetArguments {
    /// Where events are delivered to
    #[arg(long = "webhook-url", value_name = "URL")]
    webhook_url: Option<String>,

    /// Whether they are
    #[arg(long, value_name = "true|false")]
    enabled: Option<bool>,

    /// The events, separated by commas; all means all
    #[arg(long, value_name = "NAMES", value_delimiter = ',')]
    events: Option<Vec<String>>,

    /// How long an attempt may take, from 1 to 30
    #[arg(long, value_name = "SECONDS", value_parser = clap::value_parser!(u32).range(1..=30))]
    timeout_seconds: Option<u32>,

    /// How many of the quick attempts after 1, 5 and 30 s are made
    #[arg(long, value_name = "NUMBER", value_parser = clap::value_parser!(u32).range(0..=10))]
    retry_attempts: Option<u32>,
}

impl SetArguments {
    /// The body of the request.
    pub(super) fn change(self) -> Result<UpdateWebhookConfig, Failure> {
        let Self { webhook_url, enabled, events, timeout_seconds, retry_attempts } = self;
        let events = events.map(|names| event_names(&names)).transpose()?;
        Ok(UpdateWebhookConfig {
            url: webhook_url,
            enabled,
            retry_attempts,
            timeout_seconds,
            events,
        })
    }
}

fn event_names(names: &[String]) -> Result<Vec<EventName>, Failure> {
    if names == ["all"] {
        return Ok(Vec::new());
    }
    let known = domain::event::EventName::ALL;
    let name = |text: &String| {
        let full = format!("production_test.{text}");
        let found =
            known.into_iter().find(|name| [text, &full].contains(&&name.as_str().to_owned()));
        found.map(EventName::from).ok_or_else(|| {
            let names: Vec<&str> = known.iter().map(|name| name.as_str()).collect();
            Failure::Input(format!("{text} is no event; those are {}", names.join(", ")))
        })
    };
    names.iter().map(name).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_event_has_its_whole_name_or_its_last_part() {
        let names = |names: &[&str]| {
            event_names(&names.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>()).ok()
        };
        let both = names(&["completed", "production_test.failed"]);
        assert_eq!(both, Some(vec![EventName::Completed, EventName::Failed]));
        assert_eq!((names(&["all"]), names(&["made_up"])), (Some(vec![]), None));
    }
}
