//! Calls that a center had when it was killed: they are closed at the next start.

use super::{Run, books};
use crate::{
    clock::Clock,
    completions::{Audience, Completed},
    interactions::INTERACTION,
    recordings,
};
use audit::Outcome;
use std::{path::Path, sync::Arc};
use store::{Commit, Expect, Put, Record, Store};
use webhooks::Endpoint;
use wire::{
    callcontrol::HangupCause,
    calls::{CallRecord, CallState, Happening, Moment},
    ids::CallId,
};

/// How many calls are looked at in one go.
const PAGE: usize = 256;

/// Closes the calls of a run that is no more, and gives how many there were. `folder` holds the recordings. Those that were
/// answered are completed.
pub(crate) async fn close_broken_off(
    store: &Store,
    run: &Run,
    folder: &Path,
    audience: &Audience,
) -> Result<usize, Arc<store::Error>> {
    let endpoints = audience.subscribers.current().await?;
    let mut closed = 0;
    loop {
        let live = store.records(&books::live_kind(&run.id), PAGE).await?;
        if live.is_empty() {
            return Ok(closed);
        }
        for call in live {
            let Ok(id) = call.id.parse::<CallId>() else {
                // It names no call; left there, it would be found for ever.
                store.commit(taking_out(run, call.id)).await?;
                continue;
            };
            let record = books::find(store, &id).await?;
            let mut commit = Commit {
                records: vec![books::put_live(&run.id, &id, None)],
                ..Commit::default()
            };
            if let Some(record) = record.filter(|record| record.state != CallState::Ended) {
                closed += 1;
                let record = end(record, folder).await;
                note_end(&mut commit, record, &call, audience, &endpoints);
            }
            store.commit(commit).await?;
        }
    }
}

fn taking_out(run: &Run, id: String) -> Commit {
    let gone = Put {
        kind: books::live_kind(&run.id),
        id,
        body: None,
        expect: Expect::Any,
    };
    Commit {
        records: vec![gone],
        ..Commit::default()
    }
}

/// The end of a call, and the interaction that it was. `live` is what the index has of it.
fn note_end(
    commit: &mut Commit,
    mut record: CallRecord,
    live: &Record,
    audience: &Audience,
    endpoints: &[Endpoint],
) {
    let foreseen = serde_json::from_str(&live.body).unwrap_or_default();
    let interaction = books::interaction_of(&mut record, &foreseen, &audience.turns);
    let ended = books::ended(&record, Clock::utc(), Outcome::Failure);
    commit.audit.push(ended);
    commit.records.push(books::put_call(&record));
    if let Some(completed) = interaction.map(Completed::new) {
        commit.records.push(completed.interaction.put(INTERACTION));
        completed.announce(commit, endpoints, None);
    }
}

/// The call as it was when its center was killed, ended at the last moment that is known of it.
async fn end(mut record: CallRecord, folder: &Path) -> CallRecord {
    if let Some(recording) = &mut record.recording {
        let path = recordings::file_in(folder, recording);
        let mended = tokio::task::spawn_blocking(move || recordings::mend(&path)).await;
        match mended.unwrap_or_else(|error| Err(std::io::Error::other(error))) {
            Ok(mended) => {
                recording.duration_ms = mended.duration_ms;
                recording.sha256 = Some(mended.sha256);
                recording.fault = Some("the center was stopped before the call ended".into());
            }
            Err(error) => recording.fault = Some(format!("the file can't be read: {error}")),
        }
    }
    let cause = HangupCause::CenterRestart;
    let at_ms = last_known_ms(&record);
    record.state = CallState::Ended;
    record.cause = Some(cause);
    record.timeline.push(Moment {
        at_ms,
        what: Happening::Ended { cause },
    });
    record
}

/// The end of what was noted or recorded, in milliseconds since the caller dialled.
fn last_known_ms(record: &CallRecord) -> f64 {
    let noted = record.timeline.last().map_or(0.0, |moment| moment.at_ms);
    let answered = record
        .timeline
        .iter()
        .find(|moment| moment.what == Happening::Answered)
        .map_or(0.0, |moment| moment.at_ms);
    let recorded = record
        .recording
        .as_ref()
        .map_or(0, |recording| recording.duration_ms);
    noted.max(answered + recorded as f64)
}

#[cfg(test)]
mod tests {
    use super::*;
    use store::ItemFilter;
    use webhooks::{Endpoints, NewEndpoint, Subscribers};

    fn audience(store: &Store) -> Audience {
        Audience {
            subscribers: Arc::new(Subscribers::new(Endpoints::new(store.clone()))),
            turns: Arc::default(),
        }
    }

