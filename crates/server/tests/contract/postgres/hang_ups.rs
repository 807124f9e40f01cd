//! Orders whose callers hang up, while another write could overtake theirs.

use std::time::Duration;

use crate::hang_ups::{hang_up_while_stuck, start_with_short_wait};
use crate::support::{Store, eventually};

#[tokio::test]
async fn the_lease_of_an_order_is_not_released_before_the_order_is_stored() {
    let server = start_with_short_wait().await;
    // Another transaction has claimed the same key. The order waits for its end, other writes do
    // not have to.
    let other = server.database().connection(Store::Workspace).await;
    let claim = "BEGIN; INSERT INTO idempotency_records
            (workspace_id, key, fingerprint, expires_at, client_id, request_id)
        SELECT workspace_id, 'key', '', 0, client_id, '' FROM apps";
    other.batch_execute(claim).await.unwrap();
    hang_up_while_stuck(&server, "key").await;
    let unblock = async {
        // A scheduler that does not wait for the order is done with its leases by now.
        let is_done = eventually("the hand-over has run", async || {
            server.metrics().await.contains("task=\"hand_over\"")
        });
        let _ = tokio::time::timeout(Duration::from_millis(200), is_done).await;
        other.batch_execute("ROLLBACK").await.unwrap();
    };
    tokio::join!(server.run_background_tasks(), unblock);
    let statuses = "SELECT status FROM challenge_requests";
    let statuses = server.database().rows(Store::Workspace, statuses).await;
    assert_eq!(statuses, [[Some("scheduled".to_owned())]]);
}
