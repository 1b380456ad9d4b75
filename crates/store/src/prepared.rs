//! A commit that was checked for size, hashed and sealed, before any database is asked.

use crate::{Advance, ClaimId, Commit, Error, Event, Finish, Intent, Lease, Put, Terms, effect::effect_hash};
use audit::SealedEntry;
use rand::Rng as _;

/// The longest body of an event, an intent or a record, in bytes.
pub const MOST_BODY: usize = 1024 * 1024;
/// The longest name, id or part of a key, in bytes: two of them fit into an index of PostgreSQL, which takes 2,704 bytes.
pub const MOST_NAME: usize = 1024;
/// The longest error, in bytes. A longer one is cut.
pub const MOST_ERROR: usize = 4096;
/// The most intents, records, lists of terms and entries of one commit, each.
pub const MOST_PARTS: usize = 1024;
/// The most terms of a record.
pub const MOST_TERMS: usize = 16;
/// The longest term, in bytes: it fits into an index of PostgreSQL together with two names.
pub const MOST_TERM: usize = 512;

/// A commit as the engines write it.
#[derive(Debug)]
pub(crate) struct Prepared {
    pub(crate) under: Option<Lease>,
    pub(crate) finish: Option<(ClaimId, Finish)>,
    pub(crate) event: Option<Event>,
    /// With the hash of the effect's key.
    pub(crate) intents: Vec<([u8; 16], Intent)>,
    pub(crate) records: Vec<Put>,
    /// Each term once.
    pub(crate) terms: Vec<Terms>,
    pub(crate) advance: Option<Advance>,
    pub(crate) audit: Vec<SealedEntry>,
}

impl Prepared {
    /// Refuses what is too large, cuts errors, hashes keys and seals entries.
    pub(crate) fn new(commit: Commit) -> Result<Self, Error> {
        check(&commit)?;
        let seal = |entry: audit::Entry| entry.seal(|| rand::rng().random());
        let hashed = |intent: Intent| (effect_hash(&intent.effect), intent);
        Ok(Self {
            under: commit.under,
            finish: commit.finish.map(|(claim, finish)| (claim, shortened(finish))),
            event: commit.event,
            intents: commit.intents.into_iter().map(hashed).collect(),
            records: commit.records,
            terms: commit.terms.into_iter().map(each_once).collect(),
            advance: commit.advance,
            audit: commit.audit.into_iter().map(seal).collect(),
        })
    }
}

fn check(commit: &Commit) -> Result<(), Error> {
    at_most("a commit's list of intents", commit.intents.len(), MOST_PARTS)?;
    at_most("a commit's list of records", commit.records.len(), MOST_PARTS)?;
    at_most("a commit's list of terms", commit.terms.len(), MOST_PARTS)?;
    at_most("a commit's list of entries", commit.audit.len(), MOST_PARTS)?;
    if let Some(event) = &commit.event {
        name("the source of an event", &event.source)?;
        name("the id of an event", &event.id)?;
        body("the body of an event", &event.body)?;
        body("the answer to an event", &event.answer)?;
    }
    commit.intents.iter().try_for_each(check_intent)?;
    commit.records.iter().try_for_each(check_record)?;
    commit.terms.iter().try_for_each(check_terms)?;
    commit.audit.iter().try_for_each(check_entry)?;
    if let Some(advance) = &commit.advance {
        name("the name of a checkpoint", &advance.name)?;
        body("a checkpoint", &advance.to)?;
    }
    match &commit.finish {
        Some((_, Finish::Done { result: Some(result) })) => body("the result of an effect", result),
        _ => Ok(()),
    }
}

fn check_intent(intent: &Intent) -> Result<(), Error> {
    name("the source of an effect", &intent.effect.source)?;
    name("the event of an effect", &intent.effect.event)?;
    name("the step of an effect", &intent.effect.step)?;
    name("the name of a queue", &intent.queue)?;
    name(
        "the subject of an intent",
        intent.subject.as_deref().unwrap_or_default(),
    )?;
    body("the body of an intent", &intent.body)
}

fn check_entry(entry: &audit::Entry) -> Result<(), Error> {
    name("the action of an entry", &entry.action)?;
    name(
        "the subject of an entry",
        entry.subject.as_deref().unwrap_or_default(),
    )?;
    entry.personal.iter().try_for_each(|(field, value)| {
        name("the name of a personal text", field)?;
        body("a personal text", value)
    })
}

fn check_record(put: &Put) -> Result<(), Error> {
    name("the kind of a record", &put.kind)?;
    name("the id of a record", &put.id)?;
    body("the body of a record", put.body.as_deref().unwrap_or_default())
}

