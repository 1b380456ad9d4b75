//! ffmpeg receives a session by its SDP, ends when the session says goodbye, and what it has decoded is the prompt.
//! (It knows no G.729 in RTP, though it can decode it.)

use super::{Killed, OPUS, PROMPT, Studio, is_listened_to, is_wanted, port_pair, samples};
use crate::support::wait_for;
use audio::{TELEPHONY_RATE, matching};
use std::{
    fs,
    process::{Command, Stdio},
};

#[test]
fn ffmpeg_plays_what_the_prompt_is() {
    if !is_wanted() {
        return;
    }
    let studio = Studio::new();
    let file = fs::read(studio.file(&format!("prompts/{PROMPT}.wav"))).unwrap();
    let prompt = audio::decode(file).unwrap().resampled(TELEPHONY_RATE).samples;
    let whole = matching::find(&prompt, &prompt).unwrap();
    for (codec, map, least) in [
        ("G711U", "0 PCMU/8000", 0.99),
        ("G711A", "8 PCMA/8000", 0.99),
        (OPUS, "111 opus/48000/2", 0.9),
    ] {
        let heard = received(&studio, codec, map);
        let found = matching::find(&heard, &prompt).unwrap();
        println!("{codec}: {found:?} of {} in {} samples", whole.heard, heard.len());
        assert!(found.score > least, "{codec}: {found:?}");
        assert!(found.at_ms() < 20.0, "{codec}: {found:?}");
        assert_eq!(found.heard, whole.heard, "{codec}: {found:?}");
    }
}

/// What ffmpeg makes of a session, at 8000 Hz.
fn received(studio: &Studio, codec: &str, map: &str) -> Vec<f32> {
    let port = port_pair().0.local_addr().unwrap().port();
    let payload_type = map.split(' ').next().unwrap();
    let (sdp, wav) = (
        studio.file(&format!("{codec}.sdp")),
        studio.file(&format!("{codec}.wav")),
    );
    let lines = format!(
        "v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=-\r\nc=IN IP4 127.0.0.1\r\nt=0 0\r\nm=audio {port} RTP/AVP {payload_type}\r\n\
         a=rtpmap:{map}\r\n"
    );
    fs::write(&sdp, lines).unwrap();
    let mut ffmpeg = Killed(
        Command::new("ffmpeg")
            .args([
                "-nostdin",
                "-v",
                "warning",
                "-protocol_whitelist",
                "file,rtp,udp",
                "-i",
            ])
            .arg(&sdp)
            .args(["-ar", "8000", "-ac", "1", "-c:a", "pcm_s16le"])
            .arg(&wav)
            .stdin(Stdio::null())
            .stderr(fs::File::create(studio.file("ffmpeg.txt")).unwrap())
            .spawn()
            .unwrap(),
    );
    wait_for("ffmpeg to listen", || is_listened_to(port + 1).then_some(()));
    let session = studio.play(codec, port);
    studio.played(&session);
    let status = wait_for("the end of ffmpeg, which the session's goodbye is", || {
        ffmpeg.0.try_wait().unwrap()
    });
    let said = fs::read_to_string(studio.file("ffmpeg.txt")).unwrap();
    println!("{codec}: {said}");
    assert!(status.success(), "{said}");
    assert!(!said.contains("missed") && !said.contains("rror"), "{said}");
    samples(&wav)
}
