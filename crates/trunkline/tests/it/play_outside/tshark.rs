//! tshark reads what goes over the line: no complaint, and every number as RFC 3550 and 3551 have it.

use super::{
    CODECS, Studio,
    capture::{self, Capture},
    is_wanted, port_pair,
};
use crate::support::wait_for;
use std::{
    net::UdpSocket,
    path::{Path, PathBuf},
    process::Command,
};

/// RTP and RTCP of a codec.
struct Line {
    codec: &'static str,
    payload_type: u8,
    step: u32,
    port: u16,
}

#[test]
fn tshark_has_no_complaint_about_any_codec() {
    if !is_wanted() {
        return;
    }
    let studio = Studio::new();
    let pairs = CODECS.map(|_| port_pair());
    let lines: Vec<Line> = CODECS
        .iter()
        .zip(&pairs)
        .map(|((codec, payload_type, step), (rtp, _))| Line {
            codec,
            payload_type: *payload_type,
            step: *step,
            port: rtp.local_addr().unwrap().port(),
        })
        .collect();
    let sockets: Vec<UdpSocket> = pairs.into_iter().flat_map(|(rtp, rtcp)| [rtp, rtcp]).collect();
    let file = captured(&studio, &lines, &sockets);
    let complaints = tshark(&file, &lines, &["-Y", "_ws.expert || _ws.malformed || icmp"]);
    assert_eq!(complaints, "", "tshark complains");
    let streams = tshark(&file, &lines, &["-q", "-z", "rtp,streams"]);
    println!("{streams}");
    for line in &lines {
        numbers_are_right(&file, &lines, line);
        lost_nothing(&streams, line);
        reports_are_right(&file, &lines, line);
    }
}

/// Plays the prompt in all codecs at once, and gives the file of what was seen of that.
fn captured(studio: &Studio, lines: &[Line], sockets: &[UdpSocket]) -> PathBuf {
    let ports = lines.iter().map(|line| line.port);
    let range = ports.clone().min().unwrap()..=ports.max().unwrap() + 1;
    let capture = Capture::start(&studio.file(""), range);
    let mut came = capture::receive(sockets, || {
        let sessions: Vec<String> = lines
            .iter()
            .map(|line| studio.play(line.codec, line.port))
            .collect();
        sessions.iter().for_each(|session| studio.played(session));
    });
    let ours: Vec<String> = lines
        .iter()
        .flat_map(|line| [line.port, line.port + 1])
        .map(|port| format!("udp.dstport == {port}"))
        .collect();
    let ours = ours.join(" || ");
    let count = |file: &Path| tshark(file, lines, &["-Y", &ours]).lines().count();
    match capture {
        Some(capture) => {
            println!("captured by the kernel");
            // It is written a moment later.
            wait_for("all packets in the file", || {
                (count(&capture.file) == came.len()).then_some(())
            });
            capture.file.clone()
        }
        None => {
            println!("capturing is not permitted here: the file is written from what the receiver got");
            let file = studio.file("received.pcap");
            capture::write(&mut came, &file);
            assert_eq!(count(&file), came.len());
            file
        }
    }
}

fn numbers_are_right(file: &Path, lines: &[Line], line: &Line) {
    let wanted = format!("rtp && udp.dstport == {}", line.port);
    let fields = [
        "rtp.seq",
        "rtp.timestamp",
        "rtp.marker",
        "rtp.p_type",
        "rtp.ssrc",
        "rtp.version",
        "rtp.padding",
        "rtp.ext",
        "rtp.cc",
    ];
    let mut asked = vec!["-Y", &wanted, "-T", "fields"];
    fields.iter().for_each(|field| asked.extend(["-e", field]));
    let told = tshark(file, lines, &asked);
    let packets: Vec<Vec<&str>> = told.lines().map(|line| line.split('\t').collect()).collect();
    let what = line.codec;
    // 1.99 s, or 2.11 s in G.729.
    assert!((100..110).contains(&packets.len()), "{what}: {}", packets.len());
    let (ssrc, payload_type) = (packets[0][4], line.payload_type.to_string());
    for (n, packet) in packets.iter().enumerate() {
        let marker = if n == 0 { "1" } else { "0" };
        assert_eq!(
            packet[2..],
            [marker, &payload_type, ssrc, "2", "0", "0", "0"],
            "{what}: packet {n}"
        );
    }
    let number = |packet: &[&str], field: usize| packet[field].parse::<u32>().unwrap();
    for pair in packets.windows(2) {
        let steps = (number(&pair[1], 0) as u16).wrapping_sub(number(&pair[0], 0) as u16);
        let ticks = number(&pair[1], 1).wrapping_sub(number(&pair[0], 1));
        assert_eq!((steps, ticks), (1, line.step), "{what}: {pair:?}");
    }
}

/// By tshark's own analysis of streams.
fn lost_nothing(streams: &str, line: &Line) {
    let port = line.port.to_string();
    let row = streams
        .lines()
        .find(|row| row.split_whitespace().nth(5) == Some(&port));
    let row = row.unwrap_or_else(|| panic!("{}: {streams}", line.codec));
    assert!(row.contains(" 0 (0.0%)"), "{row}");
    assert!(
        !row.trim_end().ends_with('X'),
        "tshark has found a problem: {row}"
    );
}

/// Sender reports with a source description, and a goodbye at the end, of the stream's own source.
fn reports_are_right(file: &Path, lines: &[Line], line: &Line) {
    let wanted = format!("rtcp && udp.dstport == {}", line.port + 1);
    let told = tshark(
        file,
        lines,
        &[
            "-Y",
            &wanted,
            "-T",
            "fields",
            "-e",
            "rtcp.pt",
            "-e",
            "rtcp.length_check",
        ],
    );
    let reports: Vec<&str> = told.lines().collect();
    assert_eq!(reports.first(), Some(&"200,202\t1"), "{}: {told}", line.codec);
    assert_eq!(reports.last(), Some(&"200,202,203\t1"), "{}: {told}", line.codec);
}

fn tshark(file: &Path, lines: &[Line], arguments: &[&str]) -> String {
    let mut command = Command::new("tshark");
    command.arg("-n").arg("-r").arg(file);
    for line in lines {
        command.args(["-d", &format!("udp.port=={},rtp", line.port)]);
        command.args(["-d", &format!("udp.port=={},rtcp", line.port + 1)]);
    }
    let output = command.args(arguments).output().unwrap();
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    String::from_utf8(output.stdout).unwrap()
}
