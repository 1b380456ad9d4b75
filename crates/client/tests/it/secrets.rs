//! Secrets stay out of errors and `Debug`.

use crate::support::{SECRET, platform, rig};
use client::{
    Admin, CallControl, Profiles, Request, Tokens, Transport,
    testing::{Reply, ScriptedHttp},
};
use std::sync::Arc;

fn is_clean(text: &str) {
    for secret in [
        SECRET,
        "token-1",
        "token-2",
        &platform().credentials.basic_header_text(),
    ] {
        assert!(!text.contains(secret), "{secret} is in {text}");
    }
}

trait BasicText {
    fn basic_header_text(&self) -> String;
}

impl BasicText for wire::oauth::Credentials {
    fn basic_header_text(&self) -> String {
        use base64::Engine;
        base64::prelude::BASE64_STANDARD.encode(format!("demo:{SECRET}"))
    }
}

#[tokio::test(start_paused = true)]
async fn a_platform_that_repeats_the_token_does_not_give_it_away() {
    for status in [400, 401, 503] {
        let (http, transport) = rig(move |_, request| {
            let said = request.headers()["authorization"].to_str().unwrap().to_owned();
            let body = serde_json::json!({
                "status": status, "code": said, "message": format!("no, {said}"), "errors": [said, "x"]
            });
            Reply::answer(status, body.to_string())
        });
        let error = transport
            .send(Request::get(["thing"]))
            .await
            .map(drop)
            .unwrap_err();
        is_clean(&format!("{error} {error:?}"));
        assert!(error.to_string().contains("[secret]"), "{error}");
        is_clean(&format!("{:?}", http.seen()));
    }
}

#[tokio::test(start_paused = true)]
async fn a_secret_that_is_cut_off_is_blotted_out_first() {
    let (_, transport) = rig(|_, request| {
        let said = request.headers()["authorization"].to_str().unwrap();
        Reply::answer(400, format!("{}{said}", "x".repeat(147)))
    });
    let error = transport
        .send(Request::get(["thing"]))
        .await
        .map(drop)
        .unwrap_err();
    assert!(!error.to_string().contains("token-"), "{error}");
}

#[tokio::test(start_paused = true)]
async fn a_token_endpoint_that_repeats_the_secret_does_not_give_it_away() {
    for body in [
        format!(r#"{{"error":"{SECRET}","error_description":"not {SECRET}"}}"#),
        format!("bad {SECRET}"),
    ] {
        for status in [400, 503] {
            let body = body.clone();
            let http = Arc::new(ScriptedHttp::new(move |_| Reply::answer(status, body.clone())));
            let transport = Transport::new(http.clone(), Tokens::new(http), platform());
            let error = transport
                .send(Request::get(["thing"]))
                .await
                .map(drop)
                .unwrap_err();
            is_clean(&format!("{error} {error:?}"));
        }
    }
}

#[tokio::test(start_paused = true)]
async fn debug_shows_no_secret() {
    let (http, transport) = rig(|_, _| Reply::answer(200, r#"{"private": 1}"#));
    let answer = transport.send(Request::get(["private"])).await.unwrap();
    let fixed = ScriptedHttp::new(|_| Reply::nothing());
    let admin = Admin::new(Arc::new(fixed), platform().endpoint, SECRET.into()).unwrap();
    let profiles = Profiles::new(transport.clone());
    let calls = CallControl::new(transport.clone());
    let tokens = Tokens::new(http);
    is_clean(&format!(
        "{:?} {transport:?} {answer:?} {admin:?} {profiles:?} {calls:?} {tokens:?}",
        platform()
    ));
    let text = format!("{answer:?} {:?}", Request::get(["private"]));
    assert!(!text.contains("private"), "{text}");
    assert!(format!("{:?}", platform()).contains("demo"));
}
