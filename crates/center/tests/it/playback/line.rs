//! What comes over the line.

use super::*;
use crate::media::{asset, tone};
use audio::rtp::rtcp::{self, Rtcp, SenderReport};

#[tokio::test]
async fn a_prompt_arrives_whole_in_order_and_in_time() {
    let rig = Rig::start().await;
    let token = rig.token().await;
    for (number, codec, law, payload_type) in [(1, "G711U", Law::Mu, 0), (2, "G711A", Law::A, 8)] {
        let mut phone = Phone::new().await;
        let mut directive = phone.to(directive(number));
        directive["playbackConfig"]["codecPreference"] = codec.into();
        let answer = create(&rig, &token, &directive).await;
        assert_eq!(answer.status, 201, "{}", answer.text);
        assert_eq!(answer.header("location"), format!("{SESSIONS}/{}", id(number)));
        let session = answer.body;
        assert_eq!(session["id"], id(number));
        assert_eq!(session["playbackState"], "playing");
        assert_eq!(session["formatVerified"], true);
        assert_eq!(session["bufferPreloaded"], true);
        assert!(session["latencyMs"].as_f64().unwrap() > 0.0, "{session}");

        let packets = phone.rest().await;
        let prompt = prompt(PROMPT, law);
        assert_eq!(packets.len(), prompt.len().div_ceil(160));
        assert_eq!(session["durationMs"], packets.len() * 20);
        let session = over(&rig, &token, number).await;
        // When the machine was held up for long, time goes on and sound waits; that is told.
        let in_time = session["underruns"] == 0;
        for (at, pair) in packets.windows(2).enumerate() {
            let [one, next] = pair else { unreachable!() };
            assert_eq!(next.header.sequence, one.header.sequence.wrapping_add(1), "{at}");
            let ticks = next.header.timestamp.wrapping_sub(one.header.timestamp);
            assert!(ticks == 160 || !in_time && ticks % 160 == 0, "{at}: {ticks}");
            assert_eq!(next.header.marker, ticks != 160, "{at}");
            assert_eq!(next.header.ssrc, one.header.ssrc, "{at}");
        }
        let first = &packets[0].header;
        assert!(first.marker);
        assert!(
            packets
                .iter()
                .all(|packet| packet.header.payload_type == payload_type)
        );
        let span = packets[packets.len() - 1].at - packets[0].at;
        let apart = span.as_secs_f64() * 1000.0 / (packets.len() - 1) as f64;
        assert!((19.0..21.0).contains(&apart) || !in_time, "{apart} ms");

        let heard = heard(law, &packets);
        assert_eq!(heard[..prompt.len()], prompt, "{codec}");

        assert_eq!(session["playbackState"], "completed");
        assert_eq!(session["framesSent"], packets.len());
        assert_eq!(session["playedMs"], packets.len() * 20);
        assert_eq!(session["positionMs"], session["durationMs"]);
        assert_eq!(session["interruption"], Value::Null);
    }
    rig.center.close().await;
}

#[tokio::test]
async fn opus_has_the_payload_type_that_was_agreed_on_and_a_clock_of_48_khz() {
    let rig = Rig::start().await;
    let token = rig.token().await;
    let mut phone = Phone::new().await;
    let mut directive = phone.to(directive(1));
    directive["playbackConfig"]["codecPreference"] = "OPUS".into();
    directive["destination"]["payloadType"] = 97.into();
    created(&rig, &token, &directive).await;
    let packets = phone.rest().await;
    assert!(packets.iter().all(|packet| packet.header.payload_type == 97));
    let mut decoder = audio::codec::Decoder::new(audio::codec::Codec::Opus).unwrap();
    let mut room = [0.0; audio::codec::MAX_SAMPLES];
    let mut heard = Vec::new();
    for (at, packet) in packets.iter().enumerate() {
        let since = packet.header.timestamp.wrapping_sub(packets[0].header.timestamp);
        assert_eq!(since, at as u32 * 960);
        heard.extend_from_slice(decoder.decode(&packet.payload, &mut room).unwrap());
    }
    let heard = audio::Sound {
        rate: 16_000,
        samples: heard,
    }
    .resampled(8000)
    .samples;
    let prompt = prompt(PROMPT, Law::Mu);
    let found = audio::matching::find(&heard, &prompt).expect("the prompt is not heard");
    assert!(found.at_ms() < 20.0, "{found:?}");
    rig.center.close().await;
}

