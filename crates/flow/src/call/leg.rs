//! The caller's ear: a queue of prompts, one frame every 20 ms, barge-in.

use audio::{FRAME_MS, Frame, Law, PreparedPrompt, silence};
use std::collections::VecDeque;
use wire::{Digit, KeySet, callcontrol::FinishReason, ids::CommandId, limits::MAX_QUEUED_PLAYS};

/// Names one play of a call.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct PlayId(pub u64);

/// A prompt on its way to the caller.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Item {
    /// Its name within the call.
    pub play: PlayId,
    /// The controller's name for the command.
    pub command_id: Option<CommandId>,
    /// The prompt as the command named it.
    pub audio: String,
    /// The keys that cut it off.
    pub barge_in: KeySet,
}

/// The sound of a queued prompt.
#[derive(Debug, Clone)]
pub enum Sound {
    /// Ready to be played.
    Ready(PreparedPrompt),
    /// Being fetched; the queue waits for it when its turn comes.
    Loading,
    /// It can't be played, and why.
    Failed(String),
}

/// What became of a prompt.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum LegEvent {
    /// Its first frame is this tick's.
    Started(Item),
    /// It is over.
    Finished {
        /// Which.
        item: Item,
        /// Why.
        reason: FinishReason,
        /// How much of it was heard.
        played_ms: u64,
        /// Why it failed.
        message: Option<String>,
    },
}

#[derive(Debug)]
struct Queued {
    item: Item,
    sound: Sound,
}

#[derive(Debug)]
struct Playing {
    item: Item,
    prompt: PreparedPrompt,
    next: usize,
}

/// One direction of a call: from the center to the caller's ear.
#[derive(Debug)]
pub struct Leg {
    law: Law,
    queue: VecDeque<Queued>,
    playing: Option<Playing>,
}

impl Leg {
    /// A silent leg.
    pub fn new(law: Law) -> Self {
        Self {
            law,
            queue: VecDeque::new(),
            playing: None,
        }
    }

    /// The companding law of its frames.
    pub fn law(&self) -> Law {
        self.law
    }

    /// True when nothing plays or waits.
    pub fn is_idle(&self) -> bool {
        self.playing.is_none() && self.queue.is_empty()
    }

    /// The prompt that plays, or waits first.
    pub fn current(&self) -> Option<&Item> {
        let waiting = self.queue.front().map(|queued| &queued.item);
        self.playing.as_ref().map(|playing| &playing.item).or(waiting)
    }

    /// What the commands call the prompts that play and wait.
    pub fn prompts(&self) -> impl Iterator<Item = &str> {
        let playing = self.playing.iter().map(|playing| &playing.item);
        let waiting = self.queue.iter().map(|queued| &queued.item);
        playing.chain(waiting).map(|item| item.audio.as_str())
    }

    /// Whether one more prompt may be queued.
    pub fn has_room(&self) -> bool {
        self.queue.len() < MAX_QUEUED_PLAYS
    }

    /// Puts a prompt at the end of the queue; without effect when there is no room, which the caller has asked before.
    pub fn enqueue(&mut self, item: Item, sound: Sound) {
        if self.has_room() {
            self.queue.push_back(Queued { item, sound });
        }
    }

    /// A prompt that was loading is here, or can't be had. Without effect if it was cleared meanwhile.
    pub fn loaded(&mut self, play: PlayId, sound: Sound) {
        if let Some(queued) = self.queue.iter_mut().find(|queued| queued.item.play == play) {
            queued.sound = sound;
        }
    }

    /// Cuts off what plays and clears the queue.
    pub fn clear(&mut self, reason: FinishReason) -> Vec<LegEvent> {
        let playing = self.playing.take().map(|playing| (playing.item, playing.next));
        let queued = self.queue.drain(..).map(|queued| (queued.item, 0));
        let finish = |(item, frames)| LegEvent::Finished {
            item,
            reason,
            played_ms: millis(frames),
            message: None,
        };
        playing.into_iter().chain(queued).map(finish).collect()
    }

    /// The first event of a key: cuts off and clears if the current prompt permits the key.
    pub fn key(&mut self, digit: Digit) -> Vec<LegEvent> {
        match self.current() {
            Some(item) if item.barge_in.contains(digit) => self.clear(FinishReason::Interrupted),
            _ => Vec::new(),
        }
    }

    /// The next 20 ms. A prompt that ends is followed by the next one without a gap.
    pub fn next_frame(&mut self, events: &mut Vec<LegEvent>) -> Frame {
        loop {
            if let Some(playing) = &mut self.playing {
                if let Some(frame) = playing.prompt.frame(self.law, playing.next) {
                    playing.next += 1;
                    return *frame;
                }
                let played_ms = millis(playing.next);
                let reason = FinishReason::Completed;
                if let Some(Playing { item, .. }) = self.playing.take() {
                    events.push(LegEvent::Finished {
                        item,
                        reason,
                        played_ms,
                        message: None,
                    });
                }
            }
            if matches!(
                self.queue.front(),
                None | Some(Queued {
                    sound: Sound::Loading,
                    ..
                })
            ) {
                return silence(self.law);
            }
            if let Some(Queued { item, sound }) = self.queue.pop_front() {
                self.start(item, sound, events);
            }
        }
    }

