//! A stream of events, as it arrives.

use std::time::Duration;

use serde_json::{Value, json};

/// How long a test waits for what must come.
const DEFAULT_TIMEOUT: Duration = Duration::from_secs(20);

/// An open stream. Dropping it hangs up.
pub(crate) struct Following {
    pub(crate) response: reqwest::Response,
    arrived: String,
    /// The last id that arrived, with or without an event.
    pub(crate) last_id: String,
}

impl Following {
    pub(super) fn of(response: reqwest::Response) -> Self {
        let header = |name| response.headers().get(name).map(|value| value.to_str().unwrap());
        assert_eq!(
            (response.status().as_u16(), header("content-type")),
            (200, Some("text/event-stream"))
        );
        assert_eq!(
            (header("cache-control"), header("x-accel-buffering")),
            (Some("no-store"), Some("no"))
        );
        Self { response, arrived: String::new(), last_id: String::new() }
    }

    /// The next block, a line for each of its fields; `None` when the server has ended the stream.
    pub(crate) async fn block(&mut self) -> Option<Vec<String>> {
        loop {
            if let Some((block, rest)) = self.arrived.split_once("\n\n") {
                let block: Vec<String> = block.lines().map(str::to_owned).collect();
                self.arrived = rest.to_owned();
                if let Some(id) = block.iter().find_map(|line| line.strip_prefix("id: ")) {
                    self.last_id = id.to_owned();
                }
                return Some(block);
            }
            let chunk = tokio::time::timeout(DEFAULT_TIMEOUT, self.response.chunk())
                .await
                .expect("something comes in time");
            match chunk.expect("the stream is not cut") {
                Some(bytes) => self.arrived.push_str(std::str::from_utf8(&bytes).unwrap()),
                None => {
                    assert_eq!(self.arrived, "", "no half of a block");
                    return None;
                }
            }
        }
    }

    /// The next event's payload, once all that must go with it has been checked.
    pub(crate) async fn event(&mut self) -> Value {
        loop {
            let block = self.block().await.expect("an event, not the end");
            let [id, event, data] = &block[..] else { continue };
            let payload: Value =
                serde_json::from_str(data.strip_prefix("data: ").unwrap()).unwrap();
            assert_eq!(*event, format!("event: {}", payload["event"].as_str().unwrap()));
            assert!(id.strip_prefix("id: ").unwrap().parse::<u64>().unwrap() > 0);
            return payload;
        }
    }

    /// So many events: the name of each without `production_test.`, and how many stamps there were
    /// by then.
    pub(crate) async fn events(&mut self, count: usize) -> Vec<Value> {
        let mut events = Vec::new();
        for _ in 0..count {
            let event = self.event().await;
            let name = event["event"].as_str().unwrap().strip_prefix("production_test.").unwrap();
            events.push(json!([name, event["data"]["totalClaims"]]));
        }
        events
    }

    /// Waits for the end; nothing but comments may come before it.
    pub(crate) async fn ends(&mut self) {
        while let Some(block) = self.block().await {
            assert!(block[0].starts_with(':'), "{block:?}");
        }
    }
}
