//! Conversations and scenarios on a made-up platform: busy, broken, contended, silent.

mod platform;

use client::{FailureKind, testing::Reply};
use flow::scenario::{Break, ContextFields, Perturbation, Perturber, Verdict, fuzz::Fault, parse};
use jobs::{
    audit::MemoryLog,
    conversations::{
        Asked, Case, FuzzAsked, Opening, Platform, RunOutcome, Talk, TalkError, fuzz, run, test,
    },
};
use platform::Made;
use serde_json::{Map, Value, json};
use std::{
    num::NonZeroUsize,
    sync::{
        Arc,
        atomic::{AtomicU32, Ordering},
    },
    time::Duration,
};
use tokio_util::sync::CancellationToken;
use wire::conversation::{MAX_CONTEXT_BYTES, State};

const ONE: &str = "{name: One, turns: [{say: one, expect: first}]}";

fn echo() -> Arc<Made> {
    Made::up(|_, text| vec![(30, format!("the first answer to {text}"))])
}

async fn once(text: &str, platform: &Platform) -> RunOutcome {
    let scenario = parse(text).unwrap().remove(0);
    run(
        Arc::new(scenario),
        Perturber::none(),
        platform,
        &CancellationToken::new(),
    )
    .await
}

fn told(outcome: &RunOutcome) -> Vec<String> {
    let misses = outcome.report.turns.iter().flat_map(|turn| &turn.misses);
    misses
        .map(|miss| format!("{} | {}", miss.expected, miss.got))
        .collect()
}

#[tokio::test(start_paused = true)]
async fn a_scenario_passes_its_conversation_is_closed_and_its_turns_are_noted() {
    let made = echo();
    let log = Arc::new(MemoryLog::default());
    let platform = Platform {
        audit: Some(log.clone()),
        bot: Some("bot-1".into()),
        ..made.platform()
    };
    let outcome = once(
        "{name: One, turns: [{say: 'mail ann@example.com, 4111 1111 1111 1111'}]}",
        &platform,
    )
    .await;
    assert_eq!(
        (outcome.report.verdict, told(&outcome)),
        (Verdict::Passed, vec![])
    );
    assert_eq!(made.states(), ["closed"]);
    let new = &made.bodies("POST")[0];
    assert_eq!(new["participants"][1]["profile"]["botInstanceId"], "bot-1");
    assert_eq!(new["participants"][0]["direction"], "inbound");
    let entries = log.entries();
    assert_eq!(entries.len(), 1);
    assert_eq!(entries[0].action, "scenario.turn");
    assert_eq!(entries[0].detail["sent"], 1);
    assert_eq!(entries[0].detail["state"], "active");
    assert!(entries[0].detail["contextBytes"].as_u64() > Some(20));
    // What was said can be erased with the person, and is masked.
    let (name, sent) = &entries[0].personal[0];
    assert_eq!(name, "message");
    assert!(sent.starts_with("mail a"), "{sent}");
    assert!(!sent.contains("4111 1111"), "{sent}");
    assert!(!sent.contains("ann@"), "{sent}");
    assert!(
        !entries[0]
            .detail
            .values()
            .any(|value| value.to_string().contains("mail"))
    );
}

#[tokio::test(start_paused = true)]
async fn each_turn_is_noted_as_it_stood_then_and_again_when_a_late_answer_fails_it() {
    let made = Made::up(|_, text| match text {
        "one" => vec![(5, "first".into()), (900, "sorry".into())],
        _ => vec![(1_500, "second".into())],
    });
    let log = Arc::new(MemoryLog::default());
    let platform = Platform {
        audit: Some(log.clone()),
        masks_personal: false,
        ..made.platform()
    };
    let text = "{name: x, turns: [{say: one, expect: [first, {not: sorry}]}, {say: mail ann@example.com, expect: second},
        {close: true}]}";
    let outcome = once(text, &platform).await;
    assert_eq!(outcome.report.verdict, Verdict::Failed);
    let noted: Vec<Value> = log
        .entries()
        .iter()
        .map(|entry| {
            json!([
                entry.detail["turn"],
                entry.detail["state"],
                entry.detail["misses"],
                entry.detail.get("again")
            ])
        })
        .collect();
    assert_eq!(
        json!(noted),
        json!([
            [1, "active", 0, null],
            [1, "active", 1, true],
            [2, "active", 0, null],
            [3, "closed", 0, null]
        ])
    );
    // Only when asked not to.
    assert_eq!(log.entries()[2].personal[0].1, "mail ann@example.com");
}