#[tokio::test]
async fn an_uploaded_asset_can_be_played() {
    let rig = Rig::start().await;
    let token = rig.token().await;
    let asset = asset(&rig, &token, &tone(440.0, 8000, 300)).await;
    let mut phone = Phone::new().await;
    let mut directive = phone.to(directive(1));
    directive["promptId"] = asset.into();
    let session = created(&rig, &token, &directive).await;
    assert_eq!(session["durationMs"], 300);
    assert_eq!(phone.rest().await.len(), 15);
    rig.center.close().await;
}

#[tokio::test]
async fn g729_is_sent_as_the_file_has_it() {
    let file: Vec<u8> = (0..50).collect();
    let rig = Rig::start_with(|options| options.tenant = tenant_with_g729(&file)).await;
    let token = rig.token().await;
    let mut phone = Phone::new().await;
    let mut directive = phone.to(directive(1));
    directive["playbackConfig"]["codecPreference"] = "G729".into();
    let session = created(&rig, &token, &directive).await;
    assert_eq!(session["formatVerified"], false, "nothing here can decode it");
    let packets = phone.rest().await;
    assert!(packets.iter().all(|packet| packet.header.payload_type == 18));
    let bytes: Vec<u8> = packets.iter().flat_map(|packet| packet.payload.clone()).collect();
    assert_eq!((packets.len(), bytes), (3, file));
    rig.center.close().await;
}

/// A phone, and a socket at the port after its own, where reports go.
async fn phone_with_reports() -> (Phone, UdpSocket) {
    loop {
        let phone = Phone::new().await;
        let port = phone.url().rsplit_once(':').unwrap().1.parse::<u16>().unwrap();
        let Some(after) = port.checked_add(1) else {
            continue;
        };
        if let Ok(rtcp) = UdpSocket::bind(("127.0.0.1", after)).await {
            return (phone, rtcp);
        }
    }
}

/// The next report, and whether the stream says goodbye with it.
async fn report(rtcp: &UdpSocket, ssrc: u32) -> (SenderReport, bool) {
    let mut datagram = [0; MAX_DATAGRAM];
    let received = timeout(PATIENCE, rtcp.recv(&mut datagram)).await;
    let length = received.expect("a report").unwrap();
    let parts: Vec<_> = rtcp::read(&datagram[..length]).unwrap().collect();
    let Rtcp::Sender(report, _) = parts[0] else {
        panic!("{parts:?}")
    };
    assert_eq!(report.ssrc, ssrc);
    let is_bye = |part: &Rtcp<'_>| matches!(part, Rtcp::Bye(sources) if sources.iter().eq([ssrc]));
    (report, parts.iter().any(is_bye))
}

#[tokio::test]
async fn sender_reports_come_at_the_port_after_and_a_bye_at_the_end() {
    let rig = Rig::start().await;
    let token = rig.token().await;
    let (mut phone, rtcp) = phone_with_reports().await;
    created(&rig, &token, &phone.to(directive(1))).await;
    let packets = phone.rest().await;
    let ssrc = packets[0].header.ssrc;
    assert!(!report(&rtcp, ssrc).await.1);
    let (last, is_bye) = report(&rtcp, ssrc).await;
    assert!(is_bye, "{last:?}");
    assert_eq!(last.packets as usize, packets.len());
    assert_eq!(last.octets as usize, packets.len() * 160);
    rig.center.close().await;
}

