//! What a sync notes in the audit log: an entry for each walk that brought something, and for each that failed.

use super::{Walked, job::Names};
use audit::{Actor, Entry, Outcome};
use serde_json::{Value, json};
use std::time::Duration;

/// The longest reason that is kept, in characters.
const LONGEST_WHY: usize = 1000;

pub(super) fn walked(names: &Names, walked: &Walked, took: Duration) -> Entry {
    entry("walked", names, Outcome::Success, detail(names, walked, took))
}

pub(super) fn failed(names: &Names, walked: &Walked, took: Duration, why: &str) -> Entry {
    let mut detail = detail(names, walked, took);
    detail["cause"] = why.chars().take(LONGEST_WHY).collect::<String>().into();
    entry("failed", names, Outcome::Failure, detail)
}

fn detail(names: &Names, walked: &Walked, took: Duration) -> Value {
    let mut detail = json!({"platform": names.platform, "sink": names.sink, "pages": walked.pages, "changes": walked.changes,
        "interactions": walked.interactions, "masked": names.masked,
        "tookMs": u64::try_from(took.as_millis()).unwrap_or(u64::MAX)});
    // In the audit log a null is what was erased.
    if let Some(reached) = walked.reached {
        detail["reached"] = json!(reached);
    }
    detail
}

fn entry(verb: &str, names: &Names, outcome: Outcome, detail: Value) -> Entry {
    Entry {
        at: jiff::Timestamp::now().into(),
        actor: Actor::Sync,
        action: format!("sync.{verb}"),
        subject: Some(names.sink.clone()),
        correlation: None,
        outcome,
        detail: detail.as_object().cloned().unwrap_or_default(),
        personal: Vec::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn reached(reached: Option<&str>) -> Option<Value> {
        let names = Names {
            platform: "own".into(),
            sink: "jsonl:/x".into(),
            masked: true,
        };
        let sum = Walked {
            reached: reached.map(|at| at.parse().unwrap()),
            ..Walked::default()
        };
        walked(&names, &sum, Duration::ZERO)
            .detail
            .get("reached")
            .cloned()
    }

    #[test]
    fn a_sync_that_reached_nothing_does_not_look_as_if_that_was_erased() {
        assert_eq!(reached(None), None);
        let at = "2026-11-21T22:40:49.288Z";
        assert_eq!(reached(Some(at)), Some(json!(at)));
    }
}
