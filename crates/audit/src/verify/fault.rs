//! What can be broken, in words for people.

use crate::tree::Hash;
use std::fmt;

/// So many faults are named; more are only counted.
pub const MOST_FAULTS: usize = 100;

/// What came of verifying a log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Verdict {
    /// How many rows there were.
    pub entries: u64,
    /// The root over them; `None` when rows are missing, so that it can't be known.
    pub root: Option<Hash>,
    /// How many of them have no text any more, because retention dropped it.
    pub expired: u64,
    /// So many entries, from the first one, are what a signed checkpoint vouches for.
    pub proven: u64,
    /// How many faults there are.
    pub broken: u64,
    /// The first [`MOST_FAULTS`] of them as they were found. Where one entry can be named, it comes before the range it is in.
    pub faults: Vec<Broken>,
}

impl Verdict {
    /// Whether nothing is broken.
    pub fn holds(&self) -> bool {
        self.broken == 0
    }
}

/// A fault, and the entries it is about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Broken {
    /// The first entry.
    pub entry: u64,
    /// The last entry; the same one when it is known exactly.
    pub last: u64,
    /// What is broken.
    pub what: What,
}

/// What is broken.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum What {
    /// The text is not what it was.
    Text,
    /// The hash that is kept for the text is not what it was.
    Hash,
    /// The text is not that of an entry.
    Unreadable(String),
    /// The text says it is that of another entry: it was moved or renumbered.
    Moved {
        /// The index in the text.
        says: u64,
    },
    /// A column does not say what the text says.
    Column(&'static str),
    /// A personal text is not what the entry vouches for.
    PersonalText(String),
    /// A personal text that the entry does not know.
    StrangeText(String),
    /// The text is missing, and retention did not drop it.
    TextRemoved,
    /// There are no rows.
    Removed,
    /// A row of this index came after another one.
    OutOfOrder {
        /// The one before.
        after: u64,
    },
    /// The entries do not have the hash that is kept for the range: one was changed together with its own hash.
    Range,
    /// The hash that is kept for the range was changed; the entries are as they were.
    Tile,
    /// The hash that is kept for the range is missing.
    NoTile,
    /// A signed checkpoint has another root, and what is kept beside the entries was changed with them.
    Rewritten {
        /// The checkpoint's size.
        checkpoint: u64,
    },
    /// They are vouched for, but the log ends before.
    CutOff,
    /// They are there, but the head of the log knows nothing of them.
    BeyondHead,
    /// They do not fit the head of the log.
    NotInHead,
    /// The head of the log was changed; a signed checkpoint shows that the entries were not.
    Head,
    /// The checkpoint of this size was fed after the rows that it vouches for, so it was not checked.
    Late,
}

impl fmt::Display for Broken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.entry == self.last {
            true => write!(f, "entry {}: {}", self.entry, self.what),
            false => write!(f, "entries {} to {}: {}", self.entry, self.last, self.what),
        }
    }
}

impl fmt::Display for What {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Text => f.write_str("its text was changed (it does not have the hash that was kept)"),
            Self::Hash => f.write_str("the hash that was kept for it was changed (its text was not)"),
            Self::Unreadable(why) => write!(f, "its text is not that of an entry ({why})"),
            Self::Moved { says } => write!(f, "it was moved (its text says it is entry {says})"),
            Self::Column(name) => write!(f, "its {name} for queries was changed (its text says otherwise)"),
            Self::PersonalText(field) => {
                write!(
                    f,
                    "its personal text `{field}` was changed (it does not fit the entry's commitment)"
                )
            }
            Self::StrangeText(field) => write!(
                f,
                "its personal text `{field}` was added (the entry knows of none)"
            ),
            Self::Removed => f.write_str("removed (there is no row)"),
            Self::TextRemoved => f.write_str("its text was removed (and not by retention)"),
            Self::OutOfOrder { after } => write!(f, "it comes after entry {after}"),
            Self::Range => f.write_str(
                "one of them was changed together with its hash (the tile over them has another one)",
            ),
            Self::Tile => f.write_str("the tile over them was changed (they fit a signed checkpoint)"),
            Self::NoTile => f.write_str("the tile over them is missing"),
            Self::Rewritten { checkpoint } => write!(
                f,
                "rewritten (the signed checkpoint of {checkpoint} entries has another root)"
            ),
            Self::CutOff => {
                f.write_str("cut off (the log's head, a tile or a signed checkpoint vouches for more)")
            }
            Self::BeyondHead => f.write_str("added behind the end (the log's head does not reach so far)"),
            Self::NotInHead => {
                f.write_str("changed together with the kept hash (the log's head has another root)")
            }
            Self::Head => f.write_str("the log's head was changed (the entries fit a signed checkpoint)"),
            Self::Late => f.write_str("the checkpoint of this size was not checked (it was fed too late)"),
        }
    }
}

/// The faults so far.
#[derive(Debug, Default)]
pub(super) struct Faults {
    pub(super) first: Vec<Broken>,
    pub(super) count: u64,
}

impl Faults {
    /// Adds a fault; gives its place, by which [`Faults::is_rather`] can correct it.
    pub(super) fn add(&mut self, entry: u64, last: u64, what: What) -> usize {
        self.count += 1;
        if self.first.len() == MOST_FAULTS {
            return MOST_FAULTS;
        }
        self.first.push(Broken { entry, last, what });
        self.first.len() - 1
    }

    /// It turned out what the fault at this place really is.
    pub(super) fn is_rather(&mut self, place: usize, what: What) {
        if let Some(fault) = self.first.get_mut(place) {
            fault.what = what;
        }
    }
}
