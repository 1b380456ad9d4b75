//! The other end of all streams: a process of its own that counts their packets.
//!
//! One thread looks at all sockets twice a millisecond, so that nobody is woken for a packet and the machine's work is the senders'. Times
//! are as exact as that. Streams share sockets; they are told apart by where they come from.

use crate::process;
use audio::rtp::{Header, Packet, is_rtcp, steps_ahead, ticks_ahead};
use serde::{Deserialize, Serialize};
use std::{
    collections::HashMap,
    env,
    io::{BufRead, BufReader, Write},
    net::UdpSocket,
    process::{Child, ChildStdin, ChildStdout, Command, Stdio},
    sync::mpsc::{Receiver as Inbox, TryRecvError, channel},
    thread,
    time::{Duration, Instant},
};

/// The first argument of the process.
pub(crate) const MARK: &str = "receive-streams";
/// What the kernel keeps for a socket is little, so there are many.
const SOCKETS: usize = 64;
const FIRST_PORT: u16 = 20_000;
/// Of 20 ms of G.711.
const FRAME_TICKS: u64 = 160;
const PATIENCE: Duration = Duration::from_micros(500);
/// Times between packets are counted in tenths of a millisecond, up to 2 s.
const BUCKET_US: u128 = 100;
const BUCKETS: usize = 20_000;

/// What came in a while.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Counted {
    pub(crate) streams: usize,
    pub(crate) packets: u64,
    /// Numbers that never came.
    pub(crate) lost: u64,
    /// Pieces of 20 ms that were never sent: the timestamps jump and the numbers do not.
    pub(crate) left_out: u64,
    /// Numbers that came late or twice.
    pub(crate) out_of_order: u64,
    /// Neither RTP nor RTCP.
    pub(crate) garbage: u64,
    /// What the receivers of this machine had no room for: no fault of a sender.
    pub(crate) no_room: u64,
    /// How long the receiver itself was held up at the most, in milliseconds: times can be wrong by as much.
    pub(crate) held_up_ms: f64,
    /// Between packets of a stream, in milliseconds: of 50, 99 and 99.9 %, and the longest.
    pub(crate) between_ms: [f64; 4],
}

/// The process.
pub(crate) struct Receiver {
    child: Child,
    orders: ChildStdin,
    answers: BufReader<ChildStdout>,
    ports: Vec<u16>,
}

impl Receiver {
    /// Starts it.
    pub(crate) fn start() -> Self {
        let mut child = Command::new(env::current_exe().expect("this program"))
            .arg(MARK)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("the receiver starts");
        let orders = child.stdin.take().expect("its input");
        let answers = BufReader::new(child.stdout.take().expect("its output"));
        let mut receiver = Self {
            child,
            orders,
            answers,
            ports: Vec::new(),
        };
        receiver.ports = receiver.answer();
        receiver
    }

    /// Where the `n`th stream is to go.
    pub(crate) fn port(&self, n: usize) -> u16 {
        self.ports[n % self.ports.len()]
    }

    /// Counts what comes meanwhile.
    pub(crate) fn count(&mut self, meanwhile: impl FnOnce()) -> Counted {
        self.order("begin");
        meanwhile();
        self.order("end");
        self.answer()
    }

    fn order(&mut self, order: &str) {
        writeln!(self.orders, "{order}").expect("the receiver listens");
    }

    fn answer<T: serde::de::DeserializeOwned>(&mut self) -> T {
        let mut line = String::new();
        self.answers.read_line(&mut line).expect("the receiver answers");
        serde_json::from_str(&line).expect("an answer")
    }
}

