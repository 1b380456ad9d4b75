//! Which message an answer answers: by what it says itself, else by its place in the conversation. Never by when it came.

use super::{Came, Run, ms};
use crate::{
    Moment,
    scenario::{
        expect::{Miss, MissKind},
        heard::Heard,
    },
};
use std::{collections::HashSet, mem, time::Duration};

/// The messages that were sent, and the answers that can't be put to one yet.
#[derive(Debug, Default)]
pub(super) struct Messages {
    sent: Vec<Message>,
    /// Ids of answers that came.
    known: HashSet<String>,
    /// Answers whose message is not known yet, and when they came.
    held: Vec<(Moment, Heard)>,
}

#[derive(Debug)]
struct Message {
    /// The index of its turn's outcome.
    turn: usize,
    sent: Moment,
    /// Its id and its place, once the platform took it.
    taken: Option<(String, u64)>,
}

/// Where an answer belongs.
enum Place {
    /// To the turn with this index, whose message was sent then.
    Turn(usize, Moment),
    /// Before all messages.
    Opening,
    /// That will be known when the message that is under way is taken.
    Unknown,
    /// To a message that is not ours.
    Stray,
}

impl Messages {
    /// A message of the newest of so many turns is under way.
    pub(super) fn post(&mut self, turns: usize, now: Moment) {
        self.sent.push(Message {
            turn: turns.saturating_sub(1),
            sent: now,
            taken: None,
        });
    }

    /// The message that was under way was taken; gives when it was sent, for what the platform has to do with it.
    pub(super) fn posted(&mut self, id: String, sequence: u64, held_up: Duration) -> Option<Moment> {
        let message = self.sent.last_mut()?;
        message.sent = message.sent + held_up;
        message.taken = Some((id, sequence));
        Some(message.sent)
    }

    /// The answers that waited for a message to be taken.
    pub(super) fn release(&mut self) -> Vec<(Moment, Heard)> {
        mem::take(&mut self.held)
    }

    /// The message that was under way was not taken.
    pub(super) fn not_posted(&mut self) {
        if self.is_under_way() {
            self.sent.pop();
        }
    }

    fn is_under_way(&self) -> bool {
        self.sent.last().is_some_and(|message| message.taken.is_none())
    }

    /// Where an answer belongs by its own words, or by its place.
    fn place(&self, heard: &Heard) -> Place {
        let is_it = |(id, sequence): &(String, u64)| match &heard.in_reply_to {
            Some(answered) => id == answered,
            None => *sequence < heard.sequence,
        };
        let found = self
            .sent
            .iter()
            .rfind(|message| message.taken.as_ref().is_some_and(is_it));
        let may_be_the_one_under_way =
            self.is_under_way() && (found.is_none() || heard.in_reply_to.is_none());
        match found {
            _ if may_be_the_one_under_way => Place::Unknown,
            Some(message) => Place::Turn(message.turn, message.sent),
            None if heard.in_reply_to.is_some() => Place::Stray,
            None => Place::Opening,
        }
    }
}

impl Run {
    /// The bot said something.
    pub(super) fn heard(&mut self, now: Moment, heard: Heard) {
        if self.messages.known.insert(heard.id.clone()) {
            self.settle(now, heard);
        } else {
            self.note_in_turn(format!("the answer {} came twice", heard.id));
        }
    }

    /// Puts an answer where it belongs.
    pub(super) fn settle(&mut self, at: Moment, heard: Heard) {
        // None is under way at the end, and all are over.
        let current = match self.under_way {
            Some(_) => self.turns.len().saturating_sub(1),
            None => self.turns.len(),
        };
        // A turn without a message is where the bot speaks of its own accord, or takes its time.
        let is_waiting = self.current().is_some_and(|turn| !turn.deed.is_message());
        match self.messages.place(&heard) {
            Place::Unknown => self.messages.held.push((at, heard)),
            Place::Opening if is_waiting => self.take(at, self.turn_began(), current, heard),
            Place::Opening => self.opening.push(came(at, self.began, self.began, heard, false)),
            Place::Turn(turn, _) if is_waiting && turn < current => {
                self.take(at, self.turn_began(), current, heard);
            }
            Place::Turn(turn, sent) if turn == current => {
                self.take(at, sent, current, heard);
            }
            Place::Turn(turn, sent) => self.take_late(at, sent, turn, heard),
            Place::Stray => {
                let id = heard.in_reply_to.unwrap_or_default();
                self.note_in_turn(format!(
                    "an answer to {id}, a message that this run did not send: {}",
                    heard.text
                ));
            }
        }
    }

    fn take(&mut self, at: Moment, sent: Moment, turn: usize, heard: Heard) {
        self.first_answer.get_or_insert(at - sent);
        let newest = self.under_way.as_ref().map_or(at, |under_way| under_way.newest);
        let Some(outcome) = self.turns.get_mut(turn) else {
            return;
        };
        if outcome.answers.is_empty() {
            self.quiet.answered(at - sent);
            outcome.response_ms = (!outcome.sent.is_empty()).then(|| ms(at - sent));
        } else {
            self.quiet.followed(at - newest);
        }
        outcome.answers.push(came(at, self.began, sent, heard, false));
        outcome.answers.sort_by_key(|came| came.heard.sequence);
        self.happened(at);
    }

    fn take_late(&mut self, at: Moment, sent: Moment, turn: usize, heard: Heard) {
        let after = at - sent;
        let Some(outcome) = self.turns.get_mut(turn) else {
            return;
        };
        let before = outcome
            .answers
            .iter()
            .map(|came| came.after_ms)
            .max()
            .unwrap_or_default();
        self.quiet
            .was_late(after.saturating_sub(Duration::from_millis(before)));
        outcome.notes.push(format!(
            "an answer came {} ms after the message, when the turn was over already: {}",
            ms(after),
            heard.text
        ));
        outcome.answers.push(came(at, self.began, sent, heard, true));
        self.judge_again(turn);
    }

    pub(super) fn garbage(&mut self, now: Moment, text: &str) {
        self.happened(now);
        let short: String = text.chars().take(500).collect();
        let expected = "an answer that can be understood";
        self.miss(Miss::of(MissKind::Garbage, expected, short));
    }

    pub(super) fn note_in_turn(&mut self, text: String) {
        match self.turns.last_mut() {
            Some(turn) if turn.notes.len() < super::MOST_NOTES => turn.notes.push(text),
            _ => self.note(text),
        }
    }

    /// The value of the newest button with this label, or what there is to press.
    pub(super) fn button(&self, label: &str) -> Result<String, String> {
        let answers = self.turns.iter().flat_map(|turn| &turn.answers);
        let shown = self
            .opening
            .iter()
            .chain(answers)
            .flat_map(|came| &came.heard.buttons);
        let buttons: Vec<_> = shown.collect();
        let same = |text: &str| text.trim().eq_ignore_ascii_case(label.trim());
        match buttons.iter().rfind(|button| same(&button.label)) {
            Some(button) => Ok(button.value.clone()),
            None if buttons.is_empty() => Err("the bot showed no buttons".into()),
            None => {
                let labels: Vec<&str> = buttons.iter().map(|button| button.label.as_str()).collect();
                Err(format!("the buttons {}", labels.join(", ")))
            }
        }
    }
}

fn came(at: Moment, began: Moment, sent: Moment, heard: Heard, is_late: bool) -> Came {
    Came {
        at_ms: ms(at - began),
        after_ms: ms(at - sent),
        is_late,
        heard,
    }
}
