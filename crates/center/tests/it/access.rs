//! Tokens, scopes and rate limits (contract sections 1 and 2).

use crate::support::{ALICE, BOB, CALL_CONTROL, Rig, form, send, small_tenant};
use center::{Center, Limits, Options, StartError};
use reqwest::Method;
use std::time::{Duration, Instant};

const PROFILE: &str = "/api/v2/profiles/external/CRM-1";

#[tokio::test]
async fn without_a_good_token_there_is_401() {
    let rig = Rig::start().await;
    let good = rig.token().await;
    let plain = send(rig.request(Method::GET, PROFILE)).await;
    assert_eq!(
        plain.refused(401, "unauthorized").header("www-authenticate"),
        "Bearer"
    );
    for authorization in [
        "Bearer made-up".to_owned(),
        "Bearer".to_owned(),
        "Bearer ".to_owned(),
        format!("Basic {good}"),
        good.clone(),
    ] {
        let request = rig
            .request(Method::GET, PROFILE)
            .header("authorization", authorization);
        send(request).await.refused(401, "unauthorized");
    }
    // The client's token is not the administrator's, nor the other way round.
    let status = rig.request(Method::GET, "/center/v1/status").bearer_auth(&good);
    send(status).await.refused(401, "unauthorized");
    send(rig.admin(Method::GET, PROFILE))
        .await
        .refused(401, "unauthorized");

    let ok = rig
        .request(Method::GET, PROFILE)
        .header("authorization", format!("bearer {good}"));
    assert_eq!(send(ok).await.status, 200);
    assert_eq!(
        send(rig.admin(Method::DELETE, "/center/v1/tokens")).await.status,
        204
    );
    let revoked = rig.request(Method::GET, PROFILE).bearer_auth(&good);
    send(revoked).await.refused(401, "unauthorized");
}

#[tokio::test]
async fn a_token_expires_with_its_lifetime() {
    let rig = Rig::start().await;
    let before = Instant::now();
    let token = rig.token_of(BOB, "").await;
    let after = Instant::now();
    loop {
        let asked = Instant::now();
        let answer = send(rig.request(Method::GET, PROFILE).bearer_auth(&token)).await;
        if answer.status == 401 {
            assert!(before.elapsed() >= Duration::from_secs(1));
            return;
        }
        assert!(asked - after < Duration::from_secs(1), "{}", answer.text);
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

#[tokio::test]
async fn a_scope_that_lacks_is_named() {
    let rig = Rig::start().await;
    let token = rig.token_of(ALICE, CALL_CONTROL).await;
    let answer = send(rig.request(Method::GET, PROFILE).bearer_auth(token)).await;
    answer.refused(403, "forbidden").mentions("profile:read");
}

#[tokio::test]
async fn profile_reads_and_tokens_have_limits_of_their_own() {
    let rig =
        Rig::start_with(|options| options.limits = "profile-reads=3/min,other=4/min".parse().unwrap()).await;
    let token = rig.token().await;
    let read = async || send(rig.request(Method::GET, PROFILE).bearer_auth(&token)).await;
    for _ in 0..3 {
        assert_eq!(read().await.status, 200);
    }
    let limited = read().await;
    limited.refused(429, "too_many_requests");
    let wait: u64 = limited.header("retry-after").parse().unwrap();
    assert!((1..=60).contains(&wait), "{wait}");

    // The class of all others is not used up by them; one token was taken from it already.
    let ask = async || {
        let fields = [
            ("grant_type", "client_credentials"),
            ("client_id", ALICE.0),
            ("client_secret", ALICE.1),
        ];
        send(rig.request(Method::POST, "/oauth/token").body(form(&fields))).await
    };
    for _ in 0..3 {
        assert_eq!(ask().await.status, 200);
    }
    let limited = ask().await;
    limited.refused(429, "too_many_requests");
    let wait: u64 = limited.header("retry-after").parse().unwrap();
    assert!((1..=60).contains(&wait), "{wait}");
    // Another client is not affected.
    rig.token_of(BOB, "").await;
}

#[tokio::test]
async fn without_limits_nothing_is_limited() {
    let rig = Rig::start_with(|options| options.limits = Limits::OFF).await;
    let token = rig.token().await;
    for _ in 0..350 {
        let answer = send(rig.request(Method::GET, PROFILE).bearer_auth(&token)).await;
        assert_eq!(answer.status, 200);
    }
}

#[tokio::test]
async fn an_admin_token_that_is_easily_guessed_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let start = async |token: &str| {
        let mut options = Options::local(folder.path().join("data"), small_tenant());
        options.admin_token = Some(token.to_owned().into());
        Center::start(options).await
    };
    for token in ["", "x", "eleven-char"] {
        let error = start(token).await.err().unwrap();
        assert!(matches!(error, StartError::AdminToken), "{error}");
        assert!(error.to_string().contains("TRUNKLINE_ADMIN_TOKEN"), "{error}");
    }
    start("twelve-chars").await.unwrap().close().await;
}

#[tokio::test]
async fn no_window_has_more_than_its_count() {
    let rig = Rig::start_with(|options| options.limits = "profile-reads=20/s".parse().unwrap()).await;
    let token = rig.token().await;
    let began = Instant::now();
    let mut passed = 0;
    while began.elapsed() < Duration::from_millis(900) {
        let answer = send(rig.request(Method::GET, PROFILE).bearer_auth(&token)).await;
        passed += usize::from(answer.status == 200 && began.elapsed() < Duration::from_secs(1));
    }
    assert!(passed <= 20, "{passed}");
}
