//! Reading a file of changes from its end.

use flow::sync::{Delivered, Revision};
use serde::Deserialize;
use std::{
    fs::File,
    io::{self, Read as _, Seek as _, SeekFrom},
};
use wire::{UtcTime, ids::ConversationId};

/// How much is read at once, in bytes.
const CHUNK: u64 = 256 * 1024;

/// Gives the lines of a file, the last one first.
pub(super) struct Tail<'a> {
    file: &'a File,
    /// Where what is read begins in the file.
    from: u64,
    /// What is read and not given yet.
    read: Vec<u8>,
}

impl<'a> Tail<'a> {
    pub(super) fn new(file: &'a File, length: u64) -> Self {
        Self {
            file,
            from: length,
            read: Vec::new(),
        }
    }

    /// Skips what follows the last line end; gives where that is.
    pub(super) fn skip_torn(&mut self) -> io::Result<u64> {
        loop {
            if let Some(end) = self.read.iter().rposition(|byte| *byte == b'\n') {
                self.read.truncate(end + 1);
                return Ok(self.from + end as u64 + 1);
            }
            // What has no line end is not kept: it may be long.
            self.read.clear();
            if !self.read_before()? {
                return Ok(0);
            }
        }
    }

    /// The line before, without its end; `None` at the beginning of the file.
    pub(super) fn line_before(&mut self) -> io::Result<Option<Vec<u8>>> {
        if self.read.is_empty() && !self.read_before()? {
            return Ok(None);
        }
        let mut searched = self.read.len().saturating_sub(1);
        loop {
            let before = self.read.get(..searched).unwrap_or_default();
            if let Some(end) = before.iter().rposition(|byte| *byte == b'\n') {
                return Ok(Some(without_end(self.read.split_off(end + 1))));
            }
            let had = self.read.len();
            if !self.read_before()? {
                return Ok(Some(without_end(std::mem::take(&mut self.read))));
            }
            searched = self.read.len() - had;
        }
    }

    /// Reads what comes before; false at the beginning of the file.
    fn read_before(&mut self) -> io::Result<bool> {
        let size = self.from.min(CHUNK);
        if size == 0 {
            return Ok(false);
        }
        self.from -= size;
        self.file.seek(SeekFrom::Start(self.from))?;
        let mut chunk = Vec::with_capacity(self.read.len() + CHUNK as usize);
        let mut file = self.file;
        io::Read::by_ref(&mut file).take(size).read_to_end(&mut chunk)?;
        if chunk.len() as u64 != size {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        chunk.append(&mut self.read);
        self.read = chunk;
        Ok(true)
    }
}

fn without_end(mut line: Vec<u8>) -> Vec<u8> {
    if line.last() == Some(&b'\n') {
        line.pop();
    }
    line
}

/// The change that a line holds, as far as the machine wants to know it.
pub(super) fn delivered(line: &[u8]) -> Option<Delivered> {
    let line: Line<'_> = serde_json::from_slice(line).ok()?;
    let (_, revision) = line.change_id.rsplit_once('@')?;
    Some(Delivered {
        id: line.conversation.id,
        revision: revision.parse::<Revision>().ok()?,
        updated: line.conversation.updated_date,
    })
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Line<'a> {
    #[serde(borrow)]
    change_id: std::borrow::Cow<'a, str>,
    conversation: Head,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Head {
    id: ConversationId,
    updated_date: UtcTime,
}
