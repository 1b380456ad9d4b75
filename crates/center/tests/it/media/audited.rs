//! What the audit log has of prompts.

use super::{ASSETS, asset, compile, over, request, tone, upload, with_flow};
use crate::support::{Rig, send};
use reqwest::Method;
use serde_json::{Value, json};
use store::{EntryFilter, Location, Store};

/// The entries of an action, the oldest first: subject, outcome, detail and personal fields.
async fn entries(store: &Store, action: &str) -> Vec<Value> {
    let filter = EntryFilter {
        action_prefix: Some(action.to_owned()),
        ..EntryFilter::default()
    };
    let kept = store.entries(&filter, 100).await.unwrap();
    kept.iter()
        .map(|entry| serde_json::from_str(entry.leaf.as_ref().unwrap()).unwrap())
        .collect()
}

#[tokio::test]
async fn every_asset_result_and_job_is_in_the_audit_log() {
    let rig = Rig::start_with(with_flow).await;
    let token = rig.token().await;
    let good = asset(&rig, &token, &tone(440.0, 8000, 250)).await;
    upload(&rig, &token, "Dana's voice.wav", &tone(440.0, 44_100, 250)).await;
    upload(&rig, &token, "large.wav", &vec![0; 3 * 1024 * 1024]).await;
    let fault = json!({"asset": "m"}).to_string();
    send(rig.admin(Method::POST, "/center/v1/faults").body(fault)).await;
    let id = compile(&rig, &token, &request(&[(&good, "n"), (&good, "m")])).await;
    over(&rig, &token, &id).await;
    send(
        rig.request(Method::DELETE, &format!("{ASSETS}/{good}"))
            .bearer_auth(&token),
    )
    .await;

    let store = Store::open(&Location::Sqlite(rig.folder.path().join("data/trunkline.db")))
        .await
        .unwrap();
    let uploaded = entries(&store, "asset.uploaded").await;
    assert_eq!(
        (uploaded.len(), &uploaded[0]["subject"], &uploaded[0]["outcome"]),
        (1, &json!(good), &json!("success"))
    );
    let refused = entries(&store, "asset.refused").await;
    assert_eq!(refused.len(), 2);
    assert!(
        refused[1]["detail"]["causes"][0]
            .as_str()
            .unwrap()
            .contains("2097152")
    );
    assert_eq!(refused[0]["outcome"], "failure");
    assert!(
        refused[0]["detail"]["causes"][0]
            .as_str()
            .unwrap()
            .contains("44100")
    );
    assert!(
        !refused[0].to_string().contains("Dana"),
        "names of files are personal"
    );
    assert_eq!(entries(&store, "asset.deleted").await.len(), 1);
    assert_eq!(entries(&store, "compile.asked").await[0]["detail"]["entries"], 2);
    let results = entries(&store, "compile.result").await;
    assert_eq!(results.len(), 2);
    let failed = results
        .iter()
        .find(|entry| entry["outcome"] == "failure")
        .unwrap();
    assert_eq!(
        (&failed["subject"], &failed["detail"]["nodeId"]),
        (&json!(id), &json!("m"))
    );
    assert!(failed["detail"]["cause"].as_str().unwrap().contains("asked for"));
    assert!(results.iter().all(|entry| entry["detail"]["latencyMs"].is_u64()));
    let over = &entries(&store, "compile.over").await[0];
    assert_eq!(
        (&over["detail"]["availability"], &over["detail"]["ready"]),
        (&json!(0.5), &json!(1))
    );
    assert!(
        over["detail"]["latencyMs"].is_u64() && over["correlationId"].is_string(),
        "{over}"
    );
    store.close().await;
}
