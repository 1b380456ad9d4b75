//! Faults of a file, with their places.

use std::{borrow::Cow, fmt, ops::Range};

/// Something wrong in a file.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct FileFault {
    /// The line, from 1.
    pub line: usize,
    /// The column, from 1, in characters.
    pub column: usize,
    /// What is wrong.
    pub message: String,
    /// What to do about it.
    pub hint: Option<String>,
}

impl FileFault {
    /// The fault as `file:line:column: message`, with its hint on a second line.
    pub fn in_file<'a>(&'a self, file: &'a str) -> impl fmt::Display + 'a {
        struct InFile<'a>(&'a FileFault, &'a str);
        impl fmt::Display for InFile<'_> {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, "{}:{}", self.1, self.0)
            }
        }
        InFile(self, file)
    }
}

impl fmt::Display for FileFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}: {}", self.line, self.column, self.message)?;
        self.hint
            .iter()
            .try_for_each(|hint| write!(f, "\n  hint: {hint}"))
    }
}

impl std::error::Error for FileFault {}

/// The faults found so far.
pub(crate) struct Faults<'s> {
    pub(crate) source: &'s str,
    found: Vec<Found>,
}

struct Found {
    at: usize,
    message: String,
    hint: Option<String>,
    weight: Weight,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Weight {
    /// The text is no TOML here.
    Syntax,
    /// Something that is there is wrong.
    Wrong,
    /// Something is not there: perhaps only because the text could not be read.
    Absent,
}

impl<'s> Faults<'s> {
    pub(crate) fn new(source: &'s str) -> Self {
        Self {
            source,
            found: Vec::new(),
        }
    }

    /// Something at byte `at` is wrong.
    pub(crate) fn wrong(
        &mut self,
        at: usize,
        message: impl Into<String>,
        hint: impl Into<Cow<'static, str>>,
    ) {
        self.add(at, message.into(), hint.into(), Weight::Wrong);
    }

    /// Something should be there, in what begins at byte `at`.
    pub(crate) fn absent(
        &mut self,
        at: usize,
        message: impl Into<String>,
        hint: impl Into<Cow<'static, str>>,
    ) {
        self.add(at, message.into(), hint.into(), Weight::Absent);
    }

    /// The text cannot be read at `at`.
    pub(crate) fn syntax(&mut self, at: usize, message: impl Into<String>) {
        self.add(at, message.into(), "".into(), Weight::Syntax);
    }

    fn add(&mut self, at: usize, message: String, hint: Cow<'static, str>, weight: Weight) {
        let hint = (!hint.is_empty()).then(|| hint.into_owned());
        self.found.push(Found {
            at,
            message,
            hint,
            weight,
        });
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.found.is_empty()
    }

    /// The line (from 1) of byte `at`.
    pub(crate) fn line(&self, at: usize) -> usize {
        self.place(at).0
    }

    fn place(&self, at: usize) -> (usize, usize) {
        let mut at = at.min(self.source.len());
        while !self.source.is_char_boundary(at) {
            at -= 1;
        }
        let before = &self.source[..at];
        let line = before.rfind('\n').map_or(0, |newline| newline + 1);
        (
            before.matches('\n').count() + 1,
            before[line..].chars().count() + 1,
        )
    }

    /// The faults by their places. Where the text could not be read, what follows from that is left out.
    pub(crate) fn into_sorted(self) -> Vec<FileFault> {
        let of_weight = |weight| self.found.iter().filter(move |fault| fault.weight == weight);
        let unread: Vec<usize> = of_weight(Weight::Syntax)
            .map(|fault| self.line(fault.at))
            .collect();
        let is_told = |fault: &&Found| match fault.weight {
            Weight::Syntax => true,
            Weight::Wrong => !unread.contains(&self.line(fault.at)),
            Weight::Absent => unread.is_empty(),
        };
        let mut told: Vec<FileFault> = self
            .found
            .iter()
            .filter(is_told)
            .map(|fault| self.fault(fault))
            .collect();
        told.sort();
        told.dedup();
        told
    }

    fn fault(&self, found: &Found) -> FileFault {
        let (line, column) = self.place(found.at);
        FileFault {
            line,
            column,
            message: found.message.clone(),
            hint: found.hint.clone(),
        }
    }

    /// Where byte `offset` of the text written at `span` stands in the file: exact unless the text has escapes.
    pub(crate) fn inside(&self, span: Range<usize>, text: &str, offset: usize) -> usize {
        let written = self.source.get(span.clone()).unwrap_or_default();
        written
            .find(text)
            .map_or(span.start, |start| span.start + start + offset)
    }
}

/// `did you mean ...?` when one of `known` is near, otherwise the list of them.
///
/// ```
/// assert_eq!(flow::file::suggest("scor", ["score", "channel"]), "did you mean `score`?");
/// assert_eq!(flow::file::suggest("mood", ["score", "channel"]), "known are score, channel");
/// ```
pub fn suggest<'a>(wrong: &str, known: impl IntoIterator<Item = &'a str>) -> String {
    let known: Vec<&str> = known.into_iter().collect();
    let near = known.iter().map(|name| (distance(wrong, name), name)).min();
    match near {
        Some((distance, name)) if distance <= 2.max(wrong.len() / 3) && distance < name.len() => {
            format!("did you mean `{name}`?")
        }
        _ if known.is_empty() => "there are none".into(),
        _ if known.len() <= 12 => format!("known are {}", known.join(", ")),
        _ => format!(
            "known are {} and {} more",
            known[..12].join(", "),
            known.len() - 12
        ),
    }
}

/// The Levenshtein distance of two short texts.
fn distance(a: &str, b: &str) -> usize {
    let b: Vec<char> = b.chars().take(128).collect();
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, a) in a.chars().take(128).enumerate() {
        let mut diagonal = row[0];
        row[0] = i + 1;
        for (j, b) in b.iter().enumerate() {
            let substituted = diagonal + usize::from(a != *b);
            diagonal = row[j + 1];
            row[j + 1] = substituted.min(diagonal + 1).min(row[j] + 1);
        }
    }
    row[b.len()]
}