    #[tokio::test]
    async fn a_call_that_was_broken_off_is_completed_with_what_was_kept_for_its_end() {
        let folder = tempfile::tempdir().unwrap();
        let location = store::Location::Sqlite(folder.path().join("trunkline.db"));
        let store = Store::open(&location).await.unwrap();
        let endpoints = Endpoints::new(store.clone());
        let all = NewEndpoint::parse("https://x.example/", "", &["*"], None).unwrap();
        endpoints.add(all).await.unwrap();
        let run = Run::begin(folder.path()).unwrap();
        let foreseen = r#"{"agentId":"agent-7","responses":[{"fieldName":"score","value":"2"}]}"#;
        for (id, answered) in [
            ("answered", r#",{"atMs":700.0,"what":"answered"}"#),
            ("ringing", ""),
        ] {
            let text = format!(
                r#"{{"id":"{id}","ani":"+1555","dnis":"+1800","state":"controlled","placedAt":"2026-11-21T09:00:00Z",
                "timeline":[{{"atMs":0.0,"what":"placed"}}{answered}]}}"#
            );
            let call: CallRecord = serde_json::from_str(&text).unwrap();
            let foreseen = serde_json::from_str(foreseen).unwrap();
            let commit = Commit {
                records: vec![
                    books::put_call(&call),
                    books::put_live(&run.id, &call.id, Some(&foreseen)),
                ],
                ..Commit::default()
            };
            store.commit(commit).await.unwrap();
        }
        for closed in [2, 0] {
            let audience = audience(&store);
            let closing = close_broken_off(&store, &run, folder.path(), &audience).await;
            assert_eq!(closing.unwrap(), closed);
        }
        let call = books::find(&store, &"answered".parse().unwrap()).await.unwrap();
        let id = call.unwrap().interaction_id.unwrap();
        let kept = store.record(INTERACTION, id.as_str()).await.unwrap().unwrap();
        assert!(
            kept.body
                .contains(r#""completedAt":"2026-11-21T09:00:00.700Z","responses":[{"fieldName":"score""#),
            "{}",
            kept.body
        );
        let owed = store.items(&ItemFilter::default(), 10).await.unwrap();
        assert_eq!(owed.len(), 1, "{owed:?}");
        assert!(owed[0].body.contains("agent-7"), "{}", owed[0].body);
        let ringing = books::find(&store, &"ringing".parse().unwrap()).await.unwrap();
        assert_eq!(ringing.unwrap().interaction_id, None);
    }

    #[tokio::test]
    async fn what_names_no_call_is_taken_out_of_the_index() {
        let folder = tempfile::tempdir().unwrap();
        let location = store::Location::Sqlite(folder.path().join("trunkline.db"));
        let store = Store::open(&location).await.unwrap();
        let run = Run::begin(folder.path()).unwrap();
        let mut odd = taking_out(&run, "no call's id".to_owned());
        odd.records[0].body = Some("{}".to_owned());
        store.commit(odd).await.unwrap();
        let audience = audience(&store);
        let closing = close_broken_off(&store, &run, folder.path(), &audience);
        let closed = tokio::time::timeout(std::time::Duration::from_secs(10), closing).await;
        assert_eq!(closed.unwrap().unwrap(), 0);
        let left = store.records(&books::live_kind(&run.id), PAGE).await.unwrap();
        assert!(left.is_empty(), "{left:?}");
    }

    #[tokio::test]
    async fn a_call_whose_recording_is_gone_ends_all_the_same() {
        let text = r#"{"id":"c","ani":"+1555","dnis":"+1800","state":"controlled","placedAt":"2026-11-21T09:00:00Z",
            "recording":{"path":"data/recordings/gone.wav","uri":"/x","durationMs":1000},
            "timeline":[{"atMs":0.0,"what":"placed"},{"atMs":700.5,"what":"answered"}]}"#;
        let folder = tempfile::tempdir().unwrap();
        let record = end(serde_json::from_str(text).unwrap(), folder.path()).await;
        let recording = record.recording.as_ref().unwrap();
        assert!(
            recording.fault.as_ref().unwrap().contains("can't be read"),
            "{recording:?}"
        );
        assert_eq!(recording.sha256, None);
        assert_eq!(
            (record.state, record.cause),
            (CallState::Ended, Some(HangupCause::CenterRestart))
        );
        // A second was recorded after the answer, by what is known.
        assert_eq!(last_known_ms(&record), 1700.5);
        assert_eq!(record.timeline.len(), 3);
    }
}
