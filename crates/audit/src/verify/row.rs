//! What one row says against itself.

use super::fault::{Faults, What};
use crate::{
    Text,
    leaf::ParsedLeaf,
    tree::{Hash, leaf_hash},
};

/// A row as the store keeps it.
#[derive(Debug, Clone, Copy)]
pub struct VerifyRow<'a> {
    /// Its index.
    pub index: u64,
    /// The hash of its text that is kept.
    pub hash: Hash,
    /// Its text; `None` when retention dropped it.
    pub leaf: Option<&'a str>,
    /// The column of its time, in milliseconds since 1970.
    pub at_ms: i64,
    /// The column of its action.
    pub action: &'a str,
    /// The column of its subject.
    pub subject: Option<&'a str>,
    /// The personal texts that are still there. One that was erased is simply missing, and that is no fault.
    pub texts: &'a [Text],
}

/// Checks a row; gives the hash that its text really has, and whether it is the text of another entry.
pub(super) fn check(row: &VerifyRow<'_>, faults: &mut Faults) -> (Hash, bool) {
    // Retention dropped it: there is nothing to check here.
    let Some(text) = row.leaf else {
        return (row.hash, false);
    };
    let hash = leaf_hash(text.as_bytes());
    // A changed text explains whatever else does not fit.
    if hash != row.hash {
        return (hash, false);
    }
    match ParsedLeaf::parse(text) {
        Ok(leaf) if leaf.index != row.index => {
            faults.add(row.index, row.index, What::Moved { says: leaf.index });
            return (hash, true);
        }
        Ok(leaf) => check_leaf(row, &leaf, faults),
        Err(error) => {
            faults.add(row.index, row.index, What::Unreadable(error.to_string()));
        }
    }
    (hash, false)
}

fn check_leaf(row: &VerifyRow<'_>, leaf: &ParsedLeaf, faults: &mut Faults) {
    let mut broken = |what| {
        faults.add(row.index, row.index, what);
    };
    if leaf.at.timestamp().as_millisecond() != row.at_ms {
        broken(What::Column("time"));
    }
    if leaf.action != row.action {
        broken(What::Column("action"));
    }
    if leaf.subject.as_deref() != row.subject {
        broken(What::Column("subject"));
    }
    for text in row.texts {
        match leaf.personal.get(&text.field) {
            None => broken(What::StrangeText(text.field.clone())),
            Some(commitment) if *commitment != text.commitment() => {
                broken(What::PersonalText(text.field.clone()));
            }
            Some(_) => {}
        }
    }
}
