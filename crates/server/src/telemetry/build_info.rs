//! Which program runs: `fieldtest_build_info`.

use prometheus_client::metrics::info::Info;
use prometheus_client::registry::Registry;

pub(super) fn register(registry: &mut Registry, commit: &'static str) {
    let labels = vec![("version", env!("CARGO_PKG_VERSION")), ("commit", commit)];
    registry.register("build", "The program that runs", Info::new(labels));
}
