//! Contract section 1, as any OAuth client sees it.

use crate::support::{ALICE, Answer, BOB, Rig, form, send};
use base64::{Engine, prelude::BASE64_STANDARD};
use reqwest::{Method, RequestBuilder};

const GRANT: (&str, &str) = ("grant_type", "client_credentials");

fn post(rig: &Rig) -> RequestBuilder {
    rig.request(Method::POST, "/oauth/token")
        .header("content-type", "application/x-www-form-urlencoded")
}

fn basic(id: &str, secret: &str) -> String {
    format!("Basic {}", BASE64_STANDARD.encode(format!("{id}:{secret}")))
}

async fn with_form(rig: &Rig, fields: &[(&str, &str)]) -> Answer {
    send(post(rig).body(form(fields))).await
}

#[track_caller]
fn granted(answer: &Answer) -> &str {
    assert_eq!(answer.status, 200, "{}", answer.text);
    assert_eq!(answer.body["token_type"], "bearer");
    assert_eq!(answer.header("cache-control"), "no-store");
    assert_eq!(answer.header("content-type"), "application/json");
    answer.body["access_token"].as_str().unwrap()
}

#[track_caller]
fn oauth_refused(answer: &Answer, status: u16, code: &str) {
    answer.refused(status, code);
    assert_eq!(answer.body["error"], code);
    assert_eq!(answer.body["error_description"], answer.body["message"]);
    assert_eq!(
        answer.header("www-authenticate").starts_with("Basic"),
        status == 401
    );
}

#[tokio::test]
async fn the_client_may_stand_in_the_header_in_the_form_or_in_both() {
    let rig = Rig::start().await;
    let (id, secret) = BOB;
    let in_form = with_form(&rig, &[GRANT, ("client_id", id), ("client_secret", secret)]).await;
    granted(&in_form);
    assert_eq!(in_form.body["expires_in"], 1);
    assert_eq!(
        in_form.body["scope"],
        "profile:read callcontrol:inbound callcontrol:media"
    );

    // RFC 6749, 2.3.1: both parts are form-encoded before they go into the header.
    let encoded = basic(id, "bob%2Bsecret+%26%25%3D2");
    let in_header = send(post(&rig).header("authorization", &encoded).body(form(&[GRANT]))).await;
    granted(&in_header);
    let both = form(&[GRANT, ("client_id", id), ("client_secret", secret)]);
    granted(&send(post(&rig).header("authorization", &encoded).body(both)).await);
    // Many clients do not encode; of a secret of plain characters nobody can tell.
    let plain = basic(ALICE.0, ALICE.1).replacen("Basic", "basic", 1);
    granted(&send(post(&rig).header("authorization", plain).body(form(&[GRANT]))).await);

    let other = form(&[GRANT, ("client_id", ALICE.0), ("client_secret", ALICE.1)]);
    let answer = send(post(&rig).header("authorization", &encoded).body(other)).await;
    oauth_refused(&answer, 400, "invalid_request");
}

#[tokio::test]
async fn who_is_not_known_gets_401() {
    let rig = Rig::start().await;
    for (id, secret) in [("nobody", "x"), (ALICE.0, "wrong"), (ALICE.0, BOB.1), ("", "x")] {
        let answer = send(
            post(&rig)
                .header("authorization", basic(id, secret))
                .body(form(&[GRANT])),
        )
        .await;
        oauth_refused(&answer, 401, "invalid_client");
    }
    let fields = [GRANT, ("client_id", ALICE.0), ("client_secret", "wrong")];
    oauth_refused(&with_form(&rig, &fields).await, 401, "invalid_client");
    oauth_refused(&with_form(&rig, &[GRANT]).await, 401, "invalid_client");
    oauth_refused(
        &with_form(&rig, &[GRANT, ("client_id", ALICE.0)]).await,
        401,
        "invalid_client",
    );
}

#[tokio::test]
async fn scopes_are_what_was_asked_for() {
    let rig = Rig::start().await;
    let ask = async |client: (&str, &str), scope: &str| {
        with_form(
            &rig,
            &[
                GRANT,
                ("client_id", client.0),
                ("client_secret", client.1),
                ("scope", scope),
            ],
        )
        .await
    };
    let subset = ask(ALICE, "callcontrol:media  profile:read").await;
    granted(&subset);
    assert_eq!(subset.body["scope"], "profile:read callcontrol:media");
    let all = ask(ALICE, "").await;
    assert_eq!(all.body["scope"].as_str().unwrap().split(' ').count(), 18);
    assert_eq!(all.body["expires_in"], 86_400);
    oauth_refused(
        &ask(ALICE, "profile:read profile:fly").await,
        400,
        "invalid_scope",
    );
    let foreign = ask(BOB, "profile:read media:write").await;
    oauth_refused(&foreign, 400, "invalid_scope");
    foreign.mentions("media:write");
}

