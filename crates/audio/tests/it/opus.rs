//! Opus in both directions, and against a packet stream that libopus made (`decoded.rs` does that by its sound).

use audio::opus::{Decoder, Encoder, OpusError};

#[test]
fn speech_rates_survive_a_round_trip_at_about_the_bit_rate() {
    for rate in [8000u32, 16000, 48000] {
        let frame = rate as usize / 50;
        let tone = |at: usize| 0.5 * (at as f32 * 440.0 * std::f32::consts::TAU / rate as f32).sin();
        let sound: Vec<f32> = (0..frame * 50).map(tone).collect();
        let mut encoder = Encoder::new(rate, 24_000).unwrap();
        let mut decoder = Decoder::new(rate, 1).unwrap();
        let (mut heard, mut bytes) = (Vec::new(), 0);
        for block in sound.chunks(frame) {
            let packet = encoder.encode(block).unwrap();
            bytes += packet.len();
            heard.extend_from_slice(decoder.decode(packet).unwrap());
        }
        assert_eq!(heard.len(), sound.len());
        let bit_rate = bytes * 8;
        assert!((6_000..40_000).contains(&bit_rate), "{rate} Hz: {bit_rate} bit/s");
        let late = encoder.delay();
        let (mut product, mut wanted, mut got) = (0.0, 0.0, 0.0);
        for (a, b) in sound[frame * 10..frame * 40]
            .iter()
            .zip(&heard[frame * 10 + late..])
        {
            (product, wanted, got) = (product + a * b, wanted + a * a, got + b * b);
        }
        let likeness = product / f32::sqrt(wanted * got);
        assert!(likeness > 0.9, "{rate} Hz: {likeness}");
    }
}

#[test]
fn a_lost_packet_is_concealed_for_as_long_as_it_was() {
    let mut encoder = Encoder::new(16_000, 24_000).unwrap();
    let mut decoder = Decoder::new(16_000, 1).unwrap();
    decoder.decode(encoder.encode(&[0.1; 320]).unwrap()).unwrap();
    assert_eq!(decoder.conceal(320).unwrap().len(), 320);
}

#[test]
fn what_opus_does_not_take_is_refused() {
    assert!(matches!(Decoder::new(44_100, 1), Err(OpusError::Rate(44_100))));
    assert!(matches!(Decoder::new(48_000, 3), Err(OpusError::Channels(3))));
    assert!(matches!(Encoder::new(8_000, 1), Err(OpusError::BitRate(1))));
    assert!(matches!(
        Encoder::new(8_000, 24_000).unwrap().encode(&[0.0; 159]),
        Err(OpusError::Frame(159))
    ));
    assert!(Decoder::new(48_000, 1).unwrap().decode(&[0xff; 3]).is_err());
}
