//! Taking a caller out of what the center remembers.

use crate::{
    conversations,
    interactions::{INTERACTION, Interaction},
    keeping::CALL,
    recordings, tasks,
};
use std::{
    fs, io,
    path::{Path, PathBuf},
};
use store::{Commit, Committed, Expect, Put, Record, Store};
use wire::{
    calls::{CallRecord, CallState},
    ids::InteractionId,
};

/// Most calls that are looked at.
const MOST_CALLS: usize = 200_000;
/// What stands where a caller's number was, or words about the caller.
pub(crate) const ERASED: &str = "erased";

/// What was erased.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct ErasedCalls {
    /// Records of calls that no longer say who called.
    pub records: u64,
    /// Recordings that are deleted.
    pub recordings: u64,
    /// Tasks that came of these calls, and no longer say anything of the caller.
    pub tasks: u64,
    /// Notifications about these tasks.
    pub notifications: u64,
    /// Texts of the audit log about these calls' interactions, tasks and notifications, and about these conversations.
    pub texts: u64,
    /// Calls that are not over: nothing of them is erased yet.
    pub live: u64,
    /// Conversations that no longer say anything of the customer.
    pub conversations: u64,
    /// Conversations that are not over: nothing of them is erased yet.
    pub open_conversations: u64,
}

/// Why a caller could not be erased everywhere; it can be tried again.
#[derive(Debug, thiserror::Error)]
pub enum EraseError {
    /// A recording can't be deleted.
    #[error("the recording {} can't be deleted", .path.display())]
    Recording {
        /// The file.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// There are more calls than are looked at.
    #[error("the store has {0} calls or more, not all of which can be looked at; nothing was erased")]
    TooMany(usize),
    /// The follow-up is being worked at.
    #[error("the follow-up of a call changes all the time; erase again")]
    FollowUpBusy,
    /// A conversation is being written.
    #[error("a conversation changes all the time; erase again")]
    ConversationBusy,
    /// The database does not do its part.
    #[error(transparent)]
    Store(#[from] store::Error),
}

/// Blots a caller, by telephone number or id in the CRM, out of the records of calls, and deletes the recordings in the
/// data folder; what the caller answered after a call goes too, and what tasks, notifications and the audit log say of the
/// follow-up. The person's conversations that are over lose their texts, profiles and contexts. A call that is not over is only counted: its center writes it again.
pub async fn erase_caller(store: &Store, data_dir: &Path, person: &str) -> Result<ErasedCalls, EraseError> {
    let folder = data_dir.join(recordings::FOLDER);
    let records = store.records(CALL, MOST_CALLS).await?;
    if records.len() >= MOST_CALLS {
        return Err(EraseError::TooMany(MOST_CALLS));
    }
    let of_person = |record: Record| {
        let call: CallRecord = serde_json::from_str(&record.body).ok()?;
        let external_id = call.external_id.as_ref().map(|id| id.as_str());
        let is_of_person = call.ani.as_str() == person || external_id == Some(person);
        is_of_person.then_some((record, call))
    };
    let calls: Vec<(Record, CallRecord)> = records.into_iter().filter_map(of_person).collect();
    let mut erased = ErasedCalls::default();
    // The calls go last: by them the rest is found again, if it fails half-way.
    erase_follow_up(store, &calls, &mut erased).await?;
    erase_conversations(store, person, &mut erased).await?;
    for (record, call) in calls {
        erase_call(store, &folder, record, call, &mut erased).await?;
    }
    Ok(erased)
}

async fn erase_follow_up(
    store: &Store,
    calls: &[(Record, CallRecord)],
    erased: &mut ErasedCalls,
) -> Result<(), EraseError> {
    let over = calls.iter().filter(|(_, call)| call.state == CallState::Ended);
    let interactions: Vec<InteractionId> = over.filter_map(|(_, call)| call.interaction_id.clone()).collect();
    if interactions.is_empty() {
        return Ok(());
    }
    let follow_up = tasks::erase(store, &interactions).await;
    let follow_up = follow_up.map_err(|trouble| match trouble {
        tasks::Trouble::Store(error) => EraseError::Store(error),
        _ => EraseError::FollowUpBusy,
    })?;
    erased.tasks = follow_up.tasks;
    erased.notifications = follow_up.notifications;
    erased.texts = follow_up.texts;
    Ok(())
}

async fn erase_conversations(
    store: &Store,
    person: &str,
    erased: &mut ErasedCalls,
) -> Result<(), EraseError> {
    let found = conversations::erase(store, person)
        .await
        .map_err(|trouble| match trouble {
            conversations::Trouble::Store(error) => EraseError::Store(error),
            _ => EraseError::ConversationBusy,
        })?;
    erased.conversations = found.conversations;
    erased.open_conversations = found.open;
    erased.texts += found.texts;
    Ok(())
}

async fn erase_call(
    store: &Store,
    folder: &Path,
    mut record: Record,
    mut call: CallRecord,
    erased: &mut ErasedCalls,
) -> Result<(), EraseError> {
    if call.state != CallState::Ended {
        erased.live += 1;
        return Ok(());
    }
    if let Some(recording) = &call.recording {
        // Written as it is first: what somebody else has written meanwhile loses no file. The name goes last, so that
        // the call is found again if the file can't be deleted.
        let body = record.body.clone();
        if !write(store, &record, body).await? {
            erased.live += 1;
            return Ok(());
        }
        record.version += 1;
        match delete(recordings::file_in(folder, recording))? {
            Deleted::Now => {
                erased.recordings += 1;
                call.recording = None;
            }
            Deleted::Before if folder.is_dir() => call.recording = None,
            // The recordings are elsewhere: the record goes on saying which is its own.
            Deleted::Before => {}
        }
    }
    if let Some(interaction) = &call.interaction_id
        && !erase_responses(store, interaction).await?
    {
        erased.live += 1;
        return Ok(());
    }
    if let Ok(number) = ERASED.parse() {
        call.ani = number;
    }
    call.external_id = None;
    // A record is text and numbers: that always can be written as JSON.
    let body = serde_json::to_string(&call).unwrap_or_default();
    if write(store, &record, body).await? {
        erased.records += 1;
    } else {
        erased.live += 1;
    }
    Ok(())
}

/// Takes what the customer answered out of an interaction; `false` when somebody else wrote it meanwhile.
async fn erase_responses(store: &Store, id: &InteractionId) -> Result<bool, EraseError> {
    let Some(record) = store.record(INTERACTION, id.as_str()).await? else {
        return Ok(true);
    };
    let Ok(interaction) = serde_json::from_str::<Interaction>(&record.body) else {
        return Ok(true);
    };
    let without = Interaction {
        responses: None,
        ..interaction
    };
    let put = Put {
        expect: Expect::Version(record.version),
        ..without.put(INTERACTION)
    };
    commit(store, put).await
}

/// Whether a file was deleted just now.
enum Deleted {
    Now,
    Before,
}

fn delete(path: PathBuf) -> Result<Deleted, EraseError> {
    match fs::remove_file(&path) {
        Ok(()) => Ok(Deleted::Now),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Deleted::Before),
        Err(source) => Err(EraseError::Recording { path, source }),
    }
}

/// Writes a record unless somebody else did meanwhile; gives whether it did.
async fn write(store: &Store, record: &Record, body: String) -> Result<bool, EraseError> {
    let put = Put {
        kind: CALL.to_owned(),
        id: record.id.clone(),
        body: Some(body),
        expect: Expect::Version(record.version),
    };
    commit(store, put).await
}

async fn commit(store: &Store, put: Put) -> Result<bool, EraseError> {
    let commit = Commit {
        records: vec![put],
        ..Commit::default()
    };
    Ok(store.commit(commit).await? == Committed::Done)
}

#[cfg(test)]
mod tests {
    use super::*;
    use store::Location;

