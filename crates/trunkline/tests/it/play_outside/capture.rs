//! Files of packets: from the kernel where that is permitted, or else written of what a receiver got.

use crate::support::wait_for;
use std::{
    fs::{self, File},
    io::Write,
    net::{SocketAddr, UdpSocket},
    ops::RangeInclusive,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    sync::atomic::{AtomicBool, Ordering::Relaxed},
    thread,
    time::{Duration, SystemTime},
};

/// A datagram that came.
pub(super) struct Datagram {
    at: SystemTime,
    from: SocketAddr,
    to: SocketAddr,
    bytes: Vec<u8>,
}

/// Gathers what comes to sockets while something else is done.
pub(super) fn receive(sockets: &[UdpSocket], meanwhile: impl FnOnce()) -> Vec<Datagram> {
    let is_over = AtomicBool::new(false);
    thread::scope(|scope| {
        let running: Vec<_> = sockets
            .iter()
            .map(|socket| scope.spawn(|| receive_until(socket, &is_over)))
            .collect();
        meanwhile();
        is_over.store(true, Relaxed);
        running
            .into_iter()
            .flat_map(|datagrams| datagrams.join().unwrap())
            .collect()
    })
}

fn receive_until(socket: &UdpSocket, is_over: &AtomicBool) -> Vec<Datagram> {
    socket.set_read_timeout(Some(Duration::from_millis(200))).unwrap();
    let (to, mut room, mut came) = (socket.local_addr().unwrap(), [0; 2048], Vec::new());
    loop {
        // Asked first: what came before the end has been read when nothing more comes.
        let last = is_over.load(Relaxed);
        match socket.recv_from(&mut room) {
            Ok((length, from)) => came.push(Datagram {
                at: SystemTime::now(),
                from,
                to,
                bytes: room[..length].to_vec(),
            }),
            Err(_) if last => return came,
            Err(_) => {}
        }
    }
}

/// What the kernel sees on loopback. Needs rights that not everybody has.
pub(super) struct Capture {
    dumpcap: Child,
    pub(super) file: PathBuf,
}

impl Capture {
    /// Begins; `None` when it is not permitted.
    pub(super) fn start(folder: &Path, ports: RangeInclusive<u16>) -> Option<Self> {
        let (file, told) = (folder.join("seen.pcapng"), folder.join("dumpcap.txt"));
        let filter = format!("udp dst portrange {}-{}", ports.start(), ports.end());
        let dumpcap = Command::new("dumpcap")
            .args(["-i", "lo", "-f", &filter, "-w"])
            .arg(&file)
            .stdin(Stdio::null())
            .stderr(File::create(&told).unwrap())
            .spawn()
            .unwrap();
        let mut capture = Self { dumpcap, file };
        let is_running = wait_for("dumpcap", || match capture.dumpcap.try_wait().unwrap() {
            Some(_) => Some(false),
            None => fs::read_to_string(&told)
                .unwrap()
                .contains("File: ")
                .then_some(true),
        });
        is_running.then_some(capture)
    }
}

impl Drop for Capture {
    fn drop(&mut self) {
        let _ = self.dumpcap.kill();
        let _ = self.dumpcap.wait();
    }
}

/// Writes what came as a pcap file of raw IP (link type 101), with headers as they must have been.
pub(super) fn write(datagrams: &mut [Datagram], file: &Path) {
    datagrams.sort_by_key(|datagram| datagram.at);
    let mut file = File::create(file).unwrap();
    for word in [0xa1b2_c3d4_u32, 0x0004_0002, 0, 0, 0xffff, 101] {
        file.write_all(&word.to_le_bytes()).unwrap();
    }
    for datagram in datagrams {
        let (SocketAddr::V4(from), SocketAddr::V4(to)) = (datagram.from, datagram.to) else {
            panic!("{} to {}", datagram.from, datagram.to);
        };
        let length = 28 + u16::try_from(datagram.bytes.len()).unwrap();
        let at = datagram.at.duration_since(SystemTime::UNIX_EPOCH).unwrap();
        let head = [
            at.as_secs() as u32,
            at.subsec_micros(),
            length.into(),
            length.into(),
        ];
        head.iter()
            .for_each(|word| file.write_all(&word.to_le_bytes()).unwrap());
        let mut packet = vec![0x45, 0];
        packet.extend(length.to_be_bytes());
        // No fragments, 64 hops, UDP; checksums of 0 are not looked at.
        packet.extend([0, 0, 0x40, 0, 64, 17, 0, 0]);
        packet.extend(from.ip().octets());
        packet.extend(to.ip().octets());
        packet.extend(from.port().to_be_bytes());
        packet.extend(to.port().to_be_bytes());
        packet.extend((length - 20).to_be_bytes());
        packet.extend([0, 0]);
        packet.extend(&datagram.bytes);
        file.write_all(&packet).unwrap();
    }
}
