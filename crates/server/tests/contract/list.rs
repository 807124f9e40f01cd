//! §6: an app's production tests.

use std::time::Duration;

use serde_json::{Value, json};

use crate::support::fake_service::{FakeService, Reaction};
use crate::support::{TESTS, TestServer};

async fn list(site: &TestServer, query: &str) -> Vec<Value> {
    site.get(&format!("{TESTS}{query}")).send().await.expect(200).as_array().unwrap().clone()
}

fn titles(items: &[Value]) -> Vec<&str> {
    let title = |item: &Value| {
        ["challenge", "request"].into_iter().find(|kind| !item[kind].is_null()).map(str::to_owned)
    };
    items
        .iter()
        .map(|item| match title(item).as_deref() {
            Some("challenge") => item["challenge"]["title"].as_str().unwrap(),
            _ => item["request"]["payload"]["title"].as_str().unwrap(),
        })
        .collect()
}

#[tokio::test]
async fn an_item_is_a_request_until_it_is_scheduled_and_then_a_challenge() {
    let site = TestServer::start().await;
    let request =
        site.order(&json!({ "title": "BankID", "description": "Please" })).await.expect(201);
    let expected = json!([{ "type": "request", "challenge": null, "request": request }]);
    assert_eq!(site.get(TESTS).send().await.expect(200), expected);

    site.advance(Duration::from_millis(500));
    site.round().await;
    let id =
        site.get(&format!("{TESTS}/{}", request["id"].as_str().unwrap())).send().await.expect(200)
            ["challengeId"]
            .clone();
    let expected = json!([{
        "type": "challenge",
        "challenge": {
            "id": id,
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
    }]);
    assert_eq!(site.get(TESTS).send().await.expect(200), expected);
}

#[tokio::test]
async fn the_oldest_comes_first_even_within_one_millisecond() {
    let site = TestServer::start().await;
    for number in 0..20 {
        site.order(&json!({ "title": number.to_string() })).await.expect(201);
    }
    let expected: Vec<String> = (0..20).map(|number| number.to_string()).collect();
    assert_eq!(titles(&list(&site, "").await), expected);
    let youngest_first: Vec<String> = expected.into_iter().rev().collect();
    assert_eq!(titles(&list(&site, "?order=desc").await), youngest_first);
}

#[tokio::test]
async fn a_page_names_its_neighbours_and_the_whole_number() {
    let site = TestServer::start().await;
    for number in 0..5 {
        site.order(&json!({ "title": number.to_string() })).await.expect(201);
    }
    let page = site.get(&format!("{TESTS}?limit=2&offset=2&order=desc")).send().await;
    assert_eq!(titles(page.expect(200).as_array().unwrap()), ["2", "1"]);
    assert_eq!(page.header("x-total-count"), Some("5"));
    let link = page.header("link").unwrap();
    let next = format!("<{TESTS}?order=desc&limit=2&offset=4>; rel=\"next\"");
    assert!(link.contains(&next), "{link}");
    let followed = site.get(&format!("{TESTS}?order=desc&limit=2&offset=4")).send().await;
    assert_eq!(titles(followed.expect(200).as_array().unwrap()), ["0"]);
    assert!(!followed.header("link").unwrap().contains("next"));

    let whole = site.get(TESTS).send().await;
    assert_eq!((whole.header("link"), whole.header("x-total-count")), (None, None));
    assert_eq!(titles(&list(&site, "?offset=4").await), ["4"]);
}

#[tokio::test]
async fn items_are_filtered_by_type_and_by_status() {
    let service = FakeService::start(None, &[Reaction::Status(422, "")]).await;
    let url = service.url.clone();
    let site = TestServer::configured(move |config| config.tpas_url = Some(url)).await;
    site.order(&json!({ "title": "refused" })).await.expect(201);
    site.round().await;
    let site = site.restart(|_| {}).await;
    site.advance(Duration::from_secs(1));
    site.order(&json!({ "title": "scheduled" })).await.expect(201);
    site.round().await;
    site.order(&json!({ "title": "pending" })).await.expect(201);

    assert_eq!(titles(&list(&site, "?type=challenge").await), ["scheduled"]);
    assert_eq!(titles(&list(&site, "?type=request").await), ["refused", "pending"]);
    assert_eq!(titles(&list(&site, "?status=failed").await), ["refused"]);
    assert_eq!(titles(&list(&site, "?status=pending").await), ["pending"]);
    assert_eq!(titles(&list(&site, "?status=scheduled").await), ["scheduled"]);
    assert_eq!(list(&site, "?status=cancelled").await, Vec::<Value>::new());
    let filtered = site.get(&format!("{TESTS}?type=request&limit=1")).send().await;
    assert_eq!(filtered.header("x-total-count"), Some("2"));
    assert!(
        filtered.header("link").unwrap().contains("?type=request&limit=1&offset=1>; rel=\"next\"")
    );
}

#[tokio::test]
async fn a_page_says_how_many_there_are_whatever_has_become_of_them() {
    let refusing = FakeService::start(None, &[Reaction::Status(400, "")]).await;
    let site = TestServer::configured(|config| config.tpas_url = Some(refusing.url)).await;
    let order = async |title: &str| {
        let id = site.order(&json!({ "title": title })).await.expect(201)["id"]
            .as_str()
            .unwrap()
            .to_owned();
        format!("{TESTS}/{id}")
    };
    let (_failed, retried, called_off) =
        (order("failed").await, order("retried").await, order("called off").await);
    site.round().await;
    for path in [&retried, &called_off] {
        site.post(&format!("{path}/retry")).send().await.expect(200);
    }
    site.post(&format!("{called_off}/cancel")).send().await.expect(200);
    let site = site.restart(|config| config.tpas_url = None).await;
    site.round().await;
    site.order(&json!({ "title": "pending" })).await.expect(201);
    for (filter, there) in [
        ("", 4),
        ("&type=challenge", 1),
        ("&type=request", 3),
        ("&status=pending", 1),
        ("&status=scheduled", 1),
        ("&status=failed", 1),
        ("&status=cancelled", 1),
        ("&type=challenge&status=failed", 0),
        ("&offset=9", 4),
    ] {
        let page = site.get(&format!("{TESTS}?limit=1{filter}")).send().await;
        assert_eq!(page.header("x-total-count"), Some(there.to_string().as_str()), "{filter}");
    }
}

#[tokio::test]
async fn a_bad_query_member_is_refused_and_an_unknown_one_ignored() {
    let site = TestServer::start().await;
    for (query, parameter) in [
        ("limit=0", "limit"),
        ("limit=101", "limit"),
        ("limit=-1", "limit"),
        ("limit=", "limit"),
        ("limit=ten", "limit"),
        ("limit=1&limit=2", "limit"),
        ("offset=-1", "offset"),
        ("offset=9007199254740992", "offset"),
        ("type=both", "type"),
        ("status=done", "status"),
        ("order=up", "order"),
    ] {
        let error = site
            .get(&format!("{TESTS}?{query}"))
            .send()
            .await
            .expect_error(400, "VALIDATION_INVALID_PARAMETER");
        assert_eq!(error["details"]["parameter"], parameter, "{query}");
    }
    let both = site.get(&format!("{TESTS}?limit=0&order=up")).send().await.expect(400);
    assert_eq!(both["error"]["details"]["errors"].as_array().unwrap().len(), 2);
    for accepted in
        ["?limit=1", "?limit=100", "?offset=0", "?offset=9007199254740991", "?color=red"]
    {
        list(&site, accepted).await;
    }
}

#[tokio::test]
async fn the_list_shows_a_challenge_as_complete_once_it_is() {
    let site = TestServer::start().await;
    let challenge = site.challenge(&json!({ "title": "BankID", "maxStamps": 1 })).await;
    site.advance(Duration::from_secs(41));
    assert_eq!(site.take_part(&challenge, "bankidse", "Ada").await, "claimed");
    site.round().await;
    let items = list(&site, "").await;
    assert_eq!(items[0]["challenge"]["completedAt"], "2026-04-08T10:00:41.000Z");
    assert_eq!(items[0]["challenge"]["isActive"], false);
}

#[tokio::test]
async fn a_challenge_is_no_longer_active_once_it_has_expired() {
    let site = TestServer::start().await;
    site.challenge(&json!({ "title": "BankID" })).await;
    site.advance(Duration::from_hours(24 * 8));
    let items = list(&site, "").await;
    assert_eq!(
        (&items[0]["challenge"]["isActive"], &items[0]["challenge"]["completedAt"]),
        (&json!(false), &Value::Null)
    );
}

#[tokio::test]
async fn the_list_works_while_the_challenge_service_is_down() {
    let site = TestServer::start().await;
    site.challenge(&json!({ "title": "BankID" })).await;
    let nobody = FakeService::start(None, &[Reaction::Cut]).await;
    let site = site.restart(move |config| config.tpas_url = Some(nobody.url)).await;
    site.round().await;
    let items = list(&site, "").await;
    assert_eq!(
        (&items[0]["type"], &items[0]["challenge"]["isActive"]),
        (&json!("challenge"), &json!(true))
    );
}

#[tokio::test]
async fn a_long_list_is_whole_in_either_order_and_from_any_place() {
    let site = TestServer::start().await;
    // More than two parts of it.
    let orders = (0..600).map(|number| json!({ "title": number.to_string() }));
    for order in orders {
        site.order(&order).await.expect(201);
    }
    let all: Vec<String> = (0..600).map(|number| number.to_string()).collect();
    assert_eq!(titles(&list(&site, "").await), all);
    assert_eq!(titles(&list(&site, "?order=desc").await), all.iter().rev().collect::<Vec<_>>());
    assert_eq!(titles(&list(&site, "?offset=40").await), all[40..]);
    assert_eq!(
        titles(&list(&site, "?offset=40&order=desc").await),
        all[..560].iter().rev().collect::<Vec<_>>()
    );
    // Exactly to the end of a part, and beyond all.
    assert_eq!(list(&site, "?offset=344").await.len(), 256);
    assert_eq!(list(&site, "?offset=600").await.len(), 0);
    assert_eq!(list(&site, "?type=challenge").await.len(), 0);
}

#[tokio::test]
async fn a_query_that_is_badly_encoded_is_read_as_it_stands() {
    let site = TestServer::start().await;
    site.get(&format!("{TESTS}?%=%ff&%zz")).send().await.expect(200);
    let error = site
        .get(&format!("{TESTS}?limit=%zz"))
        .send()
        .await
        .expect_error(400, "VALIDATION_INVALID_PARAMETER");
    assert_eq!(error["details"]["parameter"], "limit");
}
