//! `[[bot]]` of a tenant.

use super::turns::Turns;
use crate::tenant::each;
use flow::bot;
use std::{collections::HashMap, sync::Arc, time::Duration};
use url::Url;
use webhooks::Secret;
use wire::{
    Faults,
    fault::{Object, shorten},
};

/// Most bots of a tenant.
const MOST_BOTS: usize = 1_000;
/// The longest id of a bot, in characters: with `bot-` before it, it is a participant's.
const LONGEST_ID: usize = 124;
/// The longest that a bot may seem to type, in milliseconds.
const LONGEST_TYPING_MS: u64 = 30_000;
const DEFAULT_TIMEOUT_MS: u64 = 5_000;
const LONGEST_TIMEOUT_MS: u64 = 30_000;
/// The longest text that is said instead of an answer, in characters.
const LONGEST_FALLBACK: usize = 2_000;
const DEFAULT_FALLBACK: &str = "Sorry, I can't answer right now. Please try again in a moment.";

/// A bot and how it is reached.
#[derive(Debug, Clone)]
pub(crate) struct Configured {
    pub(super) answers: Answers,
    /// Where its file is, or its webhook.
    pub(super) source: String,
    /// How long it seems to type before an answer at the least, in milliseconds.
    pub(super) typing_ms: u64,
    pub(super) seed: u64,
    pub(super) turns: Turns,
}

/// Who answers.
#[derive(Debug, Clone)]
pub(super) enum Answers {
    /// A bot of a file.
    File(Arc<bot::Bot>),
    /// Somebody else.
    Webhook(Webhook),
}

/// Somebody else, who is told of messages and answers them.
#[derive(Debug, Clone)]
pub(super) struct Webhook {
    pub(super) url: Url,
    pub(super) secret: Option<Secret>,
    /// How long it may take.
    pub(super) timeout: Duration,
    /// What is said when it does not answer, or not in the agreed shape.
    pub(super) fallback: Arc<str>,
}

impl Configured {
    pub(super) fn webhook(&self) -> Option<&Webhook> {
        match &self.answers {
            Answers::Webhook(webhook) => Some(webhook),
            Answers::File(_) => None,
        }
    }
}

/// Reads every `[[bot]]`; `read_file` gives the text of a file beside the tenant's.
pub(crate) fn read_bots(
    file: &Object<'_>,
    read_file: &dyn Fn(&str) -> Result<String, String>,
    faults: &mut Faults,
) -> HashMap<String, Configured> {
    let read = each(file, "bot", faults, |table, faults| {
        let id = table.filled_text("id", LONGEST_ID, faults).map(str::to_owned);
        let bot = read_bot(table, read_file, faults);
        Some((id?, bot?))
    });
    if read.len() > MOST_BOTS {
        faults.push(format!(
            "there are {} bots, at most {MOST_BOTS} are allowed",
            read.len()
        ));
    }
    let mut bots = HashMap::new();
    for (id, bot) in read {
        if bots.contains_key(&id) {
            faults.push(format!("bot.id {:?} is used twice", shorten(&id)));
        }
        bots.insert(id, bot);
    }
    bots
}

fn read_bot(
    table: &Object<'_>,
    read_file: &dyn Fn(&str) -> Result<String, String>,
    faults: &mut Faults,
) -> Option<Configured> {
    const FIELDS: [&str; 8] = [
        "id",
        "file",
        "url",
        "secret",
        "timeoutMs",
        "fallback",
        "typingDelayMs",
        "seed",
    ];
    table.only(&FIELDS, faults);
    let typing = table.optional_whole("typingDelayMs", 0..=LONGEST_TYPING_MS, faults);
    let seed = table.optional_whole("seed", 0..=u64::MAX, faults);
    let (source, answers) = match (table.has("file"), table.has("url")) {
        (true, false) => {
            for field in ["secret", "timeoutMs", "fallback"]
                .iter()
                .filter(|field| table.has(field))
            {
                faults.push(format!(
                    "{} is for bots with a `url`; remove it",
                    table.name(field)
                ));
            }
            let path = table.filled_text("file", 1_000, faults)?;
            (
                path.to_owned(),
                Answers::File(Arc::new(read_file_bot(table, path, read_file, faults)?)),
            )
        }
        (false, true) => {
            let webhook = read_webhook(table, faults)?;
            (webhook.url.to_string(), Answers::Webhook(webhook))
        }
        _ => {
            faults.push(format!("{} must have either `file` or `url`", table.itself()));
            return None;
        }
    };
    Some(Configured {
        answers,
        source,
        typing_ms: typing.unwrap_or(0),
        seed: seed.unwrap_or(0),
        turns: Turns::default(),
    })
}

