//! Where a stream goes: a field of ours beside those of the contract.
//!
//! `"destination": {"callId": "call-1"}` plays into a call of the center,
//! `"destination": {"rtpUrl": "rtp://192.0.2.7:4000"}` sends RTP over UDP.

use crate::{
    Faults,
    fault::{self, Object},
    ids::CallId,
};
use serde::{Serialize, Serializer};
use std::{fmt, net::IpAddr, num::NonZeroU16, ops::RangeInclusive, str::FromStr};

/// The payload types that have no fixed meaning (RFC 3551, 6).
const DYNAMIC: RangeInclusive<u64> = 96..=127;
const USUAL_OPUS: u8 = 111;
const USUAL_DTMF: u8 = 101;
const SCHEME: &str = "rtp://";
/// The longest name of a host, and of a part of it between dots (RFC 1035, 2.3.4).
const LONGEST_NAME: usize = 253;
const LONGEST_LABEL: usize = 63;

/// Where a stream goes.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum Destination {
    /// Nowhere: it is played in real time, but nobody gets it.
    #[default]
    Nowhere,
    /// Into a call.
    Call(CallId),
    /// To a receiver of RTP.
    Rtp(RtpTarget),
}

impl Destination {
    /// Whether nobody gets the stream.
    pub fn is_nowhere(&self) -> bool {
        *self == Self::Nowhere
    }

    pub(super) fn read(session: &Object<'_>, faults: &mut Faults) -> Option<Self> {
        if !session.has("destination") {
            return Some(Self::Nowhere);
        }
        let body = session.object("destination", faults)?;
        match (body.has("callId"), body.has("rtpUrl")) {
            (true, false) => {
                refuse_payload_types(&body, faults);
                body.parsed("callId", faults).map(Self::Call)
            }
            (false, true) => RtpTarget::read(&body, faults).map(Self::Rtp),
            (true, true) => {
                let what = body.itself();
                faults.push(format!("{what} must have one of callId, rtpUrl, not both"));
                None
            }
            (false, false) => {
                let what = body.itself();
                faults.push(format!("{what} must have one of callId, rtpUrl"));
                None
            }
        }
    }
}

fn refuse_payload_types(body: &Object<'_>, faults: &mut Faults) {
    for field in ["payloadType", "dtmfPayloadType"] {
        if body.has(field) {
            faults.push(format!("{} is for an rtpUrl only", body.name(field)));
        }
    }
}

impl Serialize for Destination {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Nowhere => serializer.serialize_none(),
            Self::Call(call) => serializer.collect_map([("callId", call)]),
            Self::Rtp(target) => target.serialize(serializer),
        }
    }
}

/// A receiver of RTP, and the payload types that it was promised: two different ones.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct RtpTarget {
    rtp_url: RtpAddress,
    payload_type: u8,
    dtmf_payload_type: u8,
}

impl RtpTarget {
    /// A receiver with the usual payload types: 111 for Opus, 101 for keys.
    pub fn new(address: RtpAddress) -> Self {
        Self {
            rtp_url: address,
            payload_type: USUAL_OPUS,
            dtmf_payload_type: USUAL_DTMF,
        }
    }

    fn read(body: &Object<'_>, faults: &mut Faults) -> Option<Self> {
        let rtp_url = body.parsed("rtpUrl", faults);
        let payload_type = payload_type(body, "payloadType", USUAL_OPUS, faults);
        let dtmf_payload_type = payload_type_of_keys(body, payload_type, faults);
        Some(Self {
            rtp_url: rtp_url?,
            payload_type: payload_type?,
            dtmf_payload_type: dtmf_payload_type?,
        })
    }

    /// Where it listens.
    pub fn address(&self) -> &RtpAddress {
        &self.rtp_url
    }

    /// The payload type of Opus, 96 to 127; the other codecs have fixed ones.
    pub fn payload_type(&self) -> u8 {
        self.payload_type
    }

    /// The payload type of telephone events (RFC 4733), 96 to 127.
    pub fn dtmf_payload_type(&self) -> u8 {
        self.dtmf_payload_type
    }
}

fn payload_type(body: &Object<'_>, field: &str, usual: u8, faults: &mut Faults) -> Option<u8> {
    if !body.has(field) {
        return Some(usual);
    }
    let number = body.optional_whole(field, DYNAMIC, faults)?;
    u8::try_from(number).ok()
}