#[tokio::test(start_paused = true)]
async fn a_busy_platform_costs_time_and_no_attempt() {
    let busy = AtomicU32::new(0);
    let made = Made::with_trouble(
        |_, _| vec![(0, "first".into())],
        move |method, path| {
            let is_message = method == "POST" && path.ends_with("/interactions");
            (is_message && busy.fetch_add(1, Ordering::Relaxed) < 12)
                .then(|| Reply::answer(429, "").with_header("retry-after", "2"))
        },
    );
    let outcome = once(ONE, &made.platform()).await;
    assert_eq!(
        (outcome.report.verdict, told(&outcome)),
        (Verdict::Passed, vec![])
    );
    assert!(outcome.report.took_ms >= 24_000);
    assert_eq!(made.bodies("POST interactions").len(), 1);
}

#[tokio::test(start_paused = true)]
async fn garbage_is_a_failure_with_what_is_wrong_and_the_conversation_is_closed() {
    let made = Made::with_trouble(
        |_, _| vec![(0, "first".into())],
        |method, path| {
            (method == "GET" && path.ends_with("/interactions"))
                .then(|| Reply::answer(200, "<html>busy</html>"))
        },
    );
    let outcome = once(
        "{name: One, patience_s: 2, turns: [{say: one}]}",
        &made.platform(),
    )
    .await;
    assert_eq!(outcome.report.verdict, Verdict::Failed);
    assert!(
        told(&outcome)[0].starts_with(
            "an answer that can be understood | the answer of platform.example is not understood"
        )
    );
    assert_eq!(made.states(), ["closed"]);
}

#[tokio::test(start_paused = true)]
async fn whoever_presses_ctrl_c_leaves_nothing_open() {
    let made = Made::up(|_, _| vec![]);
    let stop = CancellationToken::new();
    let scenario = Arc::new(
        parse("{name: One, turns: [{say: one}, {say: two}]}")
            .unwrap()
            .remove(0),
    );
    let platform = made.platform();
    let (outcome, ()) = tokio::join!(run(scenario, Perturber::none(), &platform, &stop), async {
        tokio::time::sleep(Duration::from_millis(500)).await;
        stop.cancel();
    });
    assert_eq!(outcome.report.broken.as_deref(), Some("it was interrupted"));
    assert!(outcome.report.is_closed);
    assert_eq!(made.states(), ["closed"]);
}

