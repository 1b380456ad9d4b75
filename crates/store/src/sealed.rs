//! A commit that was checked and made ready to be written: sizes within bounds, audit entries sealed, keys hashed.

use crate::{Advance, ClaimId, Commit, EffectKey, Error, Event, Finish, Intent, Lease, Put};
use audit::SealedEntry;
use sha2::{Digest, Sha256};

/// The largest body of an event, an intent or a record, in bytes.
pub const MAX_BODY_BYTES: usize = 1024 * 1024;
/// The largest name or id, in bytes.
pub const MAX_NAME_BYTES: usize = 1024;
/// The most intents, records or audit entries in one commit.
pub const MAX_PARTS: usize = 10_000;

/// See the module.
#[derive(Debug, Clone)]
pub(crate) struct Sealed {
    pub(crate) under: Option<Lease>,
    pub(crate) finish: Option<(ClaimId, Finish)>,
    pub(crate) event: Option<Event>,
    pub(crate) intents: Vec<([u8; 16], Intent)>,
    pub(crate) records: Vec<Put>,
    pub(crate) advance: Option<Advance>,
    pub(crate) audit: Vec<SealedEntry>,
}

impl Sealed {
    pub(crate) fn new(commit: Commit) -> Result<Self, Error> {
        check(&commit)?;
        Ok(Self {
            under: commit.under,
            finish: commit.finish,
            event: commit.event,
            intents: commit
                .intents
                .into_iter()
                .map(|intent| (effect_hash(&intent.effect), intent))
                .collect(),
            records: commit.records,
            advance: commit.advance,
            audit: commit
                .audit
                .into_iter()
                .map(|entry| entry.seal(rand::random))
                .collect(),
        })
    }
}

/// The unique name of an effect: the first half of SHA-256 over its parts, each with its length before it.
pub(crate) fn effect_hash(key: &EffectKey) -> [u8; 16] {
    let mut hash = Sha256::new();
    for part in [&key.source, &key.event, &key.step] {
        hash.update((part.len() as u64).to_be_bytes());
        hash.update(part.as_bytes());
    }
    let mut half = [0; 16];
    half.copy_from_slice(&hash.finalize()[..16]);
    half
}

fn check(commit: &Commit) -> Result<(), Error> {
    let parts = commit
        .intents
        .len()
        .max(commit.records.len())
        .max(commit.audit.len());
    at_most("the number of parts of a commit", parts, MAX_PARTS)?;
    if let Some(event) = &commit.event {
        at_most(
            "an event",
            event.body.len().max(event.answer.len()),
            MAX_BODY_BYTES,
        )?;
        at_most("an event's source", event.source.len(), MAX_NAME_BYTES)?;
        at_most("an event's id", event.id.len(), MAX_NAME_BYTES)?;
    }
    for intent in &commit.intents {
        at_most("an effect's body", intent.body.len(), MAX_BODY_BYTES)?;
        let subject = intent.subject.as_ref().map_or(0, String::len);
        let key = &intent.effect;
        let names = [
            key.source.len(),
            key.event.len(),
            key.step.len(),
            intent.queue.len(),
            subject,
        ];
        at_most(
            "an effect's name",
            names.into_iter().max().unwrap_or(0),
            MAX_NAME_BYTES,
        )?;
    }
    for record in &commit.records {
        at_most(
            "a record",
            record.body.as_ref().map_or(0, String::len),
            MAX_BODY_BYTES,
        )?;
        at_most(
            "a record's id",
            record.kind.len().max(record.id.len()),
            MAX_NAME_BYTES,
        )?;
    }
    for entry in &commit.audit {
        let texts: usize = entry.personal.iter().map(|(_, text)| text.len()).sum();
        at_most("an audit entry's texts", texts, MAX_BODY_BYTES)?;
    }
    Ok(())
}

fn at_most(what: &'static str, size: usize, most: usize) -> Result<(), Error> {
    if size > most {
        return Err(Error::TooLarge { what, size, most });
    }
    Ok(())
}
