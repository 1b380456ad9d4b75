//! Writes recordings: one thread for all calls, so that a slow disk never holds up a frame.

use audio::{Law, wav};
use std::{
    collections::HashMap,
    fs::{self, File},
    io::{self, Seek, SeekFrom, Write},
    path::{Path, PathBuf},
    sync::mpsc::{Receiver, SyncSender, TrySendError, sync_channel},
    thread,
};
use wire::{UtcTime, ids::CallId};

/// Stereo.
const CHANNELS: u16 = 2;
/// Most chunks that wait for the disk.
const QUEUE: usize = 4096;

/// Names one recording.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) struct RecordingId(pub(super) u64);

enum Message {
    Open(RecordingId, PathBuf, Law),
    Append(RecordingId, Vec<u8>),
    Close(RecordingId, Box<dyn FnOnce(Result<(), String>) + Send>),
}

/// The way to the writing thread, which ends when this is dropped.
pub(super) struct Recorder {
    messages: SyncSender<Message>,
}

impl Recorder {
    /// Starts the thread.
    pub(super) fn start() -> io::Result<Self> {
        let (messages, inbox) = sync_channel(QUEUE);
        thread::Builder::new()
            .name("recorder".into())
            .spawn(move || run(&inbox))?;
        Ok(Self { messages })
    }

    /// Starts a file.
    pub(super) fn open(&self, id: RecordingId, path: PathBuf, law: Law) -> bool {
        self.messages.try_send(Message::Open(id, path, law)).is_ok()
    }

    /// Adds interleaved frames. `false` when the disk can't keep up: they are lost.
    pub(super) fn append(&self, id: RecordingId, bytes: Vec<u8>) -> bool {
        self.messages.try_send(Message::Append(id, bytes)).is_ok()
    }

    /// Ends a file, and tells when all is on disk, or what went wrong.
    pub(super) fn close(&self, id: RecordingId, done: Box<dyn FnOnce(Result<(), String>) + Send>) {
        if let Err(
            TrySendError::Full(Message::Close(_, done)) | TrySendError::Disconnected(Message::Close(_, done)),
        ) = self.messages.try_send(Message::Close(id, done))
        {
            done(Err("the disk can't keep up".into()));
        }
    }
}

fn run(inbox: &Receiver<Message>) {
    let mut files: HashMap<RecordingId, Result<Writer, String>> = HashMap::new();
    while let Ok(message) = inbox.recv() {
        match message {
            Message::Open(id, path, law) => {
                let writer = Writer::create(&path, law).map_err(|error| error.to_string());
                if let Err(error) = &writer {
                    tracing::error!(path = %path.display(), error, "a recording can't be written");
                }
                files.insert(id, writer);
            }
            Message::Append(id, bytes) => {
                if let Some(Ok(writer)) = files.get_mut(&id)
                    && let Err(error) = writer.append(&bytes)
                {
                    tracing::error!(%error, "a recording breaks off");
                    files.insert(id, Err(error.to_string()));
                }
            }
            Message::Close(id, done) => {
                let writer = files
                    .remove(&id)
                    .unwrap_or_else(|| Err("the disk can't keep up".into()));
                done(writer.map(|_| ()));
            }
        }
    }
}

/// A WAV file whose header is true after every append, so that a killed center leaves whole recordings.
struct Writer {
    file: File,
    law: Law,
    data_bytes: u32,
}

impl Writer {
    fn create(path: &Path, law: Law) -> io::Result<Self> {
        if let Some(folder) = path.parent() {
            fs::create_dir_all(folder)?;
        }
        let mut file = File::create_new(path)?;
        file.write_all(&wav::g711_header(law, CHANNELS, 0))?;
        Ok(Self {
            file,
            law,
            data_bytes: 0,
        })
    }

    fn append(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.file.seek(SeekFrom::End(0))?;
        self.file.write_all(bytes)?;
        self.data_bytes = self
            .data_bytes
            .saturating_add(u32::try_from(bytes.len()).unwrap_or(u32::MAX));
        self.file.seek(SeekFrom::Start(0))?;
        self.file
            .write_all(&wav::g711_header(self.law, CHANNELS, self.data_bytes))
    }
}

/// The file of a call's recording: safe characters only, and never the same twice.
pub(super) fn file_name(call: &CallId, placed: UtcTime, number: u64) -> String {
    let safe = |c: char| {
        if c.is_ascii_alphanumeric() || "-_".contains(c) {
            c
        } else {
            '_'
        }
    };
    let id: String = call.as_str().chars().take(60).map(safe).collect();
    let time: String = placed.to_string().chars().filter(char::is_ascii_digit).collect();
    format!("{time}-{number}-{id}.wav")
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::mpsc::channel;

    #[test]
    fn a_recording_is_a_whole_wav_after_every_chunk() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("deep/call.wav");
        let recorder = Recorder::start().unwrap();
        let id = RecordingId(1);
        assert!(recorder.open(id, path.clone(), Law::A));
        assert!(recorder.append(id, vec![0xd5; 320]));
        assert!(recorder.append(id, vec![0xd5; 320]));
        let (sender, receiver) = channel();
        recorder.close(id, Box::new(move |result| sender.send(result).unwrap()));
        receiver.recv().unwrap().unwrap();
        let [heard, said] = wav::read_recording(&fs::read(&path).unwrap()).unwrap();
        assert_eq!((heard.len(), said.len()), (320, 320));
        assert_eq!(
            audio::decode(fs::read(&path).unwrap()).unwrap().samples.len(),
            320
        );
    }

    #[test]
    fn a_file_that_can_not_be_written_is_told_at_the_end() {
        let recorder = Recorder::start().unwrap();
        assert!(recorder.open(RecordingId(1), "/dev/null/x.wav".into(), Law::Mu));
        let (sender, receiver) = channel();
        recorder.close(
            RecordingId(1),
            Box::new(move |result| sender.send(result).unwrap()),
        );
        assert!(receiver.recv().unwrap().is_err());
    }

    #[test]
    fn names_are_safe() {
        let name = file_name(
            &"../../etc/passwd".parse().unwrap(),
            "2026-11-21T09:00:00Z".parse().unwrap(),
            3,
        );
        assert_eq!(name, "20261121090000000-3-______etc_passwd.wav");
    }
}