impl Drop for Receiver {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// What the process does.
pub(crate) fn run() {
    // The odd ports belong to RTCP, which nobody listens to.
    let sockets: Vec<UdpSocket> = (FIRST_PORT..)
        .step_by(2)
        .filter_map(|port| UdpSocket::bind(("127.0.0.1", port)).ok())
        .take(SOCKETS)
        .collect();
    let ports: Vec<u16> = sockets
        .iter()
        .map(|socket| {
            socket.set_nonblocking(true).expect("a socket that never waits");
            socket.local_addr().expect("an address").port()
        })
        .collect();
    say(&ports);
    receive(&sockets, &orders());
}

fn say(what: &impl Serialize) {
    println!("{}", serde_json::to_string(what).expect("JSON"));
}

fn orders() -> Inbox<String> {
    let (sender, inbox) = channel();
    thread::spawn(move || {
        for line in std::io::stdin().lines().map_while(Result::ok) {
            if sender.send(line).is_err() {
                return;
            }
        }
    });
    inbox
}

fn receive(sockets: &[UdpSocket], orders: &Inbox<String>) {
    let mut counting = Counting::begin();
    loop {
        match orders.try_recv().as_deref() {
            Ok("begin") => counting = Counting::begin(),
            Ok(_) => say(&counting.end()),
            Err(TryRecvError::Empty) => {}
            Err(TryRecvError::Disconnected) => return,
        }
        counting.look();
        for socket in sockets {
            let mut datagram = [0; 2048];
            while let Ok((length, from)) = socket.recv_from(&mut datagram) {
                counting.take(&datagram[..length], from.port());
            }
        }
        thread::sleep(PATIENCE);
    }
}

/// What is known of a stream.
struct Stream {
    last_at: Instant,
    newest: Header,
    packets: u64,
    expected: u64,
}

struct Counting {
    streams: HashMap<(u16, u32), Stream>,
    between: Vec<u64>,
    longest: Duration,
    left_out: u64,
    out_of_order: u64,
    garbage: u64,
    dropped_before: u64,
    looked: Option<Instant>,
    held_up: Duration,
}

impl Counting {
    fn begin() -> Self {
        Self {
            streams: HashMap::new(),
            between: vec![0; BUCKETS],
            longest: Duration::ZERO,
            left_out: 0,
            out_of_order: 0,
            garbage: 0,
            dropped_before: process::dropped_at_receivers(),
            looked: None,
            held_up: Duration::ZERO,
        }
    }

    fn look(&mut self) {
        let now = Instant::now();
        let pause = self.looked.map_or(Duration::ZERO, |looked| now - looked);
        self.held_up = self.held_up.max(pause);
        self.looked = Some(now);
    }

    fn take(&mut self, datagram: &[u8], from: u16) {
        if is_rtcp(datagram) {
            return;
        }
        let Ok(packet) = Packet::read(datagram) else {
            self.garbage += 1;
            return;
        };
        let (header, now) = (packet.header, Instant::now());
        let Some(stream) = self.streams.get_mut(&(from, header.ssrc)) else {
            let stream = Stream {
                last_at: now,
                newest: header,
                packets: 1,
                expected: 1,
            };
            self.streams.insert((from, header.ssrc), stream);
            return;
        };
        let between = now - stream.last_at;
        stream.last_at = now;
        stream.packets += 1;
        match u64::try_from(steps_ahead(header.sequence, stream.newest.sequence)) {
            Ok(steps) if steps > 0 => {
                let ticks = ticks_ahead(header.timestamp, stream.newest.timestamp);
                let frames = u64::try_from(ticks).unwrap_or(0) / FRAME_TICKS;
                self.left_out += frames.saturating_sub(steps);
                stream.expected += steps;
                stream.newest = header;
            }
            _ => self.out_of_order += 1,
        }
        let bucket = usize::try_from(between.as_micros() / BUCKET_US).unwrap_or(BUCKETS);
        self.between[bucket.min(BUCKETS - 1)] += 1;
        self.longest = self.longest.max(between);
    }

    fn end(&self) -> Counted {
        let lost = |stream: &Stream| stream.expected.saturating_sub(stream.packets);
        let [p50, p99, p999] = [0.5, 0.99, 0.999].map(|share| self.between_of(share));
        Counted {
            streams: self.streams.len(),
            packets: self.streams.values().map(|stream| stream.packets).sum(),
            lost: self.streams.values().map(lost).sum(),
            left_out: self.left_out,
            out_of_order: self.out_of_order,
            garbage: self.garbage,
            no_room: process::dropped_at_receivers() - self.dropped_before,
            held_up_ms: self.held_up.as_secs_f64() * 1000.0,
            between_ms: [p50, p99, p999, self.longest.as_secs_f64() * 1000.0],
        }
    }

    /// The time that this share is not above, in milliseconds.
    fn between_of(&self, share: f64) -> f64 {
        let all: u64 = self.between.iter().sum();
        let mut left = (all as f64 * share).ceil() as u64;
        let bucket = self.between.iter().position(|count| {
            left = left.saturating_sub(*count);
            left == 0
        });
        // The end of the bucket: nothing in it was longer.
        bucket.map_or(f64::NAN, |bucket| (bucket + 1) as f64 * BUCKET_US as f64 / 1000.0)
    }
}
