//! From the text of a prompts file to a [`Manifest`], or to every fault in it.

use super::model::{Language, Manifest, Prompt, Source, Speech};
use crate::file::{self, Faults, FileFault, Table, Value, kind, shorten};
use std::{collections::HashMap, time::Duration};
use toml::de::DeValue;
use wire::{
    ids::PromptId,
    media::{Encoding, Rank},
};

/// Largest prompts file, in bytes.
pub const MAX_FILE_BYTES: usize = 4 * 1024 * 1024;
/// Most prompts of a file.
pub const MAX_PROMPTS: usize = 10_000;
/// The longest text of a prompt, in characters.
pub const LONGEST_TEXT: usize = 10_000;
/// Most arguments of the speech command, and the longest of them, in bytes.
const MOST_ARGUMENTS: usize = 64;
const LONGEST_ARGUMENT: usize = 1024;

const DEFAULT_SPEECH_TIMEOUT_S: u64 = 30;
/// What words for priorities stand for, as in the contract.
const RANKS: [(&str, i32); 5] = [
    ("low", 1),
    ("normal", 2),
    ("medium", 3),
    ("high", 4),
    ("critical", 5),
];

/// Reads a prompts file. All faults come at once, in the order of the file.
pub fn parse(source: &str) -> Result<Manifest, Vec<FileFault>> {
    let mut faults = Faults::new(source);
    let Some(document) = file::document(source, MAX_FILE_BYTES, &mut faults) else {
        return Err(faults.into_sorted());
    };
    let top = Table {
        fields: document.get_ref(),
        at: 0,
        name: "the file".into(),
    };
    let lines = LineStarts::of(source);
    let mut reader = Reader { faults, lines };
    match reader.file(&top) {
        Some(manifest) if reader.faults.is_empty() => Ok(manifest),
        _ => Err(reader.faults.into_sorted()),
    }
}

struct Reader<'s> {
    faults: Faults<'s>,
    lines: LineStarts,
}

/// What holds for prompts that say nothing else.
struct Usual {
    language: Option<Language>,
    encoding: Encoding,
    convert: bool,
}

