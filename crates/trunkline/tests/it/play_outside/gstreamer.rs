//! GStreamer receives G.729, and decodes it to what ffmpeg makes of the file.

use super::{G729, G729_FRAMES, Killed, Studio, any_g729, is_listened_to, is_wanted, port_pair, samples};
use crate::support::wait_for;
use std::{
    fs,
    path::Path,
    process::{Command, Stdio},
};

/// Two frames of 10 ms each, the last has one.
const PACKETS: usize = G729_FRAMES.div_ceil(2);

#[test]
fn gstreamer_plays_g729_as_ffmpeg_decodes_the_file() {
    if !is_wanted() {
        return;
    }
    let studio = Studio::new();
    let heard = received(&studio);
    let (raw, decoded) = (studio.file("any.g729"), studio.file("any.wav"));
    fs::write(&raw, any_g729()).unwrap();
    let wanted = decode(&raw, &decoded);
    assert_eq!(wanted.len(), G729_FRAMES * 80);
    assert!(wanted.iter().any(|sample| sample.abs() > 0.01));
    assert_eq!(heard.len(), wanted.len());
    assert!(heard == wanted, "the sound differs");
}

/// What GStreamer makes of a session, of which all packets must come: it ends with the last.
fn received(studio: &Studio) -> Vec<f32> {
    let port = port_pair().0.local_addr().unwrap().port();
    let wav = studio.file("heard.wav");
    let pipeline = format!(
        "udpsrc address=127.0.0.1 port={port} num-buffers={PACKETS} \
         caps=application/x-rtp,media=audio,payload=18,clock-rate=8000,encoding-name=G729 \
         ! rtpjitterbuffer ! rtpg729depay ! avdec_g729 ! audioconvert ! audio/x-raw,format=S16LE ! wavenc \
         ! filesink location={}",
        wav.display()
    );
    let mut gstreamer = Killed(
        Command::new("gst-launch-1.0")
            .arg("--quiet")
            .args(pipeline.split_whitespace())
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .spawn()
            .unwrap(),
    );
    wait_for("GStreamer to listen", || is_listened_to(port).then_some(()));
    let session = studio.play(G729, port);
    studio.played(&session);
    let status = wait_for("the end of GStreamer, which the last packet is", || {
        gstreamer.0.try_wait().unwrap()
    });
    assert!(status.success());
    samples(&wav)
}

fn decode(raw: &Path, wav: &Path) -> Vec<f32> {
    let output = Command::new("ffmpeg")
        .args(["-nostdin", "-v", "error", "-f", "g729", "-i"])
        .arg(raw)
        .arg(wav)
        .output()
        .unwrap();
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    samples(wav)
}
