//! Whatever a bot does, a run ends, in time, with its conversation closed, and no answer stands at a message that it does not answer.

use super::*;
use proptest::prelude::*;

fn says() -> impl Strategy<Value = (usize, u64, bool, bool)> {
    (0usize..4, 0u64..15_000, any::<bool>(), any::<bool>())
}

proptest! {
    #[test]
    fn runs_end_in_time_and_answers_stand_where_they_belong(
        answers in proptest::collection::vec(says(), 0..12), patience in 1u64..12
    ) {
        let messages = ["m-a", "m-b", "m-c", "m-d"];
        let bot = answers.iter().enumerate().fold(Bot::default(), |bot, (n, (message, after, twice, greet))| {
            let text = format!("to {} number {n}", messages[*message]);
            let says = Says::after(*after).text(&text);
            let bot = bot.on(messages[*message], if *twice { says.twice() } else { says });
            if *greet { bot.greeting("hello") } else { bot }
        });
        let turns: Vec<String> = messages.iter().map(|text| format!("  - {{ say: {text} }}")).collect();
        let text = format!("name: All\npatience_s: {patience}\ndeadline_s: 60\nturns:\n{}\n", turns.join("\n"));
        let report = report(&text, bot);
        prop_assert!(report.is_closed);
        prop_assert!(report.took_ms <= 70_000);
        prop_assert_eq!(report.turns.len(), 4);
        let mut seen = std::collections::BTreeSet::new();
        for (turn, message) in report.turns.iter().zip(messages) {
            for came in &turn.answers {
                prop_assert!(seen.insert(came.heard.id.clone()), "an answer stands twice");
                if came.heard.text != "hello" {
                    prop_assert!(came.heard.text.starts_with(&format!("to {message} ")), "{} at {message}", came.heard.text);
                }
            }
        }
    }

    #[test]
    fn no_order_of_inputs_makes_it_panic_or_wait_for_the_past(inputs in proptest::collection::vec((0u8..10, 0u64..3000), 0..60)) {
        let mut run = Run::new(Arc::new(scenario(TWO)), Perturber::none());
        let mut now = 0;
        for (n, (kind, step)) in inputs.into_iter().enumerate() {
            now += step;
            let heard = Heard { id: format!("b-{n}"), sequence: n as u64, text: "first".into(), ..Heard::default() };
            let input = match kind {
                0 => Input::Start,
                1 => Input::Created,
                2 => Input::Posted { id: format!("m-{n}"), sequence: n as u64, held_up: Duration::from_millis(step) },
                3 => Input::Done,
                4 => refused("no"),
                5 => Input::Heard(heard),
                6 => Input::Heard(Heard { in_reply_to: Some(format!("m-{}", n / 2)), ..heard }),
                7 => Input::Garbage("x".into()),
                8 if n > 50 => Input::Stop(Break::Interrupted, "enough".into()),
                _ => Input::Tick,
            };
            run.handle(at(now), input);
            if run.report().is_some() {
                prop_assert_eq!(run.deadline(), Moment::NEVER);
            }
        }
    }
}
