//! The relying party against a provider of the test, which is attacked or attacks.

#![expect(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic, reason = "tests")]

mod attacks;
mod support;

use std::time::Duration;

use domain::verification::FailureReason::{
    self, AssuranceTooLow, CancelledByTester, Misconfigured, ProviderAnswerInvalid,
    ProviderUnreachable,
};
use openid_connect::{Attempt, Callback, ClientAuthentication, PushedAuthorization, Secret};
use serde_json::{Value, json};
use support::{Provider, Reply, base64url, jwk, new_pair, sign};

/// Redeems a code for which the provider gives out changed claims.
async fn with_claims(change: impl FnOnce(&mut Value)) -> Result<String, FailureReason> {
    let provider = Provider::start().await;
    let attempt = Attempt::random(&provider.clock_and_rng());
    let mut claims = provider.claims(&attempt);
    change(&mut claims);
    provider.gives(&provider.signed(&claims));
    let mut configuration = provider.configuration();
    configuration.accepted_acr = claims.get("acr").map(|_| "high".into()).into_iter().collect();
    let relying_party = provider.relying_party(configuration);
    let result = provider.redeem(&relying_party, &attempt).await;
    result.map_err(|failure| {
        assert!(!failure.detail.contains("anna") && !failure.detail.contains(&attempt.nonce));
        failure.reason
    })
}

#[tokio::test]
async fn a_flawless_token_names_the_person() {
    assert_eq!(with_claims(|_| ()).await, Ok("anna".into()));
    assert_eq!(with_claims(|claims| claims["iat"] = json!(1_800_000_059)).await, Ok("anna".into()));
    assert_eq!(with_claims(|claims| claims["exp"] = json!(1_799_999_941)).await, Ok("anna".into()));
    assert_eq!(with_claims(|claims| claims["acr"] = json!("high")).await, Ok("anna".into()));
    let audiences = json!(["fieldtest", "other"]);
    let both = with_claims(|claims| {
        claims["aud"] = audiences;
        claims["azp"] = json!("fieldtest");
    });
    assert_eq!(both.await, Ok("anna".into()));
}

#[tokio::test]
async fn a_token_with_a_wrong_claim_is_refused() {
    for (name, value) in [
        ("iss", json!("https://evil.example")),
        ("aud", json!("other")),
        ("aud", json!(["fieldtest", "other"])),
        ("azp", json!("other")),
        ("nonce", json!("other")),
        ("nonce", Value::Null),
        ("exp", json!(1_799_999_940)),
        ("exp", Value::Null),
        ("iat", json!(1_800_000_061)),
        ("at_hash", json!("AAAA")),
        ("sub", json!("")),
    ] {
        let shown = format!("{name}: {value}");
        let result = with_claims(|claims| claims[name] = value).await;
        assert_eq!(result, Err(ProviderAnswerInvalid), "{shown}");
    }
    let low = with_claims(|claims| claims["acr"] = json!("low")).await;
    assert_eq!(low, Err(AssuranceTooLow));
}

#[tokio::test]
async fn tokens_that_no_key_of_the_provider_signed_are_refused() {
    let provider = Provider::start().await;
    let relying_party = provider.relying_party(provider.configuration());
    let attempt = Attempt::random(&provider.clock_and_rng());
    let claims = provider.claims(&attempt);
    let unsigned = |header: Value| {
        let [header, claims] = [&header, &claims].map(|one| base64url(one.to_string().as_bytes()));
        format!("{header}.{claims}.")
    };
    for token in [
        unsigned(json!({ "alg": "none" })),
        unsigned(json!({ "alg": "ES256", "kid": "1" })),
        sign(&new_pair(), &json!({ "alg": "ES256", "kid": "1" }), &claims),
        sign(&new_pair(), &json!({ "alg": "ES256" }), &claims),
        String::new(),
        "....".into(),
    ] {
        provider.gives(&token);
        let failure = provider.redeem(&relying_party, &attempt).await.unwrap_err();
        assert_eq!(failure.reason, ProviderAnswerInvalid);
    }
}

