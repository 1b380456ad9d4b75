//! The rules that forms are judged by: from a file, which is read anew when it changes; one with faults changes nothing.

use super::now;
use audit::{Actor, Entry, Outcome};
use flow::{
    file::FileFault,
    rules::{self, MAX_FILE_BYTES, RuleSet},
};
use serde_json::{Map, Value, json};
use sha2::{Digest, Sha256};
use std::{
    fs::File,
    io::{self, Read},
    path::{Path, PathBuf},
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};
use store::{Commit, Store};
use tokio::time::{MissedTickBehavior, interval};

/// How often the file is looked at.
const LOOK_EVERY: Duration = Duration::from_secs(1);

/// The longest reason that the audit log gets, in characters.
const LONGEST_WHY: usize = 4000;

/// Rules, and which they are.
#[derive(Debug)]
pub struct Rules {
    /// The table.
    pub set: RuleSet,
    /// The first 12 hexadecimal digits of the file's SHA-256.
    pub version: String,
}

/// Why a file is no rules.
#[derive(Debug, thiserror::Error)]
pub enum BadRules {
    /// It can't be read.
    #[error("the rules {} can't be read", .path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// It has faults.
    #[error("the rules have faults:\n{}", in_file(.path, .faults))]
    Faults {
        /// The file.
        path: PathBuf,
        /// All of them.
        faults: Vec<FileFault>,
    },
}

fn in_file(path: &Path, faults: &[FileFault]) -> String {
    let file = path.display().to_string();
    let lines: Vec<String> = faults
        .iter()
        .map(|fault| fault.in_file(&file).to_string())
        .collect();
    lines.join("\n")
}

impl Rules {
    /// The rules that are built in (contract section 7).
    pub fn usual() -> Result<Self, BadRules> {
        Self::parse(rules::USUAL, Path::new("the built-in rules"))
    }

    /// Reads a file.
    pub fn read(path: &Path) -> Result<Self, BadRules> {
        Self::parse(&text(path)?, path)
    }

    fn parse(text: &str, path: &Path) -> Result<Self, BadRules> {
        let set = rules::parse(text).map_err(|faults| BadRules::Faults {
            path: path.to_owned(),
            faults,
        })?;
        let version = version(text);
        Ok(Self { set, version })
    }
}

fn version(text: &str) -> String {
    let hash = Sha256::digest(text);
    hash[..6].iter().map(|byte| format!("{byte:02x}")).collect()
}

/// The text of a file, if it is not too large.
fn text(path: &Path) -> Result<String, BadRules> {
    let unreadable = |source| BadRules::Unreadable {
        path: path.to_owned(),
        source,
    };
    let file = File::open(path).map_err(unreadable)?;
    let mut text = String::new();
    // One byte more shows that there is more.
    let most = MAX_FILE_BYTES as u64 + 1;
    file.take(most).read_to_string(&mut text).map_err(unreadable)?;
    Ok(text)
}

/// The rules in force. Clones are the same.
#[derive(Debug, Clone)]
pub struct Rulebook(Arc<Mutex<Arc<Rules>>>);

impl Rulebook {
    /// With these rules at first.
    pub fn new(rules: Rules) -> Self {
        Self(Arc::new(Mutex::new(Arc::new(rules))))
    }

    /// The rules as they are now.
    pub fn current(&self) -> Arc<Rules> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn replace(&self, rules: Rules) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Arc::new(rules);
    }
}

/// What was seen of the file so far. Checking rules is work, and a file may be half written: so it is read as rules only when it is
/// the same in two looks, and only once.
#[derive(Debug, Default)]
struct Looked {
    /// How it was at the last look: the version of its text, or why it could not be read.
    last: Option<String>,
    /// How it was when it was told that it is no good.
    told: Option<String>,
}

impl Looked {
    /// Looks; gives what is to be told, if anything.
    fn look(mut self, path: &Path, current: &str) -> (Self, Option<Result<Rules, BadRules>>) {
        let read = text(path);
        let now = match &read {
            Ok(text) => version(text),
            Err(bad) => bad.to_string(),
        };
        let is_settled = self.last.as_ref() == Some(&now);
        self.last = Some(now.clone());
        if now == current {
            self.told = None;
        }
        if now == current || !is_settled || self.told.as_ref() == Some(&now) {
            return (self, None);
        }
        let rules = read.and_then(|text| Rules::parse(&text, path));
        self.told = rules.is_err().then_some(now);
        (self, Some(rules))
    }
}

/// Reads the file anew whenever it changes, for ever. What is wrong with it is logged and noted in the audit log, once; the rules
/// stay as they were.
pub async fn keep_reading(book: Rulebook, path: PathBuf, store: Store) {
    let mut looked = Looked::default();
    let mut ticks = interval(LOOK_EVERY);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        ticks.tick().await;
        let (file, current) = (path.clone(), book.current().version.clone());
        let look = move || looked.look(&file, &current);
        // Cancelled only when the runtime is shutting down.
        let Ok((next, read)) = tokio::task::spawn_blocking(look).await else {
            return;
        };
        looked = next;
        let entry = match read {
            None => continue,
            Some(Ok(rules)) => {
                tracing::info!(rules = rules.version, "the rules have changed");
                let entry = entry("rules.loaded", Outcome::Success, json!({"rules": rules.version}));
                book.replace(rules);
                entry
            }
            Some(Err(bad)) => {
                let error = &bad as &dyn std::error::Error;
                tracing::error!(error, "the rules stay as they were");
                let stays = book.current().version.clone();
                let why: String = bad.to_string().chars().take(LONGEST_WHY).collect();
                let detail = json!({"stays": stays, "why": why});
                entry("rules.refused", Outcome::Failure, detail)
            }
        };
        let commit = Commit {
            audit: vec![entry],
            ..Commit::default()
        };
        if let Err(error) = store.commit(commit).await {
            tracing::warn!(%error, "a change of the rules is not noted in the audit log");
        }
    }
}

fn entry(action: &str, outcome: Outcome, detail: Value) -> Entry {
    let detail = match detail {
        Value::Object(members) => members,
        _ => Map::new(),
    };
    Entry {
        at: now(),
        actor: Actor::FollowUp,
        action: action.to_owned(),
        subject: Some("rules".to_owned()),
        correlation: None,
        outcome,
        detail,
        personal: Vec::new(),
    }
}
