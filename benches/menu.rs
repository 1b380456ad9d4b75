//! How many steps a second the menu's machine takes, beside the least that could do the same work.
//!
//! `cargo bench -p trunkline --bench menu`
//!
//! A step is one input with its actions. The work is a whole call of the demo menu: answer, profile, prompts, a wrong key,
//! a menu again, a choice, a confirmation, a transfer. The floor is a hand-written `match` that emits the same commands
//! without conditions, retries, audit or a file behind it.

#![allow(clippy::expect_used, clippy::panic)]

use flow::{
    Moment,
    menu::{
        self, CallFacts, KnownPrompts, Menu, Session,
        session::{Action, Input, PlayId, ProfileAnswer},
    },
};
use std::{
    hint::black_box,
    sync::Arc,
    time::{Duration, Instant},
};
use wire::callcontrol::FinishReason;

const MENU: &str = include_str!("../demo/menu.toml");
const TIME: Duration = Duration::from_secs(3);

fn main() {
    let menu = Arc::new(menu::parse(MENU, KnownPrompts::Any).expect("the demo menu has no faults"));
    let ours = rate("menu machine", || one_call(&menu));
    let floor = rate("hand-written match", one_call_by_hand);
    println!(
        "ratio: {:.3} of the hand-written match's steps a second",
        ours / floor
    );
}

/// Repeats whole calls for a while; gives steps per second.
fn rate(name: &str, mut call: impl FnMut() -> u64) -> f64 {
    let started = Instant::now();
    let (mut steps, mut calls) = (0, 0u64);
    while started.elapsed() < TIME {
        steps += call();
        calls += 1;
    }
    let per_second = steps as f64 / started.elapsed().as_secs_f64();
    println!(
        "{name}: {per_second:.0} steps/s ({calls} calls of {} steps)",
        steps / calls
    );
    per_second
}

fn one_call(menu: &Arc<Menu>) -> u64 {
    let facts = CallFacts {
        ani: "+15550100".parse().expect("a number"),
        dnis: "+18005550100".parse().expect("a number"),
        external_id: Some("CRM-1".parse().expect("an id")),
    };
    let mut session = Session::new(menu.clone(), facts);
    let mut now = Moment::START;
    let mut steps = 0;
    let mut plays: Vec<PlayId> = Vec::new();
    let mut feed = |session: &mut Session, now: Moment, input: Input, plays: &mut Vec<PlayId>| {
        steps += 1;
        for action in session.handle(now, input) {
            match action {
                Action::Play { play, .. } => plays.push(play),
                Action::Stop => plays.clear(),
                other => drop(black_box(other)),
            }
        }
    };
    feed(&mut session, now, Input::Answered, &mut plays);
    feed(
        &mut session,
        now,
        Input::Profile(ProfileAnswer::NotFound),
        &mut plays,
    );
    for key in ["7", "1"] {
        for (at, play) in std::mem::take(&mut plays).into_iter().enumerate() {
            now = now + Duration::from_millis(20);
            let reason = if at == 0 {
                FinishReason::Completed
            } else {
                FinishReason::Interrupted
            };
            feed(&mut session, now, Input::PlaybackStarted(play), &mut plays);
            feed(
                &mut session,
                now,
                Input::PlaybackFinished(play, reason),
                &mut plays,
            );
        }
        feed(
            &mut session,
            now,
            Input::Digit(key.parse().expect("a key")),
            &mut plays,
        );
    }
    for play in std::mem::take(&mut plays) {
        feed(
            &mut session,
            now,
            Input::PlaybackFinished(play, FinishReason::Completed),
            &mut plays,
        );
    }
    feed(&mut session, now, Input::Transferred, &mut plays);
    assert!(
        session.is_done(),
        "the call of the benchmark must come to its end"
    );
    steps
}

/// The same call by hand: a state, a `match`, strings for commands.
fn one_call_by_hand() -> u64 {
    #[derive(Clone, Copy)]
    enum State {
        Ringing,
        Menu,
        Confirming,
        Gone,
    }
    let mut state = State::Ringing;
    let mut steps = 0;
    let mut feed = |input: &str| {
        steps += 1;
        let (next, commands): (State, Vec<String>) = match (state, black_box(input)) {
            (State::Ringing, "answered") => (
                State::Menu,
                ["general_welcome", "general_support", "option_hours"]
                    .map(|prompt| format!("play {prompt}"))
                    .into(),
            ),
            (State::Menu, "1") => (State::Confirming, vec!["play selection_confirmed".to_owned()]),
            (State::Menu, "7") => (
                State::Menu,
                vec![
                    "stop".into(),
                    "play invalid".into(),
                    "play general_welcome".into(),
                ],
            ),
            (State::Confirming, "finished") => (State::Gone, vec!["transfer ext:support".to_owned()]),
            (state, _) => (state, Vec::new()),
        };
        state = next;
        drop(black_box(commands));
    };
    feed("answered");
    for _ in 0..12 {
        feed("finished");
    }
    feed("7");
    for _ in 0..14 {
        feed("finished");
    }
    feed("1");
    feed("finished");
    steps
}
