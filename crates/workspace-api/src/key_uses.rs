//! When API keys were last used (§2). A request only records it in memory; a background task writes
//! it to the database periodically. A crash loses at most one period.

use std::collections::HashMap;
use std::sync::Arc;

use db::StoreError;
use domain::api_key::ApiKey;
use domain::{ApiKeyId, Timestamp, WorkspaceId};
use parking_lot::Mutex;
use store_workspace::{KeyUse, RecordKeyUses, WorkspaceStore};

/// The uses that were recorded since the last flush. Clones share them.
#[derive(Clone, Default)]
pub struct KeyUses(Arc<Mutex<HashMap<ApiKeyId, (WorkspaceId, Timestamp)>>>);

impl KeyUses {
    /// Records a use.
    pub(super) fn record(&self, key: &ApiKey, now: Timestamp) {
        let mut uses = self.0.lock();
        match uses.get_mut(&key.id) {
            Some((_, last)) => *last = now.max(*last),
            None => drop(uses.insert(key.id, (key.workspace_id.clone(), now))),
        }
    }

    /// Writes the recorded uses to the database.
    ///
    /// # Errors
    /// When the workspace database fails. The next flush writes them again.
    pub async fn flush(&self, store: &WorkspaceStore) -> Result<(), StoreError> {
        let uses = std::mem::take(&mut *self.0.lock());
        if uses.is_empty() {
            return Ok(());
        }
        let write = uses.iter().map(|(id, (workspace_id, last_used_at))| KeyUse {
            workspace_id: workspace_id.clone(),
            id: *id,
            last_used_at: *last_used_at,
        });
        let written = store.record_key_uses(RecordKeyUses(write.collect())).await;
        if written.is_err() {
            self.restore(uses);
        }
        written
    }

    fn restore(&self, unwritten: HashMap<ApiKeyId, (WorkspaceId, Timestamp)>) {
        let mut uses = self.0.lock();
        for (id, (workspace_id, used_at)) in unwritten {
            let (_, last) = uses.entry(id).or_insert((workspace_id, used_at));
            *last = used_at.max(*last);
        }
    }
}
