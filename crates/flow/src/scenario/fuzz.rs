//! Dialogues that nobody wrote: made of sentences that the bot should know, slips, and nonsense, in any order. Whatever a customer
//! says, a bot must answer, within bounds, and not go round in circles. The shortest dialogue in which it does not is found.

use super::{
    dice::Dice,
    expect::MissKind,
    model::{Count, Expectations, Scenario, Turn},
    perturb::{Perturbation, Perturber},
    run::{Break, Part, RunReport, TurnOutcome},
};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// Most messages of a made-up dialogue.
const LONGEST: usize = 12;
/// Most answers to one message.
const MOST_ANSWERS: usize = 10;
/// The longest answer, in characters: what a message may have.
const LONGEST_ANSWER: usize = 10_000;
/// So many times the same answer to different messages is a circle.
const CIRCLE: usize = 4;
/// Most runs that shrinking asks for.
const MOST_TRIES: u32 = 300;
/// What people send besides sentences.
const ODD: [&str; 12] = [
    "?",
    "...",
    "👍",
    "no",
    "yes",
    "asdf",
    "0",
    "-1",
    "help",
    "cancel",
    "<b>hello</b>",
    "'; DROP TABLE orders; --",
];

/// A message of a made-up dialogue.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Message {
    /// What is said.
    pub text: String,
    /// The same without slips.
    pub meant: String,
}

/// What was meant by texts with slips in them.
#[derive(Debug, Clone, Default)]
pub struct Meanings(BTreeMap<String, String>);

impl Meanings {
    /// Those of these messages.
    pub fn of(messages: &[Message]) -> Self {
        let slips = messages.iter().filter(|message| message.text != message.meant);
        Self(
            slips
                .map(|message| (message.text.clone(), message.meant.clone()))
                .collect(),
        )
    }

    fn meant<'a>(&'a self, text: &'a str) -> &'a str {
        self.0.get(text).map_or(text, String::as_str)
    }
}

/// Makes dialogues up; the same for the same seed.
#[derive(Debug, Clone)]
pub struct Fuzzer {
    sentences: Vec<String>,
    seed: u64,
}

impl Fuzzer {
    /// Dialogues of these sentences.
    pub fn new(sentences: Vec<String>, seed: u64) -> Self {
        Self { sentences, seed }
    }

    /// The messages of the dialogue with this number.
    pub fn dialogue(&self, number: u64) -> Vec<Message> {
        let mut dice = Dice::new(self.seed, number);
        let length = dice.below(LONGEST) + 1;
        (0..length).map(|place| self.message(place, &mut dice)).collect()
    }

    fn message(&self, place: usize, dice: &mut Dice) -> Message {
        let sentence = dice.one_of(&self.sentences).cloned().unwrap_or_default();
        let meant = match dice.below(10) {
            0..=5 if !sentence.trim().is_empty() => sentence,
            6..=7 if !sentence.trim().is_empty() => {
                let kinds = vec![Perturbation::Typos, Perturbation::Case, Perturbation::Punctuation];
                return Message {
                    text: Perturber::new(kinds, dice.next())
                        .sentences(&sentence, place)
                        .remove(0),
                    meant: sentence,
                };
            }
            8 => format!("{}", dice.below(1_000_000)),
            _ => dice.one_of(&ODD).copied().unwrap_or_default().to_owned(),
        };
        Message {
            text: meant.clone(),
            meant,
        }
    }
}

/// A dialogue as a scenario. Nothing is expected; what is wrong with it, [`finding`] says.
pub fn scenario(name: impl Into<String>, messages: &[String]) -> Scenario {
    let turn = |text: &String| Turn {
        expect: Expectations {
            answers: Some(Count { least: 1, most: None }),
            ..Expectations::default()
        },
        ..Turn::say(text.clone())
    };
    Scenario {
        stops_at_failure: true,
        ..Scenario::new(name, messages.iter().map(turn).collect())
    }
}

/// What a bot must never do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Fault {
    /// It does not answer.
    Silent,
    /// It says too much: too many answers, or a too long one.
    TooMuch,
    /// It says the same again and again, whatever is said.
    Circle,
    /// It says what can't be understood, or the conversation breaks.
    Broken,
}

/// Something that a bot did and must not.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Finding {
    /// What.
    pub fault: Fault,
    /// The number of the turn, from 1.
    pub turn: usize,
    /// In words.
    pub told: String,
}

