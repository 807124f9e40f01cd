//! Where the traces of this process go (§13).

use traces::{Exporter, Resource, Traces};

use super::start_error::StartError;
use crate::config::Config;
use crate::telemetry::Telemetry;

/// Where spans are recorded, and what sends them to the collector, if there is one.
pub(super) fn traces_to(
    config: &Config,
    telemetry: &Telemetry,
) -> Result<(Traces, Option<Exporter>), StartError> {
    let Some(collector) = &config.otlp_endpoint else { return Ok((Traces::default(), None)) };
    let version = env!("CARGO_PKG_VERSION");
    let resource = Resource { version, environment: config.environment.to_string() };
    let (traces, exporter) = Traces::to(collector, resource, telemetry.spans.clone())
        .map_err(|error| StartError::Tls(error.to_string()))?;
    Ok((traces, Some(exporter)))
}
