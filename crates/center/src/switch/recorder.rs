//! Writes recordings: one thread for all calls, so that a slow disk never holds up a frame.

use crate::recordings::{self, CHANNELS};
use audio::{Law, wav};
use std::{
    collections::HashMap,
    fs::{self, File, OpenOptions},
    io::{self, Seek, SeekFrom, Write},
    path::{Path, PathBuf},
    sync::mpsc::{Receiver, SyncSender, TrySendError, sync_channel},
    thread,
};
use wire::{UtcTime, ids::CallId};

/// Most chunks that wait for the disk.
const QUEUE: usize = 4096;
/// Most recordings that wait for their checksums: no more can end at a time.
const ENDING: usize = super::lines::MAX_CALLS;

/// Names one recording.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) struct RecordingId(pub(super) u64);

/// What came of a recording.
#[derive(Debug, Default)]
pub(super) struct Closed {
    /// The checksum of the file, if there is one.
    pub(super) sha256: Option<String>,
    /// Why a part of it is missing.
    pub(super) fault: Option<String>,
}

/// Told on the checksums' thread when a file is whole and on disk.
pub(super) type Done = Box<dyn FnOnce(Closed) + Send>;

enum Message {
    Open(RecordingId, PathBuf, Law),
    Append(RecordingId, Vec<u8>),
    Close(RecordingId, Done),
}

/// A file that is closed, and who is told.
struct Ending {
    path: PathBuf,
    fault: Option<String>,
    done: Done,
}

/// The way to the writing threads, which end when this is dropped. Nothing here waits for them.
pub(super) struct Recorder {
    messages: SyncSender<Message>,
    /// Files whose close found the queue full; they are closed as soon as there is room.
    unclosed: Vec<RecordingId>,
}

impl Recorder {
    /// Starts the threads: checksums take long, and must not keep frames of other calls from the disk.
    pub(super) fn start() -> io::Result<Self> {
        let (messages, inbox) = sync_channel(QUEUE);
        let (ending, ended) = sync_channel(ENDING);
        thread::Builder::new()
            .name("recorder".into())
            .spawn(move || run(&inbox, &ending))?;
        thread::Builder::new()
            .name("checksums".into())
            .spawn(move || ended.iter().for_each(Ending::finish))?;
        Ok(Self::over(messages))
    }

    fn over(messages: SyncSender<Message>) -> Self {
        Self {
            messages,
            unclosed: Vec::new(),
        }
    }

    /// Starts a file. `false` when the disk can't keep up.
    pub(super) fn open(&mut self, id: RecordingId, path: PathBuf, law: Law) -> bool {
        self.send(Message::Open(id, path, law))
    }

    /// Adds interleaved frames. `false` when the disk can't keep up: they are lost.
    pub(super) fn append(&mut self, id: RecordingId, bytes: Vec<u8>) -> bool {
        self.send(Message::Append(id, bytes))
    }

    /// Ends a file, and tells when all is on disk, or what went wrong. `false` when the disk can't keep up: then nothing is
    /// told, and the file is ended later.
    pub(super) fn close(&mut self, id: RecordingId, done: Done) -> bool {
        let sent = self.send(Message::Close(id, done));
        if !sent {
            self.unclosed.push(id);
        }
        sent
    }

    fn send(&mut self, message: Message) -> bool {
        let messages = &self.messages;
        self.unclosed
            .retain(|id| messages.try_send(Message::Close(*id, Box::new(drop))).is_err());
        messages.try_send(message).is_ok()
    }
}

/// A file that is being written, or why it is not any more.
struct Tape {
    path: PathBuf,
    writer: Result<Writer, String>,
}

