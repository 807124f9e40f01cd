//! §6: listing an app's production tests.

use std::time::Duration;

use serde_json::{Value, json};

use crate::support::fake_challenge_service::{Behavior, FakeChallengeService};
use crate::support::{TESTS, TestResponse, TestServer, id_of};

async fn page(server: &TestServer, query: &str) -> TestResponse {
    server.get(&format!("{TESTS}{query}")).send().await
}

fn title(item: &Value) -> &str {
    let title = match item["type"].as_str() {
        Some("challenge") => item.pointer("/challenge/title"),
        _ => item.pointer("/request/payload/title"),
    };
    title.and_then(Value::as_str).expect("a title")
}

/// Checks the titles of a page, in their order.
#[track_caller]
fn assert_titles<T: AsRef<str>>(page: &TestResponse, expected: impl IntoIterator<Item = T>) {
    let items = page.expect(200);
    let expected: Vec<T> = expected.into_iter().collect();
    let expected: Vec<&str> = expected.iter().map(AsRef::as_ref).collect();
    let titles: Vec<&str> = items.as_array().unwrap().iter().map(title).collect();
    assert_eq!(titles, expected);
}

/// Orders this many tests, whose titles are numbers from 0.
async fn order_numbered(server: &TestServer, count: usize) -> Vec<String> {
    let titles: Vec<String> = (0..count).map(|number| number.to_string()).collect();
    for title in &titles {
        server.order(&json!({ "title": title })).await.expect(201);
    }
    titles
}

#[tokio::test]
async fn an_item_is_a_request_until_it_is_scheduled_and_then_a_challenge() {
    let server = TestServer::start().await;
    let order = json!({ "title": "BankID", "description": "Please" });
    let request = server.order(&order).await.expect(201);
    let expected = json!({ "type": "request", "challenge": null, "request": request });
    assert_eq!(server.list().await, [expected]);

    server.advance(Duration::from_millis(500));
    server.run_background_tasks().await;
    let test = server.show(id_of(&request)).await;
    let expected = json!({
        "type": "challenge",
        "challenge": {
            "id": test["challengeId"],
            "title": "BankID",
            "description": "Please",
            "expiresAt": "2026-04-15T23:59:59.000Z",
            "createdAt": "2026-04-08T10:00:00.500Z",
            "completedAt": null,
            "isActive": true,
            "challengeMode": "stamp",
            "sponsor": null,
            "sources": null,
        },
        "request": null,
    });
    assert_eq!(server.list().await, [expected]);
}

#[tokio::test]
async fn the_oldest_test_comes_first_even_within_one_millisecond() {
    let server = TestServer::start().await;
    let ordered = order_numbered(&server, 20).await;
    assert_titles(&page(&server, "").await, &ordered);
    assert_titles(&page(&server, "?order=desc").await, ordered.iter().rev());
}

#[tokio::test]
async fn a_page_links_to_the_next_one_and_has_the_total_count() {
    let server = TestServer::start().await;
    order_numbered(&server, 5).await;
    let middle = page(&server, "?limit=2&offset=2&order=desc").await;
    assert_titles(&middle, ["2", "1"]);
    assert_eq!(middle.header("x-total-count"), Some("5"));
    let link = middle.header("link").unwrap();
    let next = format!("<{TESTS}?order=desc&limit=2&offset=4>; rel=\"next\"");
    assert!(link.contains(&next), "{link}");
    let last = page(&server, "?order=desc&limit=2&offset=4").await;
    assert_titles(&last, ["0"]);
    assert!(!last.header("link").unwrap().contains("next"));

    let all = page(&server, "").await;
    assert_eq!((all.header("link"), all.header("x-total-count")), (None, None));
    assert_titles(&page(&server, "?offset=4").await, ["4"]);
}

/// Reads all pages by the cursor, with an order between two of them.
async fn titles_by_cursor(server: &TestServer, query: &str) -> Vec<String> {
    let (mut titles, mut next) = (Vec::new(), format!("{TESTS}?{query}&cursor="));
    for number in 0.. {
        let page = server.get(&next).send().await;
        let items = page.expect(200);
        titles.extend(items.as_array().unwrap().iter().map(|item| title(item).to_owned()));
        assert_eq!(page.header("x-total-count"), None);
        let Some(link) = page.header("link") else { break };
        let (target, relation) = link.trim_start_matches('<').split_once(">; ").unwrap();
        assert_eq!(relation, "rel=\"next\"");
        next = target.to_owned();
        server.order(&json!({ "title": format!("meanwhile {number}") })).await.expect(201);
    }
    titles
}

