//! A center that is killed while its bot types: what was accepted is there, and what was owed is said.

use crate::{
    support::Center,
    talker::{PATH, Talker},
};
use serde_json::{Value, json};
use std::{thread, time::Duration};

/// Kills, each right after a message was accepted, or a little later.
const KILLS: u64 = 6;
/// The second answer is typed for 300 ms: some kills come before it, some after.
const APART_MS: u64 = 70;

#[test]
fn a_killed_center_says_what_its_bot_owed_once_when_it_starts_again() {
    let mut center = Center::start(&[]);
    let mut accepted = Vec::new();
    for kill in 0..KILLS {
        let (talker, id) = (Talker::new(&center.environment), format!("killed-{kill}"));
        let new = json!({"id": id, "type": "webchat", "participants": [{"id": "user-1", "direction": "inbound"},
            {"id": "bot-your-bot-instance-id", "direction": "outbound", "profile": {"botInstanceId": "your-bot-instance-id"}}]});
        talker.ask("POST", PATH, &new);
        let posted = talker.says(&id, "What are your store hours?");
        assert_eq!(posted.status, 201, "{}", posted.body);
        let posted: Value = serde_json::from_str(&posted.body).unwrap();
        accepted.push((id, posted));
        thread::sleep(Duration::from_millis(kill * APART_MS));
        center = center.killed_and_started(|_| {});
    }
    let talker = Talker::new(&center.environment);
    for (id, posted) in accepted {
        // The message has its number; two answers follow, the second by now or soon.
        let last = posted["sequence"].as_u64().unwrap() + 2;
        talker.heard(&id, &format!("?after={}&wait=20", last - 1));
        let heard = talker.heard(&id, "?limit=100");
        assert!(
            heard
                .iter()
                .any(|one| one["id"] == posted["id"] && one["sequence"] == posted["sequence"])
        );
        let answers: Vec<&Value> = heard
            .iter()
            .filter(|one| one["inReplyTo"] == posted["id"])
            .collect();
        assert_eq!(answers.len(), 2, "{id}: {heard:?}");
        assert!(
            answers[0]["text"].as_str().unwrap().contains("9:00"),
            "{answers:?}"
        );
        assert_eq!(answers[1]["sequence"], last, "{answers:?}");
        let numbers: Vec<u64> = heard
            .iter()
            .map(|one| one["sequence"].as_u64().unwrap())
            .collect();
        assert_eq!(numbers, (1..=last).collect::<Vec<_>>(), "each once, without gaps");
    }
}
