//! The event streams that are open in this process (§7).
//!
//! An idle stream costs no queries: one task reads the state of all followed apps and keys together
//! and wakes the streams with new events. Each stream then reads its events by itself, as fast as
//! its follower takes them.

use std::collections::{BTreeSet, HashMap, HashSet};
use std::sync::Arc;

use db::StoreError;
use domain::event::Sequence;
use domain::{ApiKeyId, ClientId, Timestamp, WorkspaceId};
use http_support::error::ApiError;
use parking_lot::Mutex;
use prometheus_client::metrics::gauge::Gauge;
use store_workspace::{FollowedApp, WorkspaceStore};
use tokio::sync::watch;

/// How many streams one API key may have open in one process: each holds a connection.
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
    streams: HashMap<u64, (Follower, watch::Sender<StreamState>)>,
}

/// Which app a stream follows, and with which API key.
#[derive(Clone, Debug)]
pub(super) struct Follower {
    pub(super) workspace_id: WorkspaceId,
    pub(super) client_id: ClientId,
    pub(super) key_id: ApiKeyId,
}

/// What a stream has to react to.
#[derive(Clone, Copy, Debug)]
pub(super) struct StreamState {
    /// The newest event of the app, as of the last poll.
    pub(super) newest: Sequence,
    /// Whether the stream must end.
    pub(super) is_over: bool,
}

impl Streams {
    /// No streams. `count` is the gauge of open streams.
    pub fn new(count: Gauge) -> Self {
        Self { open: Arc::default(), count }
    }

    /// Opens a stream. `newest` is the newest event of the app.
    ///
    /// # Errors
    /// 429 when the key has [`STREAMS_PER_KEY`] streams open.
    pub(super) fn open(
        &self,
        follower: Follower,
        newest: Sequence,
    ) -> Result<OpenStream, ApiError> {
        let mut open = self.open.lock();
        let of_key =
            open.streams.values().filter(|(other, _)| other.key_id == follower.key_id).count();
        if of_key >= STREAMS_PER_KEY {
            return Err(ApiError::too_many_streams(STREAMS_PER_KEY));
        }
        open.last_number += 1;
        let number = open.last_number;
        let (sender, state) = watch::channel(StreamState { newest, is_over: open.is_over });
        open.streams.insert(number, (follower, sender));
        self.count.inc();
        Ok(OpenStream { number, state, streams: self.clone() })
    }

    /// Reads the newest events of all followed apps and wakes their streams. Ends the streams of
    /// deleted apps, and those whose numbers went back: after a failover that lost commits, the
    /// database numbers other events as those that were sent. A reconnect is told of the gap.
    ///
    /// # Errors
    /// When the workspace database fails.
    pub async fn poll_events(&self, store: &WorkspaceStore) -> Result<(), StoreError> {
        // A stream that is opened during the read may know of a newer event than the read finds.
        let last_number = self.open.lock().last_number;
        let apps: BTreeSet<_> =
            self.followers(|it| (it.workspace_id.clone(), it.client_id.clone()));
        let apps: Vec<_> = apps.into_iter().collect();
        let followed = store.followed_apps(&apps).await?;
        let followed: HashMap<_, _> =
            followed.iter().map(|app| ((&app.workspace_id, &app.client_id), app)).collect();
        self.update(|number, Follower { workspace_id, client_id, .. }, state| {
            let Some(FollowedApp { newest, is_deleted, .. }) =
                followed.get(&(workspace_id, client_id))
            else {
                return;
            };
            let went_back = *newest < state.newest && number <= last_number;
            state.newest = state.newest.max(*newest);
            state.is_over |= *is_deleted || went_back;
        });
        Ok(())
    }

    /// Ends the streams of keys that are no longer valid.
    ///
    /// # Errors
    /// When the workspace database fails.
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
        self.update(|_, follower, state| {
            state.is_over |=
                checked.contains(&follower.key_id) && !valid.contains(&follower.key_id);
        });
        Ok(())
    }

    /// Ends all streams, and every stream that is opened afterwards, because the process stops.
    /// Followers reconnect to another server.
    pub fn end_all(&self) {
        self.open.lock().is_over = true;
        self.update(|_, _, state| state.is_over = true);
    }

    fn followers<T, C: FromIterator<T>>(&self, of: impl Fn(&Follower) -> T) -> C {
        self.open.lock().streams.values().map(|(follower, _)| of(follower)).collect()
    }

    /// Updates the state of each stream, by its number, and wakes the streams whose state changed.
    fn update(&self, change: impl Fn(u64, &Follower, &mut StreamState)) {
        for (number, (follower, sender)) in &self.open.lock().streams {
            sender.send_if_modified(|state| {
                let before = *state;
                change(*number, follower, state);
                (before.newest, before.is_over) != (state.newest, state.is_over)
            });
        }
    }
}

/// An open stream. Dropping it closes it.
pub(super) struct OpenStream {
    number: u64,
    state: watch::Receiver<StreamState>,
    streams: Streams,
}

impl OpenStream {
    /// The current state.
    pub(super) fn state(&self) -> StreamState {
        *self.state.borrow()
    }

    /// Waits until the state changes.
    pub(super) async fn changed(&mut self) {
        // The sender is in `streams` until this is dropped, so there is no error.
        let _ = self.state.changed().await;
    }
}

impl Drop for OpenStream {
    fn drop(&mut self) {
        self.streams.open.lock().streams.remove(&self.number);
        self.streams.count.dec();
    }
}
