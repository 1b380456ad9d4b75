//! How fast a prompt falls silent when its caller presses a key or speaks, and how often noise is taken for a voice.

use crate::{
    gateway::{Client, Gateway, Heard, PROMPT_SECONDS},
    load::percentile,
    phone::Phone,
    sounds::{self, Frame},
};
use std::{
    thread,
    time::{Duration, Instant},
};

/// How long keys are held, in milliseconds, and what Asterisk takes: as long as they are held.
const PRESSES: [u64; 3] = [60, 160, 500];
const TRIES: u64 = 20;
/// How long the prompt plays before something happens.
const BEFORE: Duration = Duration::from_millis(400);
const FRAME: Duration = Duration::from_millis(20);
/// How long the line is quiet before somebody speaks, in frames.
const QUIET: usize = 50;
/// After this nobody has been understood.
const MISSED: Duration = Duration::from_secs(3);
/// Calls that speak at a time.
const SPEAKERS: usize = 4;

/// Kinds and levels of noise, in dBFS.
const NOISES: [(&str, f32); 4] = [
    ("white", -50.0),
    ("white", -35.0),
    ("pink", -50.0),
    ("pink", -35.0),
];
const NOISY_CALLS: usize = 10;
const NOISY_SECONDS: usize = 60;
const _: () = assert!(NOISY_SECONDS < PROMPT_SECONDS);
/// A prompt of which nothing came for so many frames has been interrupted.
const SILENT_FRAMES: usize = 15;

/// Prints how long prompts go on after the first packet of a key.
pub(crate) fn keys() {
    let gateway = Gateway::start();
    println!(
        "Keys: from the first packet of a press to the last packet of the prompt, {TRIES} presses each, in ms"
    );
    println!(
        "{:8} {:>7} {:>7} {:>7}  packets after it, at most",
        "held", "p50", "p90", "max"
    );
    let rows: Vec<String> = thread::scope(|scope| {
        let running = PRESSES.map(|held| {
            let client = gateway.client();
            scope.spawn(move || pressed(client, held))
        });
        running
            .into_iter()
            .map(|row| row.join().expect("a row"))
            .collect()
    });
    rows.iter().for_each(|row| println!("{row}"));
    println!(
        "goal     20 whatever is held; Asterisk 22.10.1 (known, not of this run): 60, 160, 500; rtpengine goes on\n"
    );
}

fn pressed(mut client: Client, held: u64) -> String {
    let (mut times, mut most) = (Vec::new(), 0);
    for n in 0..TRIES {
        let (mut phone, port) = Phone::new();
        let session = client.play(port, Heard::Keys).expect("a session");
        phone.answer();
        phone.hear(BEFORE);
        // At any place between two frames: the last one just came.
        thread::sleep(Duration::from_millis(n % 20));
        let mut fingers = phone.for_sending();
        let pressing = thread::spawn(move || fingers.press(Duration::from_millis(held)));
        let came = phone.hear_out(MISSED);
        let begun = pressing.join().expect("a press");
        must_be_interrupted(&mut client, &session, "dtmf");
        times.push(last_after(&came, begun));
        most = most.max(came.iter().filter(|at| **at > begun).count());
    }
    let [p50, p90, max] = [0.5, 0.9, 1.0].map(|share| percentile(&mut times, share));
    format!("{held:4} ms  {p50:7.1} {p90:7.1} {max:7.1}  {most}")
}

/// Milliseconds from a moment to the last packet; 0 when none came after it.
fn last_after(came: &[Instant], begun: Instant) -> f64 {
    let last = came
        .last()
        .map_or(Duration::ZERO, |last| last.saturating_duration_since(begun));
    last.as_secs_f64() * 1000.0
}

fn must_be_interrupted(client: &mut Client, session: &str, cause: &str) {
    let session = client.session(session);
    assert_eq!(session["playbackState"], "interrupted", "{session}");
    assert_eq!(session["interruption"]["cause"], cause, "{session}");
}