fn run(inbox: &Receiver<Message>, ending: &SyncSender<Ending>) {
    let mut files: HashMap<RecordingId, Tape> = HashMap::new();
    while let Ok(message) = inbox.recv() {
        match message {
            Message::Open(id, path, law) => {
                let writer = Writer::create(&path, law).map_err(|error| error.to_string());
                if let Err(error) = &writer {
                    tracing::error!(path = %path.display(), error, "a recording can't be written");
                }
                files.insert(id, Tape { path, writer });
            }
            Message::Append(id, bytes) => {
                if let Some(tape) = files.get_mut(&id)
                    && let Ok(writer) = &mut tape.writer
                    && let Err(error) = writer.append(&bytes)
                {
                    tracing::error!(%error, "a recording breaks off");
                    tape.writer = Err(error.to_string());
                }
            }
            Message::Close(id, done) => {
                let tape = files.remove(&id).unwrap_or_else(|| Tape {
                    path: PathBuf::new(),
                    writer: Err("the disk can't keep up".into()),
                });
                let ended = Ending {
                    path: tape.path,
                    fault: tape.writer.err(),
                    done,
                };
                if let Err(TrySendError::Full(ended) | TrySendError::Disconnected(ended)) =
                    ending.try_send(ended)
                {
                    (ended.done)(Closed {
                        sha256: None,
                        fault: ended.fault,
                    });
                }
            }
        }
    }
}

impl Ending {
    fn finish(self) {
        let Self { path, fault, done } = self;
        let synced = File::open(&path).and_then(|file| file.sync_all());
        let sha256 = synced.and_then(|()| recordings::sha256(&path));
        done(match sha256 {
            Ok(sha256) => Closed {
                sha256: Some(sha256),
                fault,
            },
            Err(error) => Closed {
                sha256: None,
                fault: fault.or(Some(error.to_string())),
            },
        });
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
        let mut options = OpenOptions::new();
        options.write(true).create_new(true);
        // What a caller heard and said is nobody else's business.
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        let mut file = options.open(path)?;
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
        let mut recorder = Recorder::start().unwrap();
        let id = RecordingId(1);
        assert!(recorder.open(id, path.clone(), Law::A));
        assert!(recorder.append(id, vec![0xd5; 320]));
        assert!(recorder.append(id, vec![0xd5; 320]));
        let (sender, receiver) = channel();
        recorder.close(id, Box::new(move |closed| sender.send(closed).unwrap()));
        let closed = receiver.recv().unwrap();
        assert_eq!(closed.fault, None);
        assert_eq!(closed.sha256, Some(recordings::sha256(&path).unwrap()));
        let [heard, said] = wav::read_recording(&fs::read(&path).unwrap()).unwrap();
        assert_eq!((heard.len(), said.len()), (320, 320));
        assert_eq!(
            audio::decode(fs::read(&path).unwrap()).unwrap().samples.len(),
            320
        );
    }

    #[test]
    fn a_file_that_can_not_be_written_is_told_at_the_end() {
        let mut recorder = Recorder::start().unwrap();
        assert!(recorder.open(RecordingId(1), "/dev/null/x.wav".into(), Law::Mu));
        let (sender, receiver) = channel();
        recorder.close(
            RecordingId(1),
            Box::new(move |closed| sender.send(closed).unwrap()),
        );
        let closed = receiver.recv().unwrap();
        assert!(closed.fault.is_some() && closed.sha256.is_none(), "{closed:?}");
    }

    #[test]
    fn a_full_queue_is_told_at_once_and_the_file_is_closed_later() {
        let (messages, inbox) = sync_channel(1);
        let mut recorder = Recorder::over(messages);
        assert!(recorder.append(RecordingId(1), vec![]));
        assert!(!recorder.close(
            RecordingId(1),
            Box::new(|_| panic!("nobody waits for this any more"))
        ));
        inbox.recv().unwrap();
        assert!(!recorder.append(RecordingId(2), vec![]));
        assert!(matches!(inbox.try_recv(), Ok(Message::Close(RecordingId(1), _))));
        assert!(recorder.append(RecordingId(2), vec![]));
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
