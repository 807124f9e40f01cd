//! Which program runs: `fieldtest_build_info`.

use prometheus_client::metrics::info::Info;
use prometheus_client::registry::Registry;

/// The commit that the program was built from. Whoever builds a release sets it.
const COMMIT: Option<&str> = option_env!("FIELDTEST_COMMIT");

pub(super) fn register(registry: &mut Registry) {
    let labels =
        vec![("version", env!("CARGO_PKG_VERSION")), ("commit", COMMIT.unwrap_or("unknown"))];
    registry.register("build", "The program that runs", Info::new(labels));
}
