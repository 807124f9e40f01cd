//! When keys were last used (§2). A request only notes it in memory; it is written now and then,
//! and what a crash forgets is no more than that.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use db::StoreError;
use domain::api_key::ApiKey;
use domain::{ApiKeyId, Timestamp, WorkspaceId};
use store_workspace::{KeyUse, RecordKeyUses, WorkspaceStore};

/// What was noted since it was last written. Clones share it.
#[derive(Clone, Default)]
pub struct KeyUses(Arc<Mutex<HashMap<ApiKeyId, (WorkspaceId, Timestamp)>>>);

impl KeyUses {
    /// Notes that a key was used.
    pub(super) fn note(&self, key: &ApiKey, now: Timestamp) {
        let mut noted = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        match noted.get_mut(&key.id) {
            Some((_, last)) => *last = now.max(*last),
            None => drop(noted.insert(key.id, (key.workspace_id.clone(), now))),
        }
    }

    /// Writes down what was noted. What cannot be written is kept for the next time.
    pub async fn write(&self, store: &WorkspaceStore) -> Result<(), StoreError> {
        let noted = std::mem::take(&mut *self.0.lock().unwrap_or_else(PoisonError::into_inner));
        if noted.is_empty() {
            return Ok(());
        }
        let uses = noted.iter().map(|(id, (workspace_id, last_used_at))| KeyUse {
            workspace_id: workspace_id.clone(),
            id: *id,
            last_used_at: *last_used_at,
        });
        let written = store.record_key_uses(RecordKeyUses(uses.collect())).await;
        if written.is_err() {
            self.keep(noted);
        }
        written
    }

    fn keep(&self, unwritten: HashMap<ApiKeyId, (WorkspaceId, Timestamp)>) {
        let mut noted = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        for (id, (workspace_id, used_at)) in unwritten {
            let (_, last) = noted.entry(id).or_insert((workspace_id, used_at));
            *last = used_at.max(*last);
        }
    }
}
