//! §14: the activation of a provider in the console.

use crate::console::{Person, demo, location, read_only_key};
use crate::support::TestServer;

const PROVIDERS: &str = "/console/apps/FK5b0KSM/providers";

/// A production deployment with an app, and a person who is signed in.
async fn production() -> (TestServer, Person, String) {
    let contact = |config: &mut server::Config| config.contact = Some("eid@acme.example".into());
    let server = TestServer::start_in_production_with(contact).await;
    let (workspace, key) = server.create_workspace().await;
    server.create_app(&workspace, "FK5b0KSM", &[]).await;
    let person = Person::sign_in(&server, &key).await;
    (server, person, key)
}

#[tokio::test]
async fn a_provider_with_a_registration_has_a_form_with_what_it_wants_to_know() {
    let (server, person, key) = production().await;
    let page = format!("{PROVIDERS}/spid-ig/activation");
    let list = person.open(&server, PROVIDERS).await;
    assert!(list.text.contains(&format!(r#"<a href="{page}">Activate SPID</a>"#)));
    let form = person.open(&server, &page).await;
    assert_eq!(form.status, 200, "{}", form.text);
    for part in ["Legal company name", r#"name="legalCompanyName""#, "not activated", "curl"] {
        assert!(form.text.contains(part), "{part} in {}", form.text);
    }

    let refused = person.send(&server, &page, "legalCompanyName=%20").await;
    assert_eq!(refused.status, 400);
    assert!(refused.text.contains("legalCompanyName is required"), "{}", refused.text);

    let sent = person.send(&server, &page, "legalCompanyName=Acme+AB").await;
    assert_eq!((sent.status, location(&sent)), (303, page.as_str()));
    let waiting = person.open(&server, &page).await;
    assert!(waiting.text.contains("the operator of this deployment has to approve it"));
    assert!(!waiting.text.contains(r#"name="legalCompanyName""#), "it is asked for once");
    let steps = server
        .request("GET", "/connect/v1/apps/FK5b0KSM/providers/spid-ig/activation/steps")
        .bearer(&key);
    assert_eq!(steps.send().await.expect(200)["state"], "in_progress");
}

#[tokio::test]
async fn a_provider_under_contract_says_whom_to_write_to() {
    let (server, person, _) = production().await;
    let page = format!("{PROVIDERS}/mitid/activation");
    let refused = person.send(&server, &page, "").await;
    assert_eq!(refused.status, 400);
    assert!(refused.text.contains("needs a contract"), "{}", refused.text);
    assert!(refused.text.contains("eid@acme.example"), "{}", refused.text);
}

#[tokio::test]
async fn in_a_sandbox_a_provider_is_activated_at_once() {
    let (server, person) = demo().await;
    let page = format!("{PROVIDERS}/spid-ig/activation");
    let list = person.open(&server, PROVIDERS).await;
    assert!(!list.text.contains("Activate SPID"), "a click is enough");
    assert!(!person.open(&server, &page).await.text.contains("legalCompanyName"));
    let sent = person.send(&server, &page, "").await;
    assert_eq!((sent.status, location(&sent)), (303, page.as_str()));
    assert!(person.open(&server, &page).await.text.contains("<strong>activated</strong>"));
}

#[tokio::test]
async fn whoever_may_only_read_sees_the_steps_and_no_form() {
    let (server, _) = demo().await;
    let key = read_only_key(&server).await;
    let reader = Person::sign_in(&server, key["secret"].as_str().unwrap()).await;
    let page = reader.open(&server, &format!("{PROVIDERS}/spid-ig/activation")).await;
    assert_eq!(page.status, 200);
    assert!(page.text.contains("Steps") && !page.text.contains("Activate SPID"));
    let unknown = reader.open(&server, &format!("{PROVIDERS}/nobody/activation")).await;
    assert_eq!(unknown.status, 404);
}
