//! Pause, resume, seek, restart, stop, volume.

use super::*;
use crate::media::tone;

/// What was heard is this much of the prompt, from this frame on.
#[track_caller]
fn is_prompt(packets: &[Came], from: usize) {
    let prompt = prompt(PROMPT, Law::Mu);
    let heard = heard(Law::Mu, packets);
    let whole = &prompt[from * 160..];
    let length = heard.len().min(whole.len());
    assert!(heard.len() <= whole.len().next_multiple_of(160));
    assert_eq!(heard[..length], whole[..length]);
}

#[tokio::test]
async fn a_pause_is_silence_and_it_goes_on_at_the_same_frame() {
    let rig = Rig::start().await;
    let token = rig.token().await;
    let mut phone = Phone::new().await;
    created(&rig, &token, &phone.to(directive(1))).await;
    let mut before = phone.take(20).await;
    let paused = control(&rig, &token, 1, json!({"action": "pause"})).await;
    assert_eq!(paused.status, 200, "{}", paused.text);
    assert_eq!(paused.body["playbackState"], "paused");
    before.extend(phone.rest().await);
    assert!(before.len() < 60, "{}", before.len());
    assert_eq!(session(&rig, &token, 1).await["positionMs"], before.len() * 20);

    let resumed = control(&rig, &token, 1, json!({"action": "resume"})).await;
    assert_eq!(resumed.body["playbackState"], "playing", "{}", resumed.text);
    let after = phone.rest().await;
    let (last, first) = (&before[before.len() - 1], &after[0]);
    assert!(first.header.marker, "a new talk spurt");
    assert!(after[1..].iter().all(|packet| !packet.header.marker));
    assert_eq!(first.header.sequence, last.header.sequence.wrapping_add(1));
    let ticks = first.header.timestamp.wrapping_sub(last.header.timestamp);
    let ms = (first.at - last.at).as_millis() as u32;
    assert_eq!(ticks % 160, 0);
    assert!((ticks / 8).abs_diff(ms) < 60, "{ticks} ticks, {ms} ms");
    is_prompt(&[before, after].concat(), 0);
    assert_eq!(over(&rig, &token, 1).await["playbackState"], "completed");
    rig.center.close().await;
}

#[tokio::test]
async fn seek_is_by_frame_and_restart_from_the_first() {
    let rig = Rig::start().await;
    let token = rig.token().await;
    let mut phone = Phone::new().await;
    created(&rig, &token, &phone.to(directive(1))).await;
    control(&rig, &token, 1, json!({"action": "pause"})).await;
    phone.rest().await;
    let sought = control(&rig, &token, 1, json!({"action": "seek", "positionMs": 1619})).await;
    assert_eq!(sought.body["positionMs"], 1600, "{}", sought.text);
    assert_eq!(sought.body["playbackState"], "paused");
    control(&rig, &token, 1, json!({"action": "resume"})).await;
    let packets = phone.take(5).await;
    is_prompt(&packets, 80);

    let again = control(&rig, &token, 1, json!({"action": "restart"})).await;
    assert_eq!(again.status, 200, "{}", again.text);
    let packets = phone.rest().await;
    let start = packets.len() - 100;
    assert!(start <= 3, "{start}");
    is_prompt(&packets[start..], 0);
    let session = over(&rig, &token, 1).await;
    assert_eq!(session["playbackState"], "completed");
    assert_eq!(
        session["playedMs"].as_u64(),
        session["framesSent"].as_u64().map(|frames| frames * 20)
    );
    rig.center.close().await;
}

#[tokio::test]
async fn a_place_behind_the_end_is_refused_and_the_end_is_none() {
    let rig = Rig::start().await;
    let token = rig.token().await;
    created(&rig, &token, &directive(1)).await;
    let seek = |ms: u32| json!({"action": "seek", "positionMs": ms});
    let beyond = control(&rig, &token, 1, seek(2020)).await;
    beyond.refused(400, "bad_request").mentions("at most 2000");
    assert_eq!(session(&rig, &token, 1).await["playbackState"], "playing");
    let at_end = control(&rig, &token, 1, seek(2000)).await;
    assert_eq!(at_end.status, 200, "{}", at_end.text);
    assert_eq!(over(&rig, &token, 1).await["playbackState"], "completed");
    rig.center.close().await;
}

#[tokio::test]
async fn stop_ends_it_and_may_be_said_twice() {
    let rig = Rig::start().await;
    let token = rig.token().await;
    let mut phone = Phone::new().await;
    created(&rig, &token, &phone.to(directive(1))).await;
    phone.take(3).await;
    let path = format!("{SESSIONS}/{}", id(1));
    for _ in 0..2 {
        let stopped = send(rig.request(Method::DELETE, &path).bearer_auth(&token)).await;
        assert_eq!((stopped.status, &*stopped.text), (204, ""));
    }
    assert!(phone.rest().await.len() <= 3);
    let stopped = control(&rig, &token, 1, json!({"action": "stop"})).await;
    assert_eq!(stopped.status, 200, "{}", stopped.text);
    assert_eq!(stopped.body["playbackState"], "stopped");
    for action in ["pause", "resume", "restart"] {
        let refused = control(&rig, &token, 1, json!({"action": action})).await;
        refused.refused(409, "conflict").mentions("over (stopped)");
    }
    rig.center.close().await;
}

