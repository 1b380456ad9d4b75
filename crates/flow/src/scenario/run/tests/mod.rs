//! Runs against bots that misbehave in every known way, on a virtual clock.

mod bot;
mod properties;

use super::*;
use crate::scenario::{Heard, parse};
use bot::{Bot, Says};
use serde_json::Value;
use std::time::Duration;
use wire::conversation::State;

fn at(ms: u64) -> Moment {
    Moment::at(Duration::from_millis(ms))
}

fn scenario(text: &str) -> Scenario {
    parse(text)
        .unwrap_or_else(|faults| panic!("{faults:?}"))
        .remove(0)
}

fn report(text: &str, bot: Bot) -> RunReport {
    bot.run(scenario(text))
}

fn refused(reason: &str) -> Input {
    Input::Refused(Refusal {
        kind: RefusalKind::NotDone,
        reason: reason.into(),
    })
}

/// The misses of all turns, in a line each.
fn told(report: &RunReport) -> Vec<String> {
    let misses = report.turns.iter().flat_map(|turn| &turn.misses);
    misses
        .map(|miss| format!("{} | {}", miss.expected, miss.got))
        .collect()
}

const TWO: &str = "
name: Two questions
turns:
  - say: one
    expect: first
  - say: two
    expect: second
";

fn well() -> Bot {
    Bot::default()
        .on("one", Says::after(40).text("the first answer"))
        .on("two", Says::after(60).text("the second answer"))
}

#[test]
fn a_bot_that_answers_as_expected_passes_and_the_conversation_is_closed() {
    let report = report(TWO, well());
    assert_eq!(report.verdict, Verdict::Passed);
    assert!(report.is_closed);
    assert_eq!(report.first_answer_ms, Some(40));
    assert_eq!(report.response_times().collect::<Vec<_>>(), [40, 60]);
    // Two answers and two short windows, no fixed waits.
    assert!(report.took_ms < 500, "{}", report.took_ms);
}

#[test]
fn an_answer_that_comes_late_is_told_and_is_not_taken_for_the_answer_to_the_next_message() {
    let bot = Bot::default()
        .on("one", Says::after(11_000).text("the first answer"))
        .on("two", Says::after(2_000).text("the second answer"));
    let report = report(TWO, bot);
    assert_eq!(told(&report), ["an answer that contains \"first\" | no answer"]);
    assert_eq!(report.turns[1].verdict, Verdict::Passed);
    assert_eq!(
        report.turns[0].notes,
        ["an answer came 11000 ms after the message, when the turn was over already: the first answer"]
    );
    assert!(report.turns[0].answers[0].is_late);
}

#[test]
fn the_same_answer_twice_is_one_answer() {
    let text = "{name: Once, turns: [{say: one, expect: [first, {answers: 1}]}]}";
    let bot = Bot::default().on("one", Says::after(40).text("the first answer").twice());
    let report = report(text, bot);
    assert_eq!((report.verdict, told(&report)), (Verdict::Passed, vec![]));
    assert_eq!(report.turns[0].notes, ["the answer b-1 came twice"]);
}

#[test]
fn several_answers_out_of_order_are_matched_by_their_sequence_and_in_groups_by_any_order() {
    let bot = || {
        Bot::default()
            .on("one", Says::after(90).text("first").place(2))
            .on("one", Says::after(30).text("second").place(3))
            .on("one", Says::after(150).text("third").place(4))
    };
    let in_order = "{name: In order, turns: [{say: one, expect: [first, second, third]}]}";
    assert_eq!(told(&report(in_order, bot())), Vec::<String>::new());
    let any_order = "{name: Any order, turns: [{say: one, expect: [{any_order: [third, first, second]}]}]}";
    assert_eq!(told(&report(any_order, bot())), Vec::<String>::new());
    let wrong = "{name: Wrong, turns: [{say: one, expect: [second, first]}]}";
    assert_eq!(
        told(&report(wrong, bot())),
        [
            "an answer that contains \"first\" | \"first\", which stands for another expectation or in another place"
        ]
    );
}

#[test]
fn a_bot_that_never_answers_fails_each_turn_and_the_teardown_and_the_close_happen() {
    let text = "
name: Silence
patience_s: 2
turns: [{say: one}, {say: two}]
teardown: [{close: true}]
";
    let report = report(text, Bot::default());
    assert_eq!(
        told(&report),
        ["at least 1 answer | no answer", "at least 1 answer | no answer"]
    );
    assert_eq!(report.turns[2].verdict, Verdict::Passed);
    assert!(report.is_closed);
    assert_eq!(report.took_ms / 1000, 4);
}

