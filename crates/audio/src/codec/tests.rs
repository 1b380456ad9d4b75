use super::*;
use crate::tests::{every_prompt, power};
use proptest::prelude::*;

const ALL: [Codec; 5] = [Codec::MuLaw, Codec::ALaw, Codec::L16, Codec::Opus, Codec::G729];
const BUILT: [Codec; 4] = [Codec::MuLaw, Codec::ALaw, Codec::L16, Codec::Opus];

/// Through encoder and decoder, frame by frame; the payloads' sizes too.
fn through(codec: Codec, sound: &[f32]) -> (Vec<f32>, Vec<usize>) {
    let mut encoder = Encoder::new(codec).unwrap();
    let mut decoder = Decoder::new(codec).unwrap();
    let (mut payload, mut samples) = ([0; MAX_PAYLOAD], [0.0; MAX_SAMPLES]);
    let (mut heard, mut sizes) = (Vec::new(), Vec::new());
    for frame in sound.chunks_exact(codec.frame_samples()) {
        let packet = encoder.encode(frame, &mut payload).unwrap();
        sizes.push(packet.len());
        heard.extend_from_slice(decoder.decode(packet, &mut samples).unwrap());
    }
    (heard, sizes)
}

fn prompt(codec: Codec) -> Vec<f32> {
    let samples = every_prompt().swap_remove(0).1;
    let sound = crate::Sound {
        rate: crate::TELEPHONY_RATE,
        samples,
    };
    sound.resampled(codec.sample_rate()).samples
}

/// Signal to noise in dB at the delay that fits best.
fn likeness(sound: &[f32], heard: &[f32]) -> f32 {
    let at = |delay: usize| {
        let pairs = sound.iter().zip(&heard[delay..]);
        let error: Vec<f32> = pairs.map(|(sound, heard)| sound - heard).collect();
        10.0 * (power(sound) / power(&error)).log10()
    };
    (0..200).map(at).fold(f32::MIN, f32::max)
}

#[test]
fn what_is_on_the_line_follows_rfc_3551_and_7587() {
    let rows = ALL.map(|codec| {
        let (number, bytes) = (codec.payload_type(), codec.frame_bytes());
        (
            codec.name(),
            number,
            codec.clock_rate(),
            codec.frame_ticks(),
            bytes,
        )
    });
    let expected = [
        ("PCMU", Some(0), 8000, 160, Some(160)),
        ("PCMA", Some(8), 8000, 160, Some(160)),
        ("L16", None, 8000, 160, Some(320)),
        ("opus", None, 48_000, 960, None),
        ("G729", Some(18), 8000, 160, Some(20)),
    ];
    assert_eq!(rows, expected);
    for codec in ALL {
        let number = codec.payload_type();
        assert_eq!(number.and_then(Codec::of_payload_type), number.map(|_| codec));
    }
    assert_eq!(Codec::of_payload_type(11), None);
    assert_eq!(Codec::Opus.frame_samples(), OPUS_FRAME);
}

#[test]
fn speech_survives_each_codec() {
    for (codec, least) in [
        (Codec::MuLaw, 30.0),
        (Codec::ALaw, 30.0),
        (Codec::L16, 70.0),
        (Codec::Opus, 5.0),
    ] {
        let sound = prompt(codec);
        let (heard, sizes) = through(codec, &sound);
        let likeness = likeness(&sound, &heard);
        assert!(likeness >= least, "{codec:?}: {likeness} dB");
        match codec.frame_bytes() {
            Some(bytes) => assert!(sizes.iter().all(|size| *size == bytes)),
            None => {
                let rate = sizes.iter().sum::<usize>() * 8 * 50 / sizes.len();
                assert!((8_000..40_000).contains(&rate), "{rate} bit/s");
            }
        }
    }
}

#[test]
fn l16_has_the_high_byte_first() {
    let mut payload = [0; MAX_PAYLOAD];
    let frame = [0.5; 160];
    let packet = Encoder::new(Codec::L16)
        .unwrap()
        .encode(&frame, &mut payload)
        .unwrap();
    assert_eq!(&packet[..4], [0x40, 0, 0x40, 0]);
}

#[test]
fn g729_says_why_not_and_what_to_use() {
    let said = Encoder::new(Codec::G729).unwrap_err().to_string();
    assert!(said.contains("licence") && said.contains("use G.711"), "{said}");
    assert!(matches!(Decoder::new(Codec::G729), Err(CodecError::NoG729)));
}

#[test]
fn frames_and_payloads_of_wrong_lengths_are_refused() {
    let (mut payload, mut samples) = ([0; MAX_PAYLOAD], [0.0; MAX_SAMPLES]);
    for codec in BUILT {
        let mut encoder = Encoder::new(codec).unwrap();
        for got in [0, 1, codec.frame_samples() - 1, codec.frame_samples() + 1] {
            let fault = encoder.encode(&vec![0.0; got], &mut payload);
            assert!(matches!(fault, Err(CodecError::Frame { .. })), "{codec:?} {got}");
        }
    }
    for (codec, bytes) in [
        (Codec::MuLaw, 1921),
        (Codec::L16, 3),
        (Codec::L16, 3842),
        (Codec::Opus, 0),
    ] {
        let fault = Decoder::new(codec)
            .unwrap()
            .decode(&vec![0; bytes], &mut samples)
            .map(<[f32]>::len);
        assert!(
            matches!(fault, Err(CodecError::Payload { .. })),
            "{codec:?} {bytes}"
        );
    }
}

#[test]
fn a_lost_packet_is_20_ms() {
    let mut samples = [0.5; MAX_SAMPLES];
    for codec in BUILT {
        let length = Decoder::new(codec).unwrap().conceal(&mut samples).unwrap().len();
        assert_eq!(length, codec.frame_samples(), "{codec:?}");
    }
}

proptest! {
    #[test]
    fn any_floats_can_be_encoded(samples in proptest::collection::vec(any::<f32>(), 640)) {
        for codec in BUILT {
            let (heard, _) = through(codec, &samples);
            prop_assert!(heard.iter().all(|sample| sample.is_finite()));
        }
    }

    #[test]
    fn any_bytes_can_come(packets in proptest::collection::vec(proptest::collection::vec(any::<u8>(), 0..300), 1..6)) {
        let mut samples = [0.0; MAX_SAMPLES];
        for codec in BUILT {
            let mut decoder = Decoder::new(codec).unwrap();
            for packet in &packets {
                let _ = decoder.decode(packet, &mut samples);
            }
        }
    }
}
