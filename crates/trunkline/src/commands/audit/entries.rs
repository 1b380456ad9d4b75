//! Reading entries by a filter, page by page.

use crate::cli::{EntriesArgs, When};
use anyhow::Result;
use serde_json::Value;
use store::{EntryFilter, KeptEntry, Store};

/// Entries that are read at once.
const PAGE: usize = 1000;

/// The filter that the arguments describe.
pub(super) fn filter(args: &EntriesArgs) -> EntryFilter {
    EntryFilter {
        since: args.since.map(When::resolve),
        until: args.until.map(When::resolve),
        action_prefix: args.action.clone(),
        subject: args.subject.clone(),
        from: 0,
    }
}

/// Passes every entry of the filter to `take`, in order.
pub(super) async fn each(
    store: &Store,
    mut filter: EntryFilter,
    mut take: impl FnMut(KeptEntry) -> Result<()>,
) -> Result<()> {
    loop {
        let page = store.entries(&filter, PAGE).await?;
        let Some(last) = page.last() else {
            return Ok(());
        };
        filter.from = last.index + 1;
        for entry in page {
            take(entry)?;
        }
    }
}

/// An entry as JSON: its leaf, with the texts that were not erased in the place of their commitments.
pub(crate) fn readable(entry: &KeptEntry) -> Value {
    let leaf = entry
        .leaf
        .as_deref()
        .and_then(|leaf| serde_json::from_str(leaf).ok());
    let mut shown: Value = leaf.unwrap_or_else(|| serde_json::json!({"index": entry.index, "expired": true}));
    let personal = shown.get_mut("personal").and_then(Value::as_object_mut);
    for (field, value) in personal.into_iter().flatten() {
        let text = entry.texts.iter().find(|text| text.field == *field);
        *value = text.map_or(Value::Null, |text| text.value.clone().into());
    }
    shown
}