#[test]
fn silence_is_passed_when_it_is_what_is_expected_and_soon() {
    let text = "{name: Silence, turns: [{say: one, expect: {answers: 0}}]}";
    let silent = report(text, Bot::default());
    assert_eq!((silent.verdict, silent.took_ms), (Verdict::Passed, 300));
    let talks = report(text, well());
    assert_eq!(told(&talks), ["no answer | \"the first answer\""]);
}

#[test]
fn garbage_is_a_failure_with_what_came() {
    let mut run = Run::new(Arc::new(scenario(TWO)), Perturber::none());
    run.handle(at(0), Input::Start);
    run.handle(at(0), Input::Created);
    run.handle(
        at(5),
        Input::Posted {
            id: "m".into(),
            sequence: 1,
            held_up: Duration::ZERO,
        },
    );
    run.handle(at(9), Input::Garbage("<html>busy</html>".into()));
    let turn = &run.turns()[0];
    assert_eq!(turn.verdict, Verdict::Failed);
    assert_eq!(turn.misses[0].got, "<html>busy</html>");
}

#[test]
fn an_answer_that_is_heard_before_its_message_is_known_to_be_taken_is_tied_to_it() {
    let mut run = Run::new(Arc::new(scenario(TWO)), Perturber::none());
    run.handle(at(0), Input::Start);
    run.handle(at(0), Input::Created);
    let answer = |in_reply_to: Option<&str>, sequence| Heard {
        id: format!("b-{sequence}"),
        sequence,
        in_reply_to: in_reply_to.map(String::from),
        text: "first".into(),
        ..Heard::default()
    };
    run.handle(at(3), Input::Heard(answer(Some("m-1"), 2)));
    run.handle(at(4), Input::Heard(answer(None, 3)));
    assert!(run.turns()[0].answers.is_empty());
    run.handle(
        at(5),
        Input::Posted {
            id: "m-1".into(),
            sequence: 1,
            held_up: Duration::ZERO,
        },
    );
    let came: Vec<u64> = run.turns()[0].answers.iter().map(|came| came.after_ms).collect();
    assert_eq!(came, [3, 4]);
}

#[test]
fn without_causes_answers_are_tied_by_sequence() {
    let bot = Bot::default()
        .on("one", Says::after(40).text("the first answer").without_cause())
        .on("two", Says::after(60).text("the second answer").without_cause());
    assert_eq!(report(TWO, bot).verdict, Verdict::Passed);
}

#[test]
fn an_answer_to_a_message_of_somebody_else_is_told_and_not_taken() {
    let bot = Bot::default().on("one", Says::after(40).text("the first answer").answering("m-77"));
    let report = report("{name: Stray, patience_s: 1, turns: [{say: one}]}", bot);
    assert_eq!(told(&report), ["at least 1 answer | no answer"]);
    assert!(report.turns[0].notes[0].starts_with("an answer to m-77, a message that this run did not send"));
}

#[test]
fn a_greeting_is_listened_to_by_a_turn_without_a_deed_and_is_an_opening_otherwise() {
    let greets = || well().greeting("welcome");
    let text = "{name: Greeting, turns: [{expect: welcome}, {say: one, expect: [first, {answers: 1}]}]}";
    assert_eq!(report(text, greets()).verdict, Verdict::Passed);
    let unasked = report(TWO, greets());
    assert_eq!((unasked.verdict, unasked.opening.len()), (Verdict::Passed, 1));
}

#[test]
fn waiting_takes_no_time_on_a_virtual_clock_and_does_not_use_up_the_deadline() {
    let text = "
name: Idle
deadline_s: 5
turns:
  - say: one
  - wait: 10m
    expect: are you still there
  - say: two
    expect: second
";
    let report = report(text, well().when_idle("are you still there?"));
    assert_eq!(told(&report), Vec::<String>::new());
    assert_eq!(report.turns[1].deed, "wait 10m");
}

#[test]
fn the_deadline_ends_a_run_whose_bot_never_ends() {
    let chatter = (0..400).fold(Bot::default(), |bot, n| {
        bot.on("one", Says::after(500 * n).text("and another thing"))
    });
    let text = "{name: Endless, deadline_s: 20, turns: [{say: one, expect: [{answers: 400}]}, {say: two}]}";
    let report = report(text, chatter);
    assert_eq!(report.broken.as_deref(), Some("the deadline of 20 s passed"));
    assert_eq!(report.turns[1].verdict, Verdict::Skipped);
    assert!(report.is_closed && report.took_ms == 20_000);
    assert!(told(&report)[0].starts_with("exactly 400 answers | "));
}

