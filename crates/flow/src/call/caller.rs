//! A test caller: works through its script as it hears prompts start and end.

use super::secrecy::is_prompt;
use crate::Moment;
use audio::{Frame, Law, PreparedPrompt, silence};
use std::{collections::VecDeque, time::Duration};
use wire::{
    Digit, KeySet,
    script::{Act, Trigger},
};

/// What a caller does next. Speech is decoded already.
#[derive(Debug, Clone)]
pub enum Deed {
    /// Hold a key down for a while.
    Press(Digit, Duration),
    /// Press the first key that the prompt permits.
    PressPermitted(Duration),
    /// Say something.
    Speak(PreparedPrompt),
    /// Hang up.
    HangUp,
}

impl Deed {
    /// The deed of an act; `speech` decodes what is to be said.
    pub fn from_act<E>(
        act: &Act,
        speech: impl FnOnce(&[u8]) -> Result<PreparedPrompt, E>,
    ) -> Result<Self, E> {
        Ok(match act {
            Act::Press(digit, hold) => Self::Press(*digit, *hold),
            Act::PressPermitted(hold) => Self::PressPermitted(*hold),
            Act::Speak(bytes) => Self::Speak(speech(bytes)?),
            Act::HangUp => Self::HangUp,
        })
    }
}

/// What comes from the caller's side of the line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Signal {
    /// The first event of a key.
    KeyDown(Digit),
    /// The key was let go, or was held for [`LONGEST_PRESS`]; said once per press.
    KeyUp(Digit, Duration),
    /// The caller begins to speak, for so many milliseconds.
    Speaks(u64),
    /// The caller hung up.
    HungUp,
}

/// A key held longer is reported without waiting for its release.
pub const LONGEST_PRESS: Duration = Duration::from_secs(1);

/// The caller's side of a call.
#[derive(Debug)]
pub struct Caller {
    law: Law,
    script: VecDeque<(Trigger, Deed)>,
    answered: Moment,
    prompts_heard: u64,
    permitted: KeySet,
    /// When the first step of the script is due; `NEVER` while it waits for a prompt.
    due: Moment,
    /// The key that is down, since when, and when it is reported.
    held: Option<(Digit, Moment, Moment)>,
    voice: Option<(PreparedPrompt, usize)>,
}

impl Caller {
    /// A caller who has dialled and waits for an answer.
    pub fn new(law: Law, script: impl IntoIterator<Item = (Trigger, Deed)>) -> Self {
        Self {
            law,
            script: script.into_iter().collect(),
            answered: Moment::NEVER,
            prompts_heard: 0,
            permitted: KeySet::NONE,
            due: Moment::NEVER,
            held: None,
            voice: None,
        }
    }

    /// The call was answered; the script begins.
    pub fn answered(&mut self, now: Moment) {
        self.answered = now;
        self.arm(now);
    }

    /// A prompt's first frame was heard; `permitted` are the keys it takes.
    pub fn heard_start(&mut self, now: Moment, audio: &str, permitted: KeySet) {
        self.prompts_heard += 1;
        if !permitted.is_empty() {
            self.permitted = permitted;
        }
        let delay = match self.script.front() {
            Some((Trigger::Starts(prompt, delay), _)) if is_prompt(audio, prompt) => *delay,
            Some((Trigger::NthPrompt { nth, delay, .. }, _)) if *nth == self.prompts_heard => *delay,
            _ => return,
        };
        self.due = self.due.min(now + delay);
    }

    /// A prompt is over.
    pub fn heard_end(&mut self, now: Moment, audio: &str) {
        if let Some((Trigger::Ends(prompt, delay), _)) = self.script.front()
            && is_prompt(audio, prompt)
        {
            self.due = self.due.min(now + *delay);
        }
    }

    /// When [`Self::act`] is to be called next.
    pub fn deadline(&self) -> Moment {
        let release = self.held.map_or(Moment::NEVER, |(.., report)| report);
        // A key is let go before the next step begins, so a held key comes first.
        if self.held.is_some() { release } else { self.due }
    }

    /// Does what is due.
    pub fn act(&mut self, now: Moment) -> Vec<Signal> {
        let mut signals = Vec::new();
        while self.deadline() <= now {
            match self.held.take() {
                Some((digit, since, _)) => signals.push(Signal::KeyUp(digit, now - since)),
                None => self.next_step(now, &mut signals),
            }
        }
        signals
    }

    fn next_step(&mut self, now: Moment, signals: &mut Vec<Signal>) {
        let Some((_, deed)) = self.script.pop_front() else {
            self.due = Moment::NEVER;
            return;
        };
        self.arm(now);
        match deed {
            Deed::Press(digit, hold) => self.press(now, digit, hold, signals),
            Deed::PressPermitted(hold) => {
                if let Some(digit) = self.permitted.iter().next().or_else(|| "1".parse().ok()) {
                    self.press(now, digit, hold, signals);
                }
            }
            Deed::Speak(speech) => {
                signals.push(Signal::Speaks(speech.duration_ms()));
                self.voice = Some((speech, 0));
            }
            Deed::HangUp => {
                self.script.clear();
                self.due = Moment::NEVER;
                signals.push(Signal::HungUp);
            }
        }
    }

