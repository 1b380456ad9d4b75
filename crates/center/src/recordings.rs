//! Recordings as files: where they are, their checksums, and making whole what a killed center left.

use audio::{TELEPHONY_RATE, wav};
use sha2::{Digest, Sha256};
use std::{
    fs::{File, OpenOptions},
    io::{self, Read, Seek, SeekFrom, Write},
    path::{Path, PathBuf},
};
use wire::calls::Recording;

/// The folder of recordings in the data folder.
pub(crate) const FOLDER: &str = "recordings";
/// Stereo: what was heard, and what was said.
pub(crate) const CHANNELS: u16 = 2;
/// How much of a file is looked at in one go.
const CHUNK: usize = 64 * 1024;

/// The file of a recording: by its name, in the folder where they are now.
pub(crate) fn file_in(folder: &Path, recording: &Recording) -> PathBuf {
    let name = Path::new(&recording.path).file_name().unwrap_or_default();
    folder.join(name)
}

/// The SHA-256 of a file, in hexadecimal.
pub(crate) fn sha256(path: &Path) -> io::Result<String> {
    let mut file = File::open(path)?;
    let mut hash = Sha256::new();
    let mut chunk = vec![0; CHUNK];
    loop {
        match file.read(&mut chunk)? {
            0 => break,
            read => hash.update(&chunk[..read]),
        }
    }
    let hash = hash.finalize();
    Ok(hash.iter().map(|byte| format!("{byte:02x}")).collect())
}

/// A recording that is whole.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Mended {
    pub(crate) duration_ms: u64,
    pub(crate) sha256: String,
}

/// Makes a recording whole that was being written when its center was killed: half a sample at the end is cut, and the
/// header counts what is there.
pub(crate) fn mend(path: &Path) -> io::Result<Mended> {
    let mut file = OpenOptions::new().read(true).write(true).open(path)?;
    let mut header = [0; wav::HEADER_BYTES];
    file.read_exact(&mut header)?;
    let law = wav::recording_law(&header)
        .ok_or_else(|| io::Error::new(io::ErrorKind::InvalidData, "it is no recording of a call"))?;
    let header_bytes = wav::HEADER_BYTES as u64;
    let there = file.metadata()?.len().saturating_sub(header_bytes);
    let whole = there - there % u64::from(CHANNELS);
    let data_bytes = u32::try_from(whole).unwrap_or(u32::MAX);
    let counted = wav::g711_header(law, CHANNELS, data_bytes);
    if whole != there {
        file.set_len(header_bytes + whole)?;
    }
    if header != counted {
        file.seek(SeekFrom::Start(0))?;
        file.write_all(&counted)?;
    }
    file.sync_all()?;
    let bytes_per_s = u64::from(TELEPHONY_RATE) * u64::from(CHANNELS);
    Ok(Mended {
        duration_ms: whole * 1000 / bytes_per_s,
        sha256: sha256(path)?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use audio::Law;
    use std::fs;

    fn file(data: &[u8], counted: u32) -> (tempfile::TempDir, PathBuf) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("call.wav");
        let bytes = [&wav::g711_header(Law::A, CHANNELS, counted)[..], data].concat();
        fs::write(&path, bytes).unwrap();
        (folder, path)
    }

    #[test]
    fn a_recording_that_broke_off_is_made_whole() {
        let whole = [&wav::g711_header(Law::A, CHANNELS, 640)[..], &[0xd5; 640]].concat();
        // As it should be; a chunk that the header does not count; half a sample.
        for (data, counted) in [(640, 640), (640, 320), (641, 640)] {
            let (_folder, path) = file(&vec![0xd5; data], counted);
            let mended = mend(&path).unwrap();
            assert_eq!(mended.duration_ms, 40);
            assert_eq!(fs::read(&path).unwrap(), whole, "{data} {counted}");
            assert_eq!(mended.sha256, sha256(&path).unwrap());
            assert_eq!(mend(&path).unwrap(), mended, "once is enough");
        }
    }

    #[test]
    fn what_is_no_recording_is_left_alone() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("x.wav");
        assert!(mend(&path).is_err());
        for bytes in [&b""[..], &[0; 57], &[0; 100]] {
            fs::write(&path, bytes).unwrap();
            assert!(mend(&path).is_err());
            assert_eq!(fs::read(&path).unwrap(), bytes);
        }
    }

    #[test]
    fn checksums_are_those_of_sha256sum() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("x");
        fs::write(&path, "abc").unwrap();
        let known = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
        assert_eq!(sha256(&path).unwrap(), known);
    }

    #[test]
    fn a_recording_is_found_where_recordings_are_now() {
        let recording = Recording {
            path: "old-place/recordings/a.wav".into(),
            uri: String::new(),
            duration_ms: 0,
            sha256: None,
            fault: None,
        };
        assert_eq!(file_in(Path::new("new"), &recording), Path::new("new/a.wav"));
    }
}