fn payload_type_of_keys(body: &Object<'_>, of_sound: Option<u8>, faults: &mut Faults) -> Option<u8> {
    let own = payload_type(body, "dtmfPayloadType", USUAL_DTMF, faults)?;
    if Some(own) == of_sound {
        faults.push(format!(
            "{} and {} are both {own}; give one of them another number",
            body.name("payloadType"),
            body.name("dtmfPayloadType")
        ));
        return None;
    }
    Some(own)
}

/// An address such as `rtp://192.0.2.7:4000`, `rtp://[2001:db8::7]:4000` or `rtp://phone.example:4000`.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct RtpAddress {
    /// The host.
    pub host: RtpHost,
    /// The UDP port.
    pub port: NonZeroU16,
}

/// A host by its number or its name.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum RtpHost {
    /// By its number.
    Ip(IpAddr),
    /// By its name, in lower case; nothing that a resolver would take for a number.
    Name(String),
}

impl FromStr for RtpAddress {
    type Err = String;
    fn from_str(text: &str) -> Result<Self, String> {
        Self::of(text).ok_or_else(|| {
            let text = fault::shorten(text);
            format!("must be rtp://HOST:PORT, with an IP address or a name and a port from 1 to 65535, not {text:?}")
        })
    }
}

impl RtpAddress {
    fn of(text: &str) -> Option<Self> {
        let scheme = text.get(..SCHEME.len())?;
        let (host, port) = text[SCHEME.len()..].rsplit_once(':')?;
        let port_is_plain = port.bytes().all(|sign| sign.is_ascii_digit());
        if !scheme.eq_ignore_ascii_case(SCHEME) || !port_is_plain {
            return None;
        }
        Some(Self {
            host: RtpHost::of(host)?,
            port: port.parse().ok()?,
        })
    }
}

impl RtpHost {
    fn of(text: &str) -> Option<Self> {
        if let Some(inner) = text.strip_prefix('[') {
            let number = inner.strip_suffix(']')?.parse().ok()?;
            return Some(Self::Ip(IpAddr::V6(number)));
        }
        if let Ok(number) = text.parse() {
            return Some(Self::Ip(IpAddr::V4(number)));
        }
        is_name(text).then(|| Self::Name(text.to_ascii_lowercase()))
    }
}

/// Whether it is a name (RFC 1123, 2.1). One whose last part begins like a number is none: resolvers take `127.1` and
/// `0x7f.1` for addresses.
fn is_name(text: &str) -> bool {
    let is_label = |label: &str| {
        (1..=LONGEST_LABEL).contains(&label.len())
            && !label.starts_with('-')
            && !label.ends_with('-')
            && label
                .bytes()
                .all(|sign| sign.is_ascii_alphanumeric() || matches!(sign, b'-' | b'_'))
    };
    let last = text.rsplit('.').next().unwrap_or_default();
    text.len() <= LONGEST_NAME
        && text.split('.').all(is_label)
        && !last.starts_with(|sign: char| sign.is_ascii_digit())
}

impl fmt::Display for RtpAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{SCHEME}{}:{}", self.host, self.port)
    }
}

impl fmt::Display for RtpHost {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Ip(IpAddr::V6(number)) => write!(f, "[{number}]"),
            Self::Ip(number) => write!(f, "{number}"),
            Self::Name(name) => f.write_str(name),
        }
    }
}

