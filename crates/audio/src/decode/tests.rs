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
