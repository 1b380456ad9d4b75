//! From a source to files that the platform takes: as it is, or conformed, and split where it is too long.

use super::{
    verdict::{Judged, Plan, Shaped, judge},
    verify::Envelope,
};
use audio::Sound;
use bytes::Bytes;

/// A file for the platform.
pub(super) struct Piece {
    /// Its name there.
    pub(super) name: String,
    pub(super) bytes: Bytes,
    /// What it may sound like once it is compiled: as it is, or with the silence at its ends cut off by the platform.
    pub(super) envelopes: Vec<Envelope>,
}

/// What a source became.
pub(super) struct Prepared {
    /// At least one, in order.
    pub(super) pieces: Vec<Piece>,
    /// What was done, in a line.
    pub(super) did: String,
    /// Whether it had to be converted.
    pub(super) converted: bool,
}

/// Prepares a source; the error is a sentence.
pub(super) fn prepare(bytes: Bytes, name: &str, converts: bool) -> Result<Prepared, String> {
    let Judged { verdict, shaped } = judge(name, &bytes).map_err(|error| error.to_string())?;
    let refusals = verdict.refusals(converts);
    if !refusals.is_empty() {
        return Err(refusals.join("; "));
    }
    let did = verdict.deed();
    let shaped = shaped.ok_or("the file can't be decoded")?;
    let converted = matches!(verdict.plan, Plan::Convert(_));
    let pieces = match converted {
        true => {
            let all = shaped.pieces.len();
            let pieces = shaped.pieces.iter().enumerate();
            pieces.map(|(at, sound)| piece(name, at, all, sound)).collect()
        }
        false => vec![as_it_is(name, bytes, &shaped)],
    };
    Ok(Prepared {
        pieces,
        did,
        converted,
    })
}

/// The file itself: it sounds as it does, or with the silence at its ends cut off.
fn as_it_is(name: &str, bytes: Bytes, shaped: &Shaped) -> Piece {
    Piece {
        name: name.to_owned(),
        envelopes: vec![shaped.source.clone(), Envelope::of_all(&shaped.pieces)],
        bytes,
    }
}

/// A conformed piece as a file, under the name of its source.
fn piece(name: &str, at: usize, all: usize, sound: &Sound) -> Piece {
    let stem = name.rsplit_once('.').map_or(name, |(stem, _)| stem);
    let name = match all {
        1 => format!("{stem}.wav"),
        _ => format!("{stem}-{}.wav", at + 1),
    };
    Piece {
        name,
        bytes: audio::wav::pcm16(sound).into(),
        envelopes: vec![Envelope::of(sound)],
    }
}