#[test]
fn buttons_are_pressed_by_their_labels() {
    let text = "
name: Buttons
turns:
  - say: one
    expect: { contains: sure, buttons: ['Yes', 'No'] }
  - press: 'yes'
    expect: done
  - press: Maybe
";
    let bot = Bot::default()
        .on(
            "one",
            Says::after(10)
                .text("Are you sure?")
                .buttons(&[("Yes", "yes-1"), ("No", "no-1")]),
        )
        .on("yes-1", Says::after(10).text("done"));
    let report = report(text, bot);
    assert_eq!(
        told(&report),
        ["a button \"Maybe\" to press | the buttons Yes, No"]
    );
    assert_eq!(report.turns[1].sent[0].text, "yes-1");
}

#[test]
fn what_is_captured_is_used_later() {
    let text = "
name: Captured
vars: { who: Ann }
turns:
  - say: I am {{who}}
    expect: [{ capture: { order: 'number is (\\S+)\\.' } }, { capture: { city: { slot: city } } }]
  - say: '{{order}} to {{city}}'
    expect: 'A-17'
";
    let bot = Bot::default()
        .on("I am Ann", Says::after(5).text("Your number is A-17."))
        .on("A-17 to Ulm", Says::after(5).text("A-17 it is"))
        .with_context(serde_json::json!({"botSession": {"slots": {"city": "Ulm"}}}));
    let report = report(text, bot);
    assert_eq!(told(&report), Vec::<String>::new());
}

#[test]
fn an_answer_that_something_is_kept_of_is_waited_for() {
    let text =
        "{name: Kept, turns: [{say: one, expect: {capture: {order: 'number (\\S+)'}}}, {say: '{{order}}'}]}";
    let bot = Bot::default()
        .on("one", Says::after(5).text("Let me see."))
        .on("one", Says::after(600).text("It is number A-17"))
        .on("A-17", Says::after(5).text("yes"));
    assert_eq!(told(&report(text, bot)), Vec::<String>::new());
}

#[test]
fn the_conversation_is_looked_at_again_until_it_is_as_expected() {
    let text = "{name: State, turns: [{say: one, expect: [first, {resolved: true}, {state: active}]}]}";
    let soon = report(text, well().resolved_after(400));
    assert_eq!(told(&soon), Vec::<String>::new());
    assert!(soon.resolved && soon.took_ms < 700, "{}", soon.took_ms);
    let never = report(text, well());
    assert_eq!(told(&never), ["resolved | not resolved"]);
}

#[test]
fn a_message_that_is_refused_breaks_the_run_but_not_its_end() {
    let text =
        "{name: Closed, turns: [{close: true}, {say: one}, {say: two}], teardown: [{set_context: {a: 1}}]}";
    let report = report(text, well());
    assert!(told(&report)[0].starts_with("the message to be taken | Invalid state transition"));
    let verdicts: Vec<Verdict> = report.turns.iter().map(|turn| turn.verdict).collect();
    assert_eq!(
        verdicts,
        [
            Verdict::Passed,
            Verdict::Failed,
            Verdict::Skipped,
            Verdict::Passed
        ]
    );
    assert!(report.is_closed);
}

#[test]
fn when_the_setup_fails_the_conversation_is_left_out_and_the_teardown_is_not() {
    let text = "
name: Setup
setup: [{say: one, expect: something else}]
turns: [{say: two}]
teardown: [{say: two, expect: second}]
";
    let report = report(text, well());
    let verdicts: Vec<Verdict> = report.turns.iter().map(|turn| turn.verdict).collect();
    assert_eq!(verdicts, [Verdict::Failed, Verdict::Skipped, Verdict::Passed]);
}

#[test]
fn a_conversation_that_cannot_be_made_is_a_failure_with_the_reason() {
    let mut run = Run::new(Arc::new(scenario(TWO)), Perturber::none());
    run.handle(at(0), Input::Start);
    assert_eq!(run.handle(at(9), refused("no such bot")), []);
    let report = run.report().unwrap();
    assert_eq!(
        report.broken.as_deref(),
        Some("the conversation can't be made: no such bot")
    );
    assert_eq!(report.turns.len(), 2);
}