/// Prints how long prompts go on after their callers began to speak.
pub(crate) fn voice() {
    let gateway = Gateway::start();
    let utterances = sounds::utterances();
    let shares: Vec<_> = (0..SPEAKERS)
        .map(|n| utterances.iter().skip(n).step_by(SPEAKERS))
        .collect();
    let spoken: Vec<Option<f64>> = thread::scope(|scope| {
        let running: Vec<_> = shares
            .into_iter()
            .map(|share| {
                let mut client = gateway.client();
                scope.spawn(move || share.map(|frames| said(&mut client, frames)).collect::<Vec<_>>())
            })
            .collect();
        running
            .into_iter()
            .flat_map(|times| times.join().expect("times"))
            .collect()
    });
    let mut times: Vec<f64> = spoken.iter().copied().flatten().collect();
    let missed = spoken.len() - times.len();
    let [p50, p90, max] = [0.5, 0.9, 1.0].map(|share| percentile(&mut times, share));
    println!(
        "Voice: from the first sound of {} pieces of speech to the last packet of the prompt, in ms\n\
         p50 {p50:.0}   p90 {p90:.0}   max {max:.0}   missed {missed}   goal 200\n",
        spoken.len()
    );
}

/// How long the prompt went on after somebody began to say this.
fn said(client: &mut Client, frames: &[Frame]) -> Option<f64> {
    let (mut phone, port) = Phone::new();
    let session = client.play(port, Heard::Voices).expect("a session");
    phone.answer();
    let line = [sounds::quiet(QUIET), frames.to_vec()].concat();
    let mut mouth = phone.for_sending();
    let speaking = thread::spawn(move || mouth.say(&line, QUIET));
    let came = phone.hear_out(FRAME * QUIET as u32 + MISSED);
    // When the first frame was sent, its first sound was 20 ms old.
    let begun = speaking.join().expect("a speaker")? - FRAME;
    let is_interrupted = client.session(&session)["playbackState"] == "interrupted";
    client.stop(&session);
    is_interrupted.then(|| last_after(&came, begun))
}

/// Prints how often noise is taken for a voice.
pub(crate) fn noise() {
    let gateway = Gateway::start();
    let mut client = gateway.client();
    let mut lines: Vec<_> = NOISES
        .iter()
        .flat_map(|(kind, db)| (0..NOISY_CALLS).map(move |n| (*kind, *db, n as u32)))
        .map(|(kind, db, n)| NoisyCall::begin(&mut client, sounds::noise(kind, db, n, NOISY_SECONDS * 50)))
        .collect();
    let begun = Instant::now();
    for n in 0..NOISY_SECONDS * 50 {
        thread::sleep((begun + FRAME * n as u32).saturating_duration_since(Instant::now()));
        lines.iter_mut().for_each(|line| line.go_on(&mut client, n));
    }
    println!(
        "Noise: false triggers a minute, in {} minutes each",
        NOISY_CALLS * NOISY_SECONDS / 60
    );
    for ((kind, db), lines) in NOISES.iter().zip(lines.chunks(NOISY_CALLS)) {
        let triggers: usize = lines.iter().map(|line| line.triggers).sum();
        let minutes = (NOISY_CALLS * NOISY_SECONDS) as f64 / 60.0;
        println!("{kind:5} {db} dBFS: {:.2}", triggers as f64 / minutes);
    }
    println!();
}

/// A call with nothing but noise in it.
struct NoisyCall {
    phone: Phone,
    session: String,
    noise: Vec<Frame>,
    silent: usize,
    triggers: usize,
}

impl NoisyCall {
    fn begin(client: &mut Client, noise: Vec<Frame>) -> Self {
        let (phone, session) = call(client);
        Self {
            phone,
            session,
            noise,
            silent: 0,
            triggers: 0,
        }
    }

    fn go_on(&mut self, client: &mut Client, n: usize) {
        self.phone.send_frame(&self.noise[n]);
        self.silent = if self.phone.came() { 0 } else { self.silent + 1 };
        if self.silent >= SILENT_FRAMES {
            must_be_interrupted(client, &self.session, "voice");
            self.triggers += 1;
            (self.phone, self.session) = call(client);
            self.silent = 0;
        }
    }
}

fn call(client: &mut Client) -> (Phone, String) {
    let (mut phone, port) = Phone::new();
    let session = client.play(port, Heard::Voices).expect("a session");
    phone.answer();
    (phone, session)
}