    const ANI: &str = "+15550100";

    async fn with_call(folder: &Path, state: &str) -> (Store, Record) {
        let store = Store::open(&Location::Sqlite(folder.join("trunkline.db")))
            .await
            .unwrap();
        let body = format!(
            r#"{{"id":"c","ani":"{ANI}","dnis":"+1800","state":"{state}","placedAt":"2026-11-21T09:00:00Z",
            "recording":{{"path":"data/recordings/c.wav","uri":"/x","durationMs":1000}},"timeline":[]}}"#
        );
        let put = Put {
            kind: CALL.to_owned(),
            id: "c".to_owned(),
            body: Some(body),
            expect: Expect::Absent,
        };
        let commit = Commit {
            records: vec![put],
            ..Commit::default()
        };
        assert_eq!(store.commit(commit).await.unwrap(), Committed::Done);
        let record = store.record(CALL, "c").await.unwrap().unwrap();
        (store, record)
    }

    fn recording_in(folder: &Path) -> PathBuf {
        fs::create_dir(folder.join(recordings::FOLDER)).unwrap();
        let file = folder.join(recordings::FOLDER).join("c.wav");
        fs::write(&file, "sound").unwrap();
        file
    }

    async fn kept(store: &Store) -> CallRecord {
        let record = store.record(CALL, "c").await.unwrap().unwrap();
        serde_json::from_str(&record.body).unwrap()
    }

    #[tokio::test]
    async fn a_live_call_is_counted_and_keeps_its_recording() {
        let folder = tempfile::tempdir().unwrap();
        let (store, _) = with_call(folder.path(), "controlled").await;
        let file = recording_in(folder.path());
        let erased = erase_caller(&store, folder.path(), ANI).await.unwrap();
        assert_eq!((erased.live, erased.records, erased.recordings), (1, 0, 0));
        assert!(file.exists());
        assert_eq!(kept(&store).await.ani.as_str(), ANI);
    }

    #[tokio::test]
    async fn a_call_that_was_written_meanwhile_loses_nothing() {
        let folder = tempfile::tempdir().unwrap();
        let (store, mut record) = with_call(folder.path(), "ended").await;
        let file = recording_in(folder.path());
        record.version += 1;
        let mut erased = ErasedCalls::default();
        let call = kept(&store).await;
        erase_call(&store, file.parent().unwrap(), record, call, &mut erased)
            .await
            .unwrap();
        assert_eq!((erased.live, erased.records, erased.recordings), (1, 0, 0));
        assert!(file.exists());
    }

    #[tokio::test]
    async fn a_recording_is_forgotten_only_where_the_recordings_are() {
        let folder = tempfile::tempdir().unwrap();
        let elsewhere = tempfile::tempdir().unwrap();
        let (store, _) = with_call(folder.path(), "ended").await;
        let file = recording_in(folder.path());
        let erased = erase_caller(&store, elsewhere.path(), ANI).await.unwrap();
        assert_eq!((erased.live, erased.records, erased.recordings), (0, 1, 0));
        assert!(kept(&store).await.recording.is_some() && file.exists());

        let erased = erase_caller(&store, folder.path(), ERASED).await.unwrap();
        assert_eq!((erased.live, erased.records, erased.recordings), (0, 1, 1));
        assert!(kept(&store).await.recording.is_none() && !file.exists());
    }
}
