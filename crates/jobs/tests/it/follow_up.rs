//! Following up what customers say, against a scripted platform and a real store.

use client::{
    Endpoint, Platform, Tokens, Transport,
    testing::{Reply, ScriptedHttp, Seen},
};
use flow::delivery::Schedule;
use jobs::follow_up::{
    self, FollowUps, Options, Rulebook, Rules, Story, StoryState, Verdict, accepted, story,
};
use serde_json::{Value, json};
use std::{sync::Arc, time::Duration};
use store::{Committed, EntryFilter, ItemFilter, ItemState, Location, Store};
use tempfile::TempDir;
use wire::{completion::Completion, oauth::Credentials, task::NewTask};

const FORMS: &str = "/api/v2/interactions/int-1/postinteractionforms";
const TASKS: &str = "/api/v2/workflows/tasks";
const NOTIFICATIONS: &str = "/api/v2/notifications/agents";

/// A store, a platform by a script, and the job between them.
struct Rig {
    store: Store,
    http: Arc<ScriptedHttp>,
    job: FollowUps,
    folder: TempDir,
}

/// The script is told the path and how often it was asked for before.
async fn rig(rules: Rules, script: impl Fn(&str, usize) -> Reply + Send + 'static) -> Rig {
    let mut times = std::collections::HashMap::<String, usize>::new();
    let http = Arc::new(ScriptedHttp::new(move |request| {
        let path = request.uri().path();
        if path == "/oauth/token" {
            return Reply::token("t", 3600);
        }
        let before = times.entry(path.to_owned()).or_default();
        *before += 1;
        script(path, *before - 1)
    }));
    let credentials = Credentials {
        client_id: "demo".parse().unwrap(),
        client_secret: "a client secret".into(),
    };
    let mut platform = Platform::new(Endpoint::new("https://platform.example").unwrap(), credentials);
    platform.policy.attempts = 1;
    platform.policy.total = Duration::from_secs(1);
    let transport = Transport::new(http.clone(), Tokens::new(http.clone()), platform);
    let folder = tempfile::tempdir().unwrap();
    let location = Location::Sqlite(folder.path().join("trunkline.db"));
    let store = Store::open(&location).await.unwrap();
    let options = Options {
        schedule: "1ms, 1ms, 1ms".parse::<Schedule>().unwrap(),
        ..Options::default()
    };
    let job = FollowUps::start(store.clone(), &transport, Rulebook::new(rules), options)
        .await
        .unwrap();
    Rig {
        store,
        http,
        job,
        folder,
    }
}

impl Rig {
    async fn complete(&self) -> Committed {
        let body = json!({"interactionId": "int-1", "agentId": "agent-1", "queue": "billing"});
        let body = body.as_object().unwrap();
        let completion = Completion::parse(body).unwrap();
        let at = "2026-11-20T15:00:00Z".parse().unwrap();
        let commit = accepted(&completion, body.clone(), at, "c-1".parse().unwrap());
        self.store.commit(commit).await.unwrap()
    }

    /// The story once it is in a state in which nothing more is to be done, or in the state that is waited for.
    async fn until(&self, wanted: StoryState) -> Story {
        let reached = async {
            loop {
                let story = story(&self.store, "int-1").await.unwrap();
                if let Some(story) = story.filter(|story| story.state == wanted) {
                    return story;
                }
                tokio::time::sleep(Duration::from_millis(2)).await;
            }
        };
        tokio::time::timeout(Duration::from_secs(20), reached)
            .await
            .unwrap_or_else(|_| panic!("{wanted:?} never came"))
    }

    fn bodies(&self, path: &str) -> Vec<Value> {
        let body = |seen: &Seen| serde_json::from_slice(seen.request.body()).unwrap();
        self.http.seen_at(path).iter().map(body).collect()
    }

    fn keys(&self, path: &str) -> Vec<String> {
        let key = |seen: &Seen| seen.header("idempotency-key").to_owned();
        self.http.seen_at(path).iter().map(key).collect()
    }

    async fn actions(&self) -> Vec<String> {
        let entries = self.store.entries(&EntryFilter::default(), 100).await.unwrap();
        let action = |entry: &store::KeptEntry| {
            let leaf: Value = serde_json::from_str(entry.leaf.as_deref().unwrap()).unwrap();
            leaf["action"].as_str().unwrap().to_owned()
        };
        entries.iter().map(action).collect()
    }
}

