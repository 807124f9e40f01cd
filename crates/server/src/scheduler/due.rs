//! Handing over what is found in the table: requests whose next attempt is due, and which nobody has leased.

use std::sync::atomic::Ordering;
use std::time::Duration;

use futures_util::FutureExt;
use futures_util::future::{Fuse, FusedFuture};
use futures_util::stream::{FuturesUnordered, StreamExt};
use store::StoreError;
use store::connect::LeaseDue;

use super::hand_over::{attempt, in_turn, release};
use super::{Scheduler, Stopping};
use crate::leases::{Leased, Places};
use crate::peer::Capacity;

/// How long a request waits at most that becomes due while others are under way, if nobody says that it has come.
const LOOK_AGAIN: Duration = Duration::from_secs(1);

/// Hands over whatever is due, until nothing is. An attempt that hangs takes one place and holds up nobody else.
pub(crate) async fn run(scheduler: &Scheduler, stopping: &Stopping) -> Result<(), StoreError> {
    // Leases whose end could not be written down are nobody's work any more.
    if scheduler.has_leftovers.swap(false, Ordering::Relaxed) {
        let released = release(scheduler).await;
        scheduler.note_leftovers(&released);
        released?;
    }
    let result = work_off(scheduler, stopping).await;
    scheduler.note_leftovers(&result);
    result
}

/// Leases and attempts, side by side. Each attempt begins with its lease, so no lease runs out in a queue. While one lease is
/// being taken, places fall free for the next: under load many are leased together, without anybody waiting for that.
async fn work_off(scheduler: &Scheduler, stopping: &Stopping) -> Result<(), StoreError> {
    let Capacity { attempts, requests, .. } = scheduler.peer.capacity();
    let mut under_way = FuturesUnordered::new();
    let mut leasing = std::pin::pin!(Fuse::terminated());
    let mut result = Ok(());
    let (mut should_look, mut there_may_be_more) = (true, false);
    loop {
        let may_look = leasing.is_terminated() && result.is_ok() && !stopping.is_set();
        let free = attempts.saturating_sub(under_way.len()) * requests;
        if should_look
            && may_look
            && let Some(places) = scheduler.leases.places(free)
        {
            should_look = false;
            leasing.set(lease(scheduler, places).fuse());
        }
        if under_way.is_empty() && leasing.is_terminated() {
            return result;
        }
        tokio::select! {
            leased = &mut leasing, if !leasing.is_terminated() => match leased {
                Ok(Found { mut leased, is_full }) => {
                    there_may_be_more = is_full;
                    should_look |= is_full;
                    while !leased.is_empty() {
                        let rest = leased.split_off(leased.len().min(requests));
                        let these = std::mem::replace(&mut leased, rest);
                        under_way.push(in_turn(scheduler, attempt(scheduler, these)));
                    }
                }
                Err(error) => result = Err(error),
            },
            Some(ended) = under_way.next() => {
                // What could not be written down stands in the database as it was, and is attempted again.
                result = result.and(ended);
                while let Some(Some(ended)) = under_way.next().now_or_never() {
                    result = result.and(ended);
                }
                should_look |= there_may_be_more;
            }
            () = scheduler.news.heard() => should_look = true,
            () = tokio::time::sleep(LOOK_AGAIN) => should_look = true,
        }
    }
}

/// What was leased, and whether that was as much as was asked for.
struct Found {
    leased: Vec<Leased>,
    is_full: bool,
}

async fn lease(scheduler: &Scheduler, places: Places) -> Result<Found, StoreError> {
    // There are never that many places.
    let limit = u32::try_from(places.len()).unwrap_or(u32::MAX);
    let now = scheduler.world.now();
    let until = now.plus(scheduler.leases.duration);
    let holder = scheduler.leases.holder.clone();
    let requests = scheduler.store.lease_due(LeaseDue { holder, now, until, limit }).await?;
    Ok(Found { is_full: requests.len() >= places.len(), leased: places.fill(requests, until) })
}
