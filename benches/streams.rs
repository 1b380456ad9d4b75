//! What a playback stream costs, how evenly its packets come, and how fast callers are heard, beside rtpengine in the same run.
//!
//! `cargo bench -p trunkline --bench streams [-- 200 1000 3000 alone keys voice noise]`
//!
//! - **Streams**: so many G.711 prompts at once over RTP on loopback, each listening for keys. Their receiver is a second process, which
//!   looks at its sockets twice a millisecond. CPU time and memory are those of the whole serving process, over 15 s. How long a session
//!   takes to create is what one client with one connection sees, one after the other, while those before play.
//! - **Keys**: from the first packet of a press (RFC 4733) to the last packet of the prompt that arrives.
//! - **Voice**: from the moment when a caller begins to say a prompt of the demo to the last packet of the prompt that arrives.
//! - **Noise**: false triggers while callers send nothing but noise. Levels are those of the RMS; a full square wave has 0 dBFS.
//!
//! rtpengine is that of Debian (`apt-get install rtpengine-daemon`), in user space; without it, or with `alone`, the rest goes on. It plays
//! the same mu-law file and, where ffmpeg can make one, an MP3, which it paces better. It doesn't stop for keys and voices by itself. Each
//! measurement has a process of its own. For 3,000 streams rtpengine has to open 15,000 files: `ulimit -n 20000`.

#![allow(clippy::expect_used, clippy::panic)]

#[path = "streams/barge_in.rs"]
mod barge_in;
#[path = "streams/gateway.rs"]
mod gateway;
#[path = "streams/load.rs"]
mod load;
mod noise;
#[path = "streams/phone.rs"]
mod phone;
#[path = "streams/process.rs"]
mod process;
#[path = "streams/receiver.rs"]
mod receiver;
#[path = "streams/rtpengine.rs"]
mod rtpengine;
#[path = "streams/sounds.rs"]
mod sounds;

use std::env;

const COUNTS: [usize; 3] = [200, 1000, 3000];
const PARTS: [&str; 4] = ["alone", "keys", "voice", "noise"];

fn main() {
    let arguments: Vec<String> = env::args()
        .skip(1)
        .filter(|argument| argument != "--bench")
        .collect();
    if arguments.first().is_some_and(|first| first == receiver::MARK) {
        return receiver::run();
    }
    let asked = |part: &str| arguments.is_empty() || arguments.iter().any(|argument| argument == part);
    let mut counts: Vec<usize> = arguments
        .iter()
        .filter_map(|argument| argument.parse().ok())
        .collect();
    if arguments.is_empty() {
        counts = COUNTS.to_vec();
    }
    if let Some(unknown) = arguments
        .iter()
        .find(|argument| argument.parse::<usize>().is_err() && !PARTS.contains(&argument.as_str()))
    {
        panic!("{unknown:?} is neither a number of streams nor one of {PARTS:?}");
    }
    println!("{}\n", process::machine());
    if !counts.is_empty() {
        load::compare(&counts, arguments.iter().any(|argument| argument == "alone"));
    }
    if asked("keys") {
        barge_in::keys();
    }
    if asked("voice") {
        barge_in::voice();
    }
    if asked("noise") {
        barge_in::noise();
    }
    println!("{}", process::machine());
}
