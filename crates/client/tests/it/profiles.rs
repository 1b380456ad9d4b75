//! Profiles.

use crate::support::rig;
use client::{Error, Profiles, testing::Reply};

const PREMIUM: &str = r#"{"id":"p1","externalId":"CRM-USER-98765","dateModified":"2026-11-21T09:30:00.000Z",
    "attributes":{"membership_level":"premium","open_tickets":2}}"#;

#[tokio::test(start_paused = true)]
async fn a_profile_is_read() {
    let (http, transport) = rig(|_, _| Reply::answer(200, PREMIUM));
    let profile = Profiles::new(transport)
        .by_external_id(&"CRM-USER-98765".parse().unwrap())
        .await
        .unwrap()
        .unwrap();
    assert_eq!(profile.attributes["open_tickets"], 2);
    assert_eq!(http.seen_at("/api/v2/profiles/external/CRM-USER-98765").len(), 1);
}

#[tokio::test(start_paused = true)]
async fn no_profile_is_no_error() {
    let (_, transport) = rig(|_, _| Reply::answer(404, ""));
    assert_eq!(
        Profiles::new(transport)
            .by_external_id(&"nobody".parse().unwrap())
            .await
            .unwrap(),
        None
    );
}

#[tokio::test(start_paused = true)]
async fn an_id_is_one_segment_of_the_path() {
    let (http, transport) = rig(|_, _| Reply::answer(404, ""));
    let profiles = Profiles::new(transport);
    profiles
        .by_external_id(&"../a b/?x=1#%2F\u{e9}".parse().unwrap())
        .await
        .unwrap();
    let path = http.seen().last().unwrap().request.uri().to_string();
    assert_eq!(
        path,
        "https://platform.example/api/v2/profiles/external/..%2Fa%20b%2F%3Fx=1%23%252F%C3%A9"
    );
}

#[tokio::test(start_paused = true)]
async fn a_lacking_scope_is_named() {
    let (_, transport) = rig(|_, _| {
        Reply::answer(
            403,
            r#"{"status":403,"code":"forbidden","message":"the token lacks the scope profile:read","errors":[]}"#,
        )
    });
    let error = Profiles::new(transport)
        .by_external_id(&"x".parse().unwrap())
        .await
        .unwrap_err();
    assert_eq!(error.status(), Some(403));
    assert!(
        error
            .to_string()
            .contains("profile:read; grant the client the scope"),
        "{error}"
    );
}

#[tokio::test(start_paused = true)]
async fn a_broken_answer_does_not_quote_the_profile() {
    let (_, transport) = rig(|_, _| Reply::answer(200, PREMIUM.replace("\"p1\"", "{\"name\":\"Jane Roe\"}")));
    let error = Profiles::new(transport)
        .by_external_id(&"x".parse().unwrap())
        .await
        .unwrap_err();
    assert!(matches!(error, Error::BadAnswer { .. }), "{error}");
    assert!(!error.to_string().contains("Jane"), "{error}");
}
