//! rtpengine's player, by its `ng` protocol: a cookie and a bencoded dictionary in a datagram, and an answer with the same cookie.

use crate::load::Player;
use std::{
    net::UdpSocket,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    thread,
    time::Duration,
};

const ANSWER: Duration = Duration::from_secs(2);
const TRIES: usize = 5;

/// Whether it is installed.
pub(crate) fn is_there() -> bool {
    let version = Command::new("rtpengine")
        .arg("--version")
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status();
    version.is_ok()
}

/// The process, killed when dropped.
pub(crate) struct Rtpengine {
    child: Child,
    control: UdpSocket,
    file: PathBuf,
    asked: u64,
}

impl Player for Rtpengine {
    fn start(file: &Path) -> Self {
        let free = UdpSocket::bind("127.0.0.1:0").expect("a port");
        let address = free.local_addr().expect("its address").to_string();
        drop(free);
        let child = Command::new("rtpengine")
            .args(["--foreground", "--log-stderr", "--log-level=2", "--table=-1"])
            .args(["--interface=127.0.0.1", "--port-min=34000", "--port-max=60000"])
            .arg(format!("--listen-ng={address}"))
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("rtpengine starts");
        let control = UdpSocket::bind("127.0.0.1:0").expect("a socket");
        control.connect(&address).expect("a way to rtpengine");
        control.set_read_timeout(Some(ANSWER)).expect("a timeout");
        let mut player = Self {
            child,
            control,
            file: file.to_owned(),
            asked: 0,
        };
        player.wait();
        player
    }

    fn pid(&self) -> u32 {
        self.child.id()
    }

    /// A call that was offered, and gets the file.
    fn play(&mut self, port: u16) -> Result<(), String> {
        let call = format!("call-{}", self.asked);
        let sdp = format!(
            "v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=-\r\nc=IN IP4 127.0.0.1\r\nt=0 0\r\nm=audio {port} RTP/AVP 0 101\r\n\
             a=rtpmap:0 PCMU/8000\r\na=rtpmap:101 telephone-event/8000\r\na=ptime:20\r\n"
        );
        let file = self.file.to_string_lossy().into_owned();
        self.must(&[
            ("call-id", &call),
            ("command", "offer"),
            ("from-tag", "caller"),
            ("sdp", &sdp),
        ])?;
        self.must(&[
            ("call-id", &call),
            ("command", "play media"),
            ("file", &file),
            ("from-tag", "caller"),
        ])
    }
}

impl Rtpengine {
    fn wait(&mut self) {
        for _ in 0..50 {
            if self
                .ask(&[("command", "ping")])
                .is_some_and(|answer| answer.contains("pong"))
            {
                return;
            }
            thread::sleep(Duration::from_millis(100));
        }
        panic!("rtpengine does not start");
    }

    fn must(&mut self, order: &[(&str, &str)]) -> Result<(), String> {
        let answer = (0..TRIES).find_map(|_| self.ask(order)).ok_or("no answer")?;
        match answer.contains("6:result2:ok") {
            true => Ok(()),
            false => Err(answer),
        }
    }

    fn ask(&mut self, order: &[(&str, &str)]) -> Option<String> {
        self.asked += 1;
        let cookie = format!("bench{} ", self.asked);
        let string = |text: &str| format!("{}:{text}", text.len());
        let pairs: String = order
            .iter()
            .map(|(name, value)| string(name) + &string(value))
            .collect();
        self.control.send(format!("{cookie}d{pairs}e").as_bytes()).ok()?;
        let mut room = [0; 8192];
        loop {
            let length = self.control.recv(&mut room).ok()?;
            let answer = String::from_utf8_lossy(&room[..length]);
            if let Some(answer) = answer.strip_prefix(&cookie) {
                return Some(answer.to_owned());
            }
        }
    }
}

impl Drop for Rtpengine {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
