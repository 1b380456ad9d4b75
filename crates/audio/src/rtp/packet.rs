//! One RTP packet: its fixed header and where its payload is (RFC 3550, 5.1).

/// Bytes of a header without contributing sources and without an extension.
pub const HEADER_BYTES: usize = 12;
/// The longest datagram that is read, in bytes: what an Ethernet carries. RTP is not sent in fragments.
pub const MAX_DATAGRAM: usize = 1500;

const VERSION: u8 = 2;
const PADDING: u8 = 0x20;
const EXTENSION: u8 = 0x10;
const SOURCES: u8 = 0x0f;
const MARKER: u8 = 0x80;
const PAYLOAD_TYPE: u8 = 0x7f;
/// Bytes of a contributing source.
const SOURCE_BYTES: usize = 4;
/// Bytes before an extension's own: what it is, and how many words it has.
const EXTENSION_HEAD: usize = 4;
/// What the second byte is when it is RTCP that comes on the same port (RFC 5761, 4).
const RTCP_TYPES: std::ops::RangeInclusive<u8> = 192..=223;

/// What is in front of a payload.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Header {
    /// What the payload is, 0 to 127.
    pub payload_type: u8,
    /// The first packet after silence, or of a key.
    pub marker: bool,
    /// One more for each packet.
    pub sequence: u16,
    /// When the first sample is played, in ticks of the payload's clock.
    pub timestamp: u32,
    /// Whose stream it is.
    pub ssrc: u32,
}

impl Header {
    /// Writes it as the first bytes of a packet, without contributing sources and without an extension. A payload type above 127
    /// loses its highest bit.
    pub fn write(&self, into: &mut [u8; HEADER_BYTES]) {
        into[0] = VERSION << 6;
        into[1] = (self.payload_type & PAYLOAD_TYPE) | if self.marker { MARKER } else { 0 };
        into[2..4].copy_from_slice(&self.sequence.to_be_bytes());
        into[4..8].copy_from_slice(&self.timestamp.to_be_bytes());
        into[8..12].copy_from_slice(&self.ssrc.to_be_bytes());
    }
}

/// A packet that came; the payload stays where it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Packet<'a> {
    /// Its header.
    pub header: Header,
    /// Without padding; may be empty.
    pub payload: &'a [u8],
}

