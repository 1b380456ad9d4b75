//! RTCP: what a sender tells of its stream, that it ends, and what receivers say of it (RFC 3550, 6).

use super::{MAX_DATAGRAM, RtpError};

const VERSION: u8 = 2;
const PADDING: u8 = 0x20;
/// How many of something a packet has.
const COUNT: u8 = 0x1f;
const SENDER_REPORT: u8 = 200;
const RECEIVER_REPORT: u8 = 201;
const SOURCE_DESCRIPTION: u8 = 202;
const BYE: u8 = 203;
/// The item of a source description that names the sender.
const CNAME: u8 = 1;
/// The most bytes of a name or a reason.
const MAX_TEXT: usize = 255;
const WORD: usize = 4;
/// Bytes in front of every RTCP packet.
const HEAD: usize = 4;
/// Bytes of what a sender tells of itself, behind its SSRC.
const SENDER_BYTES: usize = 20;
/// Bytes of what is told about one stream.
const REPORT_BYTES: usize = 24;

/// What a sender tells every few seconds: what time it is in its stream, and how much it sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SenderReport {
    /// Whose stream it is.
    pub ssrc: u32,
    /// The time, in seconds since 1900 times 2 to the power of 32.
    pub ntp: u64,
    /// The same time, in ticks of the stream's clock.
    pub rtp_timestamp: u32,
    /// Packets sent, modulo 2 to the power of 32.
    pub packets: u32,
    /// Bytes of payload sent, modulo 2 to the power of 32.
    pub octets: u32,
}

impl SenderReport {
    /// Appends the report and the sender's name (`user@host`, at most 255 bytes; what is longer is cut): a whole datagram.
    pub fn write(&self, cname: &str, into: &mut Vec<u8>) {
        head(0, SENDER_REPORT, WORD + SENDER_BYTES, into);
        into.extend(self.ssrc.to_be_bytes());
        into.extend(self.ntp.to_be_bytes());
        into.extend(self.rtp_timestamp.to_be_bytes());
        into.extend(self.packets.to_be_bytes());
        into.extend(self.octets.to_be_bytes());
        name(self.ssrc, cname, into);
    }
}

/// Appends that a stream is over. A datagram has to begin with a report, so this goes behind [`SenderReport::write`].
pub fn bye(ssrc: u32, into: &mut Vec<u8>) {
    head(1, BYE, WORD, into);
    into.extend(ssrc.to_be_bytes());
}

fn name(ssrc: u32, cname: &str, into: &mut Vec<u8>) {
    let cname = &cname.as_bytes()[..cname.floor_char_boundary(MAX_TEXT)];
    // The SSRC, the item, its length, the name, and at least one zero at the end, to whole words.
    let bytes = (WORD + 2 + cname.len() + 1).next_multiple_of(WORD);
    head(1, SOURCE_DESCRIPTION, bytes, into);
    let end = into.len() + bytes;
    into.extend(ssrc.to_be_bytes());
    into.extend([CNAME, cname.len() as u8]);
    into.extend(cname);
    into.resize(end, 0);
}

/// What is in front of an RTCP packet with so many bytes behind it.
fn head(count: u8, kind: u8, bytes: usize, into: &mut Vec<u8>) {
    into.extend([VERSION << 6 | count, kind]);
    into.extend(((bytes / WORD) as u16).to_be_bytes());
}

/// What somebody tells.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Rtcp<'a> {
    /// Of the stream that it sends, and of those that it hears.
    Sender(SenderReport, Reports<'a>),
    /// Of the streams that it hears.
    Receiver {
        /// Who tells.
        ssrc: u32,
        /// What.
        reports: Reports<'a>,
    },
    /// These streams are over.
    Bye(Sources<'a>),
}

/// What is told of how a stream is heard.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Report {
    /// Whose stream it is.
    pub ssrc: u32,
    /// The share of packets lost since the report before, in 256ths.
    pub lost_share: u8,
    /// Packets lost since the beginning; negative when duplicates were more.
    pub lost: i32,
    /// The highest sequence number heard, and in the upper half how often it wrapped around.
    pub highest_sequence: u32,
    /// In ticks of the stream's clock.
    pub jitter: u32,
    /// The middle 32 bits of [`SenderReport::ntp`] in the last sender report heard; 0 for none.
    pub last_sender_report: u32,
    /// How long ago that was heard, in 65536ths of a second.
    pub since_last: u32,
}

/// What is told of several streams.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Reports<'a>(&'a [[u8; REPORT_BYTES]]);

impl Reports<'_> {
    /// One by one.
    pub fn iter(&self) -> impl Iterator<Item = Report> {
        self.0.iter().map(report)
    }
}

/// Who is gone.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Sources<'a>(&'a [[u8; WORD]]);

impl Sources<'_> {
    /// Their SSRCs.
    pub fn iter(&self) -> impl Iterator<Item = u32> {
        self.0.iter().copied().map(u32::from_be_bytes)
    }
}