fn check_terms(terms: &Terms) -> Result<(), Error> {
    name("the kind of a record", &terms.kind)?;
    name("the id of a record", &terms.id)?;
    at_most("a record's list of terms", terms.terms.len(), MOST_TERMS)?;
    terms.terms.iter().try_for_each(|(term, _)| {
        at_most("a term", term.len(), MOST_TERM)?;
        without_zero("a term", term)
    })
}

/// Refuses a name that is too long, or that not every database can keep.
pub(crate) fn name(what: &'static str, text: &str) -> Result<(), Error> {
    at_most(what, text.len(), MOST_NAME)?;
    without_zero(what, text)
}

/// Refuses a body that is too long, or that not every database can keep.
pub(crate) fn body(what: &'static str, text: &str) -> Result<(), Error> {
    at_most(what, text.len(), MOST_BODY)?;
    without_zero(what, text)
}

/// PostgreSQL has no zero bytes in text.
fn without_zero(what: &'static str, text: &str) -> Result<(), Error> {
    if text.as_bytes().contains(&0) {
        return Err(Error::ZeroByte { what });
    }
    Ok(())
}

/// Refuses what is longer than it may be.
fn at_most(what: &'static str, length: usize, most: usize) -> Result<(), Error> {
    if length <= most {
        return Ok(());
    }
    Err(Error::TooLarge { what, length, most })
}

/// A record has one place per term: the smallest.
fn each_once(mut terms: Terms) -> Terms {
    terms.terms.sort_unstable();
    terms.terms.dedup_by(|later, kept| later.0 == kept.0);
    terms
}

/// Errors quote others, who may be long-winded.
fn shortened(finish: Finish) -> Finish {
    match finish {
        Finish::Again { after, error } => Finish::Again {
            after,
            error: cut(error),
        },
        Finish::Dead { error } => Finish::Dead { error: cut(error) },
        Finish::Done { .. } | Finish::Released => finish,
    }
}

fn cut(text: String) -> String {
    let mut text = text.replace('\0', " ");
    text.truncate(text.floor_char_boundary(MOST_ERROR));
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    fn event(body: usize) -> Commit {
        let event = Event {
            source: "survey".into(),
            id: "e-1".into(),
            body: "x".repeat(body),
            answer: String::new(),
        };
        Commit {
            event: Some(event),
            ..Commit::default()
        }
    }

    #[test]
    fn a_body_may_have_one_mebibyte_and_not_a_byte_more() {
        assert!(Prepared::new(event(MOST_BODY)).is_ok());
        let refused = Prepared::new(event(MOST_BODY + 1)).unwrap_err();
        insta::assert_snapshot!(refused, @"the body of an event has 1048577 bytes, at most 1048576 are kept; send less");
    }

    fn found_under(terms: Vec<(String, i64)>) -> Commit {
        let terms = Terms {
            kind: "task".into(),
            id: "t-1".into(),
            terms,
        };
        Commit {
            terms: vec![terms],
            ..Commit::default()
        }
    }

    #[test]
    fn a_record_may_have_sixteen_terms_of_half_a_kibibyte_and_not_more() {
        let terms = |many: usize| (0..many as i64).map(|n| (format!("{n}"), n)).collect();
        assert!(Prepared::new(found_under(terms(MOST_TERMS))).is_ok());
        let refused = Prepared::new(found_under(terms(MOST_TERMS + 1))).unwrap_err();
        assert!(
            matches!(
                refused,
                Error::TooLarge {
                    length: 17,
                    most: 16,
                    ..
                }
            ),
            "{refused}"
        );
        let long = |length| found_under(vec![("x".repeat(length), 1)]);
        assert!(Prepared::new(long(MOST_TERM)).is_ok());
        let refused = Prepared::new(long(MOST_TERM + 1)).unwrap_err();
        insta::assert_snapshot!(refused, @"a term has 513 bytes, at most 512 are kept; send less");
        let refused = Prepared::new(found_under(vec![("a\0b".into(), 1)])).unwrap_err();
        insta::assert_snapshot!(refused, @"a term has a zero byte in it; send text without");
    }

    #[test]
    fn a_term_that_is_given_twice_has_its_smallest_place() {
        let given = vec![("b".into(), 1), ("a".into(), 3), ("a".into(), 2), ("a".into(), 3)];
        let prepared = Prepared::new(found_under(given)).unwrap();
        assert_eq!(prepared.terms[0].terms, [("a".into(), 2), ("b".into(), 1)]);
    }

    #[test]
    fn a_long_error_is_cut_at_a_character() {
        assert_eq!(cut("é".repeat(4096)).len(), 4096);
        assert_eq!(cut(format!("x{}", "é".repeat(4096))).len(), 4095);
        assert_eq!(cut("short".into()), "short");
    }
}
