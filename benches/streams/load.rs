//! Many streams at once: what they cost and how they come.

use crate::{
    gateway::{Ours, PROMPT_SECONDS},
    process,
    receiver::{Counted, Receiver},
    rtpengine::{self, Rtpengine},
    sounds,
};
use std::{
    fs,
    path::Path,
    process::Command,
    thread,
    time::{Duration, Instant},
};

const WINDOW: Duration = Duration::from_secs(15);
/// Of a stream, in frames of 20 ms.
const PACKETS_A_SECOND: f64 = 50.0;
/// What all processes get to calm down before the window.
const SETTLING: Duration = Duration::from_secs(2);
/// Sessions that take so long to create in all are no more created: their prompts would end within the window.
const CREATING: Duration = Duration::from_secs(PROMPT_SECONDS as u64 - 40);

/// Somebody who plays a prompt to whom he is told.
pub(crate) trait Player {
    /// Starts a process of its own, which is to play this file.
    fn start(file: &Path) -> Self;
    /// Its process.
    fn pid(&self) -> u32;
    /// One stream more, to this port; or why there can't be one.
    fn play(&mut self, port: u16) -> Result<(), String>;
}

/// What was measured with so many streams.
struct Row {
    streams: usize,
    /// CPU time of a stream, in % of a core; where fewer packets were sent than should be, of 50 packets a second.
    cpu: f64,
    /// Memory of a stream, in KB.
    memory: f64,
    counted: Counted,
    /// Milliseconds to create a session: the first, and of 50 and 99 % of the others.
    creating: [f64; 3],
}

/// Prints the table.
pub(crate) fn compare(counts: &[usize], is_alone: bool) {
    let folder = tempfile::tempdir().expect("a folder");
    let (wav, mp3) = (folder.path().join("prompt.wav"), folder.path().join("prompt.mp3"));
    fs::write(&wav, sounds::prompt(PROMPT_SECONDS)).expect("the prompt");
    println!("Streams of G.711 mu-law over RTP, listening for keys, {WINDOW:?} each");
    println!(
        "{:16} {:>7} {:>9} {:>9} {:>7} {:>7} {:>7} {:>8} {:>7} {:>9} {:>8} {:>8} {:>8} {:>9}",
        "",
        "streams",
        "% core/st",
        "KB/stream",
        "p50 ms",
        "p99",
        "p99.9",
        "max",
        "lost",
        "packets/s",
        "1st ms",
        "p50",
        "p99",
        "held up ms"
    );
    let has_rtpengine = !is_alone && rtpengine::is_there();
    let has_mp3 = has_rtpengine && make_mp3(&wav, &mp3);
    for &streams in counts {
        let ours = measure::<Ours>("trunkline", &wav, streams);
        if has_rtpengine {
            let theirs = measure::<Rtpengine>("rtpengine (wav)", &wav, streams);
            ratio(&ours, &theirs);
        }
        if has_mp3 {
            let theirs = measure::<Rtpengine>("rtpengine (mp3)", &mp3, streams);
            ratio(&ours, &theirs);
        }
        println!();
    }
    if !has_rtpengine && !is_alone {
        println!("rtpengine is not installed: apt-get install rtpengine-daemon");
    }
    println!(
        "{:16} {:>7} {:>9} {:>9} {:>7} {:>7} {:>7} {:>8} {:>7} {:>9} {:>8} {:>8} {:>8}",
        "goal", 3000, "0.025", "20", "", "", "25", "", "0", "50/stream", "", "", "5"
    );
    println!(
        "{:16} {:>7} {:>9} {:>9} {:>7} {:>7} {:>7}   known figures of 22.10.1 on a quiet machine of this kind, not of this run",
        "Asterisk", "200-800", "0.13", "160", "20", "", "21-22"
    );
    println!(
        "lost: numbers that never came and that the receivers had room for; held up: how wrong times can be\n"
    );
}

