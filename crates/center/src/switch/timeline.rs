//! What happened in a call, in order.

use wire::calls::{CallRecord, Happening, Moment as Happened};

/// Most entries in one call's timeline.
const MAX_TIMELINE: usize = 1_000;

/// Adds to a call's timeline, and to what follows from it.
pub(super) fn note(record: &mut CallRecord, at_ms: f64, what: Happening) {
    match &what {
        Happening::Transferred { target } => record.transferred_to = Some(target.clone()),
        Happening::Ended { cause } => record.cause = Some(*cause),
        _ => {}
    }
    // The end is always noted; of an endless story the middle is left out.
    if record.timeline.len() < MAX_TIMELINE || matches!(what, Happening::Ended { .. }) {
        record.timeline.push(Happened { at_ms, what });
    }
}
