//! Conversations in the audit log, and taken out of everything.

use super::{PATH, Talker, new_conversation};
use crate::support::{Rig, send};
use center::{Limits, erase_caller};
use serde_json::{Value, json};
use store::{EntryFilter, Location, Store};
use tempfile::TempDir;

async fn shared() -> (TempDir, Store, Rig) {
    let folder = tempfile::tempdir().unwrap();
    let location = Location::Sqlite(folder.path().join("shared.db"));
    let store = Store::open(&location).await.unwrap();
    let given = store.clone();
    let rig = Rig::start_with(|options| {
        options.store = Some(given);
        options.limits = Limits::OFF;
    });
    (folder, store, rig.await)
}

async fn entries(store: &Store) -> Vec<(Value, Vec<String>)> {
    let filter = EntryFilter {
        action_prefix: Some("conversation.".into()),
        ..EntryFilter::default()
    };
    let entries = store.entries(&filter, 1000).await.unwrap().into_iter();
    let read = entries.map(|entry| {
        let body = serde_json::from_str(&entry.leaf.unwrap()).unwrap();
        let texts = entry
            .texts
            .into_iter()
            .map(|text| format!("{}: {}", text.field, text.value));
        (body, texts.collect())
    });
    read.collect()
}

#[tokio::test]
async fn each_turn_is_in_the_audit_log_without_card_numbers() {
    let (_folder, store, rig) = shared().await;
    let talker = Talker::new(&rig).await;
    talker.created(new_conversation("c")).await;
    talker
        .said("c", "my card is 4111 1111 1111 1111, write to ada@example.com")
        .await;
    talker.put("c", json!({"context": {"n": 1}})).await;
    let clock = rig.admin(reqwest::Method::POST, "/center/v1/conversations/c/clock");
    let advanced = send(clock.body(json!({"advanceMs": 1_000}).to_string())).await;
    assert_eq!(advanced.status, 200);
    talker.put("c", json!({"state": "closed"})).await;
    let entries = entries(&store).await;
    let actions: Vec<&str> = entries
        .iter()
        .map(|(entry, _)| entry["action"].as_str().unwrap())
        .collect();
    assert_eq!(
        actions,
        [
            "conversation.created",
            "conversation.turn",
            "conversation.context",
            "conversation.clock",
            "conversation.state"
        ]
    );
    assert_eq!(entries[2].0["detail"], json!({"contextBytes": 7}));
    assert_eq!(
        entries[3].0["detail"],
        json!({"advanceMs": 1_000, "aheadMs": 1_000})
    );
    let (turn, texts) = &entries[1];
    assert_eq!(turn["subject"], "c");
    let detail = &turn["detail"];
    assert_eq!(
        (
            &detail["turn"],
            &detail["sequence"],
            &detail["answers"],
            &detail["state"],
            &detail["resolved"]
        ),
        (&json!(1), &json!(1), &json!(0), &json!("active"), &json!(false)),
        "{turn}"
    );
    assert_eq!(
        detail["contextBytes"],
        r#"{"botSession":{},"metadata":{"source":"test"}}"#.len()
    );
    assert_eq!(
        texts,
        &["message: my card is 4111 11** **** 1111, write to a**@example.com"]
    );
    assert!(
        !turn.to_string().contains("card"),
        "texts are apart from the entry"
    );
    assert_eq!(entries[4].0["detail"], json!({"from": "active", "to": "closed"}));
}