/// What is wrong with how a bot went through a dialogue, if anything is. Of one that was not made, nothing is known. A message with
/// slips in it is no other than the one that was meant.
pub fn finding(report: &RunReport, meanings: &Meanings) -> Option<Finding> {
    let is_over = report.escalated;
    for turn in report.turns.iter().filter(|turn| turn.part == Part::Turns) {
        let found = |fault, told: String| {
            Some(Finding {
                fault,
                turn: turn.number,
                told,
            })
        };
        for miss in &turn.misses {
            match miss.kind {
                // The bot closed the conversation: there is nothing to answer any more.
                MissKind::Over => return None,
                MissKind::Refused | MissKind::Garbage => return found(Fault::Broken, miss.got.clone()),
                MissKind::BrokenOff if report.broken_by == Some(Break::Unheard) => {
                    return found(Fault::Broken, miss.got.clone());
                }
                MissKind::BrokenOff | MissKind::Unmet => {}
            }
        }
        let answers = turn.answers.len();
        if answers == 0 && !turn.sent.is_empty() {
            // People are asked by now, and the bot rightly leaves the talking to them.
            return if is_over {
                None
            } else {
                found(Fault::Silent, format!("no answer to {}", turn.deed))
            };
        }
        let longest = turn
            .answers
            .iter()
            .map(|came| came.heard.text.chars().count())
            .max();
        if answers > MOST_ANSWERS || longest.is_some_and(|longest| longest > LONGEST_ANSWER) {
            return found(Fault::TooMuch, format!("{answers} answers to {}", turn.deed));
        }
    }
    circle(report, meanings)
}

fn circle(report: &RunReport, meanings: &Meanings) -> Option<Finding> {
    let turns: Vec<&TurnOutcome> = report
        .turns
        .iter()
        .filter(|turn| !turn.answers.is_empty())
        .collect();
    let said = |turn: &&TurnOutcome| {
        let texts: Vec<String> = turn.answers.iter().map(|came| came.heard.text.clone()).collect();
        texts.join("\n")
    };
    let window = turns.windows(CIRCLE).find(|window| {
        let first = window.first().map(said);
        let sent = window.iter().flat_map(|turn| turn.sent.first());
        let mut asked: Vec<&str> = sent.map(|sent| meanings.meant(&sent.text)).collect();
        asked.sort_unstable();
        asked.dedup();
        asked.len() == CIRCLE && window.iter().all(|turn| Some(said(turn)) == first)
    })?;
    let last = window.last()?;
    Some(Finding {
        fault: Fault::Circle,
        turn: last.number,
        told: format!("the same answer to {CIRCLE} different messages: {}", said(last)),
    })
}

/// Finds the shortest dialogue that still fails, by delta debugging: it says what to run, and is told what came of it.
///
/// ```
/// use flow::scenario::fuzz::Shrink;
///
/// let mut shrink = Shrink::new(["hello", "refund", "yes", "no", "cancel"].map(String::from).to_vec());
/// while let Some(dialogue) = shrink.next_try() {
///     // This bot fails whenever a refund is cancelled.
///     let refund = dialogue.iter().position(|text| text == "refund");
///     let cancel = dialogue.iter().position(|text| text == "cancel");
///     shrink.told(refund.is_some() && refund < cancel);
/// }
/// assert_eq!(shrink.shortest(), ["refund", "cancel"]);
/// ```
#[derive(Debug, Clone)]
pub struct Shrink {
    best: Vec<String>,
    /// How many messages are left out at a time.
    chunk: usize,
    /// From where on.
    at: usize,
    has_changed: bool,
    tries: u32,
}

impl Shrink {
    /// Begins with a dialogue that fails.
    pub fn new(failing: Vec<String>) -> Self {
        Self {
            chunk: (failing.len() / 2).max(1),
            best: failing,
            at: 0,
            has_changed: false,
            tries: 0,
        }
    }

    /// The next dialogue to run; `None` when nothing more can be left out, or it took too many runs.
    pub fn next_try(&self) -> Option<Vec<String>> {
        let is_done = self.chunk == 0 || self.best.len() < 2 || self.tries == MOST_TRIES;
        (!is_done).then(|| self.candidate())
    }

    fn candidate(&self) -> Vec<String> {
        let end = self.at.saturating_add(self.chunk);
        let kept = self.best.iter().enumerate();
        kept.filter(|(index, _)| *index < self.at || *index >= end)
            .map(|(_, text)| text.clone())
            .collect()
    }