fn measure<P: Player>(name: &str, file: &Path, streams: usize) -> Row {
    let mut receiver = Receiver::start();
    let mut player = P::start(file);
    let first = create(&mut player, receiver.port(0)).expect("a first stream");
    let mut creating = Vec::with_capacity(streams);
    thread::sleep(SETTLING);
    let before_kib = process::memory_kib(player.pid());
    let begun = Instant::now();
    while creating.len() + 1 < streams && begun.elapsed() < CREATING {
        match create(&mut player, receiver.port(creating.len() + 1)) {
            Ok(took) => creating.push(took),
            Err(why) => {
                println!("{name} takes no more: {why}");
                break;
            }
        }
    }
    thread::sleep(SETTLING);
    let pid = player.pid();
    let mut share = f64::NAN;
    let counted = receiver.count(|| share = busy(pid));
    let created = creating.len() + 1;
    let more_kib = process::memory_kib(pid).saturating_sub(before_kib);
    let row = Row {
        streams: created,
        cpu: share * 100.0 / counted.sent_streams().min(created as f64),
        memory: more_kib as f64 * 1.024 / creating.len().max(1) as f64,
        counted,
        creating: [
            first,
            percentile(&mut creating, 0.5),
            percentile(&mut creating, 0.99),
        ],
    };
    row.print(name);
    row
}

/// Which share of a core a process takes during the window.
fn busy(pid: u32) -> f64 {
    let (before, begun) = (process::cpu(pid), Instant::now());
    thread::sleep(WINDOW);
    let used = process::cpu(pid) - before;
    used.as_secs_f64() / begun.elapsed().as_secs_f64()
}

/// How many milliseconds it takes.
fn create(player: &mut impl Player, port: u16) -> Result<f64, String> {
    let begun = Instant::now();
    player.play(port)?;
    Ok(begun.elapsed().as_secs_f64() * 1000.0)
}

/// The value that this share of the values is not above.
pub(crate) fn percentile(values: &mut [f64], share: f64) -> f64 {
    values.sort_by(f64::total_cmp);
    let at = (values.len() as f64 * share).ceil() as usize;
    values.get(at.saturating_sub(1)).copied().unwrap_or(f64::NAN)
}

impl Counted {
    /// How many streams the packets that were sent would be.
    fn sent_streams(&self) -> f64 {
        (self.packets + self.lost) as f64 / WINDOW.as_secs_f64() / PACKETS_A_SECOND
    }
}

impl Row {
    fn print(&self, name: &str) {
        let Counted {
            between_ms: [p50, p99, p999, longest],
            ..
        } = self.counted;
        let [first, half, most] = self.creating;
        println!(
            "{name:16} {:>7} {:>9.4} {:>9.1} {p50:>7.1} {p99:>7.1} {p999:>7.1} {longest:>8.1} {:>7} {:>9.0} {first:>8.2} {half:>8.2} {most:>8.2} {:>9.1}",
            self.streams,
            self.cpu,
            self.memory,
            self.counted.lost.saturating_sub(self.counted.no_room),
            self.counted.packets as f64 / WINDOW.as_secs_f64(),
            self.counted.held_up_ms,
        );
        let counted = &self.counted;
        let odd = [
            (
                "streams heard",
                counted.streams.abs_diff(self.streams) as u64,
                counted.streams as u64,
            ),
            ("pieces of 20 ms left out", counted.left_out, counted.left_out),
            ("late or twice", counted.out_of_order, counted.out_of_order),
            ("no RTP", counted.garbage, counted.garbage),
            ("no room at receivers", counted.no_room, counted.no_room),
        ];
        for (what, is_odd, count) in odd {
            if is_odd > 0 {
                println!("{:16} {what}: {count}", "");
            }
        }
    }
}

fn ratio(ours: &Row, theirs: &Row) {
    let late = |row: &Row| row.counted.between_ms[2];
    println!(
        "{:16} {:>7} {:>8.1}x {:>8.1}x {:>7} {:>7} {:>6.1}x {:>8} {:>7} {:>9} {:>8} {:>7.1}x {:>7.1}x",
        "  to ours",
        "",
        theirs.cpu / ours.cpu,
        theirs.memory / ours.memory,
        "",
        "",
        late(theirs) / late(ours),
        "",
        "",
        "",
        "",
        theirs.creating[1] / ours.creating[1],
        theirs.creating[2] / ours.creating[2],
    );
}

fn make_mp3(wav: &Path, mp3: &Path) -> bool {
    let made = Command::new("ffmpeg")
        .args(["-nostdin", "-v", "error", "-i"])
        .arg(wav)
        .args(["-b:a", "64k"])
        .arg(mp3)
        .status();
    made.is_ok_and(|status| status.success())
}