#[test]
fn whoever_stops_a_run_gets_a_closed_conversation() {
    let mut run = Run::new(Arc::new(scenario(TWO)), Perturber::none());
    run.handle(at(0), Input::Start);
    run.handle(at(1), Input::Created);
    assert_eq!(
        run.handle(at(2), Input::Stop(Break::Interrupted, "interrupted".into())),
        [Action::Close]
    );
    assert_eq!(
        run.handle(at(3), Input::Stop(Break::Interrupted, "interrupted".into())),
        []
    );
    // Closing itself is bounded.
    assert_eq!(run.deadline(), at(2) + CLOSING);
    run.handle(run.deadline(), Input::Tick);
    let report = run.report().unwrap();
    assert!(!report.is_closed);
    assert_eq!(report.turns[0].misses[1].got, "interrupted");
}

#[test]
fn double_messages_are_sent_at_once_and_their_answers_belong_to_the_turn() {
    let run = well().run_with(
        scenario(TWO),
        Perturber::new(vec![crate::scenario::Perturbation::Double], 1),
    );
    assert_eq!(run.turns[0].sent.len(), 2);
    assert_eq!(run.turns[0].answers.len(), 2);
    assert_eq!(run.verdict, Verdict::Passed);
}

#[test]
fn time_that_the_platform_had_a_message_wait_is_no_answer_time_of_the_bot() {
    let mut run = Run::new(Arc::new(scenario(TWO)), Perturber::none());
    run.handle(at(0), Input::Start);
    run.handle(at(0), Input::Created);
    let posted = Input::Posted {
        id: "m-1".into(),
        sequence: 1,
        held_up: Duration::from_millis(4_000),
    };
    run.handle(at(4_010), posted);
    let answer = Heard {
        id: "b-1".into(),
        sequence: 2,
        in_reply_to: Some("m-1".into()),
        text: "first".into(),
        ..Heard::default()
    };
    run.handle(at(4_050), Input::Heard(answer));
    let turn = &run.turns()[0];
    assert_eq!((turn.sent[0].at_ms, turn.response_ms), (4_000, Some(50)));
}

#[test]
fn a_conversation_that_may_have_been_made_is_closed() {
    let mut run = Run::new(Arc::new(scenario(TWO)), Perturber::none());
    run.handle(at(0), Input::Start);
    let unsure = Input::Refused(Refusal {
        kind: RefusalKind::Unsure,
        reason: "no answer".into(),
    });
    assert_eq!(run.handle(at(9), unsure), [Action::Close]);
    assert_eq!(run.handle(at(10), refused("nobody knows")), []);
    let report = run.report().unwrap();
    assert_eq!(
        (report.is_closed, report.broken_by),
        (false, Some(Break::NotMade))
    );
}

#[test]
fn a_conversation_that_is_being_made_when_the_run_is_stopped_is_let_come_and_is_closed() {
    let stopped = || {
        let mut run = Run::new(Arc::new(scenario(TWO)), Perturber::none());
        run.handle(at(0), Input::Start);
        let stop = Input::Stop(Break::Interrupted, "interrupted".into());
        assert_eq!(run.handle(at(5), stop), []);
        run
    };
    let mut comes = stopped();
    assert_eq!(comes.handle(at(900), Input::Created), [Action::Close]);
    comes.handle(at(901), Input::Done);
    let report = comes.report().unwrap();
    assert_eq!(
        (report.is_closed, report.broken_by),
        (true, Some(Break::Interrupted))
    );

    let mut refuses = stopped();
    assert_eq!(refuses.handle(at(900), refused("no such bot")), []);
    assert!(refuses.report().unwrap().is_closed);

    let mut hangs = stopped();
    assert_eq!(hangs.deadline(), at(5) + MAKING);
    assert_eq!(hangs.handle(hangs.deadline(), Input::Tick), [Action::Close]);
}

const CALM: &str = "
name: Calm
turns:
  - say: one
  - say: one
  - say: one
  - say: one
";

#[test]
fn a_bot_that_was_calm_so_far_is_watched_for_what_must_not_come() {
    let bot = || {
        Bot::default()
            .on("one", Says::after(5).text("the first answer"))
            .on("five", Says::after(10).text("ok"))
            .on("five", Says::after(60).text("sorry"))
    };
    for (expect, missed) in [
        ("{not: sorry}", "no answer that contains \"sorry\" | \"sorry\""),
        ("{answers: 1}", "exactly 1 answer | \"ok\", \"sorry\""),
    ] {
        let text = format!("{CALM}  - say: five\n    expect: [ok, {expect}]\n");
        let report = report(&text, bot());
        assert_eq!(told(&report), [missed]);
        assert!(report.took_ms < 1_000, "{}", report.took_ms);
    }
}