    fn press(&mut self, now: Moment, digit: Digit, hold: Duration, signals: &mut Vec<Signal>) {
        self.held = Some((digit, now, now + hold.min(LONGEST_PRESS)));
        signals.push(Signal::KeyDown(digit));
    }

    /// Sets the deadline of the script's first step.
    fn arm(&mut self, now: Moment) {
        self.due = match self.script.front() {
            Some((Trigger::After(wait), _)) => now + *wait,
            Some((Trigger::NthPrompt { latest, .. }, _)) => self.answered + *latest,
            _ => Moment::NEVER,
        };
    }

    /// True when the script is over, to the last key and word.
    pub fn is_done(&self) -> bool {
        self.script.is_empty() && self.held.is_none() && self.voice.is_none()
    }

    /// The next 20 ms of the caller's voice.
    pub fn next_frame(&mut self) -> Frame {
        if let Some((speech, next)) = &mut self.voice {
            *next += 1;
            if let Some(frame) = speech.frame(self.law, *next - 1) {
                return *frame;
            }
            self.voice = None;
        }
        silence(self.law)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(millis: u64) -> Moment {
        Moment::at(Duration::from_millis(millis))
    }

    fn digit(sign: &str) -> Digit {
        sign.parse().unwrap()
    }

    fn press(sign: &str) -> Deed {
        Deed::Press(digit(sign), Duration::from_millis(100))
    }

    fn wait(millis: u64) -> Duration {
        Duration::from_millis(millis)
    }

    fn caller<const N: usize>(script: [(Trigger, Deed); N]) -> Caller {
        let mut caller = Caller::new(Law::Mu, script);
        assert_eq!(caller.deadline(), Moment::NEVER);
        caller.answered(at(0));
        caller
    }

    #[test]
    fn steps_run_one_after_the_other() {
        let mut caller = caller([
            (Trigger::After(wait(300)), press("1")),
            (Trigger::After(wait(50)), press("2")),
        ]);
        assert_eq!(caller.act(at(299)), []);
        assert_eq!(caller.act(at(300)), [Signal::KeyDown(digit("1"))]);
        // The second key waits until the first one is up.
        assert_eq!(caller.act(at(360)), []);
        assert_eq!(caller.deadline(), at(400));
        assert_eq!(
            caller.act(at(400)),
            [Signal::KeyUp(digit("1"), wait(100)), Signal::KeyDown(digit("2"))]
        );
        assert_eq!(caller.act(at(500)), [Signal::KeyUp(digit("2"), wait(100))]);
        assert_eq!(caller.deadline(), Moment::NEVER);
    }

    #[test]
    fn prompts_start_and_end_steps() {
        let mut caller = caller([
            (Trigger::Starts("hi".parse().unwrap(), wait(200)), press("1")),
            (Trigger::Ends("bye".parse().unwrap(), wait(0)), Deed::HangUp),
        ]);
        caller.heard_start(at(10), "other", KeySet::NONE);
        assert_eq!(caller.deadline(), Moment::NEVER);
        caller.heard_start(at(20), "http://localhost/audio/hi.mp3", KeySet::NONE);
        assert_eq!(caller.act(at(220)), [Signal::KeyDown(digit("1"))]);
        caller.act(at(320));
        caller.heard_end(at(400), "bye");
        assert_eq!(caller.act(at(400)), [Signal::HungUp]);
    }

    #[test]
    fn a_permitted_key_is_pressed_in_the_second_prompt_or_at_the_latest_moment() {
        let script = || {
            [(
                Trigger::NthPrompt {
                    nth: 2,
                    delay: wait(300),
                    latest: wait(5000),
                },
                Deed::PressPermitted(wait(100)),
            )]
        };
        let mut quick = caller(script());
        quick.heard_start(at(0), "a", [digit("7")].into_iter().collect());
        quick.heard_start(at(2000), "b", KeySet::NONE);
        assert_eq!(quick.deadline(), at(2300));
        assert_eq!(quick.act(at(2300)), [Signal::KeyDown(digit("7"))]);
        let mut slow = caller(script());
        slow.heard_start(at(0), "a", KeySet::NONE);
        assert_eq!(slow.act(at(5000)), [Signal::KeyDown(digit("1"))]);
    }

    #[test]
    fn a_long_press_is_reported_before_its_release() {
        let deed = Deed::Press(digit("5"), wait(9000));
        let mut caller = caller([(Trigger::After(wait(0)), deed)]);
        assert_eq!(caller.act(at(0)), [Signal::KeyDown(digit("5"))]);
        assert_eq!(caller.act(at(1000)), [Signal::KeyUp(digit("5"), wait(1000))]);
    }
}