#[tokio::test]
async fn a_rotated_key_is_fetched_once_and_invented_ones_do_not_flood_the_provider() {
    // given: a relying party that knows the first key
    let provider = Provider::start().await;
    let relying_party = provider.relying_party(provider.configuration());
    let attempt = Attempt::random(&provider.clock_and_rng());
    let claims = provider.claims(&attempt);
    provider.gives(&provider.signed(&claims));
    provider.redeem(&relying_party, &attempt).await.unwrap();
    // when: the key is replaced
    let pair = new_pair();
    provider.change(|state| state.keys = Reply::Json(200, json!({ "keys": [jwk(&pair, "2")] })));
    provider.gives(&sign(&pair, &json!({ "alg": "ES256", "kid": "2" }), &claims));
    // then: at once, though the first fetch was a moment ago
    assert_eq!(provider.redeem(&relying_party, &attempt).await, Ok("anna".into()));
    assert_eq!(provider.fetches(), 2);
    // when: tokens name keys that do not exist
    provider.gives(&sign(&pair, &json!({ "alg": "ES256", "kid": "3" }), &claims));
    for fetches in [2, 3] {
        for _ in 0..3 {
            provider.redeem(&relying_party, &attempt).await.unwrap_err();
        }
        // then: one fetch in 30 seconds
        assert_eq!(provider.fetches(), fetches);
        provider.clock.advance(Duration::from_secs(30));
    }
}

#[tokio::test]
async fn a_key_that_is_replaced_under_its_name_or_without_one_is_fetched() {
    for header in [json!({ "alg": "ES256", "kid": "1" }), json!({ "alg": "ES256" })] {
        // given: a relying party that knows the first key
        let provider = Provider::start().await;
        let relying_party = provider.relying_party(provider.configuration());
        let attempt = Attempt::random(&provider.clock_and_rng());
        let claims = provider.claims(&attempt);
        provider.gives(&provider.signed(&claims));
        provider.redeem(&relying_party, &attempt).await.unwrap();
        // when
        let pair = new_pair();
        let keys = json!({ "keys": [jwk(&pair, "1")] });
        provider.change(|state| state.keys = Reply::Json(200, keys));
        provider.gives(&sign(&pair, &header, &claims));
        provider.clock.advance(Duration::from_secs(30));
        // then
        assert_eq!(provider.redeem(&relying_party, &attempt).await, Ok("anna".into()), "{header}");
        assert_eq!(provider.fetches(), 2);
    }
}

#[tokio::test]
async fn answers_that_never_end_never_come_or_are_pages_are_failures() {
    for (reply, of_discovery, of_keys) in [
        (Reply::Html, ProviderAnswerInvalid, ProviderAnswerInvalid),
        (Reply::Hang, ProviderUnreachable, ProviderUnreachable),
        (Reply::Endless, ProviderAnswerInvalid, ProviderAnswerInvalid),
        (Reply::Json(503, json!({})), ProviderUnreachable, ProviderUnreachable),
    ] {
        let provider = Provider::start().await;
        let attempt = Attempt::random(&provider.clock_and_rng());
        provider.gives(&provider.signed(&provider.claims(&attempt)));
        // when: the keys are like that
        provider.change(|state| state.keys = reply.clone());
        let relying_party = provider.relying_party(provider.configuration());
        let failure = provider.redeem(&relying_party, &attempt).await.unwrap_err();
        assert_eq!(failure.reason, of_keys);
        assert!(!failure.detail.contains("Anna"));
        // when: discovery is like that
        provider.change(|state| state.discovery = reply);
        let relying_party = provider.relying_party(provider.configuration());
        let failure = relying_party.authorization_url(&attempt).await.unwrap_err();
        assert_eq!(failure.reason, of_discovery);
        assert!(!relying_party.check().await[0].is_good);
        assert_eq!(relying_party.health().last_error, Some(failure.detail));
    }
}

