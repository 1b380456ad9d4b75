//! What holds for any text.

use super::*;
use proptest::prelude::*;

fn said() -> impl Strategy<Value = String> {
    let usual = prop::sample::select(vec![
        "where is my order",
        "AB-12345",
        "zz-00000",
        "yes",
        "no",
        "agent",
        "cancel",
        "repeat",
        "thanks",
        "refund",
        "hours",
        "not resolved",
        "this is useless",
        "",
        "blurb",
        "it is resolved",
    ]);
    prop_oneof![3 => usual.prop_map(str::to_owned), 1 => any::<String>(), 1 => "[a-z !?]{0,40}"]
}

#[derive(Debug, Clone)]
enum Event {
    Said(String),
    Silence,
    Called(u64),
}

fn events() -> impl Strategy<Value = Vec<Event>> {
    let event = prop_oneof![
        8 => said().prop_map(Event::Said),
        1 => Just(Event::Silence),
        1 => (0u64..4).prop_map(Event::Called),
    ];
    prop::collection::vec(event, 0..20)
}

fn run(bot: &Bot, seed: u64, events: &[Event]) -> (Dialogue, Vec<Vec<Act>>) {
    let (mut dialogue, acts) = Dialogue::begin(bot, seed);
    let mut all = vec![acts];
    for event in events {
        // Between two messages, a dialogue is a text.
        let kept = serde_json::to_string(&dialogue).unwrap();
        let restored: Dialogue = serde_json::from_str(&kept).unwrap();
        assert!(restored == dialogue);
        dialogue = restored;
        all.push(match event {
            Event::Said(text) => dialogue.hear(bot, text, &Value::Null),
            Event::Silence => dialogue.idle(bot),
            Event::Called(number) => dialogue.called(
                bot,
                CallOutcome {
                    number: *number,
                    answer: Some(json!({})),
                },
            ),
        });
    }
    (dialogue, all)
}

proptest! {
    #[test]
    fn the_same_seed_and_messages_give_the_same_answers(seed in any::<u64>(), events in events()) {
        let bot = demo();
        prop_assert!(run(&bot, seed, &events) == run(&bot, seed, &events));
    }

    #[test]
    fn whatever_is_said_answers_are_bounded_and_a_human_is_not_talked_over(seed in any::<u64>(), events in events()) {
        let bot = demo();
        let (_, turns) = run(&bot, seed, &events);
        let mut handed_over = false;
        for acts in turns {
            prop_assert!(!handed_over || acts.is_empty());
            prop_assert!(acts.len() <= 100);
            prop_assert!(acts.iter().filter_map(Act::said).all(|text| !text.is_empty() && text.chars().count() <= MAX_SAID));
            handed_over |= acts.iter().any(|act| matches!(act, Act::Escalate { .. }));
        }
    }

    #[test]
    fn every_message_is_answered_until_a_human_takes_over(seed in any::<u64>(), texts in prop::collection::vec(said(), 1..12)) {
        let bot = demo();
        let (mut dialogue, _) = Dialogue::begin(&bot, seed);
        for text in texts {
            let handed_over = dialogue.is_handed_over();
            let acts = dialogue.hear(&bot, &text, &Value::Null);
            prop_assert!(handed_over || acts.iter().any(|act| act.said().is_some()), "{text:?} was not answered");
        }
    }

    #[test]
    fn coverage_names_only_what_there_is(seed in any::<u64>(), texts in prop::collection::vec(said(), 1..6)) {
        let bot = demo();
        let items = bot.coverage_items();
        let (mut dialogue, _) = Dialogue::begin(&bot, seed);
        for text in texts {
            dialogue.hear(&bot, &text, &Value::Null);
            prop_assert!(dialogue.covered().iter().all(|item| items.contains(item)));
        }
    }
}

#[test]
#[expect(
    clippy::disallowed_methods,
    reason = "the time that it takes is what is tested"
)]
fn the_longest_message_costs_little() {
    let bot = demo();
    let (mut dialogue, _) = Dialogue::begin(&bot, 1);
    let texts = [
        "orderz ".repeat(1500),
        "a".repeat(10_000),
        "(((!!!AB-1234 ".repeat(714),
        "where is my order ".repeat(555),
        "é".repeat(10_000),
    ];
    for text in texts {
        let began = std::time::Instant::now();
        dialogue.hear(&bot, &text, &Value::Null);
        // Unoptimised, and beside other tests: a quadratic blow-up would take seconds.
        assert!(
            began.elapsed() < std::time::Duration::from_secs(1),
            "{:?}",
            began.elapsed()
        );
    }
}
