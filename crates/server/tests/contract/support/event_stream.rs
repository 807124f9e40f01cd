//! A stream of server-sent events (§7).

use serde_json::{Value, json};

use super::eventually::TIMEOUT;

/// An open stream. Dropping it hangs up.
pub(crate) struct EventStream {
    response: reqwest::Response,
    /// What has arrived and was not read yet.
    buffer: String,
    /// The last id that was read, with or without an event.
    pub(crate) last_id: String,
}

impl EventStream {
    /// Checks the headers of a stream.
    pub(super) fn read(response: reqwest::Response) -> Self {
        let header = |name| response.headers().get(name).map(|value| value.to_str().unwrap());
        assert_eq!(response.status(), 200);
        assert_eq!(header("content-type"), Some("text/event-stream"));
        assert_eq!(header("cache-control"), Some("no-store"));
        assert_eq!(header("x-accel-buffering"), Some("no"));
        Self { response, buffer: String::new(), last_id: String::new() }
    }

    /// Reads the opening block: how soon to reconnect, and where the stream begins.
    pub(crate) async fn opening(mut self) -> Self {
        let opening = self.next_block().await.unwrap();
        assert_eq!(opening, ["retry: 2000".to_owned(), format!("id: {}", self.last_id)]);
        self
    }

    /// The lines of the next block; `None` when the server has ended the stream.
    pub(crate) async fn next_block(&mut self) -> Option<Vec<String>> {
        loop {
            if let Some((block, rest)) = self.buffer.split_once("\n\n") {
                let block: Vec<String> = block.lines().map(str::to_owned).collect();
                self.buffer = rest.to_owned();
                if let Some(id) = block.iter().find_map(|line| line.strip_prefix("id: ")) {
                    self.last_id = id.to_owned();
                }
                return Some(block);
            }
            let chunk = tokio::time::timeout(TIMEOUT, self.response.chunk())
                .await
                .expect("the stream continues in time");
            match chunk.expect("the connection does not break") {
                Some(bytes) => self.buffer.push_str(std::str::from_utf8(&bytes).unwrap()),
                None => {
                    assert_eq!(self.buffer, "", "the stream ends after a whole block");
                    return None;
                }
            }
        }
    }

    /// The payload of the next event, whose other fields are checked.
    pub(crate) async fn next_event(&mut self) -> Value {
        loop {
            let block = self.next_block().await.expect("an event before the end");
            let [id, event, data] = &block[..] else { continue };
            let payload: Value =
                serde_json::from_str(data.strip_prefix("data: ").unwrap()).unwrap();
            assert_eq!(*event, format!("event: {}", payload["event"].as_str().unwrap()));
            assert!(id.strip_prefix("id: ").unwrap().parse::<u64>().unwrap() > 0);
            return payload;
        }
    }

    /// The next events: of each its name without `production_test.`, and the total of claims.
    pub(crate) async fn next_events(&mut self, count: usize) -> Vec<Value> {
        let mut events = Vec::new();
        for _ in 0..count {
            let event = self.next_event().await;
            let name = event["event"].as_str().unwrap().strip_prefix("production_test.").unwrap();
            events.push(json!([name, event["data"]["totalClaims"]]));
        }
        events
    }

    /// Reads to the end of the stream; only comments may precede it.
    pub(crate) async fn expect_end(&mut self) {
        while let Some(block) = self.next_block().await {
            assert!(block[0].starts_with(':'), "{block:?}");
        }
    }
}
