//! A copy of the database while it is in use.

use super::{connect, fault};
use crate::{Error, create_private};
use rusqlite::{
    Connection,
    backup::{Backup, StepResult},
};
use std::{
    fs,
    path::Path,
    time::{Duration, Instant},
};

/// How long to wait for a moment in which the database can be read.
const PATIENCE: Duration = Duration::from_secs(5);
const PAUSE: Duration = Duration::from_millis(20);

/// Copies to a new file, for its owner alone. A copy that fails leaves nothing.
pub(super) fn backup(from: &Path, to: &Path) -> Result<(), Error> {
    create_private(to).map_err(Error::failed)?;
    let copied = copy(from, to);
    if copied.is_err() {
        let _ = fs::remove_file(to);
    }
    copied
}

fn copy(from: &Path, to: &Path) -> Result<(), Error> {
    let source = connect::reader(from)?;
    let mut target = Connection::open(to).map_err(|fault| fault::error(&fault))?;
    step_through(&source, &mut target).map_err(|fault| fault::error(&fault))?;
    target.close().map_err(|(_, fault)| fault::error(&fault))
}

/// One step for all pages: it reads one state, and writers go on beside it. Small steps would begin anew with every write.
fn step_through(source: &Connection, target: &mut Connection) -> rusqlite::Result<()> {
    let backup = Backup::new(source, target)?;
    let start = Instant::now();
    loop {
        match backup.step(-1)? {
            StepResult::Done => return Ok(()),
            _ if start.elapsed() > PATIENCE => {
                return Err(rusqlite::Error::SqliteFailure(
                    rusqlite::ffi::Error::new(rusqlite::ffi::SQLITE_BUSY),
                    None,
                ));
            }
            _ => std::thread::sleep(PAUSE),
        }
    }
}