fn form(score: Value) -> Reply {
    let responses = json!([{"fieldName": "overall_satisfaction", "value": score}]);
    Reply::answer(
        200,
        json!({"interactionId": "int-1", "responses": responses}).to_string(),
    )
}

fn made(id: &str) -> Reply {
    Reply::answer(201, json!({"id": id}).to_string())
}

/// A platform where all goes well.
fn willing(score: Value) -> impl Fn(&str, usize) -> Reply + Send {
    move |path, _| match path {
        FORMS => form(score.clone()),
        TASKS => made("task-1"),
        _ => made("ntf-1"),
    }
}

#[tokio::test]
async fn a_low_score_becomes_a_task_and_the_agent_is_told() {
    let rig = rig(Rules::usual().unwrap(), willing(json!("2"))).await;
    assert_eq!(rig.complete().await, Committed::Done);
    let story = rig.until(StoryState::Done).await;

    let tasks = rig.bodies(TASKS);
    assert_eq!(tasks.len(), 1);
    let task = NewTask::parse(&tasks[0].to_string()).unwrap();
    assert_eq!(
        (task.priority.as_str(), task.assignee_id.as_str()),
        ("High", "agent-1")
    );
    assert_eq!(task.due_date.to_string(), "2026-11-21T15:00:00.000Z");
    assert_eq!(task.field("interaction_id_link"), Some("int-1"));
    assert!(task.field("rule").is_some() && task.field("rule_reason").unwrap().contains("score < 3"));

    let told = rig.bodies(NOTIFICATIONS);
    assert_eq!(told.len(), 1);
    assert_eq!(
        (&told[0]["agentId"], &told[0]["priority"]),
        (&json!("agent-1"), &json!("high"))
    );
    assert_eq!(
        story.tasks[0].created.as_ref().unwrap().task_id.as_str(),
        "task-1"
    );
    assert!(matches!(story.judged.unwrap().verdict, Verdict::Fired { .. }));
    let done = [
        "follow_up.accepted",
        "follow_up.judged",
        "follow_up.task_created",
        "follow_up.agent_told",
    ];
    assert_eq!(rig.actions().await, done);
    rig.job.shutdown().await;
}

#[tokio::test]
async fn the_same_interaction_again_changes_nothing() {
    let rig = rig(Rules::usual().unwrap(), willing(json!(1))).await;
    let all = (0..1000).map(|_| rig.complete());
    let all = futures_util::future::join_all(all).await;
    assert_eq!(
        all.iter()
            .filter(|committed| **committed == Committed::Done)
            .count(),
        1
    );
    rig.until(StoryState::Done).await;
    assert!(matches!(rig.complete().await, Committed::Duplicate { .. }));
    assert_eq!((rig.bodies(TASKS).len(), rig.bodies(NOTIFICATIONS).len()), (1, 1));
    rig.job.shutdown().await;
}

#[tokio::test]
async fn no_form_is_no_task() {
    let rig = rig(Rules::usual().unwrap(), |_, _| Reply::answer(404, "")).await;
    rig.complete().await;
    rig.until(StoryState::NoForm).await;
    assert!(rig.bodies(TASKS).is_empty());
}

#[tokio::test]
async fn a_score_that_is_no_number_is_told_and_never_judged() {
    for score in [
        json!(""),
        json!("4,5"),
        json!("five"),
        json!("NaN"),
        json!("1e400"),
        json!(null),
        json!([2]),
    ] {
        let rig = rig(Rules::usual().unwrap(), willing(score.clone())).await;
        rig.complete().await;
        let story = rig.until(StoryState::Unjudged).await;
        let Verdict::Unjudged { faults } = story.judged.unwrap().verdict else {
            panic!("{score} was judged")
        };
        assert!(faults[0].contains("overall_satisfaction"), "{score}: {faults:?}");
        assert!(rig.bodies(TASKS).is_empty(), "{score}");
        assert!(rig.actions().await.contains(&"follow_up.unjudged".to_owned()));
    }
}

#[tokio::test]
async fn a_good_score_is_no_task() {
    let rig = rig(Rules::usual().unwrap(), willing(json!("4.5"))).await;
    rig.complete().await;
    rig.until(StoryState::NoTask).await;
    assert!(rig.bodies(TASKS).is_empty());
}