    /// Whether that dialogue failed, too.
    pub fn told(&mut self, has_failed: bool) {
        self.tries += 1;
        if has_failed && self.chunk < self.best.len() {
            self.best = self.candidate();
            self.has_changed = true;
        } else {
            self.at = self.at.saturating_add(self.chunk);
        }
        if self.at < self.best.len() {
            return;
        }
        self.at = 0;
        // Single messages are tried again as long as that finds something.
        if !(self.chunk == 1 && self.has_changed) {
            self.chunk /= 2;
        }
        self.has_changed = false;
    }

    /// The shortest dialogue so far that failed.
    pub fn shortest(&self) -> &[String] {
        &self.best
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scenario::{Came, Heard, Sent, Verdict};
    use proptest::prelude::*;

    #[test]
    fn dialogues_are_the_same_for_the_same_seed_and_differ_otherwise() {
        let fuzzer = Fuzzer::new(vec!["where is my order".into(), "refund".into()], 5);
        assert_eq!(fuzzer.dialogue(3), fuzzer.dialogue(3));
        let distinct: std::collections::BTreeSet<_> = (0..50).map(|number| fuzzer.dialogue(number)).collect();
        assert!(distinct.len() > 40);
    }

    /// A dialogue in which the bot says the same to all of it.
    fn monotonous(messages: &[&str]) -> RunReport {
        let turn = |(number, text): (usize, &&str)| TurnOutcome {
            part: Part::Turns,
            number,
            line: 0,
            deed: format!("say {text:?}"),
            sent: vec![Sent {
                at_ms: 0,
                text: (*text).to_owned(),
            }],
            answers: vec![Came {
                at_ms: 1,
                after_ms: 1,
                is_late: false,
                heard: Heard {
                    text: "We open at 9".into(),
                    ..Heard::default()
                },
            }],
            verdict: Verdict::Passed,
            misses: Vec::new(),
            notes: Vec::new(),
            response_ms: Some(1),
            standing: None,
        };
        RunReport {
            verdict: Verdict::Passed,
            turns: (1..).zip(messages).map(turn).collect(),
            opening: Vec::new(),
            broken: None,
            broken_by: None,
            notes: Vec::new(),
            first_answer_ms: Some(1),
            took_ms: 1,
            resolved: false,
            escalated: false,
            is_closed: true,
        }
    }

    #[test]
    fn slips_of_one_question_are_no_circle_and_four_questions_are() {
        let slips = [
            "when do you open",
            "wehn do you open",
            "WHEN DO YOU OPEN",
            "when do you opn",
        ];
        let meanings = Meanings::of(&slips.map(|text| Message {
            text: text.into(),
            meant: slips[0].into(),
        }));
        assert_eq!(finding(&monotonous(&slips), &meanings), None);
        let found = finding(&monotonous(&["a", "b", "c", "d"]), &meanings).unwrap();
        assert_eq!((found.fault, found.turn), (Fault::Circle, 4));
    }

    #[test]
    fn a_message_with_slips_knows_what_was_meant() {
        let fuzzer = Fuzzer::new(vec!["where is my order".into()], 5);
        let slips: Vec<Message> = (0..50)
            .flat_map(|number| fuzzer.dialogue(number))
            .filter(|message| message.text != message.meant)
            .collect();
        assert!(!slips.is_empty());
        assert!(slips.iter().all(|message| message.meant == "where is my order"));
    }

    proptest! {
        #[test]
        fn every_message_says_something(seed: u64, number: u64, sentences in proptest::collection::vec(".{0,20}", 0..5)) {
            let dialogue = Fuzzer::new(sentences, seed).dialogue(number);
            prop_assert!((1..=LONGEST).contains(&dialogue.len()));
            prop_assert!(dialogue.iter().all(|message| !message.text.trim().is_empty()));
        }

        #[test]
        fn what_is_left_fails_and_no_message_of_it_can_be_spared(
            length in 1usize..40, needed in proptest::collection::btree_set(0usize..40, 1..5)
        ) {
            let needed: Vec<String> = needed.iter().filter(|at| **at < length).map(ToString::to_string).collect();
            let fails = |dialogue: &[String]| needed.iter().all(|text| dialogue.contains(text));
            let mut shrink = Shrink::new((0..length).map(|at| at.to_string()).collect());
            while let Some(dialogue) = shrink.next_try() {
                shrink.told(fails(&dialogue));
            }
            prop_assert!(fails(shrink.shortest()));
            // With nothing needed, one message remains: an empty dialogue is none.
            prop_assert_eq!(shrink.shortest().len(), needed.len().max(1));
        }
    }
}
