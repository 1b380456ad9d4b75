use super::*;
use proptest::prelude::*;
use wire::playback::{Cutoff, VolumeMatrix};

fn playback(frames: u32, ends: &[u32], cutoff: Cutoff) -> Playback {
    let shape = Shape {
        frames,
        phrase_ends: ends.into(),
    };
    let interruptibility = Interruptibility {
        dtmf: true,
        voice: false,
        cutoff,
    };
    let mut playback = Playback::new(shape, interruptibility);
    playback.start();
    playback
}

fn key() -> Digit {
    "5".parse().unwrap()
}

/// The turns until it is over, or rests.
fn turns(playback: &mut Playback) -> Vec<Turn> {
    let turns = std::iter::repeat_with(|| playback.turn());
    turns
        .take_while(|turn| !matches!(turn, Turn::Over | Turn::Rest))
        .collect()
}

#[test]
fn a_prompt_is_played_from_its_first_to_its_last_frame() {
    let mut playback = playback(3, &[3], Cutoff::Immediate);
    assert_eq!(
        turns(&mut playback),
        [Turn::Play(0), Turn::Play(1), Turn::Play(2)]
    );
    assert_eq!(
        (playback.state(), playback.played_ms(), playback.position_ms()),
        (PlaybackState::Completed, 60, 60)
    );
    assert_eq!(playback.turn(), Turn::Over);
}

#[test]
fn nothing_is_played_before_it_is_ready() {
    let shape = Shape {
        frames: 2,
        phrase_ends: [2].into(),
    };
    let interruptibility = Interruptibility {
        dtmf: true,
        voice: true,
        cutoff: Cutoff::Immediate,
    };
    let mut playback = Playback::new(shape, interruptibility);
    assert_eq!(playback.turn(), Turn::Rest);
    assert_eq!(playback.key(key()), Heard::NotAnInterruption);
    playback.start();
    assert_eq!(playback.turn(), Turn::Play(0));
}

#[test]
fn a_key_cuts_off_at_the_next_frame() {
    let mut playback = playback(100, &[100], Cutoff::Immediate);
    for _ in 0..10 {
        playback.turn();
    }
    assert_eq!(playback.voice(), Heard::NotAnInterruption, "it is not allowed to");
    assert_eq!(playback.key(key()), Heard::Now);
    assert_eq!(playback.key(key()), Heard::NotAnInterruption, "one is enough");
    assert_eq!(playback.turn(), Turn::Over);
    assert_eq!(playback.state(), PlaybackState::Interrupted);
    assert_eq!(
        playback.interruption(),
        Some(Interruption {
            cause: Cause::Key(key()),
            at_ms: 200
        })
    );
    assert_eq!(playback.played_ms(), 200);
    assert_eq!(playback.handed_on(), None, "it was handed on at once");
}

#[test]
fn a_fade_takes_eight_frames_or_what_is_left() {
    let mut long = playback(100, &[100], Cutoff::Fade);
    long.turn();
    assert_eq!(long.key(key()), Heard::Now);
    let expected: Vec<Turn> = (0..8).map(|step| Turn::Fade(u32::from(step) + 1, step)).collect();
    assert_eq!(turns(&mut long), expected);
    assert_eq!(
        (long.state(), long.played_ms()),
        (PlaybackState::Interrupted, 180)
    );
    let mut short = playback(3, &[3], Cutoff::Fade);
    short.turn();
    short.key(key());
    assert_eq!(turns(&mut short), [Turn::Fade(1, 0), Turn::Fade(2, 1)]);
    assert_eq!(short.state(), PlaybackState::Interrupted);
}

#[test]
fn a_drain_goes_on_to_the_end_of_the_phrase_and_then_hands_the_key_on_once() {
    let mut playback = playback(100, &[20, 60, 100], Cutoff::Drain);
    for _ in 0..30 {
        playback.turn();
    }
    assert_eq!(playback.key(key()), Heard::Later);
    assert_eq!(playback.handed_on(), None);
    assert_eq!(turns(&mut playback).len(), 30);
    assert_eq!(playback.state(), PlaybackState::Interrupted);
    assert_eq!(playback.handed_on(), Some(Cause::Key(key())));
    assert_eq!(playback.handed_on(), None);
    assert_eq!(playback.played_ms(), 1200);
}