#[tokio::test]
async fn a_finished_session_is_refused_with_its_state_and_deleted_in_peace() {
    let rig = Rig::start().await;
    let token = rig.token().await;
    let directive = of_sound(&rig, &token, 1, &tone(440.0, 8000, 100)).await;
    created(&rig, &token, &directive).await;
    over(&rig, &token, 1).await;
    for action in ["stop", "pause"] {
        let refused = control(&rig, &token, 1, json!({"action": action})).await;
        refused.refused(409, "conflict").mentions("completed");
    }
    let flat = json!({"baseGain": 1, "peakLimit": 1, "compressionRatio": 1});
    let refused = control(&rig, &token, 1, json!({"action": "volume", "volumeMatrix": flat})).await;
    refused.refused(409, "conflict").mentions("completed");
    let path = format!("{SESSIONS}/{}", id(1));
    let deleted = send(rig.request(Method::DELETE, &path).bearer_auth(&token)).await;
    assert_eq!(deleted.status, 204);
    assert_eq!(session(&rig, &token, 1).await["playbackState"], "completed");
    rig.center.close().await;
}

#[tokio::test]
async fn volume_changes_at_the_next_frame_and_at_the_same_place() {
    let rig = Rig::start().await;
    let token = rig.token().await;
    let mut phone = Phone::new().await;
    let directive = of_sound(&rig, &token, 1, &tone(440.0, 8000, 1500)).await;
    created(&rig, &token, &phone.to(directive)).await;
    let mut packets = phone.take(10).await;
    let loud = peak(&heard(Law::Mu, &packets[2..]));
    let volume = json!({"baseGain": 0.5, "peakLimit": 1.0, "compressionRatio": 1.0});
    let changed = control(
        &rig,
        &token,
        1,
        json!({"action": "volume", "volumeMatrix": volume}),
    )
    .await;
    assert_eq!(changed.status, 200, "{}", changed.text);
    packets.extend(phone.rest().await);
    assert_eq!(packets.len(), 75, "no frame is missing and none is doubled");
    assert!(packets[1..].iter().all(|packet| !packet.header.marker));
    let soft = peak(&heard(Law::Mu, &packets[40..]));
    assert!((soft / loud - 0.5).abs() < 0.03, "{soft} of {loud}");
    rig.center.close().await;
}

#[tokio::test]
async fn the_sound_settings_are_what_is_heard() {
    let rig = Rig::start_with(unlimited_rates).await;
    let token = rig.token().await;
    for (number, gain, limit, ratio) in [(1, 0.8, 0.85, 0.7), (2, 0.0, 0.0, 1.0), (3, 0.05, 0.06, 0.1)] {
        let mut phone = Phone::new().await;
        let mut directive = phone.to(directive(number));
        directive["playbackConfig"]["volumeMatrix"] =
            json!({"baseGain": gain, "peakLimit": limit, "compressionRatio": ratio});
        created(&rig, &token, &directive).await;
        let packets = phone.rest().await;
        assert_eq!(packets.len(), 100);
        let peak = peak(&heard(Law::Mu, &packets));
        assert!(peak <= limit as f32, "{peak} above {limit}");
        assert!(peak > limit as f32 * 0.2 || limit == 0.0, "{peak} below {limit}");
    }
    rig.center.close().await;
}

#[tokio::test]
async fn silence_at_the_ends_is_trimmed_when_that_is_asked_for() {
    let rig = Rig::start().await;
    let token = rig.token().await;
    let silence = [0_i16; 8000];
    let sound: Vec<i16> = (0..4000).map(|n| if n % 16 < 8 { 6000 } else { -6000 }).collect();
    let wav = crate::media::wav(8000, 1, &[&silence[..], &sound, &silence].concat());
    let mut directive = of_sound(&rig, &token, 1, &wav).await;
    assert_eq!(created(&rig, &token, &directive).await["durationMs"], 2500);
    directive["sessionId"] = id(2).into();
    directive["playbackConfig"]["silenceTrimMs"] = 300.into();
    let trimmed = created(&rig, &token, &directive).await["durationMs"]
        .as_u64()
        .unwrap();
    assert!((500..=760).contains(&trimmed), "{trimmed}");
    directive["sessionId"] = id(3).into();
    directive["playbackConfig"]["silenceTrimMs"] = 1001.into();
    assert_eq!(created(&rig, &token, &directive).await["durationMs"], 2500);
    rig.center.close().await;
}
