//! The terms of records, of many commits at once.

use super::{
    batch::{Step, step},
    text,
};
use crate::prepared::Prepared;
use std::collections::BTreeMap;

/// Under which terms records are found, by column.
#[derive(Default)]
pub(super) struct Terms<'a> {
    /// What is last said of each record.
    newest: BTreeMap<(&'a str, &'a str), &'a [(String, i64)]>,
    kinds: Vec<&'a str>,
    ids: Vec<&'a str>,
    rows: TermRows<'a>,
}

#[derive(Default)]
struct TermRows<'a> {
    kinds: Vec<&'a str>,
    ids: Vec<&'a str>,
    terms: Vec<&'a str>,
    places: Vec<i64>,
}

impl<'a> Terms<'a> {
    /// Commits of a batch count in their order: a later removal of a record undoes what was said of it before.
    pub(super) fn add(&mut self, commit: &'a Prepared) {
        for put in commit.records.iter().filter(|put| put.body.is_none()) {
            self.newest.remove(&(put.kind.as_str(), put.id.as_str()));
        }
        for terms in &commit.terms {
            self.newest.insert((&terms.kind, &terms.id), &terms.terms);
        }
    }

    /// From now on, these are the columns.
    pub(super) fn settle(&mut self) {
        for ((kind, id), terms) in std::mem::take(&mut self.newest) {
            self.kinds.push(kind);
            self.ids.push(id);
            for (term, place) in terms {
                self.rows.kinds.push(kind);
                self.rows.ids.push(id);
                self.rows.terms.push(term);
                self.rows.places.push(*place);
            }
        }
    }

    /// Comes before all that waits for records.
    pub(super) fn lock(&self) -> Option<Step<'_>> {
        (!self.ids.is_empty()).then(|| step(text::LOCK_TERMS, vec![&self.kinds, &self.ids]))
    }

    /// Comes after what is written of records.
    pub(super) fn steps(&self) -> Vec<Step<'_>> {
        let rows = &self.rows;
        let mut steps = Vec::new();
        if !self.ids.is_empty() {
            steps.push(step(text::FORGET_TERMS, vec![&self.kinds, &self.ids]));
        }
        if !rows.ids.is_empty() {
            steps.push(step(
                text::KEEP_TERMS,
                vec![&rows.kinds, &rows.ids, &rows.terms, &rows.places],
            ));
        }
        steps
    }
}