#[tokio::test]
async fn a_form_that_fails_in_every_way_is_asked_for_again() {
    let rig = rig(Rules::usual().unwrap(), |path, before| match (path, before) {
        (FORMS, 0) => Reply::answer(500, ""),
        (FORMS, 1) => Reply::answer(200, "<html>garbage"),
        (FORMS, 2) => Reply::nothing(),
        (FORMS, _) => form(json!("2")),
        _ => made("x-1"),
    })
    .await;
    rig.complete().await;
    rig.until(StoryState::Done).await;
    assert_eq!(rig.http.seen_at(FORMS).len(), 4);
    assert_eq!(
        rig.actions()
            .await
            .iter()
            .filter(|action| *action == "follow_up.failed")
            .count(),
        3
    );
}

const WITH_FALLBACK: &str = r#"
    name = "With a fallback"
    fallback = "agent:agent-2"
    [field.score]
    form = "overall_satisfaction"
    kind = "number"
    [[rule]]
    name = "unhappy"
    when = "score < 3"
    [[rule.task]]
    priority = "High"
    due = "1 day"
    subject = "Call back"
    description = "The score is {score}."
    [[rule]]
    name = "happy"
"#;

fn rules(text: &str) -> Rules {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("rules.toml");
    std::fs::write(&file, text).unwrap();
    Rules::read(&file).unwrap()
}

#[tokio::test]
async fn a_refused_assignee_is_replaced_with_a_note_in_the_task() {
    let rig = rig(rules(WITH_FALLBACK), |path, before| match (path, before) {
        (FORMS, _) => form(json!("2")),
        (TASKS, 0) => Reply::answer(
            400,
            r#"{"status":400,"code":"bad_request","message":"m","errors":["assigneeId: agent-1 is not active"]}"#,
        ),
        _ => made("task-2"),
    })
    .await;
    rig.complete().await;
    let story = rig.until(StoryState::Done).await;
    let (tasks, keys) = (rig.bodies(TASKS), rig.keys(TASKS));
    assert_eq!(tasks[1]["assigneeId"], "agent-2");
    assert_eq!(
        tasks[1]["description"],
        "[Meant for agent-1, but: assigneeId: agent-1 is not active]\n\nThe score is 2."
    );
    assert_ne!(keys[0], keys[1], "the bodies differ");
    assert_eq!(rig.bodies(NOTIFICATIONS)[0]["agentId"], "agent-2");
    assert!(
        story.tasks[0]
            .created
            .as_ref()
            .unwrap()
            .fallback_because
            .is_some()
    );
}

#[tokio::test]
async fn a_task_that_nobody_takes_is_a_dead_letter_that_can_be_replayed() {
    let rig = rig(Rules::usual().unwrap(), |path, before| match (path, before) {
        (FORMS, _) => form(json!("2")),
        (TASKS, 0) => Reply::answer(400, ""),
        _ => made("task-1"),
    })
    .await;
    rig.complete().await;
    let story = rig.until(StoryState::Failed).await;
    let why = story.tasks[0].creation.error.as_ref().unwrap();
    assert!(why.contains("400"), "{why}");
    let dead = ItemFilter {
        queue_prefix: Some(follow_up::QUEUES.to_owned()),
        states: vec![ItemState::Dead],
        ..ItemFilter::default()
    };
    assert_eq!(rig.store.replay(&dead).await.unwrap(), 1);
    rig.until(StoryState::Done).await;
    let keys = rig.keys(TASKS);
    assert_eq!(keys[0], keys[1], "a replay is the same request");
}

#[tokio::test]
async fn while_notifications_are_down_the_task_stands_and_the_failure_is_seen() {
    let rig = rig(Rules::usual().unwrap(), |path, before| match (path, before) {
        (FORMS, _) => form(json!("2")),
        (NOTIFICATIONS, 0..=3) => Reply::answer(503, ""),
        _ => made("x-1"),
    })
    .await;
    rig.complete().await;
    let story = rig.until(StoryState::Failed).await;
    let task = &story.tasks[0];
    assert_eq!(task.creation.state, "done");
    let notification = task.notification.as_ref().unwrap();
    assert_eq!((notification.state, notification.failures), ("dead", 4));
    assert!(notification.error.as_ref().unwrap().contains("503"));
    rig.store.replay(&ItemFilter::default()).await.unwrap();
    rig.until(StoryState::Done).await;
    assert_eq!(rig.bodies(TASKS).len(), 1);
}

