//! `GET /api/v2/profiles/external/{externalId}` (contract section 4).

use crate::support::{Answer, Rig, send};
use reqwest::Method;
use serde_json::json;

async fn profile(rig: &Rig, token: &str, id: &str) -> Answer {
    let path = format!("/api/v2/profiles/external/{id}");
    send(rig.request(Method::GET, &path).bearer_auth(token)).await
}

#[tokio::test]
async fn a_profile_is_found_by_its_external_id() {
    let rig = Rig::start().await;
    let token = rig.token().await;
    let found = profile(&rig, &token, "CRM-1").await;
    assert_eq!(found.status, 200);
    assert_eq!(
        found.body,
        json!({"id": "p-1", "externalId": "CRM-1", "dateModified": "2026-11-02T08:00:00.000Z",
               "attributes": {"membership_level": "premium", "open_tickets": 2}})
    );
    let odd = profile(&rig, &token, "Zo%C3%AB%2FM%C3%BCller%2050%25").await;
    assert_eq!(odd.body["externalId"], "Zoë/Müller 50%");
    assert_eq!(odd.body["attributes"], json!({}));
    let encoded = profile(&rig, &token, "%43RM-1").await;
    assert_eq!(encoded.body["id"], "p-1");
}

#[tokio::test]
async fn no_profile_is_404_and_no_id_is_400() {
    let rig = Rig::start().await;
    let token = rig.token().await;
    for id in [
        "CRM-2",
        "crm-1",
        "%F0%9F%98%80",
        "..%2f..%2fetc",
        &"x".repeat(128),
    ] {
        profile(&rig, &token, id).await.refused(404, "not_found");
    }
    for id in ["%ff%fe", "a%00b", "a%0Ab", &"x".repeat(129), &"%C3%BC".repeat(65)] {
        profile(&rig, &token, id).await.refused(400, "bad_request");
    }
    profile(&rig, &token, "").await.refused(404, "not_found");
    profile(&rig, &token, "a/b").await.refused(404, "not_found");
}