#[tokio::test]
async fn pages_by_cursor_show_each_test_once_while_others_order() {
    let server = TestServer::start().await;
    order_numbered(&server, 4).await;
    // The last page is full, and yet has no link to an empty one.
    let newest_first = titles_by_cursor(&server, "limit=2&order=desc").await;
    assert_eq!(newest_first, ["3", "2", "1", "0"]);
    let oldest_first = titles_by_cursor(&server, "limit=4").await;
    assert_eq!(oldest_first, ["0", "1", "2", "3", "meanwhile 0", "meanwhile 0"]);
    let filtered = titles_by_cursor(&server, "limit=3&type=challenge").await;
    assert_eq!(filtered, [""; 0]);
}

#[tokio::test]
async fn a_cursor_is_what_a_link_says() {
    let server = TestServer::start().await;
    for (query, parameter) in
        [("?cursor=x", "cursor"), ("?cursor=&cursor=", "cursor"), ("?cursor=&limit=101", "limit")]
    {
        let refused = page(&server, query).await.expect(400);
        assert_eq!(refused["error"]["details"]["errors"][0]["parameter"], parameter, "{query}");
    }
    // Without a limit, a page has 100.
    order_numbered(&server, 101).await;
    let first = page(&server, "?cursor=").await;
    assert_eq!(first.expect(200).as_array().unwrap().len(), 100);
    let link = first.header("link").unwrap().to_owned();
    assert!(link.contains("?limit=100&cursor=req_"), "{link}");
    assert_titles(&page(&server, "?cursor=&offset=98&limit=2").await, ["98", "99"]);
}

#[tokio::test]
async fn items_are_filtered_by_type_and_by_status() {
    let refusing = FakeChallengeService::start(&[Behavior::Refuse(422)]).await;
    let server = refusing.server().await;
    server.order(&json!({ "title": "refused" })).await.expect(201);
    server.run_background_tasks().await;
    let server = server.restart(|_| {}).await;
    server.advance(Duration::from_secs(1));
    server.order(&json!({ "title": "scheduled" })).await.expect(201);
    server.run_background_tasks().await;
    server.order(&json!({ "title": "pending" })).await.expect(201);

    for (filter, expected) in [
        ("?type=challenge", &["scheduled"][..]),
        ("?type=request", &["refused", "pending"]),
        ("?status=failed", &["refused"]),
        ("?status=pending", &["pending"]),
        ("?status=scheduled", &["scheduled"]),
        ("?status=cancelled", &[]),
    ] {
        assert_titles(&page(&server, filter).await, expected);
    }
    let filtered = page(&server, "?type=request&limit=1").await;
    assert_titles(&filtered, ["refused"]);
    assert_eq!(filtered.header("x-total-count"), Some("2"));
    let link = filtered.header("link").unwrap();
    assert!(link.contains("?type=request&limit=1&offset=1>; rel=\"next\""), "{link}");
}

#[tokio::test]
async fn the_total_count_follows_every_change_of_status() {
    let refusing = FakeChallengeService::start(&[Behavior::Refuse(400)]).await;
    let server = refusing.server().await;
    let order = async |title: &str| {
        id_of(&server.order(&json!({ "title": title })).await.expect(201)).to_owned()
    };
    let _failed = order("failed").await;
    let (retried, cancelled) = (order("retried").await, order("cancelled").await);
    server.run_background_tasks().await;
    for id in [&retried, &cancelled] {
        server.retry(id).await.expect(200);
    }
    server.cancel(&cancelled).await.expect(200);
    let server = server.restart(|config| config.tpas_url = None).await;
    server.run_background_tasks().await;
    server.order(&json!({ "title": "pending" })).await.expect(201);
    for (filter, total) in [
        ("", "4"),
        ("&type=challenge", "1"),
        ("&type=request", "3"),
        ("&status=pending", "1"),
        ("&status=scheduled", "1"),
        ("&status=failed", "1"),
        ("&status=cancelled", "1"),
        ("&type=challenge&status=failed", "0"),
        ("&offset=9", "4"),
    ] {
        let page = page(&server, &format!("?limit=1{filter}")).await;
        assert_eq!(page.header("x-total-count"), Some(total), "{filter}");
    }
}

