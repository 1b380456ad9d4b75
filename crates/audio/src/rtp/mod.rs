//! RTP: packets and their headers, what a stream hears, RTCP, and keys on the line (RFC 3550, RFC 4733).
//!
//! ```
//! use audio::rtp::{HEADER_BYTES, Header, Packet};
//!
//! let header = Header { payload_type: 0, marker: true, sequence: 7, timestamp: 160, ssrc: 0x1234 };
//! let mut datagram = [0xff; HEADER_BYTES + 160];
//! if let Some(start) = datagram.first_chunk_mut() {
//!     header.write(start);
//! }
//! let packet = Packet::read(&datagram)?;
//! assert_eq!((packet.header, packet.payload.len()), (header, 160));
//! # Ok::<(), audio::rtp::RtpError>(())
//! ```
//!
//! Nothing here allocates for a packet, and nothing has a clock: times are arguments, in milliseconds from any beginning that stays the same.

mod incoming;
mod key_events;
mod keys;
mod order;
mod packet;
pub mod rtcp;
mod telephone_event;

pub use incoming::{Arrival, Counts, Incoming};
pub use key_events::{END_LOST_MS, KeyEvent, KeyEvents};
pub use keys::{Keys, SAME_PRESS_MS};
pub use order::{steps_ahead, ticks_ahead};
pub use packet::{HEADER_BYTES, Header, MAX_DATAGRAM, Packet, RtpError, is_rtcp};
pub use telephone_event::{EVENT_BYTES, TelephoneEvent};
