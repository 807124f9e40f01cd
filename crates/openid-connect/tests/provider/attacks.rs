//! What an attacker may make a provider, or its tokens, say.

use domain::verification::FailureReason::ProviderAnswerInvalid;
use openid_connect::Attempt;
use serde_json::json;

use crate::support::{Provider, Reply, jwk, new_pair, sign};

/// More than sockets buffer, and far less than 100 MB.
const BUFFERED: usize = 20_000_000;

#[tokio::test]
async fn a_key_set_of_100_mb_is_not_read() {
    // given
    let provider = Provider::start().await;
    let attempt = Attempt::random(&provider.clock_and_rng());
    provider.gives(&provider.signed(&provider.claims(&attempt)));
    provider.change(|state| state.keys = Reply::Large(100_000_000));
    let relying_party = provider.relying_party(provider.configuration());
    // when
    let failure = provider.redeem(&relying_party, &attempt).await.unwrap_err();
    // then
    assert_eq!(failure.reason, ProviderAnswerInvalid);
    assert_eq!(failure.detail, "the key set: the answer is larger than 512 KiB");
    let taken = provider.state.lock().unwrap().taken;
    assert!(taken < BUFFERED, "{taken} bytes were taken");
}

#[tokio::test]
async fn a_token_that_brings_its_own_key_is_refused_and_nothing_is_fetched() {
    // given: a token of an attacker's, which names or holds the attacker's key
    let (provider, attacker) = (Provider::start().await, Provider::start().await);
    let relying_party = provider.relying_party(provider.configuration());
    let attempt = Attempt::random(&provider.clock_and_rng());
    let (pair, keys) = (new_pair(), format!("{}/keys", attacker.issuer));
    for header in [
        json!({ "alg": "ES256", "kid": "1", "jwk": jwk(&pair, "1") }),
        json!({ "alg": "ES256", "kid": "1", "jku": keys }),
        json!({ "alg": "ES256", "kid": keys, "x5u": keys }),
    ] {
        provider.gives(&sign(&pair, &header, &provider.claims(&attempt)));
        // when
        let failure = provider.redeem(&relying_party, &attempt).await.unwrap_err();
        // then
        assert_eq!(failure.reason, ProviderAnswerInvalid, "{header}");
    }
    assert_eq!(attacker.state.lock().unwrap().requests, Vec::<String>::new());
}

#[tokio::test]
async fn redirects_are_not_followed_anywhere() {
    let attacker = Provider::start().await;
    let away = || Reply::Redirect(format!("{}/", attacker.issuer));
    let attempt = Attempt::random(&attacker.clock_and_rng());
    let changes: [fn(&mut crate::support::State, Reply); 4] = [
        |state, reply| state.discovery = reply,
        |state, reply| state.keys = reply,
        |state, reply| state.token = reply,
        |state, reply| state.userinfo = reply,
    ];
    for change in changes {
        let provider = Provider::start().await;
        provider.gives(&provider.signed(&provider.claims(&attempt)));
        provider.change(|state| change(state, away()));
        let mut configuration = provider.configuration();
        configuration.userinfo = true;
        let relying_party = provider.relying_party(configuration);
        provider.redeem(&relying_party, &attempt).await.unwrap_err();
    }
    assert_eq!(attacker.state.lock().unwrap().requests, Vec::<String>::new());
}

#[tokio::test]
async fn endpoints_that_are_not_https_are_not_asked() {
    for address in [
        "http://169.254.169.254/latest/meta-data",
        "http://inside.example/token",
        "https://user:password@inside.example/token",
        "file:///etc/passwd",
        "/token",
    ] {
        // given
        let provider = Provider::start().await;
        let attempt = Attempt::random(&provider.clock_and_rng());
        for name in ["token_endpoint", "authorization_endpoint"] {
            provider.change_discovery(name, json!(address));
        }
        let relying_party = provider.relying_party(provider.configuration());
        // when
        let going = relying_party.authorization_url(&attempt).await.unwrap_err();
        let back = provider.redeem(&relying_party, &attempt).await.unwrap_err();
        // then
        for failure in [going, back] {
            assert_eq!(failure.reason, ProviderAnswerInvalid, "{address}");
            assert!(failure.detail.ends_with("is no https URL"), "{}", failure.detail);
        }
    }
}