#[tokio::test]
async fn what_could_not_be_judged_is_judged_again_when_asked() {
    let rig = rig(Rules::usual().unwrap(), |path, before| match (path, before) {
        (FORMS, 0) => form(json!("five")),
        (FORMS, _) => form(json!("2")),
        _ => made("x-1"),
    })
    .await;
    rig.complete().await;
    rig.until(StoryState::Unjudged).await;
    assert_eq!(follow_up::replay_failed(&rig.store).await.unwrap(), 0);
    assert_eq!(follow_up::replay_unjudged(&rig.store).await.unwrap(), 1);
    rig.until(StoryState::Done).await;
    assert_eq!(
        follow_up::replay(&rig.store, "int-1").await.unwrap(),
        0,
        "it was judged"
    );
}

#[tokio::test]
async fn a_platforms_words_with_zero_bytes_do_no_harm() {
    let words = r#"{"status":400,"code":"bad_request","message":"a\u0000b","errors":["a\u0000b"]}"#;
    let rig = rig(rules(WITH_FALLBACK), move |path, before| match (path, before) {
        (FORMS, _) => form(json!("2")),
        (TASKS, 0) => Reply::answer(400, words),
        (NOTIFICATIONS, _) => Reply::answer(400, words),
        _ => made("task-2"),
    })
    .await;
    rig.complete().await;
    let story = rig.until(StoryState::Failed).await;
    assert!(story.tasks[0].created.is_some());
    assert_eq!(story.tasks[0].notification.as_ref().unwrap().state, "dead");
}

#[tokio::test]
async fn a_form_that_is_too_long_to_be_kept_is_judged_all_the_same() {
    let rig = rig(Rules::usual().unwrap(), |path, _| match path {
        FORMS => {
            let long = |at| json!({"fieldName": format!("f{at}"), "value": "x".repeat(5_000)});
            let mut responses: Vec<Value> = (0..190).map(long).collect();
            let digits: Vec<Value> = (0..4000).map(|_| json!(1e15)).collect();
            responses.push(json!({"fieldName": "numbers", "value": digits[..800].to_vec()}));
            responses.extend(
                (0..7).map(|at| json!({"fieldName": format!("n{at}"), "value": digits[..800].to_vec()})),
            );
            responses.push(json!({"fieldName": "overall_satisfaction", "value": "2"}));
            let text = json!({"interactionId": "int-1", "responses": responses}).to_string();
            Reply::answer(200, text.replace("1000000000000000.0", "1e15"))
        }
        _ => made("x-1"),
    })
    .await;
    rig.complete().await;
    let story = rig.until(StoryState::Done).await;
    assert_eq!(story.judged.unwrap().form, None);
}