/// Reads a datagram: reports and BYEs in order, everything else is passed over. It is judged as a whole, before anything of it is told.
pub fn read(datagram: &[u8]) -> Result<impl Iterator<Item = Rtcp<'_>>, RtpError> {
    let bytes = datagram.len();
    if bytes > MAX_DATAGRAM {
        return Err(RtpError::TooLong { bytes });
    }
    let mut rest = datagram;
    let (_, mut behind) = part(rest)?;
    while !behind.is_empty() {
        rest = behind;
        (_, behind) = part(rest)?;
    }
    rest = datagram;
    Ok(std::iter::from_fn(move || {
        while !rest.is_empty() {
            let (part, behind) = part(rest).ok()?;
            rest = behind;
            if part.is_some() {
                return part;
            }
        }
        None
    }))
}

/// The first RTCP packet of a datagram, if it is of those that are told, and the bytes behind it.
fn part(datagram: &[u8]) -> Result<(Option<Rtcp<'_>>, &[u8]), RtpError> {
    let bytes = datagram.len();
    let (&[first, kind, high, low], rest) = datagram
        .split_first_chunk::<HEAD>()
        .ok_or(RtpError::TooShort { bytes })?;
    if first >> 6 != VERSION {
        return Err(RtpError::Version { version: first >> 6 });
    }
    let length = usize::from(u16::from_be_bytes([high, low])) * WORD;
    let (body, behind) = rest.split_at_checked(length).ok_or(RtpError::Report)?;
    let body = if first & PADDING == 0 {
        body
    } else {
        super::packet::without_padding(body)?
    };
    let told = told(kind, usize::from(first & COUNT), body)?;
    Ok((told, behind))
}

fn told(kind: u8, count: usize, body: &[u8]) -> Result<Option<Rtcp<'_>>, RtpError> {
    Ok(match kind {
        SENDER_REPORT => {
            let (ssrc, rest) = word(body)?;
            let (sent, rest) = rest.split_first_chunk::<SENDER_BYTES>().ok_or(RtpError::Report)?;
            Some(Rtcp::Sender(sender_report(ssrc, sent), reports(count, rest)?))
        }
        RECEIVER_REPORT => {
            let (ssrc, rest) = word(body)?;
            Some(Rtcp::Receiver {
                ssrc,
                reports: reports(count, rest)?,
            })
        }
        BYE => {
            let sources = body.as_chunks().0.get(..count).ok_or(RtpError::Report)?;
            Some(Rtcp::Bye(Sources(sources)))
        }
        _ => None,
    })
}

fn word(bytes: &[u8]) -> Result<(u32, &[u8]), RtpError> {
    let (word, rest) = bytes.split_first_chunk().ok_or(RtpError::Report)?;
    Ok((u32::from_be_bytes(*word), rest))
}

fn reports(count: usize, bytes: &[u8]) -> Result<Reports<'_>, RtpError> {
    let reports = bytes.as_chunks().0.get(..count).ok_or(RtpError::Report)?;
    Ok(Reports(reports))
}

fn sender_report(ssrc: u32, sent: &[u8; SENDER_BYTES]) -> SenderReport {
    let word = |at| word_at(sent, at);
    SenderReport {
        ssrc,
        ntp: u64::from(word(0)) << 32 | u64::from(word(1)),
        rtp_timestamp: word(2),
        packets: word(3),
        octets: word(4),
    }
}

fn report(bytes: &[u8; REPORT_BYTES]) -> Report {
    let word = |at| word_at(bytes, at);
    Report {
        ssrc: word(0),
        lost_share: bytes[WORD],
        // A number of 24 bits with a sign.
        lost: (word(1) << 8) as i32 >> 8,
        highest_sequence: word(2),
        jitter: word(3),
        last_sender_report: word(4),
        since_last: word(5),
    }
}

