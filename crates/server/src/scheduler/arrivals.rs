//! Handing over what was ordered in this process, as soon as it is stored.

use futures_util::stream::{FuturesUnordered, StreamExt};
use store::StoreError;
use store::connect::ConnectStore;

use super::hand_over::{attempt, in_turn};
use super::{Scheduler, Stopping};
use crate::leases::Leased;
use crate::peer::Capacity;

/// Hands over whatever has arrived, until nothing has.
pub(crate) async fn run(scheduler: &Scheduler, stopping: &Stopping) -> Result<(), StoreError> {
    let result = work_off(scheduler, stopping).await;
    scheduler.note_leftovers(&result);
    result
}

async fn work_off(scheduler: &Scheduler, stopping: &Stopping) -> Result<(), StoreError> {
    let Capacity { attempts, requests, .. } = scheduler.peer.capacity();
    let mut under_way = FuturesUnordered::new();
    let mut result = Ok(());
    loop {
        while result.is_ok() && !stopping.is_set() && under_way.len() < attempts {
            let arrived = scheduler.leases.arrived(requests);
            if arrived.is_empty() {
                break;
            }
            under_way.push(in_turn(scheduler, hand_over(scheduler, arrived)));
        }
        if under_way.is_empty() {
            return result;
        }
        let has_room = under_way.len() < attempts;
        tokio::select! {
            Some(ended) = under_way.next() => result = result.and(ended),
            () = scheduler.leases.arrival.heard(), if has_room => {}
        }
    }
}

async fn hand_over(scheduler: &Scheduler, arrived: Vec<Leased>) -> Result<(), StoreError> {
    let arrived = without_orphans(&scheduler.store, arrived).await?;
    attempt(scheduler, arrived).await
}

/// An order may have been decided while its app was being deleted. Nobody attempts it, and once its lease is over, whoever finds
/// it in the table cancels it.
async fn without_orphans(store: &ConnectStore, mut arrived: Vec<Leased>) -> Result<Vec<Leased>, StoreError> {
    let apps = arrived.iter().map(|leased| leased.app()).collect();
    let deleted = store.deleted_among(&apps).await?;
    if !deleted.is_empty() {
        arrived.retain(|leased| !deleted.contains(&leased.app()));
    }
    Ok(arrived)
}
