//! Keys and voices that interrupt: immediately, fading, at the end of the phrase.

use super::*;
use crate::media::{tone, wav};
use audio::dtmf;

fn with_cutoff(mut directive: Value, cutoff: &str) -> Value {
    directive["playbackConfig"]["interruptibility"]["cutoffBehavior"] = cutoff.into();
    directive
}

/// A stream that plays to the phone, whose first frames have come.
async fn playing(rig: &Rig, token: &str, phone: &mut Phone, directive: Value) -> Vec<Came> {
    created(rig, token, &phone.to(directive)).await;
    let mut packets = phone.take(10).await;
    // What is here already was sent before.
    while let Some(packet) = phone.next_within(Duration::from_millis(2)).await {
        packets.push(packet);
    }
    packets
}

fn interrupted_by(session: &Value, digit: char) {
    assert_eq!(session["playbackState"], "interrupted", "{session}");
    assert_eq!(session["interruption"]["cause"], "dtmf", "{session}");
    assert_eq!(session["interruption"]["digit"], digit.to_string(), "{session}");
}

#[tokio::test]
async fn the_first_packet_of_a_press_silences_the_prompt_however_long_it_is() {
    let rig = Rig::start_with(unlimited_rates).await;
    let token = rig.token().await;
    let mut more = Vec::new();
    for number in 1..=6 {
        let mut phone = Phone::new().await;
        let before = playing(&rig, &token, &mut phone, directive(number)).await;
        let pressed = Instant::now();
        // A press of half a second would go on with a packet every 20 ms: none of them is waited for.
        phone.event('5', 8000, true, false, 20).await;
        let after = phone.rest().await;
        let last = after.last().map_or(Duration::ZERO, |last| last.at - pressed);
        more.push((after.len(), last));
        let session = over(&rig, &token, number).await;
        interrupted_by(&session, '5');
        let played = (before.len() + after.len()) as u64;
        assert_eq!(session["framesSent"], played, "{session}");
        assert_eq!(session["playedMs"], played * 20, "{session}");
        assert_eq!(session["interruption"]["atMs"], played * 20, "{session}");
    }
    // One frame may cross the key on its way. The machine may be busy once.
    let punctual = more
        .iter()
        .filter(|(count, last)| *count <= 1 && last.as_millis() <= 25);
    assert!(punctual.count() >= 5, "{more:?}");
    rig.center.close().await;
}

#[tokio::test]
async fn a_press_counts_once_whichever_of_its_packets_arrive() {
    let rig = Rig::start_with(unlimited_rates).await;
    let token = rig.token().await;
    for (number, marker, end) in [(1, false, false), (2, false, true)] {
        let mut phone = Phone::new().await;
        playing(&rig, &token, &mut phone, directive(number)).await;
        // The first packets are lost, or all but an end.
        for _ in 0..3 {
            phone.event('#', 8000, marker, end, 60).await;
        }
        let session = over(&rig, &token, number).await;
        interrupted_by(&session, '#');
    }
    rig.center.close().await;
}

#[tokio::test]
async fn duplicates_and_packets_out_of_order_are_the_same_press() {
    let rig = Rig::start_with(unlimited_rates).await;
    let token = rig.token().await;
    let mut phone = Phone::new().await;
    let directive = with_cutoff(directive(1), "drain");
    playing(&rig, &token, &mut phone, directive).await;
    let end = phone.packet(101, 8000, false, &[3, 0x8a, 1, 224]);
    let begin = phone.packet(101, 8000, true, &[3, 10, 0, 160]);
    for datagram in [&end, &begin, &end, &begin, &begin] {
        phone.send(datagram).await;
    }
    // Another key comes too late to interrupt what is interrupted.
    phone.event('9', 16_000, true, false, 20).await;
    interrupted_by(&over(&rig, &token, 1).await, '3');
    rig.center.close().await;
}

