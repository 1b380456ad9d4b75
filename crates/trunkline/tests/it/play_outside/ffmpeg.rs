//! ffmpeg receives a session by its SDP, ends when the session says goodbye, and what it has decoded is the prompt.

use super::{G729, G729_FRAMES, OPUS, PROMPT, Studio, any_g729, is_wanted, port_pair};
use crate::support::wait_for;
use audio::{TELEPHONY_RATE, matching};
use std::{
    fs,
    path::Path,
    process::{Child, Command, Stdio},
};

/// Waits, receives, decodes; killed when dropped.
struct Ffmpeg(Child);

impl Drop for Ffmpeg {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

#[test]
fn ffmpeg_plays_what_the_prompt_is() {
    if !is_wanted() {
        return;
    }
    let studio = Studio::new();
    let file = fs::read(studio.file(&format!("prompts/{PROMPT}.wav"))).unwrap();
    let prompt = audio::decode(file).unwrap().resampled(TELEPHONY_RATE).samples;
    let whole = matching::find(&prompt, &prompt).unwrap();
    for (codec, map) in [
        ("G711U", "0 PCMU/8000"),
        ("G711A", "8 PCMA/8000"),
        (OPUS, "111 opus/48000/2"),
    ] {
        let heard = received(&studio, codec, map);
        let found = matching::find(&heard, &prompt).unwrap();
        println!("{codec}: {found:?} of {} in {} samples", whole.heard, heard.len());
        assert!(found.score > 0.98, "{codec}: {found:?}");
        assert!(found.at_ms() < 20.0, "{codec}: {found:?}");
        assert_eq!(found.heard, whole.heard, "{codec}: {found:?}");
    }
}

#[test]
fn ffmpeg_decodes_g729_as_it_decodes_the_file() {
    if !is_wanted() {
        return;
    }
    let studio = Studio::new();
    let heard = received(&studio, G729, "18 G729/8000");
    let (raw, decoded) = (studio.file("any.g729"), studio.file("any.wav"));
    fs::write(&raw, any_g729()).unwrap();
    let output = Command::new("ffmpeg")
        .args(["-nostdin", "-v", "error", "-f", "g729", "-i"])
        .arg(&raw)
        .arg(&decoded)
        .output()
        .unwrap();
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    let wanted = samples(&decoded);
    assert_eq!(wanted.len(), G729_FRAMES * 80);
    assert!(wanted.iter().any(|sample| sample.abs() > 0.01));
    assert_eq!(heard.len(), wanted.len());
    assert!(heard == wanted, "the sound differs");
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
    let mut ffmpeg = Ffmpeg(
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

/// Whether somebody has this UDP port.
fn is_listened_to(port: u16) -> bool {
    let sockets = fs::read_to_string("/proc/net/udp").unwrap();
    let address = format!(":{port:04X} ");
    sockets
        .lines()
        .filter_map(|line| line.split_whitespace().nth(1))
        .any(|local| format!("{local} ").ends_with(&address))
}

fn samples(wav: &Path) -> Vec<f32> {
    audio::decode(fs::read(wav).unwrap()).unwrap().samples
}
