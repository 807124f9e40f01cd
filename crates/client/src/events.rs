//! The event stream of an app's production tests (§7).

use std::collections::VecDeque;
use std::time::Duration;

use futures_util::stream::{self, BoxStream, StreamExt};
use reqwest::{Method, Response};
use tokio::time::timeout;
use wire::event::{Event, EventName, LAST_EVENT_ID_HEADER};

use crate::http::{interrupted, send_for_response};
use crate::workspace_api::TIMEOUT;
use crate::{ClientError, WorkspaceApi};

/// How long a stream can be silent. The server sends a comment every 15 seconds.
const SILENCE_TIMEOUT: Duration = Duration::from_secs(45);

/// How long to wait before reconnecting: the `retry` that the server sends.
const RECONNECT_DELAY: Duration = Duration::from_secs(2);

/// The timeout of a stream as a whole, in place of that of a call.
const STREAM_TIMEOUT: Duration = Duration::from_hours(24 * 365 * 10);

/// The longest block that is read, in bytes. Those of fieldtest are shorter.
const MAX_BLOCK_SIZE: usize = 64 * 1024;

/// An event with its position in the stream.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StreamEvent {
    /// The id with which [`WorkspaceApi::follow`] resumes after this event.
    pub id: String,
    /// The event.
    pub event: Event,
}

impl WorkspaceApi {
    /// Streams the events of an app's production tests: those after the event with the id `last`,
    /// or from now on. Events with a name that this client does not support are skipped.
    ///
    /// With retries, an interrupted stream is resumed where it stopped. It ends with an error that
    /// is not transient, such as 409 when events after `last` have been deleted. Without retries,
    /// it ends when it is interrupted.
    #[must_use]
    pub fn follow(
        &self,
        client_id: &str,
        last: Option<&str>,
    ) -> BoxStream<'static, Result<StreamEvent, ClientError>> {
        let reader = StreamReader {
            api: self.clone(),
            client_id: client_id.to_owned(),
            last: last.map(str::to_owned),
            response: None,
            buffer: Vec::new(),
            ready: VecDeque::new(),
        };
        let events = stream::unfold(Some(reader), async |reader| {
            let mut reader = reader?;
            let next = reader.next().await.transpose()?;
            // The stream ends after an error.
            let rest = next.is_ok().then_some(reader);
            Some((next, rest))
        });
        events.boxed()
    }
}

struct StreamReader {
    api: WorkspaceApi,
    client_id: String,
    /// The id of the last block that was read.
    last: Option<String>,
    response: Option<Response>,
    /// The beginning of a block whose end has not been received.
    buffer: Vec<u8>,
    ready: VecDeque<StreamEvent>,
}

impl StreamReader {
    /// The next event; `None` at the end of the stream.
    async fn next(&mut self) -> Result<Option<StreamEvent>, ClientError> {
        loop {
            if let Some(event) = self.ready.pop_front() {
                return Ok(Some(event));
            }
            let Some(response) = &mut self.response else {
                self.response = Some(self.connect().await?);
                continue;
            };
            match timeout(SILENCE_TIMEOUT, response.chunk()).await {
                Ok(Ok(Some(bytes))) => self.read(&bytes)?,
                end => {
                    let Some(retries) = self.api.retries() else {
                        let is_complete = matches!(end, Ok(Ok(None)));
                        return if is_complete { Ok(None) } else { Err(interrupted()) };
                    };
                    retries.sleep(RECONNECT_DELAY).await;
                    // The server sends an incomplete block again.
                    (self.response, self.buffer) = (None, Vec::new());
                }
            }
        }
    }

    async fn connect(&self) -> Result<Response, ClientError> {
        let attempt = async || {
            let path = ["connect", "v1", "apps", &self.client_id, "production-tests", "events"];
            let request = self.api.http.request(Method::GET, &path).timeout(STREAM_TIMEOUT);
            let request = match &self.last {
                Some(last) => request.header(LAST_EVENT_ID_HEADER, last),
                None => request,
            };
            timeout(TIMEOUT, send_for_response(request)).await.map_err(|_elapsed| interrupted())?
        };
        match self.api.retries() {
            Some(retries) => retries.run(attempt).await,
            None => attempt().await,
        }
    }

    /// Reads the blocks that `bytes` completes.
    fn read(&mut self, bytes: &[u8]) -> Result<(), ClientError> {
        let malformed = ClientError::UnexpectedResponse { status: 200, retry_after: None };
        self.buffer.extend_from_slice(bytes);
        while let Some(end) = self.buffer.windows(2).position(|pair| pair == b"\n\n") {
            let block: Vec<u8> = self.buffer.drain(..end + 2).collect();
            let Ok(block) = std::str::from_utf8(&block) else { return Err(malformed) };
            let parsed = parse_block(block).map_err(|_| malformed.clone())?;
            let Some((id, event)) = parsed else { continue };
            if let Some(event) = event {
                self.ready.push_back(StreamEvent { id: id.clone(), event });
            }
            self.last = Some(id);
        }
        if self.buffer.len() > MAX_BLOCK_SIZE { Err(malformed) } else { Ok(()) }
    }
}

/// The id of a block and its event, if the event's name is supported; `None` for a block without an
/// id.
fn parse_block(block: &str) -> Result<Option<(String, Option<Event>)>, serde_json::Error> {
    let field =
        |name: &str| block.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(": "));
    let Some(id) = field("id") else { return Ok(None) };
    let is_supported = |name: &&str| serde_json::from_value::<EventName>((*name).into()).is_ok();
    let event = match (field("event").filter(is_supported), field("data")) {
        (Some(_), Some(data)) => Some(serde_json::from_str(data)?),
        _ => None,
    };
    Ok(Some((id.to_owned(), event)))
}

#[cfg(test)]
mod tests {
    use super::*;

    const DATA: &str = concat!(
        r#"{"event":"production_test.expired","eventId":"evt_1","#,
        r#""timestamp":"2026-04-08T10:00:00.000Z","apiVersion":"v1","clientId":"FK5b0KSM","#,
        r#""data":{"requestId":"req_1","challengeId":null,"new":1}}"#,
    );

    fn reader() -> StreamReader {
        StreamReader {
            api: WorkspaceApi::new("http://127.0.0.1:1", "key").unwrap(),
            client_id: String::new(),
            last: None,
            response: None,
            buffer: Vec::new(),
            ready: VecDeque::new(),
        }
    }

    #[test]
    fn a_stream_is_read_in_pieces_of_any_size() {
        let text = format!(
            "retry: 2000\nid: 41\n\n: nothing new\n\n\
             id: 42\nevent: production_test.expired\ndata: {DATA}\n\n\
             id: 43\nevent: production_test.of_the_future\ndata: 7\n\n"
        );
        for size in 1..text.len() {
            let mut reader = reader();
            for piece in text.as_bytes().chunks(size) {
                reader.read(piece).unwrap();
            }
            let ids: Vec<String> = reader.ready.into_iter().map(|event| event.id).collect();
            assert_eq!((ids, reader.last.as_deref()), (vec!["42".to_owned()], Some("43")));
        }
    }

    #[test]
    fn a_malformed_or_endless_block_is_an_error() {
        assert!(reader().read(b"id: 1\nevent: production_test.expired\ndata: {}\n\n").is_err());
        assert!(reader().read(b"\xff\n\n").is_err());
        assert!(reader().read(&vec![b'x'; MAX_BLOCK_SIZE + 1]).is_err());
    }
}
