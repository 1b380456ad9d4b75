//! Records that are found by terms.

use crate::{Error, Record, Store, store::on_engine};
use std::time::Duration;

/// Under which terms a record is found from now on; those it had before are forgotten.
///
/// A record that is removed is not found any more, and one that is not there does not get terms. A term that is given
/// twice counts with its smallest place.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Terms {
    /// The record's kind.
    pub kind: String,
    /// Its id within the kind.
    pub id: String,
    /// Each term with the record's place among those that have it: at most [`crate::MOST_TERMS`], of at most
    /// [`crate::MOST_TERM`] bytes.
    pub terms: Vec<(String, i64)>,
}

/// Which records are meant, and in which order.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Find {
    /// Of this kind.
    pub kind: String,
    /// With this term.
    pub term: String,
    /// Only those whose place is greater than this (with `descending`: smaller).
    pub after: Option<i64>,
    /// With `after`, also those of that place whose id comes after this one: a list goes on exactly where it ended, also when
    /// many have the same place.
    pub after_id: Option<String>,
    /// The greatest place first; otherwise the smallest.
    pub descending: bool,
    /// How many are left out at first. They are stepped over one by one, so for a long way `after` is better.
    pub skip: usize,
}

/// A record that was found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Found {
    /// Its place among the records with the term.
    pub place: i64,
    /// The record.
    pub record: Record,
}

impl Store {
    /// Records with a term by their place, those of the same place by their id.
    pub async fn find(&self, find: &Find, most: usize) -> Result<Vec<Found>, Error> {
        on_engine!(self.engine, find(find, most))
    }

    /// For each of these terms, the records with the least places, so many at the most: one question instead of many.
    pub async fn find_each(
        &self,
        kind: &str,
        terms: &[String],
        most: usize,
    ) -> Result<Vec<Vec<Found>>, Error> {
        on_engine!(self.engine, find_each(kind, terms, most))
    }

    /// How many records of a kind have a term.
    pub async fn count(&self, kind: &str, term: &str) -> Result<u64, Error> {
        on_engine!(self.engine, count(kind, term))
    }

    /// Removes records of a kind that were last written longer ago than this, with their terms; gives how many.
    pub async fn purge_records(&self, kind: &str, older: Duration) -> Result<u64, Error> {
        on_engine!(self.engine, purge_records(kind, older))
    }
}
