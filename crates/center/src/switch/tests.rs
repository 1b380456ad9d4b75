//! What the switch hands to the keeper, and what it holds while the keeper is slow.

use super::*;
use crate::keeping::Stage;
use audio::{Law, PreparedPrompt};
use wire::{callcontrol::Codec, calls::CallState};

fn prompt() -> (String, PreparedPrompt) {
    let sound = audio::Sound {
        rate: audio::TELEPHONY_RATE,
        samples: vec![0.0; 160],
    };
    ("prompt".into(), PreparedPrompt::new(&sound))
}

/// Lines whose keeper takes one update at a time.
fn lines() -> (Lines, mpsc::Receiver<Update>) {
    let house = House {
        recordings: PathBuf::from("/nowhere"),
        announcements: Announcements {
            apology: prompt(),
            operator: "ext:operator".parse().unwrap(),
            operator_greeting: prompt(),
            agent_greeting: prompt(),
        },
        sensitive: SensitivePrompts::default(),
        turns: Arc::default(),
    };
    let (keeper, updates) = mpsc::channel(1);
    let (messages, _) = sync_channel(1);
    (
        Lines::new(Recorder::start().unwrap(), house, keeper, messages),
        updates,
    )
}

fn place(lines: &mut Lines, id: &str, order: &str) -> oneshot::Receiver<Result<CallRecord, PlaceError>> {
    let facts = Facts {
        id: id.parse().unwrap(),
        ani: "+1555".parse().unwrap(),
        dnis: "+1800".parse().unwrap(),
        external_id: None,
        codec: Codec::Pcmu,
    };
    let placement = Placement {
        facts,
        caller: Caller::new(Law::Mu, []),
        record: false,
        placed: Placed {
            correlation: Some(order.parse().unwrap()),
            durable: None,
        },
        foreseen: Foreseen::default(),
        on_demand_for: None,
        flow: None,
    };
    let (reply, placed) = oneshot::channel();
    lines.message(Moment::START, Message::Place(Box::new(placement), reply));
    placed
}

fn end(lines: &mut Lines, id: &str) {
    let (reply, _) = oneshot::channel();
    let cause = HangupCause::Caller;
    let call = id.parse().unwrap();
    lines.message(Moment::START, Message::End { call, cause, reply });
}

/// The line's number, its state, and the order it was placed by.
fn next(updates: &mut mpsc::Receiver<Update>) -> (u64, CallState, bool, Option<String>) {
    let update = updates.try_recv().unwrap();
    let order = update.placed.and_then(|placed| placed.correlation);
    (
        update.serial,
        update.record.state,
        matches!(update.stage, Stage::Ended(_)),
        order.map(|order| order.to_string()),
    )
}

#[test]
fn a_slow_keeper_gets_the_latest_states_in_order_and_every_end() {
    let (mut lines, mut updates) = lines();
    let mut placed = place(&mut lines, "c", "order-1");
    assert!(placed.try_recv().unwrap().is_ok(), "nobody waits for the keeper");
    drop(place(&mut lines, "other", "order-2"));
    end(&mut lines, "c");
    end(&mut lines, "other");
    drop(place(&mut lines, "c", "order-3"));
    let order = |order: &str| Some(order.to_owned());

    assert_eq!(
        next(&mut updates),
        (0, CallState::Ringing, false, order("order-1"))
    );
    assert!(updates.try_recv().is_err(), "the queue holds one");
    lines.message(Moment::START, Message::Kept(vec![]));
    // It was placed and has ended meanwhile: that is one update.
    assert_eq!(next(&mut updates), (1, CallState::Ended, true, order("order-2")));
    lines.message(Moment::START, Message::Kept(vec![]));
    assert_eq!(next(&mut updates), (0, CallState::Ended, true, None));
    lines.message(Moment::START, Message::Kept(vec![1]));
    assert_eq!(
        next(&mut updates),
        (2, CallState::Ringing, false, order("order-3"))
    );
    lines.message(Moment::START, Message::Kept(vec![]));
    assert!(updates.try_recv().is_err(), "every end is told once");
}

#[test]
fn an_end_is_held_until_it_is_kept_and_only_then_told() {
    let (mut lines, mut updates) = lines();
    drop(place(&mut lines, "c", "order-1"));
    let (reply, mut waiting) = oneshot::channel();
    lines.message(Moment::START, Message::AwaitEnd("c".parse().unwrap(), reply));
    end(&mut lines, "c");
    lines.message(Moment::START, Message::Close(HangupCause::Shutdown));
    let _ = next(&mut updates);
    lines.message(Moment::START, Message::Kept(vec![]));
    assert_eq!(next(&mut updates), (0, CallState::Ended, true, None));

    assert!(waiting.try_recv().is_err() && !lines.is_done());
    let (reply, mut record) = oneshot::channel();
    lines.message(Moment::START, Message::Record("c".parse().unwrap(), reply));
    assert_eq!(record.try_recv().unwrap().unwrap().state, CallState::Ended);
    lines.message(Moment::START, Message::Kept(vec![0]));
    assert_eq!(waiting.try_recv().unwrap().cause, Some(HangupCause::Caller));
    assert!(lines.is_done() && lines.is_kept());
}

#[test]
fn without_a_keeper_a_switch_closes_and_says_what_is_missing() {
    let (mut lines, updates) = lines();
    drop(place(&mut lines, "c", "order-1"));
    lines.message(Moment::START, Message::Close(HangupCause::Shutdown));
    assert!(!lines.is_done());
    drop(updates);
    assert!(lines.is_done() && !lines.is_kept());
    lines.message(Moment::START, Message::GiveUp);
    assert!(lines.is_done() && !lines.is_kept());
}