#[tokio::test]
async fn strangers_garbage_and_oversized_packets_interrupt_nothing() {
    let rig = Rig::start_with(unlimited_rates).await;
    let token = rig.token().await;
    let mut phone = Phone::new().await;
    playing(&rig, &token, &mut phone, directive(1)).await;
    let mut stranger = Phone::new().await;
    stranger.from = phone.from;
    stranger.event('1', 8000, true, false, 20).await;
    phone.send(b"").await;
    phone.send(b"GET / HTTP/1.1").await;
    phone.send(&vec![0x80; 1501]).await;
    let mut oversized = phone.packet(101, 8000, true, &[5, 10, 0, 160]);
    oversized.resize(3000, 0);
    phone.send(&oversized).await;
    // An event that is no key, one that breaks off, and one of another payload type.
    let flash = phone.packet(101, 8000, true, &[16, 10, 0, 160]);
    let short = phone.packet(101, 8000, true, &[5, 10]);
    let other = phone.packet(102, 8000, true, &[5, 10, 0, 160]);
    for datagram in [flash, short, other] {
        phone.send(&datagram).await;
    }
    let session = over(&rig, &token, 1).await;
    assert_eq!(session["playbackState"], "completed", "{session}");
    assert_eq!(phone.rest().await.len() + 10, 100);
    rig.center.close().await;
}

#[tokio::test]
async fn keys_of_a_session_that_may_not_be_interrupted_are_not_kept() {
    let rig = Rig::start_with(unlimited_rates).await;
    let token = rig.token().await;
    let mut phone = Phone::new().await;
    let mut directive = directive(1);
    directive["playbackConfig"]["interruptibility"]["allowDTMF"] = false.into();
    playing(&rig, &token, &mut phone, directive).await;
    phone.event('1', 8000, true, false, 20).await;
    let session = over(&rig, &token, 1).await;
    assert_eq!(session["playbackState"], "completed");
    assert_eq!(session["interruption"], Value::Null);
    rig.center.close().await;
}

#[tokio::test]
async fn a_key_in_band_interrupts_and_heard_both_ways_is_one() {
    let rig = Rig::start_with(unlimited_rates).await;
    let token = rig.token().await;
    for (number, codec, law, payload_type) in [(1, "G711U", Law::Mu, 0), (2, "G711A", Law::A, 8)] {
        let mut phone = Phone::new().await;
        let mut directive = with_cutoff(directive(number), "drain");
        directive["playbackConfig"]["codecPreference"] = codec.into();
        playing(&rig, &token, &mut phone, directive).await;
        let tone = dtmf::tone(Key::new('7').unwrap(), 100, dtmf::Level::both(-10.0));
        for (at, frame) in law.encode_all(&tone).chunks(160).enumerate() {
            let datagram = phone.packet(payload_type, at as u32 * 160, at == 0, frame);
            phone.send(&datagram).await;
        }
        phone.event('7', 800, true, true, 100).await;
        interrupted_by(&over(&rig, &token, number).await, '7');
    }
    rig.center.close().await;
}

#[tokio::test]
async fn a_fade_follows_its_ramp_within_1_db() {
    let rig = Rig::start_with(unlimited_rates).await;
    let token = rig.token().await;
    let mut phone = Phone::new().await;
    let directive = of_sound(&rig, &token, 1, &tone(450.0, 8000, 2000)).await;
    let before = playing(&rig, &token, &mut phone, with_cutoff(directive, "fade")).await;
    phone.event('0', 8000, true, false, 20).await;
    let mut after = phone.rest().await;
    let crossed = after.len() - 8;
    assert!(crossed <= 2, "{crossed}");
    let fading = after.split_off(crossed);
    let rms = |samples: &[f32]| {
        let power: f32 = samples.iter().map(|sample| sample * sample).sum();
        (power / samples.len() as f32).sqrt()
    };
    let full = rms(&heard(Law::Mu, &before[5..]));
    for (at, packet) in fading.iter().enumerate() {
        // 150 ms are 1200 samples; the second half of the last frame is silent.
        let ramp: Vec<f32> = (0..160)
            .map(|sample| (1200 - (at as i32 * 160 + sample)).max(0) as f32 / 1200.0)
            .collect();
        let off = 20.0 * (rms(&law_decoded(packet)) / (full * rms(&ramp))).log10();
        assert!(off.abs() < 1.0, "frame {at} is {off} dB off");
    }
    assert_eq!(peak(&law_decoded(&fading[7])[80..]), 0.0);
    let session = over(&rig, &token, 1).await;
    interrupted_by(&session, '0');
    let played = (before.len() + crossed + 8) as u64 * 20;
    assert_eq!(session["playedMs"], played);
    assert_eq!(session["interruption"]["atMs"], played - 160, "{session}");
    rig.center.close().await;
}

fn law_decoded(packet: &Came) -> Vec<f32> {
    Law::Mu.decode_all(&packet.payload)
}