#[tokio::test]
async fn an_invalid_query_member_is_refused_and_an_unknown_one_is_ignored() {
    let server = TestServer::start().await;
    for (query, parameter) in [
        ("limit=0", "limit"),
        ("limit=101", "limit"),
        ("limit=-1", "limit"),
        ("limit=", "limit"),
        ("limit=ten", "limit"),
        ("limit=%zz", "limit"),
        ("limit=1&limit=2", "limit"),
        ("offset=-1", "offset"),
        ("offset=9007199254740992", "offset"),
        ("type=both", "type"),
        ("status=done", "status"),
        ("order=up", "order"),
    ] {
        let refused = page(&server, &format!("?{query}")).await;
        let error = refused.expect_error(400, "VALIDATION_INVALID_PARAMETER");
        assert_eq!(error["details"]["parameter"], parameter, "{query}");
    }
    let both = page(&server, "?limit=0&order=up").await.expect(400);
    let errors = both["error"]["details"]["errors"].as_array().unwrap();
    let parameters: Vec<&Value> = errors.iter().map(|error| &error["parameter"]).collect();
    assert_eq!(parameters, ["limit", "order"]);
    for accepted in [
        "?limit=1",
        "?limit=100",
        "?offset=0",
        "?offset=9007199254740991",
        "?color=red",
        "?%=%ff&%zz",
    ] {
        assert_titles(&page(&server, accepted).await, [""; 0]);
    }
}

#[tokio::test]
async fn a_completed_challenge_is_listed_with_the_time_of_its_completion() {
    let server = TestServer::start().await;
    let order = json!({ "title": "BankID", "maxStamps": 1 });
    let challenge = server.order_and_schedule(&order).await;
    server.advance(Duration::from_secs(41));
    assert_eq!(server.join_and_verify(&challenge, "bankidse", "Ada").await, "claimed");
    server.run_background_tasks().await;
    let item = server.list().await.remove(0)["challenge"].clone();
    assert_eq!(item["completedAt"], "2026-04-08T10:00:41.000Z");
    assert_eq!(item["isActive"], false);
}

#[tokio::test]
async fn an_expired_challenge_is_listed_as_inactive_and_not_as_completed() {
    let server = TestServer::start().await;
    server.order_and_schedule(&json!({ "title": "BankID" })).await;
    server.advance(Duration::from_hours(24 * 8));
    let item = server.list().await.remove(0)["challenge"].clone();
    assert_eq!((&item["isActive"], &item["completedAt"]), (&json!(false), &Value::Null));
}

#[tokio::test]
async fn challenges_are_listed_while_the_challenge_service_is_down() {
    let server = TestServer::start().await;
    server.order_and_schedule(&json!({ "title": "BankID" })).await;
    let down = FakeChallengeService::start(&[Behavior::Disconnect]).await;
    let server = server.restart(move |config| config.tpas_url = Some(down.url)).await;
    server.run_background_tasks().await;
    let item = server.list().await.remove(0);
    assert_eq!(
        (&item["type"], &item["challenge"]["isActive"]),
        (&json!("challenge"), &json!(true))
    );
}

#[tokio::test]
async fn a_list_longer_than_two_chunks_is_complete_in_either_order_and_from_any_offset() {
    let server = TestServer::start().await;
    // A chunk has 256 items.
    let all = order_numbered(&server, 600).await;
    assert_titles(&page(&server, "").await, &all);
    assert_titles(&page(&server, "?order=desc").await, all.iter().rev());
    assert_titles(&page(&server, "?offset=40").await, &all[40..]);
    assert_titles(&page(&server, "?offset=40&order=desc").await, all[..560].iter().rev());
    // To the end of a chunk, and beyond the end of the list.
    assert_titles(&page(&server, "?offset=344").await, &all[344..]);
    assert_titles(&page(&server, "?offset=600").await, [""; 0]);
    assert_titles(&page(&server, "?type=challenge").await, [""; 0]);
}
