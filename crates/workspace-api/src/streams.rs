//! The streams of events that are open in this process (§7).
//!
//! However many there are, they cost nothing while nothing happens: one task asks the database for
//! all of them how their apps and keys stand, and wakes those for whom there is something new. Each
//! then reads for itself, as fast as its follower takes it.

use std::collections::{BTreeSet, HashMap, HashSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use db::StoreError;
use domain::event::Sequence;
use domain::{ApiKeyId, ClientId, Timestamp, WorkspaceId};
use http_support::error::ApiError;
use prometheus_client::metrics::gauge::Gauge;
use store_workspace::{FollowedApp, WorkspaceStore};
use tokio::sync::watch;

/// How many streams one key may have open in one process: each holds a connection.
const STREAMS_PER_KEY: usize = 100;

/// The open streams. Clones share them.
#[derive(Clone)]
pub struct Streams {
    open: Arc<Mutex<Open>>,
    count: Gauge,
}

#[derive(Default)]
struct Open {
    /// Whether the process is stopping: then no stream stays open.
    is_over: bool,
    last_number: u64,
    streams: HashMap<u64, (Follower, watch::Sender<Signal>)>,
}

/// Who follows what, with which key.
#[derive(Clone, Debug)]
pub(super) struct Follower {
    pub(super) workspace_id: WorkspaceId,
    pub(super) client_id: ClientId,
    pub(super) key_id: ApiKeyId,
}

/// What a stream is told.
#[derive(Clone, Copy, Debug)]
pub(super) struct Signal {
    /// The newest event of its app, as far as is known.
    pub(super) newest: Sequence,
    /// Whether it is to end.
    pub(super) is_over: bool,
}

impl Streams {
    /// None yet; `count` shows how many there are.
    pub fn new(count: Gauge) -> Self {
        Self { open: Arc::default(), count }
    }

    /// Opens a stream for somebody who knows that this is the newest event.
    pub(super) fn open(
        &self,
        follower: Follower,
        newest: Sequence,
    ) -> Result<OpenStream, ApiError> {
        let mut open = self.lock();
        let of_key =
            open.streams.values().filter(|(other, _)| other.key_id == follower.key_id).count();
        if of_key >= STREAMS_PER_KEY {
            return Err(ApiError::too_many_streams(STREAMS_PER_KEY));
        }
        open.last_number += 1;
        let number = open.last_number;
        let (signal, told) = watch::channel(Signal { newest, is_over: open.is_over });
        open.streams.insert(number, (follower, signal));
        self.count.inc();
        Ok(OpenStream { number, told, streams: self.clone() })
    }

    /// Looks for new events, and for apps that were deleted.
    pub async fn look_for_events(&self, store: &WorkspaceStore) -> Result<(), StoreError> {
        let apps: BTreeSet<_> =
            self.followers(|it| (it.workspace_id.clone(), it.client_id.clone()));
        let apps: Vec<_> = apps.into_iter().collect();
        let followed = store.followed_apps(&apps).await?;
        let followed: HashMap<_, _> =
            followed.iter().map(|app| ((&app.workspace_id, &app.client_id), app)).collect();
        self.tell(|Follower { workspace_id, client_id, .. }, signal| {
            let Some(FollowedApp { newest, is_deleted, .. }) =
                followed.get(&(workspace_id, client_id))
            else {
                return;
            };
            signal.newest = signal.newest.max(*newest);
            signal.is_over |= is_deleted;
        });
        Ok(())
    }

    /// Ends the streams of keys that are not valid any more.
    pub async fn check_keys(
        &self,
        store: &WorkspaceStore,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        let keys: HashSet<_> = self.followers(|it| (it.workspace_id.clone(), it.key_id));
        let keys: Vec<_> = keys.into_iter().collect();
        let found = store.api_keys_of(&keys).await?;
        let valid: HashSet<_> =
            found.iter().filter(|key| key.is_valid_at(now)).map(|key| key.id).collect();
        let checked: HashSet<_> = keys.iter().map(|(_, id)| *id).collect();
        self.tell(|follower, signal| {
            signal.is_over |=
                checked.contains(&follower.key_id) && !valid.contains(&follower.key_id);
        });
        Ok(())
    }

    /// Ends all streams at once, and those that are still to be opened: their followers go on
    /// elsewhere.
    pub fn end_all(&self) {
        self.lock().is_over = true;
        self.tell(|_, signal| signal.is_over = true);
    }

    fn followers<T, C: FromIterator<T>>(&self, of: impl Fn(&Follower) -> T) -> C {
        self.lock().streams.values().map(|(follower, _)| of(follower)).collect()
    }

    /// Tells each stream what has changed for it; those for whom nothing has sleep on.
    fn tell(&self, change: impl Fn(&Follower, &mut Signal)) {
        for (follower, signal) in self.lock().streams.values() {
            signal.send_if_modified(|signal| {
                let before = *signal;
                change(follower, signal);
                (before.newest, before.is_over) != (signal.newest, signal.is_over)
            });
        }
    }

    fn lock(&self) -> MutexGuard<'_, Open> {
        // A map is whole before and after each line that changes it: a poisoned lock hides nothing
        // broken.
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A stream, until it is dropped.
pub(super) struct OpenStream {
    number: u64,
    told: watch::Receiver<Signal>,
    streams: Streams,
}

impl OpenStream {
    /// What it was told last.
    pub(super) fn told(&self) -> Signal {
        *self.told.borrow()
    }

    /// Waits until it is told something new.
    pub(super) async fn is_told(&mut self) {
        // An error would mean that nobody is left who could tell anything; but this stream is told
        // until it is dropped.
        let _ = self.told.changed().await;
    }
}

impl Drop for OpenStream {
    fn drop(&mut self) {
        self.streams.lock().streams.remove(&self.number);
        self.streams.count.dec();
    }
}
