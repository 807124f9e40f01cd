//! Request metrics (§13).

use std::sync::Arc;

use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::registry::{Registry, Unit};
use wire::error::ErrorCode;

/// The labels of the request counter. `route` is the route's template, so the number of time series
/// is bounded.
#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
pub(crate) struct RequestLabels {
    pub(crate) method: &'static str,
    pub(crate) route: Arc<str>,
    pub(crate) status: u16,
}

/// The labels of the duration histogram.
#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct RouteLabels {
    route: Arc<str>,
}

/// A counter by one label with known values.
type ByName = Family<[(&'static str, &'static str); 1], Counter>;

/// The request counters and the duration histogram. Clones share them.
#[derive(Clone)]
pub struct RequestMetrics {
    responses: ByName,
    errors: ByName,
    requests: Family<RequestLabels, Counter>,
    request_seconds: Family<RouteLabels, Histogram>,
}

impl RequestMetrics {
    /// Creates the metrics and registers them.
    #[must_use]
    pub fn register(registry: &mut Registry) -> Self {
        let requests = Family::default();
        let (responses, errors) = (ByName::default(), ByName::default());
        // `increase()` in Prometheus misses the first failure of a series that begins with it.
        for class in CLASSES {
            drop(responses.get_or_create(&[("class", class)]));
        }
        for code in ErrorCode::ALL {
            drop(errors.get_or_create(&[("code", code.as_str())]));
        }
        registry.register("http_responses", "Responses by class of status", responses.clone());
        registry.register("http_errors", "Errors answered, by their code", errors.clone());
        let request_seconds = Family::new_with_constructor(request_histogram as fn() -> Histogram);
        registry.register("http_requests", "Requests answered", requests.clone());
        registry.register_with_unit(
            "http_request_duration",
            "From the head of a request to its answer",
            Unit::Seconds,
            request_seconds.clone(),
        );
        Self { responses, errors, requests, request_seconds }
    }

    /// Counts a response.
    pub(crate) fn answered(&self, labels: &RequestLabels, error: Option<ErrorCode>, seconds: f64) {
        if let Some(class) = CLASSES.get(usize::from(labels.status / 100).saturating_sub(1)) {
            self.responses.get_or_create(&[("class", class)]).inc();
        }
        if let Some(code) = error {
            self.errors.get_or_create(&[("code", code.as_str())]).inc();
        }
        self.requests.get_or_create(labels).inc();
        let route = Arc::clone(&labels.route);
        self.request_seconds.get_or_create(&RouteLabels { route }).observe(seconds);
    }
}

/// The classes of statuses, from those that begin with 1.
const CLASSES: [&str; 5] = ["1xx", "2xx", "3xx", "4xx", "5xx"];

fn request_histogram() -> Histogram {
    Histogram::new([0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0])
}