#[test]
fn what_must_not_come_must_not_come_late_either() {
    let bot = || {
        Bot::default()
            .on("one", Says::after(5).text("the first answer"))
            .on("one", Says::after(900).text("sorry"))
            .on("two", Says::after(1_500).text("the second answer"))
    };
    let scenario = |expect: &str| {
        format!(
            "{{name: Late, turns: [{{say: one, expect: [first, {expect}]}}, {{say: two, expect: second}}]}}"
        )
    };
    let never = report(&scenario("{not: sorry}"), bot());
    assert_eq!(told(&never), ["no answer that contains \"sorry\" | \"sorry\""]);
    let verdicts: Vec<Verdict> = never.turns.iter().map(|turn| turn.verdict).collect();
    assert_eq!(
        (verdicts, never.verdict),
        (vec![Verdict::Failed, Verdict::Passed], Verdict::Failed)
    );
    let too_many = report(&scenario("{answers: 1}"), bot());
    assert_eq!(
        told(&too_many),
        ["exactly 1 answer | \"the first answer\", \"sorry\""]
    );
    // More may come where nobody minds.
    assert_eq!(
        report(&scenario("{answers: 1..2}"), bot()).verdict,
        Verdict::Passed
    );
}

#[test]
fn what_came_while_the_last_turn_was_judged_is_read_before_the_conversation_is_closed() {
    let text = "{name: Last, turns: [{say: one, expect: [first, {not: sorry}]}]}";
    let mut run = Run::new(Arc::new(scenario(text)), Perturber::none());
    run.handle(at(0), Input::Start);
    run.handle(at(0), Input::Created);
    let posted = Input::Posted {
        id: "m-1".into(),
        sequence: 1,
        held_up: Duration::ZERO,
    };
    run.handle(at(1), posted);
    let answer = |sequence, text: &str| {
        Input::Heard(Heard {
            id: format!("b-{sequence}"),
            sequence,
            in_reply_to: Some("m-1".into()),
            text: text.into(),
            ..Heard::default()
        })
    };
    run.handle(at(5), answer(2, "the first answer"));
    assert_eq!(run.handle(run.deadline(), Input::Tick), [Action::Hear]);
    assert!(run.deadline() < at(10_000), "it is bounded");
    assert_eq!(run.handle(at(300), answer(3, "sorry")), []);
    assert_eq!(run.handle(at(301), Input::Done), [Action::Close]);
    run.handle(at(302), Input::Done);
    let report = run.report().unwrap();
    assert_eq!(told(report), ["no answer that contains \"sorry\" | \"sorry\""]);
    assert_eq!(report.verdict, Verdict::Failed);
}

#[test]
fn a_run_that_looks_knows_how_the_conversation_stood_after_each_turn() {
    let mut run = Run::new(Arc::new(scenario(TWO)), Perturber::none()).looking();
    run.handle(at(0), Input::Start);
    run.handle(at(0), Input::Created);
    let posted = Input::Posted {
        id: "m-1".into(),
        sequence: 1,
        held_up: Duration::ZERO,
    };
    run.handle(at(1), posted);
    let answer = Heard {
        id: "b-2".into(),
        sequence: 2,
        in_reply_to: Some("m-1".into()),
        text: "first".into(),
        ..Heard::default()
    };
    run.handle(at(5), Input::Heard(answer));
    assert_eq!(run.handle(run.deadline(), Input::Tick), [Action::Look]);
    assert!(run.judged().is_empty());
    let view = View {
        state: State::Pending,
        resolved: true,
        escalated: false,
        context_bytes: 17,
        context: Value::Null,
    };
    let standing = view.standing();
    assert_eq!(
        run.handle(at(300), Input::Viewed(view)),
        [Action::Post("two".into())]
    );
    assert_eq!(run.judged()[0].standing, Some(standing));
    // One that can't be seen fails nothing that did not ask.
    run.handle(
        at(301),
        Input::Posted {
            id: "m-3".into(),
            sequence: 3,
            held_up: Duration::ZERO,
        },
    );
    let answer = Heard {
        id: "b-4".into(),
        sequence: 4,
        in_reply_to: Some("m-3".into()),
        text: "second".into(),
        ..Heard::default()
    };
    run.handle(at(305), Input::Heard(answer));
    run.handle(run.deadline(), Input::Tick);
    assert_eq!(run.handle(at(600), refused("busy")), [Action::Close]);
    assert_eq!(
        (run.judged()[1].verdict, run.judged()[1].standing),
        (Verdict::Passed, None)
    );
}
