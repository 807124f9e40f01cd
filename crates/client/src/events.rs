//! Following an app's production tests (§7).

use std::collections::VecDeque;
use std::time::Duration;

use futures_util::stream::{self, BoxStream, StreamExt};
use reqwest::{Method, Response};
use tokio::time::timeout;
use wire::event::{Event, EventName, LAST_EVENT_ID_HEADER};

use crate::http::{answered, cut};
use crate::workspace_api::TIMEOUT;
use crate::{ClientError, WorkspaceApi};

/// How long a stream may be silent: the server says something every 15 seconds.
const SILENCE: Duration = Duration::from_secs(45);

/// How long to wait before coming back, as the server asks for.
const PAUSE: Duration = Duration::from_secs(2);

/// The calls' time limit must not end a stream.
const FOR_EVER: Duration = Duration::from_hours(24 * 365 * 10);

/// The longest event that is read, in bytes: more than any that fieldtest makes.
const LONGEST: usize = 64 * 1024;

/// An event, and how to go on after it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Followed {
    /// What to give to [`WorkspaceApi::follow`] to go on after this event.
    pub id: String,
    /// The event.
    pub event: Event,
}

impl WorkspaceApi {
    /// What happens to an app's production tests: after the event with the id `last`, or from now
    /// on. Events of a kind that this client does not know are passed over.
    ///
    /// With retries the stream goes on by itself where it was cut off, and ends with an error only
    /// that trying again does not help against: 409, say, when the events after the last one are no
    /// longer kept. Without, it ends when it is cut off.
    #[must_use]
    pub fn follow(
        &self,
        client_id: &str,
        last: Option<&str>,
    ) -> BoxStream<'static, Result<Followed, ClientError>> {
        let follower = Follower {
            api: self.clone(),
            client_id: client_id.to_owned(),
            last: last.map(str::to_owned),
            open: None,
            arrived: Vec::new(),
            ready: VecDeque::new(),
        };
        let events = stream::unfold(Some(follower), async |follower| {
            let mut follower = follower?;
            let next = follower.next().await.transpose()?;
            // After an error the stream is at its end.
            let rest = next.is_ok().then_some(follower);
            Some((next, rest))
        });
        events.boxed()
    }
}

struct Follower {
    api: WorkspaceApi,
    client_id: String,
    /// The last id that arrived.
    last: Option<String>,
    open: Option<Response>,
    /// The beginning of a block whose end has not arrived yet.
    arrived: Vec<u8>,
    ready: VecDeque<Followed>,
}

impl Follower {
    /// The next event; `None` at the end.
    async fn next(&mut self) -> Result<Option<Followed>, ClientError> {
        loop {
            if let Some(event) = self.ready.pop_front() {
                return Ok(Some(event));
            }
            let Some(open) = &mut self.open else {
                self.open = Some(self.connect().await?);
                continue;
            };
            match timeout(SILENCE, open.chunk()).await {
                Ok(Ok(Some(bytes))) => self.take(&bytes)?,
                ended => {
                    let Some(retries) = self.api.retries() else {
                        return if matches!(ended, Ok(Ok(None))) { Ok(None) } else { Err(cut()) };
                    };
                    retries.rest(PAUSE).await;
                    // What has half arrived comes again.
                    (self.open, self.arrived) = (None, Vec::new());
                }
            }
        }
    }

    async fn connect(&self) -> Result<Response, ClientError> {
        let attempt = async || {
            let path = ["connect", "v1", "apps", &self.client_id, "production-tests", "events"];
            let request = self.api.http.request(Method::GET, &path).timeout(FOR_EVER);
            let request = match &self.last {
                Some(last) => request.header(LAST_EVENT_ID_HEADER, last),
                None => request,
            };
            timeout(TIMEOUT, answered(request)).await.map_err(|_elapsed| cut())?
        };
        match self.api.retries() {
            Some(retries) => retries.insist(attempt).await,
            None => attempt().await,
        }
    }

    /// Makes events of what has arrived.
    fn take(&mut self, bytes: &[u8]) -> Result<(), ClientError> {
        let nonsense = ClientError::UnexpectedAnswer { status: 200, retry_after: None };
        self.arrived.extend_from_slice(bytes);
        while let Some(end) = self.arrived.windows(2).position(|pair| pair == b"\n\n") {
            let block: Vec<u8> = self.arrived.drain(..end + 2).collect();
            let Ok(block) = std::str::from_utf8(&block) else { return Err(nonsense) };
            let Some((id, event)) = read(block).map_err(|_| nonsense.clone())? else { continue };
            if let Some(event) = event {
                self.ready.push_back(Followed { id: id.clone(), event });
            }
            self.last = Some(id);
        }
        if self.arrived.len() > LONGEST { Err(nonsense) } else { Ok(()) }
    }
}

/// The id of a block, and its event, if it has one of a kind that is known; `None` for a block
/// without an id.
fn read(block: &str) -> Result<Option<(String, Option<Event>)>, serde_json::Error> {
    let field =
        |name: &str| block.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(": "));
    let Some(id) = field("id") else { return Ok(None) };
    let is_known = |name: &&str| serde_json::from_value::<EventName>((*name).into()).is_ok();
    let event = match (field("event").filter(is_known), field("data")) {
        (Some(_), Some(data)) => Some(serde_json::from_str(data)?),
        _ => None,
    };
    Ok(Some((id.to_owned(), event)))
}

#[cfg(test)]
mod tests {
    use super::*;

    const DATA: &str = r#"{"event":"production_test.expired","eventId":"evt_1","timestamp":"2026-04-08T10:00:00.000Z","apiVersion":"v1","clientId":"FK5b0KSM","data":{"requestId":"req_1","challengeId":null,"new":1}}"#;

    fn follower() -> Follower {
        Follower {
            api: WorkspaceApi::new("http://127.0.0.1:1", "key").unwrap(),
            client_id: String::new(),
            last: None,
            open: None,
            arrived: Vec::new(),
            ready: VecDeque::new(),
        }
    }

    #[test]
    fn a_stream_is_read_however_it_is_cut_into_pieces() {
        let text = format!(
            "retry: 2000\nid: 41\n\n: nothing new\n\nid: 42\nevent: production_test.expired\ndata: {DATA}\n\n\
             id: 43\nevent: production_test.of_the_future\ndata: 7\n\n"
        );
        for size in 1..text.len() {
            let mut follower = follower();
            for piece in text.as_bytes().chunks(size) {
                follower.take(piece).unwrap();
            }
            let ids: Vec<String> = follower.ready.into_iter().map(|followed| followed.id).collect();
            assert_eq!((ids, follower.last.as_deref()), (vec!["42".to_owned()], Some("43")));
        }
    }

    #[test]
    fn nonsense_is_an_error_and_never_without_end() {
        assert!(follower().take(b"id: 1\nevent: production_test.expired\ndata: {}\n\n").is_err());
        assert!(follower().take(b"\xff\n\n").is_err());
        assert!(follower().take(&vec![b'x'; LONGEST + 1]).is_err());
    }
}