fn read_file_bot(
    table: &Object<'_>,
    path: &str,
    read_file: &dyn Fn(&str) -> Result<String, String>,
    faults: &mut Faults,
) -> Option<bot::Bot> {
    let text = read_file(path).map_err(|reason| format!("{} {path:?}: {reason}", table.name("file")));
    let text = faults.keep(text)?;
    match bot::parse(&text) {
        Ok(bot) => Some(bot),
        Err(found) => {
            found
                .iter()
                .for_each(|fault| faults.push(fault.in_file(path).to_string()));
            None
        }
    }
}

fn read_webhook(table: &Object<'_>, faults: &mut Faults) -> Option<Webhook> {
    let url: Option<Url> = table.parsed("url", faults);
    let is_web = |url: &Url| {
        matches!(url.scheme(), "http" | "https") && url.username().is_empty() && url.password().is_none()
    };
    if url.as_ref().is_some_and(|url| !is_web(url)) {
        faults.push(format!(
            "{} must be an http or https address without a password in it",
            table.name("url")
        ));
    }
    let secret: Option<Secret> = table.optional_parsed("secret", faults);
    let timeout = table.optional_whole("timeoutMs", 1..=LONGEST_TIMEOUT_MS, faults);
    let fallback = match table.has("fallback") {
        true => table.filled_text("fallback", LONGEST_FALLBACK, faults)?,
        false => DEFAULT_FALLBACK,
    };
    Some(Webhook {
        url: url?,
        secret,
        timeout: Duration::from_millis(timeout.unwrap_or(DEFAULT_TIMEOUT_MS)),
        fallback: fallback.into(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    const FILE: &str =
        "name = \"B\"\nfallback.say = \"what?\"\n[intent.go]\nexamples = [\"go\"]\nsay = \"gone\"\n";

    fn read(bots: serde_json::Value) -> Result<HashMap<String, Configured>, Vec<String>> {
        let file = |path: &str| match path {
            "good.toml" => Ok(FILE.to_owned()),
            "bad.toml" => Ok("name = 7\n".to_owned()),
            _ => Err("it can't be read".to_owned()),
        };
        let value = json!({ "bot": bots });
        let mut faults = Faults::new();
        let read = Object::top(&value, &mut faults).map(|top| read_bots(&top, &file, &mut faults));
        faults.finish(read).map_err(Faults::into_vec)
    }

    #[test]
    fn bots_are_files_or_webhooks() {
        let bots = read(json!([
            {"id": "ours", "file": "good.toml", "typingDelayMs": 500, "seed": 7},
            {"id": "theirs", "url": "https://bot.example/hook", "timeoutMs": 100, "fallback": "Hm."},
        ]));
        let bots = bots.unwrap();
        assert_eq!((bots["ours"].typing_ms, bots["ours"].seed), (500, 7));
        assert!(bots["ours"].webhook().is_none());
        let theirs = bots["theirs"].webhook().unwrap();
        assert_eq!(
            (theirs.timeout, &*theirs.fallback),
            (Duration::from_millis(100), "Hm.")
        );
    }

    #[test]
    fn every_fault_of_every_bot_is_told() {
        let faults = read(json!([
            {"id": "a", "file": "good.toml", "url": "https://x.example"},
            {"file": "bad.toml", "timeoutMs": 1},
            {"id": "c", "file": "gone.toml"},
            {"id": "d", "url": "ftp://x.example", "secret": "hush", "timeoutMs": 0, "fallback": " "},
            {"id": "e"},
            {"id": "f", "file": "good.toml", "typingDelayMs": 30001, "sed": 1},
            {"id": "g", "file": "good.toml"},
            {"id": "g", "file": "good.toml"},
        ]));
        let faults = faults.unwrap_err();
        for expected in [
            "bot[0] must have either `file` or `url`",
            "bot[1].id is missing",
            "bot[1].timeoutMs is for bots with a `url`; remove it",
            "bad.toml:1:8: name must be a text, not a number\n  hint: put it in quotes",
            "bot[2].file \"gone.toml\": it can't be read",
            "bot[3].url must be an http or https address without a password in it",
            "bot[3].secret the secret does not begin with whsec_; copy it whole",
            "bot[3].timeoutMs must be 1 to 30000, not 0",
            "bot[3].fallback must not be empty",
            "bot[4] must have either `file` or `url`",
            "bot[5].typingDelayMs must be 0 to 30000, not 30001",
            "bot[5].sed is unknown",
            "bot.id \"g\" is used twice",
        ] {
            assert!(
                faults.iter().any(|fault| fault.contains(expected)),
                "{expected}: {faults:#?}"
            );
        }
    }
}