#[tokio::test]
async fn the_times_of_reports_agree_after_a_pause_too() {
    let rig = Rig::start().await;
    let token = rig.token().await;
    let (mut phone, rtcp) = phone_with_reports().await;
    created(&rig, &token, &phone.to(directive(1))).await;
    let first_packet = phone.next().await;
    control(&rig, &token, 1, json!({"action": "pause"})).await;
    tokio::time::sleep(Duration::from_millis(400)).await;
    control(&rig, &token, 1, json!({"action": "stop"})).await;
    let ssrc = first_packet.header.ssrc;
    let (first, _) = report(&rtcp, ssrc).await;
    let (last, is_bye) = report(&rtcp, ssrc).await;
    assert!(is_bye);
    let by_the_clock_ms = ((last.ntp - first.ntp) as f64 / 2f64.powi(32)) * 1000.0;
    let by_the_line_ms = f64::from(last.rtp_timestamp.wrapping_sub(first.rtp_timestamp)) / 8.0;
    assert!(by_the_clock_ms >= 400.0, "{by_the_clock_ms}");
    assert!(
        (by_the_clock_ms - by_the_line_ms).abs() < 60.0,
        "{by_the_clock_ms} ms and {by_the_line_ms} ms"
    );
    rig.center.close().await;
}

/// Nobody listens there.
#[tokio::test]
async fn a_stream_to_a_closed_port_fails_and_says_why() {
    let rig = Rig::start().await;
    let token = rig.token().await;
    for (number, allow) in [(1, true), (2, false)] {
        let closed = Phone::new().await;
        let mut directive = closed.to(directive(number));
        directive["playbackConfig"]["interruptibility"]["allowDTMF"] = allow.into();
        drop(closed);
        created(&rig, &token, &directive).await;
        let session = over(&rig, &token, number).await;
        assert_eq!(session["playbackState"], "failed", "{session}");
        assert!(
            session["failure"].as_str().unwrap().contains("nobody listens"),
            "{session}"
        );
        let position = session["positionMs"].as_u64().unwrap();
        assert!((1000..1500).contains(&position), "{session}");
    }
    rig.center.close().await;
}

#[tokio::test]
async fn a_sink_that_does_not_read_holds_up_nobody() {
    let rig = Rig::start().await;
    let token = rig.token().await;
    let silent = Phone::new().await;
    created(&rig, &token, &silent.to(directive(1))).await;
    let mut phone = Phone::new().await;
    created(&rig, &token, &phone.to(directive(2))).await;
    let packets = phone.rest().await;
    assert_eq!(packets.len(), prompt(PROMPT, Law::Mu).len().div_ceil(160));
    let session = over(&rig, &token, 1).await;
    assert_eq!(session["playbackState"], "completed", "{session}");
    drop(silent);
    rig.center.close().await;
}

#[tokio::test]
async fn the_status_counts_streams_and_what_is_cached() {
    let rig = Rig::start().await;
    let token = rig.token().await;
    created(&rig, &token, &directive(1)).await;
    created(&rig, &token, &directive(2)).await;
    let playback = rig.status().await["playback"].clone();
    assert_eq!(playback["live"], 2, "{playback}");
    assert_eq!(playback["cachedPrompts"], 1, "made once: {playback}");
    assert!(playback["cachedBytes"].as_u64().unwrap() > 10_000, "{playback}");
    over(&rig, &token, 2).await;
    let playback = rig.status().await["playback"].clone();
    assert_eq!(playback["live"], 0, "{playback}");
    assert_eq!(playback["frames"], 200, "{playback}");
    assert_eq!(playback["untold"], 0, "{playback}");
    rig.center.close().await;
}

/// A tenant of whom a prompt is there in G.729 as well.
pub(super) fn tenant_with_g729(file: &[u8]) -> center::Tenant {
    let folder = tempfile::tempdir().unwrap();
    let prompts = folder.path().join("prompts");
    std::fs::create_dir(&prompts).unwrap();
    for name in ["confirmed.wav", "invalid.wav", "general_welcome.wav"] {
        std::fs::copy(crate::support::demo_prompts().join(name), prompts.join(name)).unwrap();
    }
    std::fs::write(prompts.join("general_welcome.g729"), file).unwrap();
    crate::support::tenant_in(folder.path(), "")
}