#[tokio::test]
async fn what_is_no_token_request_is_told_why() {
    let rig = Rig::start().await;
    let alice = [("client_id", ALICE.0), ("client_secret", ALICE.1)];
    let password = [("grant_type", "password"), alice[0], alice[1]];
    oauth_refused(&with_form(&rig, &password).await, 400, "unsupported_grant_type");
    oauth_refused(&with_form(&rig, &alice).await, 400, "invalid_request");
    let twice = [GRANT, GRANT, alice[0], alice[1]];
    oauth_refused(&with_form(&rig, &twice).await, 400, "invalid_request");
    for garbage in [&b"\xff\xfe"[..], b"%ff%fe&\0", b"{\"grant_type\":1}", b"&&==&"] {
        let answer = send(post(&rig).body(garbage)).await;
        assert!([400, 401].contains(&answer.status), "{}", answer.text);
        oauth_refused(&answer, answer.status, answer.body["error"].as_str().unwrap());
    }
    for authorization in ["Basic", "Basic !!!", "Bearer abc", "Digest x", "Basic QUJD"] {
        let answer = send(
            post(&rig)
                .header("authorization", authorization)
                .body(form(&[GRANT])),
        )
        .await;
        assert!([400, 401].contains(&answer.status), "{}", answer.text);
        oauth_refused(&answer, answer.status, answer.body["error"].as_str().unwrap());
    }
}

#[tokio::test]
async fn the_label_of_the_form_does_not_matter() {
    let rig = Rig::start().await;
    let body = form(&[GRANT, ("client_id", ALICE.0), ("client_secret", ALICE.1)]);
    for label in [
        "application/x-www-form-urlencoded; charset=ISO-8859-1",
        "application/x-www-form-urlencoded;charset=UTF-8",
        "application/json",
        "text/plain",
    ] {
        let request = rig
            .request(Method::POST, "/oauth/token")
            .header("content-type", label);
        granted(&send(request.body(body.clone())).await);
    }
    granted(&send(rig.request(Method::POST, "/oauth/token").body(body)).await);
}

#[tokio::test]
async fn a_key_on_a_token_request_means_nothing() {
    let rig = Rig::start().await;
    let ask = async |authorization: String| {
        let request = post(&rig)
            .header("authorization", authorization)
            .header("idempotency-key", "the-same-key");
        send(request.body(form(&[GRANT]))).await
    };
    let alices = ask(basic(ALICE.0, ALICE.1)).await;
    let token = granted(&alices).to_owned();
    let wrong = ask(basic(ALICE.0, "wrong")).await;
    oauth_refused(&wrong, 401, "invalid_client");
    let bobs = ask(basic(BOB.0, "bob%2Bsecret+%26%25%3D2")).await;
    assert_ne!(granted(&bobs), token);
    let again = ask(basic(ALICE.0, ALICE.1)).await;
    assert_ne!(granted(&again), token);
    assert!(again.headers.get("idempotency-replayed").is_none());
}

#[tokio::test]
async fn secrets_in_the_header_may_be_raw() {
    let rig = Rig::start().await;
    let raw = basic(BOB.0, BOB.1);
    let ask = async |body: String| send(post(&rig).header("authorization", &raw).body(body)).await;
    granted(&ask(form(&[GRANT])).await);
    granted(&ask(form(&[GRANT, ("client_id", BOB.0), ("client_secret", BOB.1)])).await);
    let other = form(&[GRANT, ("client_id", BOB.0), ("client_secret", ALICE.1)]);
    oauth_refused(&ask(other).await, 400, "invalid_request");
}

#[tokio::test]
async fn wrong_secrets_lock_nobody_out() {
    let rig = Rig::start_with(|options| options.limits = "other=4/min".parse().unwrap()).await;
    let ask = async |secret: &str| {
        with_form(&rig, &[GRANT, ("client_id", ALICE.0), ("client_secret", secret)]).await
    };
    for _ in 0..4 {
        oauth_refused(&ask("wrong").await, 401, "invalid_client");
    }
    let limited = ask("wrong").await;
    limited.refused(429, "too_many_requests");
    let wait: u64 = limited.header("retry-after").parse().unwrap();
    assert!((1..=60).contains(&wait), "{wait}");
    // The right secret has a count of its own, which the wrong ones did not touch.
    for _ in 0..4 {
        granted(&ask(ALICE.1).await);
    }
    ask(ALICE.1).await.refused(429, "too_many_requests");
}

#[tokio::test]
async fn every_scope_that_is_refused_is_named() {
    let rig = Rig::start().await;
    let ask = async |scope: &str| {
        let bob = [("client_id", BOB.0), ("client_secret", BOB.1)];
        with_form(&rig, &[GRANT, bob[0], bob[1], ("scope", scope)]).await
    };
    let unknown = ask("bogus:x profile:read other:y").await;
    oauth_refused(&unknown, 400, "invalid_scope");
    unknown.mentions("bogus:x");
    unknown.mentions("other:y");
    let foreign = ask("media:write profile:read bot:read").await;
    oauth_refused(&foreign, 400, "invalid_scope");
    foreign.mentions("media:write");
    foreign.mentions("bot:read");
}
