//! From a source to files that the platform takes: as it is, or conformed, and split where it is too long.

use super::{
    verdict::{Judged, LIMITS, Plan, judge},
    verify::Envelope,
};
use audio::Sound;

/// A file for the platform.
pub(super) struct Piece {
    /// Its name there.
    pub(super) name: String,
    pub(super) bytes: Vec<u8>,
    /// What it may sound like once it is compiled: as it is, or with the silence at its ends cut off by the platform.
    pub(super) envelopes: Vec<Envelope>,
}

/// What a source became.
pub(super) struct Prepared {
    /// At least one, in order.
    pub(super) pieces: Vec<Piece>,
    /// What was done, in a line.
    pub(super) did: String,
}

/// Prepares a source; the error is a sentence.
pub(super) fn prepare(bytes: Vec<u8>, name: &str, converts: bool) -> Result<Prepared, String> {
    let Judged { verdict, shaped } = judge(name, &bytes).map_err(|error| error.to_string())?;
    let refusals = verdict.refusals(converts);
    if !refusals.is_empty() {
        return Err(refusals.join("; "));
    }
    let did = verdict.deed();
    let pieces = match (&verdict.plan, shaped) {
        (Plan::Convert(_), Some(shaped)) if converts => {
            let all = shaped.pieces.len();
            let pieces = shaped.pieces.iter().enumerate();
            pieces.map(|(at, sound)| piece(name, at, all, sound)).collect()
        }
        (_, shaped) => {
            let cut = shaped.filter(|shaped| converts && shaped.pieces.len() == 1);
            vec![as_it_is(
                name,
                bytes,
                cut.iter().flat_map(|shaped| &shaped.pieces),
            )?]
        }
    };
    let did = if converts { did } else { Plan::Upload.to_string() };
    Ok(Prepared { pieces, did })
}

fn as_it_is<'a>(name: &str, bytes: Vec<u8>, cut: impl Iterator<Item = &'a Sound>) -> Result<Piece, String> {
    let sound = audio::decode_within(&bytes, &LIMITS).map_err(|error| error.to_string())?;
    let mut envelopes = vec![Envelope::of(&sound)];
    envelopes.extend(cut.map(Envelope::of));
    Ok(Piece {
        name: name.to_owned(),
        envelopes,
        bytes,
    })
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
        bytes: audio::wav::pcm16(sound),
        envelopes: vec![Envelope::of(sound)],
    }
}