#[tokio::test]
async fn numbers_that_json_does_not_have_are_not_judged() {
    for score in ["1e400", "NaN", "-Infinity"] {
        let rig = rig(Rules::usual().unwrap(), move |path, _| match path {
            FORMS => Reply::answer(
                200,
                format!(r#"{{"interactionId":"int-1","responses":[{{"fieldName":"overall_satisfaction","value":{score}}}]}}"#),
            ),
            _ => made("x-1"),
        })
        .await;
        rig.complete().await;
        rig.until(StoryState::Unjudged).await;
    }
}

#[tokio::test]
async fn contradictions_and_forms_of_others_are_not_judged() {
    let twice = json!([{"fieldName": "overall_satisfaction", "value": "1"}, {"fieldName": "overall_satisfaction", "value": "5"}]);
    let once = json!([{"fieldName": "overall_satisfaction", "value": "1"}]);
    for (interaction, responses, why) in [
        ("int-1", twice, "answered twice"),
        ("int-2", once, "the form is that of int-2"),
    ] {
        let rig = rig(Rules::usual().unwrap(), move |path, _| match path {
            FORMS => Reply::answer(
                200,
                json!({"interactionId": interaction, "responses": responses}).to_string(),
            ),
            _ => made("x-1"),
        })
        .await;
        rig.complete().await;
        let story = rig.until(StoryState::Unjudged).await;
        let Verdict::Unjudged { faults } = story.judged.unwrap().verdict else {
            panic!("it was judged")
        };
        assert!(faults[0].contains(why), "{faults:?}");
    }
}

const WITH_COMMENT: &str = r#"
    name = "With a comment"
    [field.comment]
    form = "comment"
    kind = "text"
    [[rule]]
    name = "all"
    [[rule.task]]
    due = "1 day"
    subject = "Read: {comment}"
"#;

#[tokio::test]
async fn card_numbers_reach_no_task() {
    let rig = rig(rules(WITH_COMMENT), |path, _| match path {
        FORMS => {
            let responses = json!([{"fieldName": "comment", "value": "my card is 4111 1111 1111 1111"}]);
            Reply::answer(
                200,
                json!({"interactionId": "int-1", "responses": responses}).to_string(),
            )
        }
        _ => made("x-1"),
    })
    .await;
    rig.complete().await;
    rig.until(StoryState::Done).await;
    assert_eq!(
        rig.bodies(TASKS)[0]["subject"],
        "Read: my card is 4111 11** **** 1111"
    );
}

#[tokio::test]
async fn due_dates_count_from_the_completion_if_it_is_told_in_time() {
    for (completed_at, due) in [
        ("2026-11-20T10:00:00Z", "2026-11-21T10:00:00.000Z"),
        ("2026-11-01T10:00:00Z", "2026-11-21T15:00:00.000Z"),
        ("2027-01-01T00:00:00Z", "2026-11-21T15:00:00.000Z"),
    ] {
        let rig = rig(Rules::usual().unwrap(), willing(json!("1"))).await;
        let body = json!({"interactionId": "int-1", "agentId": "agent-1", "completedAt": completed_at});
        let body = body.as_object().unwrap();
        let completion = Completion::parse(body).unwrap();
        let at = "2026-11-20T15:00:00Z".parse().unwrap();
        let commit = accepted(&completion, body.clone(), at, "c-1".parse().unwrap());
        rig.store.commit(commit).await.unwrap();
        rig.until(StoryState::Done).await;
        assert_eq!(rig.bodies(TASKS)[0]["dueDate"], due, "{completed_at}");
    }
}

#[tokio::test]
async fn a_platform_that_names_a_time_is_not_asked_before() {
    let rig = rig(Rules::usual().unwrap(), |path, before| match (path, before) {
        (FORMS, 0) => Reply::answer(429, "").with_header("retry-after", "2"),
        (FORMS, _) => form(json!("2")),
        _ => made("x-1"),
    })
    .await;
    rig.complete().await;
    rig.until(StoryState::Done).await;
    let seen = rig.http.seen_at(FORMS);
    let waited = seen[1].at - seen[0].at;
    assert!(waited >= Duration::from_millis(1990), "{waited:?}");
    assert_eq!(seen.len(), 2);
}

#[tokio::test]
async fn only_a_bad_request_goes_to_the_fallback() {
    let rig = rig(rules(WITH_FALLBACK), |path, _| match path {
        FORMS => form(json!("2")),
        _ => Reply::answer(422, ""),
    })
    .await;
    rig.complete().await;
    rig.until(StoryState::Failed).await;
    assert_eq!(rig.bodies(TASKS).len(), 1);
}

#[tokio::test]
async fn rules_with_faults_leave_the_old_ones_in_force() {
    let rig = rig(Rules::usual().unwrap(), willing(json!("2"))).await;
    let file = rig.folder.path().join("rules.toml");
    std::fs::write(&file, WITH_FALLBACK).unwrap();
    let book = Rulebook::new(Rules::read(&file).unwrap());
    let first = book.current().version.clone();
    let reading = tokio::spawn(follow_up::keep_reading(
        book.clone(),
        file.clone(),
        rig.store.clone(),
    ));
    let noted = async |action: &str| {
        while !rig.actions().await.iter().any(|noted| noted == action) {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };

    std::fs::write(&file, WITH_FALLBACK.replace("score < 3", "scores < 3")).unwrap();
    noted("rules.refused").await;
    assert_eq!(book.current().version, first);

    std::fs::write(&file, WITH_FALLBACK.replace("score < 3", "score < 2")).unwrap();
    noted("rules.loaded").await;
    assert_ne!(book.current().version, first);
    reading.abort();
}
