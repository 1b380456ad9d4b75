//! What is refused, and how that is said.

use super::{line::tenant_with_g729, *};
use crate::support::{ALICE, BOB};

#[tokio::test]
async fn all_faults_of_a_directive_are_told_at_once() {
    let rig = Rig::start_with(unlimited_rates).await;
    let token = rig.token().await;
    let mut directive = directive(1);
    directive["sessionId"] = "one".into();
    directive["playbackConfig"]["volumeMatrix"] =
        json!({"baseGain": 0.9, "peakLimit": 0.8, "compressionRatio": 2});
    directive["playbackConfig"]["codecPreference"] = "MP3".into();
    directive["playbackConfig"]["bufferPreload"] = false.into();
    directive["playbackConfig"]["silenceTrimMs"] = 299.into();
    let refused = create(&rig, &token, &directive).await;
    refused.refused(400, "bad_request");
    let errors = refused.body["errors"].as_array().unwrap();
    assert_eq!(errors.len(), 6, "{}", refused.text);
    assert!(
        refused
            .text
            .contains("codecPreference must be one of G711U, G711A, G729, OPUS")
    );
    create(&rig, &token, &json!(null))
        .await
        .refused(400, "bad_request");
    rig.center.close().await;
}

#[tokio::test]
async fn a_token_must_be_there_and_have_the_scope() {
    let rig = Rig::start_with(unlimited_rates).await;
    let none = send(rig.request(Method::POST, SESSIONS).body(directive(1).to_string())).await;
    none.refused(401, "unauthorized");
    let token = rig.token_of(BOB, "").await;
    let lacking = create(&rig, &token, &directive(1)).await;
    lacking.refused(403, "forbidden").mentions("media:manage");
    let path = "/api/v2/analytics/events/custom";
    let token = rig.token_of(ALICE, "media:manage").await;
    let lacking = post(&rig, &token, path, &json!({})).await;
    lacking.refused(403, "forbidden").mentions("analytics:write");
    rig.center.close().await;
}

#[tokio::test]
async fn what_is_not_there_is_404() {
    let rig = Rig::start_with(unlimited_rates).await;
    let token = rig.token().await;
    let mut directive = directive(1);
    for prompt in ["no-such-prompt", "0b8f3c1e-7a52-4d0f-9c3b-2f6a1e5d4c7b"] {
        directive["promptId"] = prompt.into();
        let refused = create(&rig, &token, &directive).await;
        refused.refused(404, "not_found").mentions(prompt);
    }
    let path = format!("{SESSIONS}/{}", id(1));
    get(&rig, &token, &path).await.refused(404, "not_found");
    let deleted = send(rig.request(Method::DELETE, &path).bearer_auth(&token)).await;
    deleted.refused(404, "not_found");
    let steered = control(&rig, &token, 1, json!({"action": "pause"})).await;
    steered.refused(404, "not_found");
    let no_id = get(&rig, &token, &format!("{SESSIONS}/one")).await;
    no_id.refused(400, "bad_request").mentions("UUID");
    rig.center.close().await;
}

#[tokio::test]
async fn controls_with_faults_change_nothing() {
    let rig = Rig::start_with(unlimited_rates).await;
    let token = rig.token().await;
    created(&rig, &token, &directive(1)).await;
    for wrong in [
        json!({"action": "jump"}),
        json!({"action": "seek"}),
        json!({"action": "volume"}),
        json!([]),
    ] {
        control(&rig, &token, 1, wrong).await.refused(400, "bad_request");
    }
    assert_eq!(session(&rig, &token, 1).await["playbackState"], "playing");
    rig.center.close().await;
}

#[tokio::test]
async fn sound_does_not_go_to_internal_addresses_that_nobody_permitted() {
    let rig = Rig::start_with(unlimited_rates).await;
    let token = rig.token().await;
    for inner in [
        "rtp://10.1.2.3:4000",
        "rtp://169.254.169.254:4000",
        "rtp://[fe80::1]:4000",
    ] {
        let mut directive = directive(1);
        directive["destination"] = json!({"rtpUrl": inner});
        let refused = create(&rig, &token, &directive).await;
        refused.refused(400, "bad_request").mentions("internal address");
    }
    // Nothing is left of what was refused.
    created(&rig, &token, &directive(1)).await;
    rig.center.close().await;
}

#[tokio::test]
async fn g729_is_refused_with_what_it_can_not_do() {
    let rig = Rig::start_with(|options| {
        options.tenant = tenant_with_g729(&[7; 400]);
        unlimited_rates(options);
    })
    .await;
    let token = rig.token().await;
    let mut directive = directive(1);
    directive["playbackConfig"]["codecPreference"] = "G729".into();
    let mut missing = directive.clone();
    missing["promptId"] = "confirmed".into();
    missing["playbackConfig"]["volumeMatrix"]["baseGain"] = 0.5.into();
    missing["playbackConfig"]["silenceTrimMs"] = 300.into();
    missing["playbackConfig"]["interruptibility"] =
        json!({"allowDTMF": true, "allowVoice": true, "cutoffBehavior": "fade"});
    let refused = create(&rig, &token, &missing).await;
    refused.refused(400, "bad_request");
    let errors = refused.body["errors"].as_array().unwrap();
    assert_eq!(errors.len(), 5, "{}", refused.text);
    assert!(
        refused.text.contains("put confirmed.g729 beside it"),
        "{}",
        refused.text
    );
    missing["promptId"] = "no-such-prompt".into();
    create(&rig, &token, &missing).await.refused(404, "not_found");

    created(&rig, &token, &directive).await;
    let volume = json!({"baseGain": 0.5, "peakLimit": 1, "compressionRatio": 1});
    let refused = control(
        &rig,
        &token,
        1,
        json!({"action": "volume", "volumeMatrix": volume}),
    )
    .await;
    refused.refused(400, "bad_request").mentions("G.729");
    rig.center.close().await;
}
