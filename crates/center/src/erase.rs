//! Taking a caller out of what the center remembers.

use crate::{keeping::CALL, recordings};
use std::{
    fs, io,
    path::{Path, PathBuf},
};
use store::{Commit, Committed, Expect, Put, Record, Store};
use wire::calls::CallRecord;

/// Most calls that are looked at.
const MOST_CALLS: usize = 1_000_000;
/// What stands where a caller's number was.
const ERASED: &str = "erased";

/// What was erased.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct ErasedCalls {
    /// Records of calls that no longer say who called.
    pub records: u64,
    /// Recordings that are deleted.
    pub recordings: u64,
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
    /// The database does not do its part.
    #[error(transparent)]
    Store(#[from] store::Error),
}

/// Blots a caller, by telephone number or id in the CRM, out of the records of calls, and deletes the recordings in the
/// data folder.
pub async fn erase_caller(store: &Store, data_dir: &Path, person: &str) -> Result<ErasedCalls, EraseError> {
    let folder = data_dir.join(recordings::FOLDER);
    let mut erased = ErasedCalls::default();
    for record in store.records(CALL, MOST_CALLS).await? {
        let Ok(call) = serde_json::from_str::<CallRecord>(&record.body) else {
            continue;
        };
        let external_id = call.external_id.as_ref().map(|id| id.as_str());
        if call.ani.as_str() != person && external_id != Some(person) {
            continue;
        }
        erased.recordings += delete_recording(&folder, &call)?;
        erased.records += blot_out(store, &record, call).await?;
    }
    Ok(erased)
}

fn delete_recording(folder: &Path, call: &CallRecord) -> Result<u64, EraseError> {
    let Some(recording) = &call.recording else {
        return Ok(0);
    };
    let path = recordings::file_in(folder, recording);
    match fs::remove_file(&path) {
        Ok(()) => Ok(1),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(0),
        Err(source) => Err(EraseError::Recording { path, source }),
    }
}

async fn blot_out(store: &Store, record: &Record, mut call: CallRecord) -> Result<u64, EraseError> {
    if let Ok(number) = ERASED.parse() {
        call.ani = number;
    }
    call.external_id = None;
    call.recording = None;
    let put = Put {
        kind: CALL.to_owned(),
        id: record.id.clone(),
        body: serde_json::to_string(&call).ok(),
        expect: Expect::Version(record.version),
    };
    let commit = Commit {
        records: vec![put],
        ..Commit::default()
    };
    // A call that is written meanwhile is live; it is erased when it is over and this is asked again.
    Ok(u64::from(store.commit(commit).await? == Committed::Done))
}
