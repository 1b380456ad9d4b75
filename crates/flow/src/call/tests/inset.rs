//! What is heard in the place of a call's own prompts.

use super::*;
use crate::playback::{Playback, Shape, Turn};
use wire::playback::{Cutoff, Interruptibility, PlaybackState};

/// A playback session of so many frames, of which a phrase ends at 1000 ms.
#[derive(Debug)]
struct Session {
    client: ClientId,
    law: Law,
    playback: Playback,
}

fn session(frames: u32, cutoff: Cutoff) -> Box<Session> {
    let shape = Shape {
        frames,
        phrase_ends: [50, frames].into(),
    };
    let who = Interruptibility {
        dtmf: true,
        voice: false,
        cutoff,
    };
    let mut playback = Playback::new(shape, who);
    playback.start();
    Box::new(Session {
        client: "alice".parse().unwrap(),
        law: Law::Mu,
        playback,
    })
}

impl Inset for Session {
    fn client(&self) -> &ClientId {
        &self.client
    }

    fn law(&self) -> Option<Law> {
        Some(self.law)
    }

    fn prompt(&self) -> &str {
        "enter_pin"
    }

    fn keys(&self) -> KeySet {
        KeySet::ALL
    }

    fn next_frame(&mut self) -> Option<Frame> {
        match self.playback.turn() {
            Turn::Play(_) | Turn::Fade(..) => Some([1; FRAME_SAMPLES]),
            Turn::Rest => Some(silence(Law::Mu)),
            Turn::Over => None,
        }
    }

    fn said(&mut self, _: &Frame) {}

    fn key(&mut self, digit: Digit) -> Heard {
        self.playback.key(digit)
    }

    fn fail(&mut self, _: &str) {
        self.playback.fail();
    }

    fn outcome(&self) -> (FinishReason, u64) {
        let reason = match self.playback.state() {
            PlaybackState::Completed => FinishReason::Completed,
            PlaybackState::Interrupted => FinishReason::Interrupted,
            _ => FinishReason::Failed,
        };
        (reason, self.playback.played_ms())
    }
}

fn finished(line: &Line) -> Vec<(u64, &str, FinishReason, u64)> {
    let finish = |(at, what): &'_ (u64, Happening)| match what {
        Happening::PromptFinished {
            reason, played_ms, ..
        } => Some((*at, *reason, *played_ms)),
        _ => None,
    };
    let names = line.happened.iter().filter_map(|(_, what)| match what {
        Happening::PromptFinished { prompt, .. } => Some(prompt.as_str()),
        _ => None,
    });
    let ends = line.happened.iter().filter_map(finish);
    names
        .zip(ends)
        .map(|(name, (at, reason, played))| (at, name, reason, played))
        .collect()
}

#[test]
fn the_calls_own_prompt_waits_and_goes_on_at_the_same_frame() {
    let mut line = Line::controlled(vec![]);
    line.play("hello", KeySet::ALL, 1000);
    line.run(300);
    line.call.insert(session(25, Cutoff::Immediate)).unwrap();
    line.run(3000);
    assert_eq!(
        finished(&line),
        [
            (820, "enter_pin", FinishReason::Completed, 500),
            (1500, "hello", FinishReason::Completed, 1000),
        ]
    );
    assert_eq!(line.loud_frames, 75, "no frame is lost between them");
}

#[test]
fn a_key_interrupts_what_is_heard_and_is_told_once() {
    let mut line = Line::controlled(vec![press("5", 400)]);
    line.play("hello", KeySet::ALL, 1000);
    line.run(100);
    line.call.insert(session(500, Cutoff::Immediate)).unwrap();
    line.run(4000);
    let ends = finished(&line);
    assert_eq!((ends[0].1, ends[0].2), ("enter_pin", FinishReason::Interrupted));
    assert_eq!((ends[1].1, ends[1].2), ("hello", FinishReason::Completed));
    assert_eq!(keys_told(&line), "5");
    assert_eq!(keys_written_down(&line), ["masked"], "it belongs to a secret");
}

#[test]
fn a_key_that_drains_is_told_after_the_phrase() {
    let mut line = Line::controlled(vec![press("5", 100)]);
    line.call.insert(session(500, Cutoff::Drain)).unwrap();
    line.run(900);
    assert_eq!(keys_told(&line), "");
    line.run(200);
    assert_eq!(keys_told(&line), "5");
    assert_eq!(finished(&line)[0].3, 1000);
    line.run(2000);
    assert_eq!(keys_told(&line), "5");
}

#[test]
fn what_ends_the_call_ends_what_is_heard_in_it() {
    let mut line = Line::controlled(vec![]);
    line.call.insert(session(500, Cutoff::Immediate)).unwrap();
    line.run(100);
    line.command(ALICE, Command::Transfer("ext:agent".parse().unwrap()), 0);
    line.run(2000);
    assert_eq!(finished(&line)[0].2, FinishReason::Failed);
    assert_eq!(line.over, 1, "the greeting was heard, and the call ended");
}

#[test]
fn a_call_has_one_at_a_time_in_its_own_law_and_from_its_own_client() {
    let mut ringing = Line::ringing(vec![]);
    let insert = |line: &mut Line, change: fn(&mut Session)| {
        let mut inset = session(10, Cutoff::Immediate);
        change(&mut inset);
        line.call.insert(inset)
    };
    assert_eq!(insert(&mut ringing, |_| {}), Err(NotInset::NotThere));
    let mut line = Line::controlled(vec![]);
    let of_bob = |inset: &mut Session| inset.client = "bob".parse().unwrap();
    assert_eq!(insert(&mut line, of_bob), Err(NotInset::NotThere));
    assert_eq!(
        insert(&mut line, |inset| inset.law = Law::A),
        Err(NotInset::Law(Law::Mu))
    );
    assert_eq!(insert(&mut line, |_| {}), Ok(()));
    assert_eq!(insert(&mut line, |_| {}), Err(NotInset::Busy));
    line.run(1000);
    assert_eq!(insert(&mut line, |_| {}), Ok(()));
}
