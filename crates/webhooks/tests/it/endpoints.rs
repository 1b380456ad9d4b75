//! Endpoints in a real store: every change with its audit entry, and never a secret in it.

use crate::support::Rig;
use std::time::Duration;
use webhooks::{EndpointId, EndpointsError, Events, NewEndpoint, OVERLAP, Secret};

const URL: &str = "https://x.example:8443/services/T0/hunter2?key=hunter2";

#[tokio::test]
async fn an_endpoint_lives_from_added_to_removed() {
    let rig = Rig::new().await;
    let new = NewEndpoint::parse(URL, "tickets", &["call.ended", "call.started"], None).unwrap();
    let added = rig.endpoints.add(new).await.unwrap();
    assert_eq!(rig.endpoints.get(&added.id).await.unwrap(), added);
    assert_eq!(rig.endpoints.list().await.unwrap(), std::slice::from_ref(&added));
    assert_eq!(added.url.as_str(), URL);
    assert!(matches!(&added.events, Events::Only(kinds) if kinds.len() == 2));

    let disabled = rig.endpoints.disable(&added.id, "too slow").await.unwrap();
    assert_eq!(disabled.disabled.as_ref().unwrap().why, "too slow");
    assert_eq!(rig.endpoints.disable(&added.id, "again").await.unwrap(), disabled);
    let enabled = rig.endpoints.enable(&added.id).await.unwrap();
    assert!(enabled.is_enabled());
    assert_eq!(rig.endpoints.enable(&added.id).await.unwrap(), enabled);

    let given = Secret::generate(&[9; 32]);
    let rotated = rig
        .endpoints
        .rotate(&added.id, Some(given.clone()), OVERLAP)
        .await
        .unwrap();
    let now = jiff::Timestamp::now();
    assert_eq!(rotated.secrets(now.into()), [given.clone(), added.secret.clone()]);
    let later = now + OVERLAP + Duration::from_secs(1);
    assert_eq!(rotated.secrets(later.into()), [given]);
    assert_eq!(rig.endpoints.get(&added.id).await.unwrap(), rotated);

    rig.endpoints.remove(&added.id).await.unwrap();
    assert!(rig.endpoints.list().await.unwrap().is_empty());
    let unknown = rig.endpoints.get(&added.id).await.unwrap_err();
    assert!(matches!(unknown, EndpointsError::Unknown(_)), "{unknown}");
    assert!(rig.endpoints.remove(&added.id).await.is_err());

    assert_eq!(
        rig.actions().await,
        [
            "endpoint.added",
            "endpoint.disabled",
            "endpoint.enabled",
            "endpoint.rotated",
            "endpoint.removed"
        ]
    );
    for entry in rig.entries("endpoint.").await {
        assert_eq!(entry["actor"], "operator");
        assert_eq!(entry["subject"], added.id.as_str());
        let text = entry.to_string();
        assert!(!text.contains("whsec_") && !text.contains("hunter2"), "{text}");
    }
    assert_eq!(
        rig.entries("endpoint.added").await[0]["detail"]["origin"],
        "https://x.example:8443"
    );
}

#[tokio::test]
async fn changes_at_the_same_time_are_all_made() {
    let rig = Rig::new().await;
    let endpoint = rig.endpoint(URL).await;
    let rotate = || rig.endpoints.rotate(&endpoint.id, None, OVERLAP);
    let (one, two, off) = tokio::join!(rotate(), rotate(), rig.endpoints.disable(&endpoint.id, "x"));
    let (one, two) = (one.unwrap(), two.unwrap());
    off.unwrap();
    let last = rig.endpoints.get(&endpoint.id).await.unwrap();
    assert_eq!(last.version, 4);
    assert!(!last.is_enabled());
    assert!([one.secret, two.secret].contains(&last.secret));
    assert_eq!(rig.entries("endpoint.rotated").await.len(), 2);
}

#[tokio::test]
async fn an_endpoint_of_a_fixed_id_is_made_to_be_as_given_and_enabled() {
    let rig = Rig::new().await;
    let id = EndpointId::from_uuid(uuid::Uuid::from_u128(7));
    let new = |url: &str, secret| NewEndpoint::parse(url, "ours", &["call.ended"], secret).unwrap();
    let added = rig.endpoints.keep(&id, new(URL, None)).await.unwrap();
    assert_eq!(rig.endpoints.get(&id).await.unwrap(), added);
    assert_eq!(
        rig.endpoints.keep(&id, new(URL, None)).await.unwrap(),
        added,
        "nothing is written"
    );

    rig.endpoints.disable(&id, "410").await.unwrap();
    let secret = Secret::generate(&[9; 32]);
    let moved = new("https://y.example/", Some(secret.expose()));
    let changed = rig.endpoints.keep(&id, moved).await.unwrap();
    assert_eq!(rig.endpoints.get(&id).await.unwrap(), changed);
    assert!(changed.is_enabled() && changed.secret == secret);
    assert_eq!(
        (changed.url.as_str(), changed.created),
        ("https://y.example/", added.created)
    );

    rig.endpoints.remove(&id).await.unwrap();
    let removed = rig.store.record("endpoint-removed", id.as_str());
    assert!(removed.await.unwrap().is_some());
    rig.endpoints.keep(&id, new(URL, None)).await.unwrap();
    let removed = rig.store.record("endpoint-removed", id.as_str());
    assert!(
        removed.await.unwrap().is_none(),
        "what is owed to it is not given up"
    );
    assert_eq!(
        rig.actions().await,
        [
            "endpoint.added",
            "endpoint.disabled",
            "endpoint.changed",
            "endpoint.removed",
            "endpoint.added"
        ]
    );
}