fn word_at(bytes: &[u8], at: usize) -> u32 {
    let words = bytes.as_chunks().0;
    words.get(at).copied().map_or(0, u32::from_be_bytes)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const OURS: SenderReport = SenderReport {
        ssrc: 0x0102_0304,
        ntp: 0xe1e2_e3e4_8000_0000,
        rtp_timestamp: 160,
        packets: 50,
        octets: 8000,
    };

    fn told(datagram: &[u8]) -> Vec<Rtcp<'_>> {
        read(datagram).unwrap().collect()
    }

    #[test]
    fn the_bytes_are_those_of_the_rfc() {
        let mut datagram = Vec::new();
        OURS.write("ab@c", &mut datagram);
        bye(OURS.ssrc, &mut datagram);
        let expected = [
            [0x80, 200, 0, 6], // sender report without reports, seven words
            [1, 2, 3, 4],
            [0xe1, 0xe2, 0xe3, 0xe4],
            [0x80, 0, 0, 0],
            [0, 0, 0, 160],
            [0, 0, 0, 50],
            [0, 0, 0x1f, 0x40],
            [0x81, 202, 0, 3], // one source described, four words
            [1, 2, 3, 4],
            [1, 4, b'a', b'b'], // CNAME, 4 bytes
            [b'@', b'c', 0, 0],
            [0x81, 203, 0, 1], // bye of one source, two words
            [1, 2, 3, 4],
        ];
        assert_eq!(datagram.as_chunks().0, expected);
    }

    #[test]
    fn reports_of_receivers_are_read_field_by_field() {
        let mut datagram = vec![0x81, 201, 0, 7, 0, 0, 0, 9];
        datagram.extend([0, 0, 0, 1, 64, 0xff, 0xff, 0xfe, 0, 2, 0, 3]);
        datagram.extend([0, 0, 0, 4, 0, 0, 0, 5, 0, 0, 0, 6]);
        let Rtcp::Receiver { ssrc: 9, reports } = told(&datagram)[0] else {
            panic!("a receiver's");
        };
        let report = Report {
            ssrc: 1,
            lost_share: 64,
            lost: -2,
            highest_sequence: 0x2_0003,
            jitter: 4,
            last_sender_report: 5,
            since_last: 6,
        };
        assert_eq!(reports.iter().collect::<Vec<_>>(), [report]);
    }

    #[test]
    fn what_receivers_do_not_need_is_passed_over() {
        let app = [0x80, 204, 0, 2, 0, 0, 0, 1, b'n', b'a', b'm', b'e'];
        let empty_receiver = [0x80, 201, 0, 1, 0, 0, 0, 7];
        let bye_with_reason = [0x82, 203, 0, 3, 0, 0, 0, 7, 0, 0, 0, 8, 3, b'e', b'n', b'd'];
        let datagram = [&empty_receiver[..], &app, &bye_with_reason].concat();
        let [Rtcp::Receiver { ssrc: 7, .. }, Rtcp::Bye(gone)] = told(&datagram)[..] else {
            panic!("a receiver's report and a bye");
        };
        assert_eq!(gone.iter().collect::<Vec<_>>(), [7, 8]);
    }

    #[test]
    fn a_datagram_with_a_fault_is_refused_as_a_whole() {
        let refused = |bytes: &[u8]| read(bytes).err().unwrap();
        let good = [0x80, 201, 0, 1, 0, 0, 0, 7];
        let behind = |bad: &[u8]| refused(&[&good, bad].concat());
        assert_eq!(refused(&[]), RtpError::TooShort { bytes: 0 });
        assert_eq!(refused(&[0; 1501]), RtpError::TooLong { bytes: 1501 });
        assert_eq!(behind(&[0x80, 201, 0]), RtpError::TooShort { bytes: 3 });
        assert_eq!(behind(&[0x40, 201, 0, 0]), RtpError::Version { version: 1 });
        assert_eq!(behind(&[0x80, 201, 0, 1]), RtpError::Report);
        assert_eq!(behind(&[0x80, 200, 0, 1, 0, 0, 0, 1]), RtpError::Report);
        assert_eq!(behind(&[0x81, 201, 0, 1, 0, 0, 0, 1]), RtpError::Report);
        assert_eq!(behind(&[0x82, 203, 0, 1, 0, 0, 0, 1]), RtpError::Report);
        assert_eq!(behind(&[0xa0, 203, 0, 1, 0, 0, 0, 9]), RtpError::Padding);
        assert_eq!(behind(&[0x80, 204, 0xff, 0xff]), RtpError::Report);
    }

    proptest! {
        #[test]
        fn what_is_written_is_read(
            report in any::<(u32, u64, u32, u32, u32)>(),
            cname in "\\PC{0,300}",
        ) {
            let (ssrc, ntp, rtp_timestamp, packets, octets) = report;
            let report = SenderReport { ssrc, ntp, rtp_timestamp, packets, octets };
            let mut datagram = Vec::new();
            report.write(&cname, &mut datagram);
            prop_assert_eq!(datagram.len() % WORD, 0);
            prop_assert!(super::super::is_rtcp(&datagram));
            prop_assert_eq!(told(&datagram), [Rtcp::Sender(report, Reports(&[]))]);
        }

        #[test]
        fn any_bytes_are_read_or_refused(bytes in proptest::collection::vec(any::<u8>(), 0..200), kind in 200u8..204) {
            let head = [0x80 | bytes.len() as u8 & COUNT, kind, 0, (bytes.len() / WORD) as u8];
            for bytes in [bytes.clone(), [&head, &bytes[..bytes.len() / WORD * WORD]].concat()] {
                let all = read(&bytes).map(|told| told.count());
                prop_assert!(all.unwrap_or(0) <= bytes.len() / HEAD);
            }
        }
    }
}
