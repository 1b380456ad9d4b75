//! From the bytes of an audio file to mono samples. What the bytes are decides, never a file's name.

use crate::Sound;
use std::io::Cursor;
use symphonia::core::{
    codecs::audio::AudioDecoderOptions,
    errors::Error as Symphonia,
    formats::{FormatOptions, TrackType, probe::Hint},
    io::{MediaSourceStream, MediaSourceStreamOptions},
    meta::MetadataOptions,
};

/// Longest sound that is decoded, in seconds.
pub const MAX_SECONDS: u32 = 600;

/// Why a file could not be decoded.
#[derive(Debug, thiserror::Error)]
pub enum DecodeError {
    /// Neither WAV nor MP3.
    #[error("this is not an audio file Trunkline can read; use WAV (PCM or G.711) or MP3")]
    Unknown(#[source] Symphonia),
    /// The container holds no sound.
    #[error("the file holds no audio track")]
    NoTrack,
    /// A codec or layout that is not supported.
    #[error("the file's codec is not supported; use WAV (PCM or G.711) or MP3")]
    Codec(#[source] Symphonia),
    /// The sample rate is 0 or beyond reason.
    #[error("the sample rate must be 1000 to 384000 Hz, not {0}")]
    Rate(u32),
    /// Longer than [`MAX_SECONDS`].
    #[error("the sound must be at most {MAX_SECONDS} seconds long")]
    TooLong,
    /// Nothing came out.
    #[error("the file holds no sound")]
    Empty,
    /// The file breaks off or is damaged.
    #[error("the file is damaged")]
    Damaged(#[source] Symphonia),
}

/// Decodes a WAV (PCM or G.711) or MP3 file; several channels are mixed to one.
pub fn decode(bytes: impl Into<Vec<u8>>) -> Result<Sound, DecodeError> {
    let source = MediaSourceStream::new(
        Box::new(Cursor::new(bytes.into())),
        MediaSourceStreamOptions::default(),
    );
    let mut format = symphonia::default::get_probe()
        .probe(
            &Hint::new(),
            source,
            FormatOptions::default(),
            MetadataOptions::default(),
        )
        .map_err(DecodeError::Unknown)?;
    let track = format
        .default_track(TrackType::Audio)
        .ok_or(DecodeError::NoTrack)?;
    let parameters = track
        .codec_params
        .as_ref()
        .and_then(|p| p.audio())
        .ok_or(DecodeError::NoTrack)?;
    let mut decoder = symphonia::default::get_codecs()
        .make_audio_decoder(parameters, &AudioDecoderOptions::default())
        .map_err(DecodeError::Codec)?;
    let track_id = track.id;

    let mut sound = Sound {
        rate: 0,
        samples: Vec::new(),
    };
    let mut interleaved: Vec<f32> = Vec::new();
    loop {
        let packet = match format.next_packet() {
            Ok(Some(packet)) if packet.track_id == track_id => packet,
            Ok(Some(_)) => continue,
            Ok(None) => break,
            Err(error) => return Err(DecodeError::Damaged(error)),
        };
        let decoded = decoder.decode(&packet).map_err(DecodeError::Damaged)?;
        let rate = decoded.spec().rate();
        let channels = decoded.spec().channels().count().max(1);
        if !(1000..=384_000).contains(&rate) {
            return Err(DecodeError::Rate(rate));
        }
        sound.rate = rate;
        decoded.copy_to_vec_interleaved(&mut interleaved);
        let mixed = interleaved
            .chunks_exact(channels)
            .map(|frame| frame.iter().sum::<f32>() / channels as f32);
        sound
            .samples
            .extend(mixed.map(|sample| if sample.is_finite() { sample } else { 0.0 }));
        if sound.samples.len() as u64 > u64::from(rate) * u64::from(MAX_SECONDS) {
            return Err(DecodeError::TooLong);
        }
    }
    if sound.samples.is_empty() {
        Err(DecodeError::Empty)
    } else {
        Ok(sound)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Law, TELEPHONY_RATE, matching, wav};
    use proptest::prelude::*;

    fn demo(name: &str) -> Vec<u8> {
        let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR"))
            .join("../../demo/prompts")
            .join(name);
        std::fs::File::open(path)
            .and_then(|file| std::io::Read::bytes(file).collect())
            .unwrap()
    }

    #[test]
    fn the_mp3_and_the_wav_of_a_prompt_sound_alike() {
        let wav = decode(demo("general_welcome.wav")).unwrap();
        let mp3 = decode(demo("general_welcome.mp3")).unwrap();
        assert_eq!((wav.rate, mp3.rate), (8000, 16000));
        let found = matching::find(&mp3.resampled(TELEPHONY_RATE).samples, &wav.samples).unwrap();
        assert!(found.score > 0.9, "{found:?}");
    }

    #[test]
    fn g711_in_wav_is_read() {
        let codes = Law::A.encode_all(&[0.5, -0.5, 0.25, 0.0]);
        let mut file = wav::g711_header(Law::A, 1, codes.len() as u32).to_vec();
        file.extend(&codes);
        assert_eq!(decode(file).unwrap().samples, Law::A.decode_all(&codes));
    }

    #[test]
    fn what_is_no_audio_is_refused() {
        for bytes in [
            &b""[..],
            b"<html>not found</html>",
            b"RIFF",
            b"RIFF\xff\xff\xff\xffWAVEfmt ",
        ] {
            assert!(decode(bytes).is_err(), "{bytes:?}");
        }
        let empty = wav::g711_header(Law::Mu, 1, 0).to_vec();
        assert!(decode(empty).is_err());
    }

    proptest! {
        #[test]
        fn no_bytes_make_the_decoder_panic(
            head in prop_oneof![Just(0usize), Just(12), Just(44), Just(200)],
            tail in proptest::collection::vec(any::<u8>(), 0..400),
        ) {
            let mut bytes = demo("confirmed.wav");
            bytes.truncate(head);
            bytes.extend(tail);
            let _ = decode(bytes);
        }
    }
}
