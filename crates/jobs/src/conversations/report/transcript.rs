//! A run as lines of text: who said what and when, and what is wrong with it.

use flow::scenario::{Came, RunReport, TurnOutcome, Verdict};

/// A line of a transcript.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Line {
    /// What the customer does, without saying anything.
    Deed(String),
    /// What the customer says, and when, in milliseconds.
    Customer(u64, String),
    /// What the bot says, when, and what it understood.
    Bot(u64, String, Option<String>),
    /// What was expected.
    Expected(String),
    /// What came instead.
    Got(String),
    /// What is good to know.
    Note(String),
}

impl Line {
    /// The line without colours.
    pub fn plain(&self) -> String {
        match self {
            Self::Deed(text) => format!("         ({text})"),
            Self::Customer(at, text) => format!("{} customer: {}", at_ms(*at), one_line(text)),
            Self::Bot(at, text, intent) => {
                let intent = intent
                    .as_ref()
                    .map(|intent| format!("  [{intent}]"))
                    .unwrap_or_default();
                format!("{}      bot: {}{intent}", at_ms(*at), one_line(text))
            }
            Self::Expected(text) => format!("       expected: {}", one_line(text)),
            Self::Got(text) => format!("            got: {}", one_line(text)),
            Self::Note(text) => format!("           note: {}", one_line(text)),
        }
    }
}

fn at_ms(at: u64) -> String {
    format!("{:>6}.{:01} s", at / 1000, at % 1000 / 100)
}

fn one_line(text: &str) -> String {
    text.split('\n').collect::<Vec<_>>().join(" / ")
}

/// The transcript around what failed: the turn before each turn that failed, and that turn with what is wrong.
pub fn around(report: &RunReport) -> Vec<Line> {
    let turns = &report.turns;
    let failed = |index: usize| {
        turns
            .get(index)
            .is_some_and(|turn| turn.verdict == Verdict::Failed)
    };
    let mut lines = Vec::new();
    for (index, turn) in turns.iter().enumerate() {
        if failed(index) || failed(index + 1) {
            lines.extend(said(turn));
            lines.extend(misses(turn));
        }
    }
    lines.extend(report.broken.iter().map(|reason| Line::Note(reason.clone())));
    lines.extend(report.notes.iter().map(|note| Line::Note(note.clone())));
    lines
}

/// What is wrong with a turn, and what is good to know of it.
pub fn misses(turn: &TurnOutcome) -> impl Iterator<Item = Line> + '_ {
    let misses = turn
        .misses
        .iter()
        .flat_map(|miss| [Line::Expected(miss.expected.clone()), Line::Got(miss.got.clone())]);
    misses.chain(turn.notes.iter().map(|note| Line::Note(note.clone())))
}

/// What was said in a turn, in the order in which it happened.
pub(super) fn said(turn: &TurnOutcome) -> Vec<Line> {
    let sent = turn
        .sent
        .iter()
        .map(|sent| (sent.at_ms, Line::Customer(sent.at_ms, sent.text.clone())));
    let came = turn.answers.iter().map(|came| (came.at_ms, answer(came)));
    let mut lines: Vec<(u64, Line)> = sent.chain(came).collect();
    // What was sent comes before what came in the same millisecond.
    lines.sort_by_key(|(at, _)| *at);
    let deed = turn.sent.is_empty().then(|| Line::Deed(turn.deed.clone()));
    deed.into_iter()
        .chain(lines.into_iter().map(|(_, line)| line))
        .collect()
}

pub(super) fn answer(came: &Came) -> Line {
    let mut text = came.heard.text.clone();
    if !came.heard.buttons.is_empty() {
        let labels: Vec<&str> = came
            .heard
            .buttons
            .iter()
            .map(|button| button.label.as_str())
            .collect();
        text.push_str(&format!("  [{}]", labels.join(" | ")));
    }
    Line::Bot(came.at_ms, text, came.heard.intent.clone())
}

/// All of a run, as text.
pub(super) fn whole(report: &RunReport) -> String {
    let mut lines: Vec<Line> = report.opening.iter().map(answer).collect();
    for turn in report
        .turns
        .iter()
        .filter(|turn| turn.verdict != Verdict::Skipped)
    {
        lines.extend(said(turn));
        lines.extend(misses(turn));
    }
    lines.extend(report.broken.iter().map(|reason| Line::Note(reason.clone())));
    let texts: Vec<String> = lines.iter().map(Line::plain).collect();
    texts.join("\n")
}