impl Reader<'_> {
    fn file(&mut self, top: &Table<'_>) -> Option<Manifest> {
        const FIELDS: [&str; 6] = ["flow", "language", "encoding", "convert", "speech", "prompt"];
        top.only(&FIELDS, &mut self.faults);
        let flow = top.required("flow", "flow = \"your-flow-id\"", &mut self.faults);
        let flow = flow.and_then(|value| self.faults.parsed(value, "flow"));
        let usual = Usual {
            language: self.optional(top, "language"),
            encoding: self.optional(top, "encoding").unwrap_or(Encoding::Ulaw),
            convert: top.truth("convert", &mut self.faults).unwrap_or(true),
        };
        let speech = top.get("speech").map(|value| self.speech(value));
        let prompts = self.prompts(top, &usual)?;
        self.each_id_once(&prompts);
        Some(Manifest {
            flow: flow?,
            speech: match speech {
                Some(speech) => Some(speech?),
                None => None,
            },
            prompts: prompts.into_iter().map(|(_, prompt)| prompt).collect(),
        })
    }

    fn optional<T: std::str::FromStr<Err: std::fmt::Display>>(
        &mut self,
        table: &Table<'_>,
        field: &str,
    ) -> Option<T> {
        let value = table.get(field)?;
        self.faults.parsed(value, field)
    }

    fn speech(&mut self, value: &Value<'_>) -> Option<Speech> {
        let table = Table::of(
            value,
            "[speech]".into(),
            &["command", "timeout_s"],
            &mut self.faults,
        )?;
        let example = r#"command = ["espeak-ng", "-v", "{language}", "--stdin", "--stdout"]"#;
        let command = table.required("command", example, &mut self.faults)?;
        let timeout_s = table.whole("timeout_s", 1..=600, &mut self.faults);
        let words = file::items(command, "command", &mut self.faults)?;
        let at = command.span().start;
        if words.is_empty() || words.len() > MOST_ARGUMENTS {
            let message = format!(
                "command must have 1 to {MOST_ARGUMENTS} items, not {}",
                words.len()
            );
            self.faults.wrong(at, message, format!("write {example}"));
            return None;
        }
        let mut read = Vec::with_capacity(words.len());
        for word in words {
            let text = self.faults.text(word, "a word of command")?;
            if text.len() > LONGEST_ARGUMENT || text.contains('\0') {
                let message =
                    format!("a word of command must be at most {LONGEST_ARGUMENT} bytes, without NUL");
                self.faults.wrong(word.span().start, message, "");
            }
            read.push(text.to_owned());
        }
        if read[0].trim().is_empty() {
            self.faults.wrong(at, "command must begin with a program", "");
        }
        Some(Speech {
            program: read.remove(0),
            arguments: read,
            timeout: Duration::from_secs(timeout_s.unwrap_or(DEFAULT_SPEECH_TIMEOUT_S)),
        })
    }

    fn prompts(&mut self, top: &Table<'_>, usual: &Usual) -> Option<Vec<(usize, Prompt)>> {
        let example = "[[prompt]] with id = \"welcome\" and file = \"welcome.wav\"";
        let value = top.required("prompt", example, &mut self.faults)?;
        let listed = file::items(value, "prompt", &mut self.faults)?;
        if listed.is_empty() || listed.len() > MAX_PROMPTS {
            let message = format!("there must be 1 to {MAX_PROMPTS} prompts, not {}", listed.len());
            self.faults.wrong(value.span().start, message, "");
            return None;
        }
        let read = listed.iter().enumerate();
        let read = read.filter_map(|(at, item)| Some((item.span().start, self.prompt(at, item, usual)?)));
        Some(read.collect())
    }

    fn prompt(&mut self, at: usize, item: &Value<'_>, usual: &Usual) -> Option<Prompt> {
        const FIELDS: [&str; 8] = [
            "id", "file", "text", "node", "language", "priority", "encoding", "convert",
        ];
        let table = Table::of(item, format!("prompt {}", at + 1), &FIELDS, &mut self.faults)?;
        let id = table.required("id", "id = \"welcome\"", &mut self.faults);
        let id: Option<PromptId> = id.and_then(|value| self.faults.parsed(value, "id"));
        let source = self.source(&table);
        let node = match table.get("node") {
            Some(value) => self.faults.parsed(value, "node"),
            None => id.as_ref().and_then(|id| id.as_str().parse().ok()),
        };
        let language = self
            .optional(&table, "language")
            .or_else(|| usual.language.clone());
        let priority = table
            .get("priority")
            .map_or(Some(Rank(0)), |value| self.rank(value));
        let encoding = self.optional(&table, "encoding").unwrap_or(usual.encoding);
        let convert = table.truth("convert", &mut self.faults).unwrap_or(usual.convert);
        Some(Prompt {
            id: id?,
            source: source?,
            node: node?,
            language,
            priority: priority?,
            encoding,
            convert,
            line: self.lines.line_of(item.span().start),
        })
    }

    fn source(&mut self, table: &Table<'_>) -> Option<Source> {
        match (table.get("file"), table.get("text")) {
            (Some(file), None) => {
                let path = self.faults.text(file, "file")?;
                if path.is_empty() || path.contains('\0') {
                    self.faults.wrong(
                        file.span().start,
                        "file must name a file",
                        "write file = \"welcome.wav\"",
                    );
                    return None;
                }
                Some(Source::File(path.to_owned()))
            }
            (None, Some(text)) => {
                let said = self.faults.text(text, "text")?;
                let length = said.chars().count();
                if said.trim().is_empty() || length > LONGEST_TEXT {
                    let message = format!("text must have 1 to {LONGEST_TEXT} characters, not {length}");
                    self.faults.wrong(text.span().start, message, "");
                    return None;
                }
                Some(Source::Text(said.to_owned()))
            }
            (None, None) => {
                let message = format!("{} has neither `file` nor `text`", table.name);
                self.faults.absent(
                    table.at,
                    message,
                    "add file = \"welcome.wav\" or text = \"Welcome.\"",
                );
                None
            }
            (Some(_), Some(text)) => {
                let message = format!("{} has both `file` and `text`", table.name);
                self.faults
                    .wrong(text.span().start, message, "leave one of them out");
                None
            }
        }
    }

    fn rank(&mut self, value: &Value<'_>) -> Option<Rank> {
        let rank = match value.get_ref() {
            DeValue::Integer(written) => i32::from_str_radix(written.as_str(), written.radix()).ok(),
            DeValue::String(word) => RANKS
                .iter()
                .find(|(name, _)| *name == word.as_ref())
                .map(|(_, rank)| *rank),
            _ => None,
        };
        if rank.is_none() {
            let names: Vec<_> = RANKS.iter().map(|(name, _)| *name).collect();
            let message = format!(
                "priority must be a whole number or one of {}, not {}",
                names.join(", "),
                match value.get_ref().as_str() {
                    Some(text) => format!("{:?}", shorten(text)),
                    None => kind(value).to_owned(),
                }
            );
            self.faults.wrong(value.span().start, message, "");
        }
        rank.map(Rank)
    }

    fn each_id_once(&mut self, prompts: &[(usize, Prompt)]) {
        let mut first: HashMap<&PromptId, usize> = HashMap::new();
        for (at, prompt) in prompts {
            if let Some(line) = first.get(&prompt.id) {
                let message = format!("the prompt {:?} is in line {line} already", prompt.id);
                self.faults
                    .wrong(*at, message, "give it an id of its own, and the same `node`");
            }
            first.entry(&prompt.id).or_insert(prompt.line);
        }
    }
}