#[tokio::test(start_paused = true)]
async fn a_platform_that_breaks_is_a_failure_and_is_told() {
    let made = Made::with_trouble(
        |_, _| vec![],
        |method, path| {
            (method == "POST" && path.ends_with("/conversations"))
                .then(|| Reply::answer(409, r#"{"message": "there is one"}"#))
        },
    );
    let outcome = once(ONE, &made.platform()).await;
    assert!(
        outcome
            .report
            .broken
            .unwrap()
            .starts_with("the conversation can't be made: platform.example answers 409")
    );
}

async fn opened(platform: &Platform, context: &str) -> Result<Talk, TalkError> {
    let text = format!("{{name: x, context: {context}, turns: [{{say: x}}]}}");
    let opening = Opening {
        context: parse(&text).unwrap().remove(0).context,
        ..Opening::default()
    };
    let talk = Talk::open(platform, &opening, std::future::pending()).await?;
    Ok(talk.expect("nobody stops it"))
}

#[tokio::test(start_paused = true)]
async fn a_context_is_pruned_before_it_is_sent_and_what_is_pinned_stays() {
    let made = echo();
    let platform = Platform {
        pinned: Arc::new(["b".to_owned()]),
        ..made.platform()
    };
    // The oldest key is the one that stands first, whatever it is called.
    let key = |key: &str, text: &str| format!("{key}: {}", text.repeat(20_000 / text.len()));
    let keys = [key("z", "z"), key("y", "ä"), key("b", "b"), key("a", "a")].join(", ");
    opened(&platform, &format!("{{botSession: {{{keys}}}}}"))
        .await
        .unwrap();
    let session = made.bodies("POST")[0]["context"]["botSession"].clone();
    let keys: Vec<&String> = session.as_object().unwrap().keys().collect();
    assert_eq!(keys, ["a", "b", "y"]);

    let too_large = format!("{{note: {}}}", "x".repeat(MAX_CONTEXT_BYTES));
    let error = opened(&platform, &too_large).await.err().unwrap();
    assert!(matches!(error, TalkError::Context(_)), "{error}");
    assert_eq!(made.bodies("POST").len(), 1);
}

#[tokio::test(start_paused = true)]
async fn the_state_is_checked_before_it_is_changed_and_compared_while_it_is() {
    let made = echo();
    let talk = opened(&made.platform(), "{}").await.unwrap();
    talk.become_state(State::Closed).await.unwrap();
    let error = talk.become_state(State::Pending).await.err().unwrap();
    assert_eq!(
        error.to_string(),
        "Invalid state transition from closed to pending; nothing was sent"
    );
    assert_eq!(made.bodies("PUT").len(), 1);
    // Already so: nothing is sent.
    talk.become_state(State::Closed).await.unwrap();
    assert_eq!(made.bodies("PUT").len(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_change_that_others_were_faster_than_is_made_on_what_they_left() {
    let meddled = Arc::new(AtomicU32::new(0));
    let made: Arc<std::sync::OnceLock<Arc<Made>>> = Arc::default();
    let (other, count) = (made.clone(), meddled.clone());
    let platform = Made::with_trouble(
        |_, _| vec![],
        move |method, _| {
            if method == "PUT" && count.fetch_add(1, Ordering::Relaxed) < 2 {
                other.get().unwrap().meddle();
            }
            None
        },
    );
    made.set(platform.clone()).ok().unwrap();
    let talk = opened(&platform.platform(), "{a: 1}").await.unwrap();
    let fields = ContextFields {
        rest: Map::from_iter([("b".to_owned(), json!(2)), ("a".to_owned(), Value::Null)]),
        ..ContextFields::default()
    };
    let changed = talk.set_context(&fields).await.unwrap();
    assert_eq!(meddled.load(Ordering::Relaxed), 3);
    assert_eq!(
        (changed.context.get("a"), changed.context.get("b")),
        (None, Some(json!(2)))
    );
}

#[tokio::test(start_paused = true)]
async fn waiting_in_earnest_is_bounded() {
    let outcome = once("{name: Long, turns: [{wait: 1h}]}", &echo().platform()).await;
    assert!(told(&outcome)[0].contains("waiting 3600 s takes too long here"));
    let outcome = once("{name: Short, turns: [{wait: 5m}]}", &echo().platform()).await;
    assert_eq!(outcome.report.verdict, Verdict::Passed);
    assert!(outcome.report.took_ms >= 300_000);
}

fn cases(text: &str) -> Vec<Case> {
    parse(text)
        .unwrap()
        .into_iter()
        .map(|scenario| Case::new("some.yaml", scenario))
        .collect()
}

#[tokio::test(start_paused = true)]
async fn many_scenarios_run_at_once_and_come_in_their_order() {
    let made = Made::up(|_, text| vec![(text.len() as u64 * 100, "first".into())]);
    let text: Vec<String> = (0..30)
        .map(|n| {
            format!(
                "{{name: n{n}, turns: [{{say: '{}', expect: first}}]}}",
                "x".repeat(30 - n)
            )
        })
        .collect();
    let asked = Asked {
        parallel: NonZeroUsize::new(10).unwrap(),
        ..Asked::default()
    };
    let began = tokio::time::Instant::now();
    let mut decided = Vec::new();
    let results = test(
        &made.platform(),
        cases(&text.join("\n---\n")),
        &asked,
        &CancellationToken::new(),
        |result| {
            decided.push(result.name.clone());
        },
    )
    .await;
    let names: Vec<&str> = results.iter().map(|result| result.name.as_str()).collect();
    assert_eq!(names, (0..30).map(|n| format!("n{n}")).collect::<Vec<_>>());
    assert!(results.iter().all(|result| result.has_passed()));
    assert_ne!(decided, names);
    // 30 conversations of 0.4 to 3.3 s, ten at once.
    assert!(began.elapsed() < Duration::from_secs(9), "{:?}", began.elapsed());
    assert_eq!(made.states().len(), 30);
}

#[tokio::test(start_paused = true)]
async fn retries_happen_only_when_asked_for_and_k_of_k_counts_runs() {
    // Every second conversation gets a wrong answer.
    let flaky =
        || Made::up(|memory, _| vec![(0, if memory.earlier % 2 == 1 { "first" } else { "wrong" }.into())]);
    let tested = async |text: &str, asked: Asked| {
        test(
            &flaky().platform(),
            cases(text),
            &asked,
            &CancellationToken::new(),
            |_| {},
        )
        .await
        .remove(0)
    };
    let none = tested(ONE, Asked::default()).await;
    assert!(!none.has_passed() && none.retried.is_empty());
    let retries = Asked {
        retries: Some(1),
        ..Asked::default()
    };
    let again = tested(ONE, retries).await;
    assert!(again.has_passed());
    assert_eq!((again.runs.len(), again.retried.len()), (1, 1));
    let repeated = "{name: One, repeat: 4, k_of_k: 2, turns: [{say: one, expect: first}]}";
    let some = tested(repeated, Asked::default()).await;
    assert_eq!(
        (some.tally.passed, some.tally.runs, some.has_passed()),
        (2, 4, true)
    );
    let repeat = Asked {
        repeat: Some(4),
        ..Asked::default()
    };
    assert!(!tested(repeated, repeat).await.has_passed());
}

#[tokio::test(start_paused = true)]
async fn what_is_said_is_perturbed_the_same_way_for_the_same_seed() {
    let said = async |seed| {
        let made = echo();
        let asked = Asked {
            perturb: vec![Perturbation::Typos, Perturbation::Double],
            seed: Some(seed),
            ..Asked::default()
        };
        let text = "{name: One, turns: [{say: where is my order}]}";
        test(
            &made.platform(),
            cases(text),
            &asked,
            &CancellationToken::new(),
            |_| {},
        )
        .await;
        let texts = made
            .bodies("POST interactions")
            .into_iter()
            .map(|body| body["text"].clone());
        texts.collect::<Vec<_>>()
    };
    let first = said(1).await;
    assert_eq!(first.len(), 2);
    assert_ne!(first[0], "where is my order");
    assert_eq!(first, said(1).await);
    assert_ne!(first, said(2).await);
}

#[tokio::test(start_paused = true)]
async fn made_up_dialogues_find_the_shortest_one_in_which_the_bot_fails() {
    // It is silent when a refund is cancelled.
    let made = Made::up(|memory, text| {
        let is_lost = text == "cancel" && memory.said.iter().any(|said| said == "refund");
        if is_lost {
            vec![]
        } else {
            vec![(5, format!("{} more answers to {text}", memory.said.len()))]
        }
    });
    let asked = FuzzAsked {
        dialogues: 60,
        sentences: ["hello", "refund", "cancel", "thanks"].map(String::from).to_vec(),
        seed: 3,
        parallel: NonZeroUsize::new(20).unwrap(),
        bot: None,
    };
    let fuzzed = fuzz(
        &made.platform(),
        &asked,
        &CancellationToken::new(),
        &mut None,
        |_| {},
    )
    .await;
    // The same finding of many dialogues is told once.
    assert!(fuzzed.failed > 1);
    let [found] = &*fuzzed.found else {
        panic!("{:#?}", fuzzed.found);
    };
    assert_eq!(found.messages, ["refund", "cancel"]);
    assert_eq!(found.finding.fault, Fault::Silent);
    assert!(made.states().iter().all(|state| state == "closed"));
}

#[tokio::test(start_paused = true)]
async fn made_up_dialogues_that_cannot_be_begun_are_no_good_sign() {
    let asked = FuzzAsked {
        dialogues: 200,
        sentences: vec!["hello".into()],
        seed: 0,
        parallel: NonZeroUsize::new(4).unwrap(),
        bot: None,
    };
    let dead: fn() -> Reply = || Reply::fail(FailureKind::NotConnected);
    let strange: fn() -> Reply = || Reply::answer(401, "");
    for (reply, cause) in [(dead, "can't be reached"), (strange, "answers 401")] {
        let made = Made::with_trouble(|_, _| vec![], move |_, _| Some(reply()));
        let stop = CancellationToken::new();
        let fuzzed = fuzz(&made.platform(), &asked, &stop, &mut None, |_| {}).await;
        assert!(!fuzzed.is_well());
        let broken = fuzzed.broken.unwrap();
        assert!(broken.contains(cause), "{broken}");
        assert_eq!(fuzzed.dialogues, 0);
    }
}

#[tokio::test(start_paused = true)]
async fn answers_that_cannot_be_read_any_more_are_a_finding() {
    let made = Made::with_trouble(
        |_, _| vec![],
        |method, path| (method == "GET" && path.ends_with("/interactions")).then(|| Reply::answer(403, "")),
    );
    let asked = FuzzAsked {
        dialogues: 1,
        sentences: vec!["hello".into()],
        seed: 0,
        parallel: NonZeroUsize::MIN,
        bot: None,
    };
    let stop = CancellationToken::new();
    let fuzzed = fuzz(&made.platform(), &asked, &stop, &mut None, |_| {}).await;
    let finding = &fuzzed.found[0].finding;
    assert_eq!(finding.fault, Fault::Broken);
    assert!(
        finding.told.contains("the answers can't be read"),
        "{}",
        finding.told
    );
}

/// A platform that makes conversations, but whose answer to that is lost.
fn forgetful(lose: impl Fn(u32) -> Option<Reply> + Send + 'static) -> Arc<Made> {
    let asked = AtomicU32::new(0);
    Made::with_lost_answers(
        |_, text| vec![(30, format!("the first answer to {text}"))],
        move |method, path| {
            let is_create = method == "POST" && path.ends_with("/conversations");
            is_create
                .then(|| lose(asked.fetch_add(1, Ordering::Relaxed)))
                .flatten()
        },
    )
}

#[tokio::test(start_paused = true)]
async fn a_conversation_whose_creation_is_never_answered_is_closed() {
    let made = forgetful(|_| Some(Reply::answer(504, "")));
    let outcome = once(ONE, &made.platform()).await;
    let broken = outcome.report.broken.unwrap();
    assert!(broken.contains("it may have been made all the same"), "{broken}");
    assert!(outcome.report.is_closed);
    assert_eq!(made.states(), ["closed"]);

    // Where it can't be found, nobody says that it is closed.
    let nowhere = Made::with_trouble(
        |_, _| vec![],
        |method, path| (method == "POST" && path.ends_with("/conversations")).then(|| Reply::answer(504, "")),
    );
    let outcome = once(ONE, &nowhere.platform()).await;
    assert!(!outcome.report.is_closed);
    assert!(
        outcome.report.notes[0].contains("whether it was made is not known"),
        "{:?}",
        outcome.report.notes
    );
}

#[tokio::test(start_paused = true)]
async fn a_conversation_that_an_attempt_made_whose_answer_was_lost_is_gone_on_with() {
    // A platform without idempotency keys: it says that there is one.
    let made = forgetful(|asked| match asked {
        0 => Some(Reply::fail(FailureKind::Broken)),
        _ => Some(Reply::answer(409, r#"{"message": "there is one"}"#)),
    });
    let outcome = once(ONE, &made.platform()).await;
    assert_eq!(
        (outcome.report.verdict, told(&outcome)),
        (Verdict::Passed, vec![])
    );
    assert_eq!(made.states(), ["closed"]);
}

#[tokio::test(start_paused = true)]
async fn ctrl_c_while_a_conversation_is_being_made_closes_it_when_it_is_there() {
    let made = Made::up(|_, _| vec![]);
    made.creates_after(Duration::from_secs(4));
    let stop = CancellationToken::new();
    let scenario = Arc::new(parse(ONE).unwrap().remove(0));
    let platform = made.platform();
    let (outcome, ()) = tokio::join!(run(scenario, Perturber::none(), &platform, &stop), async {
        tokio::time::sleep(Duration::from_secs(1)).await;
        stop.cancel();
    });
    assert_eq!(outcome.report.broken_by, Some(Break::Interrupted));
    assert!(outcome.report.is_closed);
    assert_eq!(made.states(), ["closed"]);

    let opening = Opening::default();
    let talk = Talk::open(&platform, &opening, tokio::time::sleep(Duration::from_secs(1)));
    assert!(talk.await.unwrap().is_none());
    assert_eq!(made.states(), ["closed", "closed"]);
}

#[tokio::test(start_paused = true)]
async fn closing_on_a_platform_that_is_busy_for_ever_has_an_end() {
    let made = Made::with_trouble(
        |_, _| vec![],
        |method, _| (method == "PUT").then(|| Reply::answer(429, "").with_header("retry-after", "1")),
    );
    let talk = opened(&made.platform(), "{}").await.unwrap();
    let began = tokio::time::Instant::now();
    let error = talk.close().await.err().unwrap();
    assert!(matches!(error, TalkError::NotClosed(_)), "{error}");
    assert!(began.elapsed() <= flow::scenario::CLOSING + Duration::from_secs(1));
}

#[tokio::test(start_paused = true)]
async fn a_message_whose_answer_is_lost_on_a_busy_platform_is_said_once() {
    let asked = AtomicU32::new(0);
    let made = Made::with_lost_answers(
        |_, text| vec![(30, format!("the first answer to {text}"))],
        move |method, path| {
            let is_message = method == "POST" && path.ends_with("/interactions");
            match is_message.then(|| asked.fetch_add(1, Ordering::Relaxed)) {
                Some(0) => Some(Reply::fail(FailureKind::Broken)),
                // Until the client gives up, and is asked again.
                Some(1..=12) => Some(Reply::answer(429, "").with_header("retry-after", "2")),
                _ => None,
            }
        },
    );
    let outcome = once(ONE, &made.platform()).await;
    assert_eq!(
        (outcome.report.verdict, told(&outcome)),
        (Verdict::Passed, vec![])
    );
    assert_eq!(made.said(), ["one"]);
}

#[tokio::test(start_paused = true)]
async fn the_time_of_a_busy_platform_is_no_answer_time_of_the_bot() {
    let asked = AtomicU32::new(0);
    let made = Made::with_trouble(
        |_, _| vec![(30, "first".into())],
        move |method, path| {
            let is_message = method == "POST" && path.ends_with("/interactions");
            (is_message && asked.fetch_add(1, Ordering::Relaxed) < 12)
                .then(|| Reply::answer(429, "").with_header("retry-after", "2"))
        },
    );
    let text = "{name: One, slo: {p95_turn_ms: 500}, turns: [{say: one, expect: {contains: first, within_ms: 500}}]}";
    let outcome = once(text, &made.platform()).await;
    assert_eq!(
        (outcome.report.verdict, told(&outcome)),
        (Verdict::Passed, vec![])
    );
    assert!(outcome.report.took_ms > 24_000);
}

#[tokio::test(start_paused = true)]
async fn a_bot_that_closes_the_conversation_has_not_failed_and_a_platform_that_refuses_has() {
    let fuzzed = async |refusal: &'static str| {
        let said = AtomicU32::new(0);
        let made = Made::with_trouble(
            |memory, text| vec![(5, format!("{} more answers to {text}", memory.said.len()))],
            move |method, path| {
                let is_message = method == "POST" && path.ends_with("/interactions");
                (is_message && said.fetch_add(1, Ordering::Relaxed) > 0)
                    .then(|| Reply::answer(400, json!({"message": refusal}).to_string()))
            },
        );
        let asked = FuzzAsked {
            dialogues: 3,
            sentences: vec!["hello".into()],
            seed: 1,
            parallel: NonZeroUsize::MIN,
            bot: None,
        };
        fuzz(
            &made.platform(),
            &asked,
            &CancellationToken::new(),
            &mut None,
            |_| {},
        )
        .await
    };
    let closed = fuzzed("Invalid state transition from closed to active").await;
    assert_eq!((closed.dialogues, closed.failed), (3, 0));
    let refused = fuzzed("text must not be so").await;
    assert!(refused.failed > 0);
    assert_eq!(refused.found[0].finding.fault, Fault::Broken);
}