    fn start(&mut self, item: Item, sound: Sound, events: &mut Vec<LegEvent>) {
        match sound {
            Sound::Ready(prompt) => {
                events.push(LegEvent::Started(item.clone()));
                self.playing = Some(Playing {
                    item,
                    prompt,
                    next: 0,
                });
            }
            Sound::Failed(message) => events.push(LegEvent::Finished {
                item,
                reason: FinishReason::Failed,
                played_ms: 0,
                message: Some(message),
            }),
            Sound::Loading => {}
        }
    }
}

fn millis(frames: usize) -> u64 {
    frames as u64 * FRAME_MS
}

#[cfg(test)]
mod tests {
    use super::*;
    use audio::{FRAME_SAMPLES, TELEPHONY_RATE};

    fn prompt(frames: usize) -> Sound {
        let samples = vec![0.5; frames * FRAME_SAMPLES];
        Sound::Ready(PreparedPrompt::new(&audio::Sound {
            rate: TELEPHONY_RATE,
            samples,
        }))
    }

    fn item(play: u64, keys: KeySet) -> Item {
        Item {
            play: PlayId(play),
            command_id: None,
            audio: format!("p{play}"),
            barge_in: keys,
        }
    }

    fn digit(sign: &str) -> Digit {
        sign.parse().unwrap()
    }

    fn finished(events: &[LegEvent]) -> Vec<(u64, FinishReason, u64)> {
        let pick = |event: &LegEvent| match event {
            LegEvent::Finished {
                item,
                reason,
                played_ms,
                ..
            } => Some((item.play.0, *reason, *played_ms)),
            LegEvent::Started(_) => None,
        };
        events.iter().filter_map(pick).collect()
    }

    /// Runs `ticks` frames; gives the events and how many frames had sound.
    fn run(leg: &mut Leg, ticks: usize) -> (Vec<LegEvent>, usize) {
        let mut events = Vec::new();
        let quiet = silence(leg.law());
        let loud = (0..ticks)
            .filter(|_| leg.next_frame(&mut events) != quiet)
            .count();
        (events, loud)
    }

    #[test]
    fn prompts_follow_each_other_without_a_gap() {
        let mut leg = Leg::new(Law::A);
        for play in 0..10 {
            leg.enqueue(item(play, KeySet::NONE), prompt(3));
        }
        let (events, loud) = run(&mut leg, 30);
        assert_eq!(loud, 30);
        assert_eq!(finished(&events).len(), 9);
        let (events, loud) = run(&mut leg, 1);
        assert_eq!(
            (finished(&events), loud),
            (vec![(9, FinishReason::Completed, 60)], 0)
        );
        assert!(leg.is_idle());
    }

    #[test]
    fn a_permitted_key_cuts_at_once_and_clears_the_queue() {
        let mut leg = Leg::new(Law::Mu);
        let keys: KeySet = [digit("1")].into_iter().collect();
        leg.enqueue(item(0, keys), prompt(50));
        leg.enqueue(item(1, keys), prompt(50));
        run(&mut leg, 7);
        assert_eq!(leg.key(digit("2")), []);
        let cut = leg.key(digit("1"));
        assert_eq!(
            finished(&cut),
            [
                (0, FinishReason::Interrupted, 140),
                (1, FinishReason::Interrupted, 0)
            ]
        );
        assert_eq!(run(&mut leg, 10), (vec![], 0));
        assert_eq!(leg.key(digit("1")), []);
    }

    #[test]
    fn a_key_before_the_first_frame_counts() {
        let mut leg = Leg::new(Law::Mu);
        leg.enqueue(item(0, KeySet::ALL), Sound::Loading);
        assert_eq!(
            finished(&leg.key(digit("5"))),
            [(0, FinishReason::Interrupted, 0)]
        );
    }

    #[test]
    fn the_queue_waits_for_what_loads_and_passes_over_what_failed() {
        let mut leg = Leg::new(Law::Mu);
        leg.enqueue(item(0, KeySet::NONE), Sound::Loading);
        leg.enqueue(item(1, KeySet::NONE), prompt(2));
        assert_eq!(run(&mut leg, 5), (vec![], 0));
        leg.loaded(PlayId(0), Sound::Failed("gone".into()));
        leg.loaded(PlayId(7), Sound::Failed("never asked for".into()));
        let (events, loud) = run(&mut leg, 3);
        assert_eq!(
            finished(&events),
            [(0, FinishReason::Failed, 0), (1, FinishReason::Completed, 40)]
        );
        assert_eq!(loud, 2);
    }

    #[test]
    fn the_queue_is_bounded() {
        let mut leg = Leg::new(Law::Mu);
        for play in 0..MAX_QUEUED_PLAYS as u64 {
            leg.enqueue(item(play, KeySet::NONE), Sound::Loading);
        }
        assert!(!leg.has_room());
    }
}