#[tokio::test]
async fn a_provider_that_was_down_is_used_when_it_is_back() {
    let provider = Provider::start().await;
    let attempt = Attempt::random(&provider.clock_and_rng());
    let relying_party = provider.relying_party(provider.configuration());
    let mut working = Reply::Json(503, json!({}));
    provider.change(|state| std::mem::swap(&mut state.discovery, &mut working));
    relying_party.authorization_url(&attempt).await.unwrap_err();
    provider.change(|state| state.discovery = working);
    provider.clock.advance(Duration::from_secs(5));
    relying_party.authorization_url(&attempt).await.unwrap();
}

#[tokio::test]
async fn another_issuer_in_discovery_or_the_callback_is_refused() {
    let provider = Provider::start().await;
    let attempt = Attempt::random(&provider.clock_and_rng());
    provider.gives(&provider.signed(&provider.claims(&attempt)));
    provider.change_discovery("authorization_response_iss_parameter_supported", json!(true));
    let relying_party = provider.relying_party(provider.configuration());
    for iss in [None, Some("https://evil.example".to_owned())] {
        let callback = Callback { code: "the-code".into(), iss };
        let failure = relying_party.redeem(&callback, &attempt).await.unwrap_err();
        assert_eq!(failure.reason, ProviderAnswerInvalid);
    }
    let sent = provider.state.lock().unwrap().requests.concat();
    assert!(!sent.contains("the-code"), "the code must not reach a provider that it is not from");
    assert_eq!(
        relying_party.refusal("access_denied", Some("https://evil.example")),
        ProviderAnswerInvalid
    );
    assert_eq!(relying_party.refusal("user_cancel", None), CancelledByTester);
    provider.change_discovery("issuer", json!(format!("{}/", provider.issuer)));
    let relying_party = provider.relying_party(provider.configuration());
    let failure = relying_party.authorization_url(&attempt).await.unwrap_err();
    assert_eq!(failure.reason, Misconfigured);
}

#[tokio::test]
async fn the_authorization_request_is_in_the_address_or_pushed() {
    let provider = Provider::start().await;
    let attempt = Attempt::random(&provider.clock_and_rng());
    let mut configuration = provider.configuration();
    configuration.extra.insert("state".into(), "mine".into());
    configuration.extra.insert("ui_locales".into(), "en".into());
    let url = provider.relying_party(configuration.clone()).authorization_url(&attempt).await;
    let url = url.unwrap();
    let state = format!("&state={}&", attempt.state);
    for part in ["?tenant=1&", "code_challenge_method=S256", "ui_locales=en", &state] {
        assert!(url.contains(part), "{part} in {url}");
    }
    assert!(!url.contains("mine") && !url.contains(&attempt.code_verifier));

    configuration.pushed_authorization = PushedAuthorization::Required;
    let failure = provider.relying_party(configuration.clone()).authorization_url(&attempt).await;
    assert_eq!(failure.unwrap_err().reason, Misconfigured);
    provider.change_discovery(
        "pushed_authorization_request_endpoint",
        json!(format!("{}/par", provider.issuer)),
    );
    let url = provider.relying_party(configuration).authorization_url(&attempt).await.unwrap();
    assert!(url.ends_with("?tenant=1&client_id=fieldtest&request_uri=urn%3Apushed%3A1"), "{url}");
    let sent = provider.state.lock().unwrap().requests.pop().unwrap();
    assert_eq!(sent.matches("client_id=").count(), 1, "{sent}");
}

#[tokio::test]
async fn userinfo_must_be_about_the_same_person() {
    let provider = Provider::start().await;
    let attempt = Attempt::random(&provider.clock_and_rng());
    provider.gives(&provider.signed(&provider.claims(&attempt)));
    let mut configuration = provider.configuration();
    configuration.userinfo = true;
    configuration.subject_claim = "person".into();
    let relying_party = provider.relying_party(configuration);
    let mut answer = json!({ "sub": "anna", "person": 17 });
    provider.change(|state| state.userinfo = Reply::Json(200, answer.clone()));
    assert_eq!(provider.redeem(&relying_party, &attempt).await, Ok("17".into()));
    answer["sub"] = json!("bert");
    provider.change(|state| state.userinfo = Reply::Json(200, answer));
    let failure = provider.redeem(&relying_party, &attempt).await.unwrap_err();
    assert_eq!(failure.reason, ProviderAnswerInvalid);
}

