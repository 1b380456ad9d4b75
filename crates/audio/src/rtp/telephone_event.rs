//! A key on the line: the payload of `telephone-event` (RFC 4733).

use super::RtpError;
use crate::dtmf::Key;

/// Bytes of an event.
pub const EVENT_BYTES: usize = 4;
/// The keys by their number in a packet.
const SIGNS: [char; 16] = [
    '0', '1', '2', '3', '4', '5', '6', '7', '8', '9', '*', '#', 'A', 'B', 'C', 'D',
];
const END: u8 = 0x80;
const VOLUME: u8 = 0x3f;

/// What a packet tells of a key. It is repeated while the key is down, with the timestamp of its beginning, and its end is told three times.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TelephoneEvent {
    /// Which key.
    pub key: Key,
    /// Whether it is up now.
    pub end: bool,
    /// So many dB below 0 dBm0, 0 to 63.
    pub volume: u8,
    /// How long it has been down, in ticks of the stream's clock.
    pub duration: u16,
}

impl TelephoneEvent {
    /// Reads a payload. Events other than keys are refused; what is behind the first event is ignored: several keys can't be in one packet,
    /// because there is a pause between keys.
    pub fn read(payload: &[u8]) -> Result<TelephoneEvent, RtpError> {
        let &[event, flags, high, low, ..] = payload else {
            let bytes = payload.len();
            return Err(RtpError::EventBytes { bytes });
        };
        let sign = SIGNS.get(usize::from(event));
        let key = sign.and_then(|sign| Key::new(*sign));
        Ok(TelephoneEvent {
            key: key.ok_or(RtpError::NoKey { event })?,
            end: flags & END != 0,
            volume: flags & VOLUME,
            duration: u16::from_be_bytes([high, low]),
        })
    }

    /// The payload. A volume above 63 is 63.
    pub fn write(&self) -> [u8; EVENT_BYTES] {
        let event = SIGNS.iter().position(|sign| *sign == self.key.sign());
        let end = if self.end { END } else { 0 };
        let [high, low] = self.duration.to_be_bytes();
        [
            event.unwrap_or_default() as u8,
            end | self.volume.min(VOLUME),
            high,
            low,
        ]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_key_is_written_and_read() {
        for key in Key::all() {
            for (end, volume, duration) in [(false, 0, 0), (true, 63, 0xffff), (true, 10, 160)] {
                let event = TelephoneEvent {
                    key,
                    end,
                    volume,
                    duration,
                };
                assert_eq!(TelephoneEvent::read(&event.write()), Ok(event));
            }
        }
    }

    #[test]
    fn the_bytes_are_those_of_the_rfc() {
        let event = TelephoneEvent {
            key: Key::new('#').unwrap(),
            end: true,
            volume: 10,
            duration: 0x0320,
        };
        assert_eq!(event.write(), [11, 0x8a, 3, 0x20]);
        // The bit that is reserved, and what is behind the event, are ignored.
        assert_eq!(TelephoneEvent::read(&[11, 0xca, 3, 0x20, 9]), Ok(event));
    }

    #[test]
    fn what_is_no_key_is_refused() {
        let refused = |payload: &[u8]| TelephoneEvent::read(payload).unwrap_err();
        assert_eq!(refused(&[1, 2, 3]), RtpError::EventBytes { bytes: 3 });
        assert_eq!(refused(&[16, 0, 0, 160]), RtpError::NoKey { event: 16 });
    }
}
