//! Botium's `.convo.txt` and `.utterances.txt`.
//!
//! A text is compared as Botium does by default: it is contained in the answer, in any case.

use super::Imported;
use crate::{
    file::{Faults, FileFault},
    scenario::{
        model::{
            AnswerCheck, Capture, CaptureSource, Count, Deed, Expectations, Group, How, Scenario, TextCheck,
            Turn,
        },
        parse::MAX_BYTES,
        pattern::{cased_pattern, plain_pattern},
        template::{Template, is_name},
    },
};
use std::{collections::BTreeMap, time::Duration};

/// Utterances by their names: what may be said for each.
pub type Utterances = BTreeMap<String, Vec<String>>;

/// What a line may begin with that has no counterpart here.
const UNKNOWN: [&str; 28] = [
    "CARDS",
    "CARDS_COUNT",
    "MEDIA",
    "MEDIA_COUNT",
    "FORMS",
    "FORM",
    "JSON_PATH",
    "JSON_PATH_COUNT",
    "ENTITIES",
    "ENTITY_VALUES",
    "ENTITY_CONTENT",
    "INTENT_UNIQUE",
    "INTENT_CONFIDENCE",
    "RESPONSE_LENGTH",
    "BUTTONS_COUNT",
    "BOT_CONSUMED",
    "TEXT_WILDCARD",
    "TEXT_WILDCARD_ANY",
    "TEXT_WILDCARD_ALL",
    "WAITFORBOT",
    "INCLUDE",
    "SET_SCRIPTING_MEMORY",
    "ASSIGN_SCRIPTING_MEMORY",
    "CLEAR_SCRIPTING_MEMORY",
    "UPDATE_CUSTOM",
    "SKIP_BOT_UNCONSUMED",
    "ORDERED_LIST_TO_BUTTONS",
    "NLP_DISABLE",
];

/// Reads an `.utterances.txt`: its name in the first line, then what may be said.
pub fn utterances(source: &str) -> Option<(String, Vec<String>)> {
    let mut lines = source.lines().map(str::trim).filter(|line| !line.is_empty());
    let name = lines.next()?.to_owned();
    Some((name, lines.map(str::to_owned).collect()))
}

/// Reads a `.convo.txt`. What it can't say here is told, and left out.
///
/// ```
/// use flow::scenario::import::{Utterances, botium};
///
/// let imported = botium("Refund\n\n#me\nI want my money back\n\n#bot\norder number\n!sorry\nCARDS shoes\n", &Utterances::new()).unwrap();
/// let turn = &imported.scenarios[0].turns[0];
/// assert_eq!((turn.expect.groups.len(), turn.expect.never.len()), (1, 1));
/// assert_eq!(imported.left_out[0].to_string(), "9:1: `CARDS` has no counterpart, so it is left out");
/// ```
pub fn botium(source: &str, utterances: &Utterances) -> Result<Imported, Vec<FileFault>> {
    let mut faults = Faults::new(source);
    if source.len() > MAX_BYTES {
        let message = format!(
            "the file is {} bytes long, at most {MAX_BYTES} are allowed",
            source.len()
        );
        faults.wrong(0, message, "split it");
        return Err(faults.into_sorted());
    }
    let mut reading = Reading {
        utterances,
        left_out: Faults::new(source),
        faults,
        vars: Vec::new(),
        turns: Vec::new(),
    };
    let (name, sections) = sections(source);
    for section in &sections {
        reading.section(section);
    }
    if reading.turns.is_empty() {
        let hint = "a conversation has its name in the first line, then sections #me and #bot";
        reading
            .faults
            .wrong(0, "there is no conversation in the file", hint);
    }
    if !reading.faults.is_empty() {
        return Err(reading.faults.into_sorted());
    }
    let name = name.unwrap_or_else(|| "without a name".into());
    Ok(Imported {
        scenarios: vec![Scenario::new(name, reading.turns)],
        left_out: reading.left_out.into_sorted(),
    })
}