impl<'a> Packet<'a> {
    /// Reads a datagram. Contributing sources, an extension and padding are passed over.
    pub fn read(datagram: &'a [u8]) -> Result<Packet<'a>, RtpError> {
        let bytes = datagram.len();
        if bytes > MAX_DATAGRAM {
            return Err(RtpError::TooLong { bytes });
        }
        let (fixed, rest) = datagram
            .split_first_chunk::<HEADER_BYTES>()
            .ok_or(RtpError::TooShort { bytes })?;
        let version = fixed[0] >> 6;
        if version != VERSION {
            return Err(RtpError::Version { version });
        }
        if is_rtcp(datagram) {
            return Err(RtpError::Rtcp);
        }
        let payload = without_sources(rest, fixed[0] & SOURCES)?;
        let payload = if fixed[0] & EXTENSION == 0 {
            payload
        } else {
            without_extension(payload)?
        };
        let payload = if fixed[0] & PADDING == 0 {
            payload
        } else {
            without_padding(payload)?
        };
        Ok(Packet {
            header: header(fixed),
            payload,
        })
    }
}

/// Whether a datagram is RTCP, when both come on one port.
pub fn is_rtcp(datagram: &[u8]) -> bool {
    datagram.get(1).is_some_and(|second| RTCP_TYPES.contains(second))
}

fn header(fixed: &[u8; HEADER_BYTES]) -> Header {
    let [_, second, s0, s1, t0, t1, t2, t3, ssrc @ ..] = *fixed;
    Header {
        payload_type: second & PAYLOAD_TYPE,
        marker: second & MARKER != 0,
        sequence: u16::from_be_bytes([s0, s1]),
        timestamp: u32::from_be_bytes([t0, t1, t2, t3]),
        ssrc: u32::from_be_bytes(ssrc),
    }
}

fn without_sources(rest: &[u8], sources: u8) -> Result<&[u8], RtpError> {
    rest.get(usize::from(sources) * SOURCE_BYTES..)
        .ok_or(RtpError::Sources { sources })
}

fn without_extension(rest: &[u8]) -> Result<&[u8], RtpError> {
    let [_, _, high, low, ..] = *rest else {
        return Err(RtpError::Extension);
    };
    let words = usize::from(u16::from_be_bytes([high, low]));
    rest.get(EXTENSION_HEAD + words * 4..).ok_or(RtpError::Extension)
}

/// The last byte says how many there are of it, itself among them.
pub(super) fn without_padding(padded: &[u8]) -> Result<&[u8], RtpError> {
    let padding = padded.last().map_or(0, |last| usize::from(*last));
    match padded.len().checked_sub(padding) {
        Some(length) if padding > 0 => Ok(&padded[..length]),
        _ => Err(RtpError::Padding),
    }
}

/// Why a datagram is no RTP packet, or no RTCP packet.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum RtpError {
    /// No room for a header.
    #[error("{bytes} bytes are too few for a packet; is something else sent to this port?")]
    TooShort {
        /// How many came.
        bytes: usize,
    },
    /// More than is read.
    #[error(
        "{bytes} bytes are more than the {MAX_DATAGRAM} that are read; the sender has to send shorter packets"
    )]
    TooLong {
        /// How many came.
        bytes: usize,
    },
    /// Not version 2: STUN, DTLS, or no RTP at all.
    #[error("the first bits say version {version}, not {VERSION}; is something else sent to this port?")]
    Version {
        /// What they say.
        version: u8,
    },
    /// To be read as such.
    #[error("this is RTCP, not RTP; read it as a report")]
    Rtcp,
    /// Contributing sources that are not there.
    #[error(
        "the packet ends before its {sources} contributing sources do; the sender has to count them right"
    )]
    Sources {
        /// How many there should be.
        sources: u8,
    },
    /// An extension that is not there.
    #[error("the packet ends before its extension does; the sender has to give its length right")]
    Extension,
    /// None, or more than there is.
    #[error("the packet has not the padding that it says; the sender has to count it right")]
    Padding,
    /// An RTCP packet that is longer than the datagram.
    #[error("a report is longer than its datagram; the sender has to give its length right")]
    Report,
    /// A telephone event of the wrong length.
    #[error("a telephone event has 4 bytes, not {bytes}; is the payload type that of telephone-event?")]
    EventBytes {
        /// How many came.
        bytes: usize,
    },
    /// Not 0 to 15.
    #[error("event {event} is no key (keys are 0 to 15)")]
    NoKey {
        /// What came.
        event: u8,
    },
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// A header, with marker and payload type so that it is no RTCP.
    fn any_header() -> impl Strategy<Value = Header> {
        (0u8..64, any::<(bool, u16, u32, u32)>()).prop_map(|(payload_type, rest)| Header {
            payload_type: payload_type + if rest.0 { 0 } else { 64 },
            marker: rest.0,
            sequence: rest.1,
            timestamp: rest.2,
            ssrc: rest.3,
        })
    }

    fn datagram(header: Header, flags: u8, rest: &[u8]) -> Vec<u8> {
        let mut fixed = [0; HEADER_BYTES];
        header.write(&mut fixed);
        fixed[0] |= flags;
        [&fixed, rest].concat()
    }

    proptest! {
        #[test]
        fn what_is_written_is_read(header in any_header(), payload in proptest::collection::vec(any::<u8>(), 0..400)) {
            let datagram = datagram(header, 0, &payload);
            prop_assert_eq!(Packet::read(&datagram), Ok(Packet { header, payload: &payload }));
        }

        #[test]
        fn sources_extension_and_padding_are_passed_over(
            header in any_header(),
            sources in 0u8..16,
            words in 0usize..20,
            payload in proptest::collection::vec(any::<u8>(), 0..400),
            padding in 1u8..=255,
        ) {
            let mut rest = vec![1; usize::from(sources) * 4];
            rest.extend([0xbe, 0xde, 0, words as u8]);
            rest.resize(rest.len() + words * 4, 2);
            rest.extend(&payload);
            rest.resize(rest.len() + usize::from(padding), padding);
            let datagram = datagram(header, PADDING | EXTENSION | sources, &rest);
            prop_assert_eq!(Packet::read(&datagram), Ok(Packet { header, payload: &payload }));
        }

        #[test]
        fn a_packet_that_breaks_off_before_its_payload_is_refused(sources in 0u8..16, words in 0usize..20, part in 0.0f64..1.0) {
            let header = Header { payload_type: 0, marker: false, sequence: 1, timestamp: 2, ssrc: 3 };
            let mut rest = vec![1; usize::from(sources) * 4];
            rest.extend([0xbe, 0xde, 0, words as u8]);
            rest.resize(rest.len() + words * 4, 2);
            let whole = datagram(header, EXTENSION | sources, &rest);
            prop_assert!(Packet::read(&whole).is_ok());
            let cut = (whole.len() as f64 * part) as usize;
            prop_assert!(Packet::read(&whole[..cut]).is_err());
        }

        #[test]
        fn any_bytes_are_read_or_refused(bytes in proptest::collection::vec(any::<u8>(), 0..1600)) {
            if let Ok(packet) = Packet::read(&bytes) {
                prop_assert!(packet.payload.len() + HEADER_BYTES <= bytes.len());
            }
        }
    }

    #[test]
    fn the_bytes_are_those_of_the_rfc() {
        let header = Header {
            payload_type: 101,
            marker: true,
            sequence: 0x0102,
            timestamp: 0x0304_0506,
            ssrc: 0x0708_090a,
        };
        let mut bytes = [0; HEADER_BYTES];
        header.write(&mut bytes);
        assert_eq!(bytes, [0x80, 0xe5, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10]);
    }

    #[test]
    fn each_fault_has_its_name() {
        let head = [0x80, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0];
        let with = |first: u8, rest: &[u8]| [&[first], &head[1..], rest].concat();
        let refused = |bytes: &[u8]| Packet::read(bytes).unwrap_err();
        assert_eq!(refused(&[]), RtpError::TooShort { bytes: 0 });
        assert_eq!(refused(&head[..11]), RtpError::TooShort { bytes: 11 });
        assert_eq!(refused(&with(0x00, &[])), RtpError::Version { version: 0 });
        assert_eq!(refused(&with(0x82, &[0; 7])), RtpError::Sources { sources: 2 });
        assert_eq!(refused(&with(0x90, &[0, 0, 0])), RtpError::Extension);
        assert_eq!(refused(&with(0x90, &[0, 0, 0xff, 0xff, 0])), RtpError::Extension);
        assert_eq!(refused(&with(0xa0, &[])), RtpError::Padding);
        assert_eq!(refused(&with(0xa0, &[0])), RtpError::Padding);
        assert_eq!(refused(&with(0xa0, &[1, 3])), RtpError::Padding);
        assert!(Packet::read(&with(0xa0, &[1, 2])).is_ok_and(|packet| packet.payload.is_empty()));
        let report = [0x80, 200, 0, 6, 0, 0, 0, 0, 0, 0, 0, 0];
        assert_eq!(refused(&report), RtpError::Rtcp);
    }

    #[test]
    fn the_longest_datagram_is_read_and_no_longer_one() {
        let mut bytes = vec![0; MAX_DATAGRAM];
        bytes[0] = 0x80;
        assert_eq!(
            Packet::read(&bytes).unwrap().payload.len(),
            MAX_DATAGRAM - HEADER_BYTES
        );
        bytes.push(0);
        assert_eq!(
            Packet::read(&bytes),
            Err(RtpError::TooLong {
                bytes: MAX_DATAGRAM + 1
            })
        );
    }
}