impl Serialize for RtpAddress {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value, json};

    fn read(destination: Value) -> Result<Destination, Vec<String>> {
        let session = json!({"destination": destination});
        let mut faults = Faults::new();
        let top = Object::top(&session, &mut faults).unwrap();
        let read = Destination::read(&top, &mut faults);
        faults.finish(read).map_err(Faults::into_vec)
    }

    fn rtp(destination: Value) -> RtpTarget {
        match read(destination) {
            Ok(Destination::Rtp(target)) => target,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn a_stream_goes_nowhere_into_a_call_or_to_a_receiver() {
        assert_eq!(read(Value::Null), Ok(Destination::Nowhere));
        assert_eq!(
            read(json!({"callId": "call-1"})),
            Ok(Destination::Call("call-1".parse().unwrap()))
        );
        let target = rtp(json!({"rtpUrl": "rtp://192.0.2.7:4000"}));
        assert_eq!(target.address().to_string(), "rtp://192.0.2.7:4000");
        assert_eq!((target.payload_type(), target.dtmf_payload_type()), (111, 101));
        assert_eq!(target, RtpTarget::new("rtp://192.0.2.7:4000".parse().unwrap()));
    }

    #[test]
    fn there_is_one_destination() {
        for (destination, fault) in [
            (json!({}), "destination must have one of callId, rtpUrl"),
            (
                json!({"callId": "c", "rtpUrl": "rtp://h:1"}),
                "destination must have one of callId, rtpUrl, not both",
            ),
            (
                json!("rtp://h:1"),
                "destination must be an object, not \"rtp://h:1\"",
            ),
            (json!({"callId": ""}), "destination.callId must not be empty"),
            (
                json!({"callId": "c", "payloadType": 96}),
                "destination.payloadType is for an rtpUrl only",
            ),
        ] {
            assert_eq!(read(destination), Err(vec![fault.to_owned()]));
        }
    }

    #[test]
    fn payload_types_are_dynamic_and_different() {
        let with = |sound: Value, keys: Value| json!({"rtpUrl": "rtp://h:1", "payloadType": sound, "dtmfPayloadType": keys});
        for (sound, keys) in [(96, 127), (127, 96), (101, 111)] {
            let target = rtp(with(sound.into(), keys.into()));
            assert_eq!((target.payload_type(), target.dtmf_payload_type()), (sound, keys));
        }
        for wrong in [json!(95), json!(128), json!(-1), json!(100.5), json!("100")] {
            let faults = read(with(wrong.clone(), wrong.clone())).unwrap_err();
            assert_eq!(faults.len(), 2, "{faults:?}");
            assert!(
                faults[0].starts_with("destination.payloadType must be "),
                "{faults:?}"
            );
            assert!(
                faults[1].starts_with("destination.dtmfPayloadType must be "),
                "{faults:?}"
            );
        }
        for (sound, keys) in [
            (json!(100), json!(100)),
            (json!(101), Value::Null),
            (Value::Null, json!(111)),
        ] {
            let faults = read(with(sound, keys)).unwrap_err();
            assert!(
                faults.len() == 1 && faults[0].contains(" are both 1"),
                "{faults:?}"
            );
        }
    }

    #[test]
    fn addresses_are_read_as_they_are_written() {
        for text in [
            "rtp://192.0.2.7:1",
            "rtp://192.0.2.7:65535",
            "rtp://[2001:db8::7]:4000",
            "rtp://phone.example:4000",
            "rtp://my_phone-7:4000",
            "rtp://4phones.example:4000",
        ] {
            assert_eq!(text.parse::<RtpAddress>().unwrap().to_string(), text);
        }
        let address: RtpAddress = "RTP://Phone.Example:040".parse().unwrap();
        assert_eq!(address.to_string(), "rtp://phone.example:40");
        let long = format!("rtp://{0}.{0}.{0}.{1}:9", "a".repeat(63), "b".repeat(61));
        assert!(long.parse::<RtpAddress>().is_ok());
    }

    #[test]
    fn what_is_no_address_is_refused() {
        for text in [
            "",
            "rtp://",
            "rtp://h",
            "rtp://h:",
            "rtp://h:0",
            "rtp://h:65536",
            "rtp://h:+5",
            "rtp://h:5/",
            "rtp://:5",
            "http://h:5",
            "rtp//h:5",
            "rtp://me@h:5",
            "rtp://h h:5",
            "rtp://-h:5",
            "rtp://h-:5",
            "rtp://h..x:5",
            "rtp://h.:5",
            "rtp://2001:db8::7:5",
            "rtp://[2001:db8::7]",
            "rtp://[192.0.2.7]:5",
            "rtp://[fe80::1%eth0]:5",
            "rtp://127.1:5",
            "rtp://0x7f.0x1:5",
            "rtp://2130706433:5",
            "rtp://256.0.0.1:5",
            "rtp://host.7:5",
            "rtp://hö:5",
            "ör",
        ] {
            assert!(text.parse::<RtpAddress>().is_err(), "{text}");
        }
        for label in [64, 254] {
            let text = format!("rtp://{}:5", "a".repeat(label));
            assert!(text.parse::<RtpAddress>().is_err(), "{text}");
        }
        let long = format!("rtp://{0}.{0}.{0}.{1}:9", "a".repeat(63), "b".repeat(62));
        assert!(long.parse::<RtpAddress>().is_err());
    }
}