#[tokio::test]
async fn opus_fades_too() {
    let rig = Rig::start_with(unlimited_rates).await;
    let token = rig.token().await;
    let mut phone = Phone::new().await;
    let mut directive = with_cutoff(
        of_sound(&rig, &token, 1, &tone(450.0, 16_000, 2000)).await,
        "fade",
    );
    directive["playbackConfig"]["codecPreference"] = "OPUS".into();
    let before = playing(&rig, &token, &mut phone, directive).await;
    phone.event('0', 8000, true, false, 20).await;
    let after = phone.rest().await;
    let mut decoder = audio::codec::Decoder::new(audio::codec::Codec::Opus).unwrap();
    let mut room = [0.0; audio::codec::MAX_SAMPLES];
    let mut level = |packet: &Came| peak(decoder.decode(&packet.payload, &mut room).unwrap());
    let levels: Vec<f32> = before.iter().map(&mut level).collect();
    let full = levels[levels.len() - 1];
    let levels: Vec<f32> = after.iter().map(level).collect();
    let fading = &levels[levels.len() - 8..];
    assert!(fading[0] > full * 0.7, "{full}: {fading:?}");
    assert!(
        fading[3] < full * 0.8 && fading[3] > full * 0.3,
        "{full}: {fading:?}"
    );
    assert!(fading[7] < full * 0.2, "{full}: {fading:?}");
    interrupted_by(&over(&rig, &token, 1).await, '0');
    rig.center.close().await;
}

#[tokio::test]
async fn what_drains_plays_to_the_end_of_its_phrase_and_only_then_tells_the_key() {
    let rig = Rig::start_with(unlimited_rates).await;
    let token = rig.token().await;
    let mut phone = Phone::new().await;
    let phrase: Vec<i16> = (0..6400).map(|n| if n % 16 < 8 { 6000 } else { -6000 }).collect();
    let sound = wav(8000, 1, &[&phrase[..], &[0; 2400], &phrase].concat());
    let directive = with_cutoff(of_sound(&rig, &token, 1, &sound).await, "drain");
    let before = playing(&rig, &token, &mut phone, directive).await;
    phone.event('4', 8000, true, false, 20).await;
    phone.take(5).await;
    let draining = session(&rig, &token, 1).await;
    assert_eq!(draining["playbackState"], "playing", "{draining}");
    assert_eq!(draining["interruption"], Value::Null, "{draining}");
    let refused = control(&rig, &token, 1, json!({"action": "pause"})).await;
    refused.refused(409, "conflict").mentions("interrupted");
    let after = phone.rest().await.len() + 5;
    assert_eq!(before.len() + after, 40, "to the pause that begins at 800 ms");
    let session = over(&rig, &token, 1).await;
    interrupted_by(&session, '4');
    assert_eq!(session["playedMs"], 800);
    rig.center.close().await;
}

#[tokio::test]
async fn a_voice_interrupts_where_it_may_and_noise_does_not() {
    let rig = Rig::start_with(unlimited_rates).await;
    let token = rig.token().await;
    let speech = prompt("general_support", Law::Mu);
    let mut noise = 1_u32;
    let mut hiss = |_| {
        noise = noise.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        (noise >> 16) as f32 / 65536.0 * 0.02 - 0.01
    };
    let quiet: Vec<f32> = (0..4000).map(&mut hiss).collect();
    let noisy: Vec<f32> = (0..16_000).map(|n| hiss(n) * 8.0).collect();
    let loud = tone(440.0, 8000, 4000);
    for (number, sound, allowed, ends) in [
        (1, &speech, true, "interrupted"),
        (2, &speech, false, "completed"),
        (3, &noisy, true, "completed"),
    ] {
        let mut phone = Phone::new().await;
        let mut directive = directive(number);
        directive["playbackConfig"]["interruptibility"]["allowVoice"] = allowed.into();
        if allowed {
            let asset = crate::media::upload(&rig, &token, "tone.wav", &loud).await;
            directive["promptId"] = asset.body["id"].clone();
        }
        playing(&rig, &token, &mut phone, directive).await;
        let spoken = Law::Mu.encode_all(&[&quiet[..], sound].concat());
        for (at, frame) in spoken.chunks(160).enumerate() {
            let datagram = phone.packet(0, at as u32 * 160, at == 0, frame);
            phone.send(&datagram).await;
        }
        let session = over(&rig, &token, number).await;
        assert_eq!(session["playbackState"], ends, "{session}");
        if ends == "interrupted" {
            assert_eq!(session["interruption"]["cause"], "voice", "{session}");
        }
    }
    rig.center.close().await;
}
