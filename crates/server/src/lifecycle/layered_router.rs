//! All routes, behind the layers that every request passes through.

use std::sync::Arc;

use axum::extract::DefaultBodyLimit;
use axum::{Router, middleware};
use http_support::request_layer::{RequestLayer, request_layer};
use hyper_util::service::TowerToHyperService;

/// A router to which no route can be added any more, so that none escapes the layers.
#[derive(Clone)]
pub(super) struct LayeredRouter(Router);

impl LayeredRouter {
    /// Puts the layers around these routes, and around paths that have none.
    pub(super) fn new(routes: Router, layer: RequestLayer) -> Self {
        let router = routes
            .layer(DefaultBodyLimit::max(http_support::body::LIMIT))
            .layer(middleware::from_fn_with_state(Arc::new(layer), request_layer));
        // All paths but one go on to the layers.
        #[cfg(feature = "bench")]
        let router = super::no_op::routes().fallback_service(router);
        Self(router)
    }

    /// The service of one connection.
    pub(super) fn service(&self) -> TowerToHyperService<Router> {
        TowerToHyperService::new(self.0.clone())
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use axum::body::Body;
    use axum::http::Request;
    use domain::ClockAndRng;
    use http_support::client_address::TrustedProxies;
    use http_support::metrics::RequestMetrics;
    use prometheus_client::registry::Registry;
    use tower::ServiceExt;

    use super::*;

    /// The status of the answer to a `POST`, and whether the request layer saw it.
    async fn answer(path: &str) -> (u16, bool) {
        let layer = RequestLayer {
            clock_and_rng: ClockAndRng::system().unwrap(),
            metrics: RequestMetrics::register(&mut Registry::default()),
            timeout: Duration::from_secs(1),
            trusted_proxies: TrustedProxies::default(),
            logs_client_address: false,
        };
        let router = LayeredRouter::new(Router::new(), layer).0;
        let request = Request::post(path).header("Host", "test").body(Body::empty()).unwrap();
        let response = router.oneshot(request).await.unwrap();
        (response.status().as_u16(), response.headers().contains_key("x-request-id"))
    }

    #[tokio::test]
    async fn a_path_without_a_route_passes_through_the_layers() {
        assert_eq!(answer("/nowhere").await, (404, true));
        assert_eq!(answer("/bench").await, (404, true));
        let no_op = if cfg!(feature = "bench") { (200, false) } else { (404, true) };
        assert_eq!(answer("/bench/no-op").await, no_op);
    }
}