#[test]
fn what_is_paused_goes_on_at_the_same_frame_and_keys_still_count() {
    let mut playback = playback(10, &[10], Cutoff::Fade);
    playback.turn();
    playback.control(&Control::Pause).unwrap();
    playback.control(&Control::Pause).unwrap();
    assert_eq!((playback.turn(), playback.turn()), (Turn::Rest, Turn::Rest));
    playback.control(&Control::Resume).unwrap();
    assert_eq!(playback.turn(), Turn::Play(1));
    playback.control(&Control::Pause).unwrap();
    assert_eq!(playback.key(key()), Heard::Now);
    assert_eq!(
        (playback.turn(), playback.state()),
        (Turn::Over, PlaybackState::Interrupted)
    );
}

#[test]
fn seeking_is_exact_to_the_frame_and_stays_inside() {
    let mut playback = playback(10, &[10], Cutoff::Immediate);
    playback.control(&Control::Seek { position_ms: 119 }).unwrap();
    assert_eq!(playback.turn(), Turn::Play(5));
    playback.control(&Control::Restart).unwrap();
    assert_eq!(playback.turn(), Turn::Play(0));
    assert_eq!(
        playback.control(&Control::Seek { position_ms: 220 }),
        Err(Refused::BeyondEnd(200))
    );
    playback.control(&Control::Seek { position_ms: 200 }).unwrap();
    assert_eq!(turns(&mut playback), []);
    assert_eq!(playback.state(), PlaybackState::Completed);
}

#[test]
fn what_is_over_refuses_all_but_another_stop() {
    let volume = Control::Volume(VolumeMatrix::FLAT);
    let all = [
        Control::Pause,
        Control::Resume,
        Control::Seek { position_ms: 0 },
        Control::Restart,
        volume,
    ];
    let mut stopped = playback(10, &[10], Cutoff::Immediate);
    stopped.control(&Control::Stop).unwrap();
    stopped.control(&Control::Stop).unwrap();
    let mut failed = playback(10, &[10], Cutoff::Immediate);
    failed.fail();
    let mut fading = playback(10, &[10], Cutoff::Fade);
    fading.key(key());
    for control in &all {
        for (playback, state) in [
            (&mut stopped, PlaybackState::Stopped),
            (&mut failed, PlaybackState::Failed),
            (&mut fading, PlaybackState::Interrupted),
        ] {
            assert_eq!(playback.control(control), Err(Refused::State(state)));
        }
    }
    assert_eq!(
        failed.control(&Control::Stop),
        Err(Refused::State(PlaybackState::Failed))
    );
    assert_eq!(fading.control(&Control::Stop), Ok(()), "a fade can be stopped");
}

proptest! {
    #[test]
    fn whatever_happens_frames_are_in_place_and_the_end_is_the_end(
        frames in 0u32..40,
        cutoff in prop_oneof![Just(Cutoff::Immediate), Just(Cutoff::Fade), Just(Cutoff::Drain)],
        steps in prop::collection::vec(0u8..9, 0..120),
    ) {
        let mut playback = playback(frames, &[frames / 2, frames], cutoff);
        let (mut played, mut ended, mut handed_on) = (0, None, 0);
        for step in steps {
            let before = playback.position_ms();
            match step {
                0 => drop(playback.control(&Control::Pause)),
                1 => drop(playback.control(&Control::Resume)),
                2 => drop(playback.control(&Control::Seek { position_ms: 100 })),
                3 => drop(playback.control(&Control::Restart)),
                4 => handed_on += u32::from(playback.key(key()) == Heard::Now),
                5 => drop(playback.control(&Control::Stop)),
                _ => match playback.turn() {
                    Turn::Play(frame) | Turn::Fade(frame, _) => {
                        prop_assert!(frame < frames && u64::from(frame) * FRAME_MS == before);
                        played += 1;
                    }
                    Turn::Rest => prop_assert_eq!(playback.state(), PlaybackState::Paused),
                    Turn::Over => prop_assert!(playback.state().is_over()),
                },
            }
            handed_on += u32::from(playback.handed_on().is_some());
            prop_assert_eq!(playback.played_frames(), played);
            prop_assert!(handed_on <= 1);
            if let Some(state) = ended {
                prop_assert_eq!(playback.state(), state);
            }
            ended = playback.state().is_over().then(|| playback.state());
        }
    }
}