#[tokio::test]
async fn a_secret_is_sent_and_never_shown() {
    let provider = Provider::start().await;
    let attempt = Attempt::random(&provider.clock_and_rng());
    provider.change(|state| state.token = Reply::Json(401, json!({ "error": "invalid_client" })));
    let mut configuration = provider.configuration();
    configuration.client_authentication = ClientAuthentication::SecretPost(Secret::new("p:+ w"));
    assert!(!format!("{configuration:?}").contains("p:+ w"));
    let relying_party = provider.relying_party(configuration);
    let failure = provider.redeem(&relying_party, &attempt).await.unwrap_err();
    assert_eq!(failure.reason, Misconfigured);
    assert_eq!(failure.detail, "the token endpoint answers 401: invalid_client");
    let sent = provider.state.lock().unwrap().requests.concat();
    assert!(sent.contains("client_secret=p%3A%2B+w"));
}

#[tokio::test]
async fn a_key_id_that_comes_twice_hides_no_key() {
    let provider = Provider::start().await;
    let attempt = Attempt::random(&provider.clock_and_rng());
    provider.gives(&provider.signed(&provider.claims(&attempt)));
    provider.change(|state| match &mut state.keys {
        Reply::Json(_, keys) => {
            keys["keys"].as_array_mut().unwrap().insert(0, jwk(&new_pair(), "1"))
        }
        _ => panic!("the keys are no JSON"),
    });
    let relying_party = provider.relying_party(provider.configuration());
    assert_eq!(provider.redeem(&relying_party, &attempt).await, Ok("anna".into()));
}

#[tokio::test]
async fn a_provider_whose_tls_is_wrong_is_unreachable() {
    // given: a provider that does not speak TLS where https is configured
    let provider = Provider::start().await;
    let mut configuration = provider.configuration();
    configuration.issuer = provider.issuer.replace("http:", "https:");
    let relying_party = provider.relying_party(configuration);
    // when
    let attempt = Attempt::random(&provider.clock_and_rng());
    let failure = relying_party.authorization_url(&attempt).await.unwrap_err();
    // then
    assert_eq!(failure.reason, ProviderUnreachable);
}

#[tokio::test]
async fn signed_userinfo_is_verified_like_a_token() {
    let provider = Provider::start().await;
    let attempt = Attempt::random(&provider.clock_and_rng());
    provider.gives(&provider.signed(&provider.claims(&attempt)));
    let mut configuration = provider.configuration();
    configuration.userinfo = true;
    let relying_party = provider.relying_party(configuration);
    let claims = json!({ "iss": provider.issuer, "aud": "fieldtest", "sub": "anna" });
    // when: it is flawless
    let signed = provider.signed(&claims);
    provider.change(|state| state.userinfo = Reply::Token(signed));
    // then
    assert_eq!(provider.redeem(&relying_party, &attempt).await, Ok("anna".into()));
    // when: it is for another client, or signed by somebody else
    let mut other = claims.clone();
    other["aud"] = json!("other");
    let forged = sign(&new_pair(), &json!({ "alg": "ES256", "kid": "1" }), &claims);
    for token in [provider.signed(&other), forged] {
        provider.change(|state| state.userinfo = Reply::Token(token));
        // then
        let failure = provider.redeem(&relying_party, &attempt).await.unwrap_err();
        assert_eq!(failure.reason, ProviderAnswerInvalid);
    }
}

#[tokio::test]
async fn a_check_says_what_does_not_match() {
    let provider = Provider::start().await;
    provider.change_discovery("token_endpoint_auth_methods_supported", json!(["private_key_jwt"]));
    let findings = provider.relying_party(provider.configuration()).check().await;
    let of = |subject: &str| findings.iter().find(|one| one.subject == subject).unwrap();
    assert!(of("discovery").is_good && of("par").is_good && of("pkce").is_good);
    assert_eq!(of("keys").text, "keys reached: 1, for ES256");
    assert!(!of("client_auth").is_good);
    assert_eq!(of("client_auth").text, "none is not offered; the provider offers private_key_jwt");
}