struct Line<'a> {
    at: usize,
    text: &'a str,
}

struct Section<'a> {
    at: usize,
    /// Such as `me`, without its arguments.
    name: &'a str,
    lines: Vec<Line<'a>>,
}

/// The name, which is the first line, and the sections.
fn sections(source: &str) -> (Option<String>, Vec<Section<'_>>) {
    let (mut name, mut sections, mut at) = (None, Vec::<Section<'_>>::new(), 0);
    for line in source.split_inclusive('\n') {
        let text = line.trim();
        if let Some(header) = text.strip_prefix('#') {
            let name = header.split_whitespace().next().unwrap_or_default();
            sections.push(Section {
                at,
                name,
                lines: Vec::new(),
            });
        } else if let Some(section) = sections.last_mut() {
            section.lines.push(Line { at, text });
        } else if name.is_none() && !text.is_empty() {
            name = Some(text.trim_start_matches('\u{feff}').chars().take(200).collect());
        }
        at += line.len();
    }
    (name, sections)
}

struct Reading<'a, 's> {
    utterances: &'a Utterances,
    faults: Faults<'s>,
    left_out: Faults<'s>,
    /// Variables that were captured.
    vars: Vec<String>,
    turns: Vec<Turn>,
}

impl Reading<'_, '_> {
    fn section(&mut self, section: &Section<'_>) {
        let line = self.faults.line(section.at);
        match section.name {
            "me" => self.me(section, line),
            "bot" => self.bot(section, line),
            // What happens at the ends is the driver's business.
            "begin" | "end" if section.lines.iter().all(|line| line.text.is_empty()) => {}
            other => {
                let name = format!("#{}", crate::file::shorten(other));
                self.no_counterpart(section.at, &name);
            }
        }
    }

    fn no_counterpart(&mut self, at: usize, name: &str) {
        self.left_out
            .wrong(at, format!("`{name}` has no counterpart, so it is left out"), "");
    }

    fn me(&mut self, section: &Section<'_>, line: usize) {
        let mut said: Vec<String> = Vec::new();
        for Line { at, text } in &section.lines {
            let (word, args) = text.split_once(char::is_whitespace).unwrap_or((text, ""));
            match word {
                "BUTTON" => {
                    let label = self.text(args.split('|').next().unwrap_or_default().trim(), *at);
                    self.turn(line, Deed::Press(label));
                }
                "PAUSE" => match args.trim().parse::<u64>() {
                    Ok(ms) if ms <= 86_400_000 => self.turn(line, Deed::Wait(Duration::from_millis(ms))),
                    _ => self.no_counterpart(*at, word),
                },
                _ if UNKNOWN.contains(&word) => self.no_counterpart(*at, word),
                _ if text.is_empty() && said.is_empty() => {}
                _ => said.push((*text).to_owned()),
            }
        }
        let said = said.join("\n");
        let said = self.first_utterance(said.trim(), section).unwrap_or(said);
        if !said.trim().is_empty() {
            let text = self.text(said.trim(), section.at);
            self.turn(line, Deed::Say(text));
        }
    }

    /// What is said for a name; a scenario says one thing, so the others are told.
    fn first_utterance(&mut self, name: &str, section: &Section<'_>) -> Option<String> {
        let (first, others) = self.utterances.get(name)?.split_first()?;
        if !others.is_empty() {
            let at = section
                .lines
                .iter()
                .find(|line| line.text == name)
                .map_or(section.at, |line| line.at);
            let message = format!(
                "of `{}` only the first text is said, {} others are left out",
                crate::file::shorten(name),
                others.len()
            );
            self.left_out.wrong(at, message, "");
        }
        Some(first.clone())
    }

    /// There is one already.
    fn second(&mut self, at: usize, name: &str) {
        let message = format!("a turn has one `{name}`, so this one is left out");
        self.left_out.wrong(at, message, "");
    }

    fn turn(&mut self, line: usize, deed: Deed) {
        // Only what follows in a section of the bot is waited for.
        let expect = Expectations {
            answers: Some(Count { least: 0, most: None }),
            ..Expectations::default()
        };
        self.turns.push(Turn { line, deed, expect });
    }

    fn bot(&mut self, section: &Section<'_>, line: usize) {
        if self.turns.is_empty() {
            self.turn(line, Deed::Listen);
        }
        let (mut check, mut texts, mut never) = (AnswerCheck::default(), Vec::new(), Vec::new());
        let (mut intent, mut captures) = (None, Vec::new());
        for Line { at, text } in &section.lines {
            let (bare, is_negated) = match text.strip_prefix('!') {
                Some(bare) => (bare.trim(), true),
                None => (*text, false),
            };
            let (word, args) = bare.split_once(char::is_whitespace).unwrap_or((bare, ""));
            if text.is_empty() {
            } else if let Some(checks) = self.asserter(word, args, is_negated, *at) {
                check.texts.extend(checks);
            } else if word == "BUTTONS" && !is_negated && check.buttons.is_some() {
                self.second(*at, word);
            } else if word == "BUTTONS" && !is_negated {
                check.buttons = Some(
                    args.split('|')
                        .map(|label| self.text(label.trim(), *at))
                        .collect(),
                );
            } else if word == "INTENT" && !is_negated && (intent.is_some() || self.has_intent()) {
                self.second(*at, word);
            } else if word == "INTENT" && !is_negated && !args.trim().is_empty() {
                intent = Some(self.text(args.trim(), *at));
            } else if UNKNOWN.contains(&word) || matches!(word, "BUTTONS" | "INTENT" | "PAUSE") {
                self.no_counterpart(*at, word);
            } else if is_negated {
                never.extend(self.compared(bare, true, *at));
            } else {
                captures.extend(self.captures(bare));
                texts.push((*at, bare));
            }
        }
        let said: Vec<&str> = texts.iter().map(|(_, text)| *text).collect();
        if let Some((at, _)) = texts.first() {
            check.texts.extend(self.compared(&said.join("\n"), false, *at));
        }
        self.vars
            .extend(captures.iter().map(|capture: &Capture| capture.variable.clone()));
        let Some(turn) = self.turns.last_mut() else {
            return;
        };
        let expect = &mut turn.expect;
        if let Some(count) = &mut expect.answers {
            count.least += 1;
        }
        expect.never.extend(never);
        expect.captures.extend(captures);
        expect.intent = expect.intent.take().or(intent);
        if check.texts.iter().any(|text| !text.is_negated) {
            expect.groups.push(Group { checks: vec![check] });
        } else {
            expect.never.append(&mut check.texts);
            expect.some.extend(check.buttons.is_some().then_some(check));
        }
    }

    fn has_intent(&self) -> bool {
        self.turns.last().is_some_and(|turn| turn.expect.intent.is_some())
    }

    /// `TEXT_CONTAINS_ANY a|b` and its like; `None` when the word is none of them.
    fn asserter(&mut self, word: &str, args: &str, is_negated: bool, at: usize) -> Option<Vec<TextCheck>> {
        let (name, ignores_case) = match word.strip_suffix("_IC") {
            Some(name) => (name, true),
            None => (word, false),
        };
        let args: Vec<&str> = args
            .split('|')
            .map(str::trim)
            .filter(|arg| !arg.is_empty())
            .collect();
        let mut texts = || args.iter().map(|arg| self.text(arg, at)).collect::<Vec<_>>();
        let any = || {
            args.iter()
                .map(|arg| regex::escape(arg))
                .collect::<Vec<_>>()
                .join("|")
        };
        let pattern = |source: &str| cased_pattern(source, ignores_case).map(How::Matches);
        let hows: Vec<Result<How, String>> = match name {
            "TEXT" | "TEXT_EQUALS" => vec![Ok(How::OneOf(texts()))],
            "TEXT_CONTAINS_ANY" => vec![pattern(&any())],
            "TEXT_CONTAINS_ALL" | "TEXT_CONTAINS" => {
                texts().into_iter().map(|text| Ok(How::Contains(text))).collect()
            }
            "TEXT_REGEXP_ANY" | "TEXT_REGEXP" => vec![pattern(&format!("(?:{})", args.join(")|(?:")))],
            "TEXT_REGEXP_ALL" => args.iter().map(|arg| pattern(arg)).collect(),
            _ => return None,
        };
        let mut checks = Vec::new();
        for how in hows {
            match how {
                Ok(how) => checks.push(TextCheck {
                    how,
                    is_negated,
                    ignores_case,
                }),
                Err(reason) => self.faults.wrong(at, format!("{word} {reason}"), ""),
            }
        }
        Some(checks)
    }

    /// What a text of the bot is compared with: an utterance's texts, or itself.
    fn compared(&mut self, text: &str, is_negated: bool, at: usize) -> Option<TextCheck> {
        let how = match self.utterances.get(text.trim()) {
            Some(texts) => {
                let any: Vec<String> = texts.iter().map(|text| regex::escape(text)).collect();
                cased_pattern(&any.join("|"), true).map(How::Matches)
            }
            None if self.has_new_variable(text) => {
                cased_pattern(&self.pattern_of(text, None), true).map(How::Matches)
            }
            None => Ok(How::Contains(self.text(text, at))),
        };
        let how = how
            .map_err(|reason| self.faults.wrong(at, format!("the text {reason}"), ""))
            .ok()?;
        Some(TextCheck {
            how,
            is_negated,
            ignores_case: true,
        })
    }

    fn has_new_variable(&self, text: &str) -> bool {
        variables(text).any(|(_, name)| !self.vars.iter().any(|known| known == name))
    }

    /// A capture for each variable that the text is the first to name.
    fn captures(&self, text: &str) -> Vec<Capture> {
        let new = variables(text).filter(|(_, name)| !self.vars.iter().any(|known| known == name));
        new.filter_map(|(_, name)| {
            let pattern = plain_pattern(&self.pattern_of(text, Some(name))).ok()?;
            Some(Capture {
                variable: name.to_owned(),
                source: CaptureSource::Answer(pattern),
            })
        })
        .collect()
    }

    /// The text as an expression, with any word for each variable; the one that is asked for is a group.
    fn pattern_of(&self, text: &str, asked: Option<&str>) -> String {
        let (mut pattern, mut from) = ("(?i)".to_owned(), 0);
        for (at, name) in variables(text) {
            pattern.push_str(&regex::escape(&text[from..at]));
            pattern.push_str(if asked == Some(name) { "(\\S+)" } else { "\\S+" });
            from = at + 1 + name.len();
        }
        pattern.push_str(&regex::escape(&text[from..]));
        pattern
    }

    /// A text with `$name` for what was captured; other names stay as they are, and are told.
    fn text(&mut self, text: &str, at: usize) -> Template {
        let (mut written, mut from) = (String::new(), 0);
        for (place, name) in variables(text) {
            if self.vars.iter().any(|known| known == name) {
                written.push_str(&text[from..place]);
                written.push_str(&format!("{{{{{name}}}}}"));
                from = place + 1 + name.len();
            } else {
                let message =
                    format!("nothing gives `${name}` a value before, so it is sent as it is written");
                self.left_out.wrong(at, message, "");
            }
        }
        written.push_str(&text[from..]);
        Template::parse(&written).unwrap_or_else(|_| Template::plain(written))
    }
}

/// Where `$name` stands in a text, and the name.
fn variables(text: &str) -> impl Iterator<Item = (usize, &str)> {
    text.match_indices('$').filter_map(|(at, _)| {
        let rest = &text[at + 1..];
        let end = rest
            .find(|c: char| !(c.is_ascii_alphanumeric() || c == '_'))
            .unwrap_or(rest.len());
        let name = &rest[..end];
        is_name(name).then_some((at, name))
    })
}
