//! Assets: `/api/v2/media/assets`.

use super::{ASSETS, asset, get, tone, upload, with_flow};
use crate::support::{Rig, demo_prompts, send};
use reqwest::Method;
use std::collections::HashSet;

#[tokio::test]
async fn an_upload_is_what_its_bytes_are() {
    let rig = Rig::start().await;
    let token = rig.token().await;
    let bytes = tone(440.0, 16_000, 500);
    let made = upload(&rig, &token, "../secret/welcome.mp3", &bytes).await;
    assert_eq!(made.status, 201, "{}", made.text);
    let id = made.body["id"].as_str().unwrap();
    assert_eq!(made.header("location"), format!("{ASSETS}/{id}"));
    for (member, value) in [
        ("name", "welcome.mp3".into()),
        ("format", "wav".into()),
        ("size", bytes.len().into()),
        ("sampleRate", 16_000.into()),
        ("channels", 1.into()),
        ("durationMs", 500.into()),
        ("sha256", wire::media::sha256_hex(&bytes).into()),
        ("selfUri", format!("{ASSETS}/{id}").into()),
    ] {
        let value: serde_json::Value = value;
        assert_eq!(made.body[member], value, "{}", made.text);
    }
    assert_eq!(uuid::Uuid::parse_str(id).unwrap().get_version_num(), 4);

    // The same bytes under another name: the same asset.
    let again = upload(&rig, &token, "other.wav", &bytes).await;
    assert_eq!((again.status, &again.body), (200, &made.body));
    assert_eq!(get(&rig, &token, &format!("{ASSETS}/{id}")).await.body, made.body);

    let speech = std::fs::read(demo_prompts().join("general_welcome.wav")).unwrap();
    let other = asset(&rig, &token, &speech).await;
    assert_ne!(other[..8], id[..8]);
    let all = get(&rig, &token, &format!("{ASSETS}?pageSize=1")).await;
    assert_eq!(
        (&all.body["totalCount"], &all.body["entities"][0]["id"]),
        (&2.into(), &other.into())
    );
    let next = get(&rig, &token, all.body["nextUri"].as_str().unwrap()).await;
    assert_eq!(next.body["entities"][0]["id"], id);
    let sha256 = made.body["sha256"].as_str().unwrap();
    let found = get(&rig, &token, &format!("{ASSETS}?sha256={sha256}")).await;
    assert_eq!(
        (&found.body["totalCount"], &found.body["entities"][0]["id"]),
        (&1.into(), &id.into())
    );
    get(&rig, &token, &format!("{ASSETS}?sha256=xyz&pageSize=0"))
        .await
        .refused(400, "bad_request");
}

#[tokio::test]
async fn a_deleted_asset_is_gone_and_its_bytes_may_come_again() {
    let rig = Rig::start().await;
    let token = rig.token().await;
    let bytes = tone(440.0, 8000, 300);
    let id = asset(&rig, &token, &bytes).await;
    let path = format!("{ASSETS}/{id}");
    let delete = || rig.request(Method::DELETE, &path).bearer_auth(&token);
    assert_eq!(send(delete()).await.status, 204);
    send(delete())
        .await
        .refused(404, "not_found")
        .mentions("no asset");
    get(&rig, &token, &path).await.refused(404, "not_found");
    assert_eq!(get(&rig, &token, ASSETS).await.body["totalCount"], 0);
    assert_ne!(asset(&rig, &token, &bytes).await, id);
}

#[tokio::test]
async fn the_same_bytes_at_once_are_one_asset() {
    let rig = Rig::start().await;
    let token = rig.token().await;
    let bytes = tone(300.0, 8000, 400);
    let sent = (0..16).map(|_| upload(&rig, &token, "a.wav", &bytes));
    let answers = futures_util::future::join_all(sent).await;
    let new = answers.iter().filter(|answer| answer.status == 201).count();
    assert_eq!(new, 1);
    assert!(answers.iter().all(|answer| matches!(answer.status, 200 | 201)));
    let ids: HashSet<_> = answers
        .iter()
        .map(|answer| answer.body["id"].to_string())
        .collect();
    assert_eq!(ids.len(), 1);
}

#[tokio::test]
async fn scopes_are_asked_for_by_method() {
    let rig = Rig::start_with(with_flow).await;
    let reads = rig.token_of(crate::support::ALICE, "media:read").await;
    assert_eq!(get(&rig, &reads, ASSETS).await.status, 200);
    upload(&rig, &reads, "a.wav", b"")
        .await
        .refused(403, "forbidden")
        .mentions("media:write");
    let writes = rig.token_of(crate::support::ALICE, "media:write").await;
    get(&rig, &writes, ASSETS)
        .await
        .refused(403, "forbidden")
        .mentions("media:read");
    let compiles = rig.token_of(crate::support::ALICE, "media:compile").await;
    super::post(&rig, &compiles, &super::request(&[]))
        .await
        .refused(403, "forbidden")
        .mentions("flow:read");
    get(&rig, &compiles, "/api/v2/flows/your-flow-id/prompts")
        .await
        .refused(403, "forbidden");
    let patched = rig.request(Method::PATCH, ASSETS).bearer_auth(rig.token().await);
    assert_eq!(send(patched).await.status, 405);
}