/// Where lines begin, in bytes.
struct LineStarts(Vec<usize>);

impl LineStarts {
    fn of(source: &str) -> Self {
        let after = source.match_indices('\n').map(|(at, _)| at + 1);
        Self(std::iter::once(0).chain(after).collect())
    }

    fn line_of(&self, at: usize) -> usize {
        self.0.partition_point(|start| *start <= at)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::prompts::Standing;
    use proptest::prelude::*;

    #[test]
    fn a_file_says_what_is_built() {
        let manifest = parse(
            r#"
flow = "support"
language = "en-US"
encoding = "alaw"
convert = false
speech = { command = ["say", "-v", "{language}"], timeout_s = 5 }

[[prompt]]
id = "welcome"
file = "sounds/welcome.flac"
convert = true

[[prompt]]
id = "bye"
node = "the-end"
text = "Good bye."
language = "en-GB"
priority = "high"
encoding = "ulaw"
"#,
        )
        .unwrap();
        let [welcome, bye] = &manifest.prompts[..] else {
            panic!()
        };
        assert_eq!(
            (welcome.node.as_str(), welcome.convert, welcome.line),
            ("welcome", true, 8)
        );
        assert_eq!(welcome.encoding, Encoding::Alaw);
        assert_eq!(welcome.source, Source::File("sounds/welcome.flac".into()));
        assert_eq!(
            (bye.node.as_str(), bye.convert, bye.priority),
            ("the-end", false, Rank(4))
        );
        assert_eq!(bye.language.as_ref().unwrap().as_str(), "en-GB");
        let speech = manifest.speech.unwrap();
        assert_eq!(
            (&*speech.program, speech.timeout),
            ("say", Duration::from_secs(5))
        );
    }

    #[test]
    fn all_faults_come_at_once_in_their_places() {
        let faults = parse(
            r#"
flwo = "support"
language = "en_US"
[speech]
command = []
[[prompt]]
file = "a.wav"
text = "A"
[[prompt]]
id = "b"
priority = "urgent"
[[prompt]]
id = "c"
file = "c.wav"
[[prompt]]
id = "c"
file = "d.wav"
encoding = "opus"
"#,
        )
        .unwrap_err();
        let text: Vec<String> = faults.iter().map(ToString::to_string).collect();
        insta::assert_snapshot!(text.join("\n"), @r#"
        1:1: the file has no `flow`
          hint: add flow = "your-flow-id"
        2:1: unknown field `flwo` in the file
          hint: did you mean `flow`?
        3:12: language must be a language tag such as en-US
        5:11: command must have 1 to 64 items, not 0
          hint: write command = ["espeak-ng", "-v", "{language}", "--stdin", "--stdout"]
        6:1: prompt 1 has no `id`
          hint: add id = "welcome"
        8:8: prompt 1 has both `file` and `text`
          hint: leave one of them out
        9:1: prompt 2 has neither `file` nor `text`
          hint: add file = "welcome.wav" or text = "Welcome."
        11:12: priority must be a whole number or one of low, normal, medium, high, critical, not "urgent"
        15:1: the prompt "c" is in line 12 already
          hint: give it an id of its own, and the same `node`
        18:12: encoding must be one of ulaw, alaw, pcmu, pcma, not "opus"
        "#);
    }

    #[test]
    fn a_tie_for_a_node_is_told_of_both() {
        let manifest = parse(
            r#"
flow = "f"
[[prompt]]
id = "a"
node = "n"
file = "a.wav"
[[prompt]]
id = "b"
node = "n"
file = "b.wav"
"#,
        )
        .unwrap();
        let id = |text: &str| text.parse::<PromptId>().unwrap();
        assert_eq!(
            manifest.standings(),
            [Standing::Tied { with: id("b") }, Standing::Tied { with: id("a") }]
        );
    }

    proptest! {
        #[test]
        fn no_text_makes_the_parser_panic(text in "[\\PC\n]{0,300}") {
            let _ = parse(&text);
            let _ = parse(&format!("flow = \"f\"\n[[prompt]]\n{text}"));
        }
    }
}