#[tokio::test]
async fn a_person_is_taken_out_of_what_is_over() {
    let (folder, store, rig) = shared().await;
    let talker = Talker::new(&rig).await;
    for id in ["over", "open", "other"] {
        let mut new = new_conversation(id);
        new["context"]["metadata"] = json!({"name": "Lovelace"});
        if id == "other" {
            new["participants"][1] =
                json!({"id": "user-2", "direction": "inbound", "profile": {"email": "bob@example.com"}});
        }
        talker.created(new).await;
        talker.said(id, "I am Ada Lovelace").await;
    }
    talker.put("over", json!({"state": "closed"})).await;
    talker.heard("over", "").await;
    let erased = erase_caller(&store, folder.path(), "Ada@Example.com")
        .await
        .unwrap();
    assert_eq!(
        (erased.conversations, erased.open_conversations, erased.texts),
        (1, 1, 1)
    );
    let over = talker.get(&format!("{PATH}/over")).await;
    let heard = talker.heard("over", "").await;
    let gone = over.text.clone() + &json!(heard).to_string();
    for word in ["Ada", "ada", "Lovelace", "user-1"] {
        assert!(!gone.contains(word), "{gone}");
    }
    assert_eq!(
        (&heard[0]["text"], &heard[0]["participantId"]),
        (&json!("erased"), &json!("erased-1"))
    );
    for id in ["open", "other"] {
        assert!(
            talker
                .get(&format!("{PATH}/{id}"))
                .await
                .text
                .contains("Lovelace")
        );
    }
    assert_eq!(over.body["state"], "ended", "it is not opened again");
    talker
        .put("over", json!({"state": "active"}))
        .await
        .refused(400, "bad_request");
    talker
        .put("over", json!({"context": {"name": "Lovelace"}}))
        .await
        .refused(400, "bad_request")
        .mentions("final");
    let again = erase_caller(&store, folder.path(), "user-1").await.unwrap();
    assert_eq!(
        (again.conversations, again.open_conversations),
        (0, 2),
        "also where the participants do not name who speaks"
    );
    let turns = store.records("conversation-turn", 100).await.unwrap();
    assert_eq!(
        turns.iter().filter(|turn| turn.body.contains("Lovelace")).count(),
        2
    );
}

#[tokio::test]
async fn a_person_is_found_whatever_the_conversation_knows_them_by() {
    let (folder, store, rig) = shared().await;
    let talker = Talker::new(&rig).await;
    let customers = (0..12).map(|nth| {
        json!({"id": format!("user-{nth}"), "direction": "inbound", "profile": {
            "email": format!("u{nth}@example.com"), "phone": format!("+1555{nth}"),
            "customFields": {"externalId": format!("CRM-{nth}"), "size": "XL"}}})
    });
    let mut many = new_conversation("many");
    many["participants"] = customers.collect();
    talker.created(many).await;
    talker.created(new_conversation("stranger")).await;
    let message = json!({"participantId": "Someone-Else", "type": "message", "text": "I am Lovelace"});
    let path = format!("{PATH}/stranger/interactions");
    let said = talker.ask(reqwest::Method::POST, &path, &message).await;
    assert_eq!(said.status, 201);
    let found = async |name: &str| {
        let erased = erase_caller(&store, folder.path(), name).await.unwrap();
        (erased.conversations, erased.open_conversations)
    };
    for name in ["user-0", "u11@example.com", "+15557", "crm-11", "someone-else"] {
        assert_eq!(found(name).await, (0, 1), "{name}");
    }
    assert_eq!(found("XL").await, (0, 0));
    for id in ["many", "stranger"] {
        talker.put(id, json!({"state": "closed"})).await;
    }
    assert_eq!(found("crm-11").await, (1, 0));
    assert_eq!(found("someone-else").await, (1, 0));
    for name in [
        "user-0",
        "u11@example.com",
        "crm-11",
        "someone-else",
        "ada@example.com",
    ] {
        assert_eq!(found(name).await, (0, 0), "{name}");
    }
    assert_eq!(talker.heard("stranger", "").await[0]["participantId"], "erased-1");
    assert_eq!(store.records("conversation-people", 10).await.unwrap().len(), 0);
}

#[tokio::test]
async fn what_was_erased_half_way_is_found_again_and_erased_whole() {
    let (folder, store, rig) = shared().await;
    let talker = Talker::new(&rig).await;
    talker.created(new_conversation("c")).await;
    talker.said("c", "I am Ada Lovelace").await;
    talker.put("c", json!({"state": "closed"})).await;
    // The process died between the records and the rest: they are erased, and it is still found.
    let turn = store.records("conversation-turn", 10).await.unwrap().remove(0);
    let blotted = store::Put {
        kind: "conversation-turn".into(),
        id: turn.id.clone(),
        body: Some(
            turn.body
                .replace("I am Ada Lovelace", "erased")
                .replace("user-1", "erased-1"),
        ),
        expect: store::Expect::Version(turn.version),
    };
    let commit = store::Commit {
        records: vec![blotted],
        ..store::Commit::default()
    };
    store.commit(commit).await.unwrap();
    let erased = erase_caller(&store, folder.path(), "ada@example.com")
        .await
        .unwrap();
    assert_eq!((erased.conversations, erased.texts), (1, 1));
    let all = store.records("conversation-turn", 10).await.unwrap();
    let entries = format!("{:?}", entries(&store).await);
    assert!(!format!("{all:?}{entries}").contains("Lovelace"));
}
