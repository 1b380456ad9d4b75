//! The directive as a whole: every rule at, below and above its bound, and what holds for all JSON.

use super::*;
use crate::Faults;
use proptest::prelude::*;
use serde_json::{Map, Value, json};

fn directive() -> Value {
    json!({
        "sessionId": "0b8f3c1e-7a52-4d0f-9c3b-2f6a1e5d4c7b",
        "promptId": "prompt-main-menu-en",
        "playbackConfig": {
            "volumeMatrix": {"baseGain": 0.8, "peakLimit": 0.95, "compressionRatio": 0.7},
            "interruptibility": {"allowDTMF": true, "allowVoice": false, "cutoffBehavior": "immediate"},
            "codecPreference": "G711U",
            "bufferPreload": true,
            "formatVerification": true,
            "silenceTrimMs": 300
        },
        "sessionMetadata": {"createdVia": "test", "timestamp": "2026-11-21T09:30:00.000Z", "maxConcurrentStreams": 50},
        "destination": {"rtpUrl": "rtp://192.0.2.7:4000", "payloadType": 96, "dtmfPayloadType": 97}
    })
}

/// The faults of the directive with `value` at `pointer`.
fn faults_with(pointer: &str, value: Value) -> Vec<String> {
    let mut body = directive();
    *body.pointer_mut(pointer).unwrap() = value;
    NewSession::parse(&body.to_string()).map_or_else(Faults::into_vec, |_| Vec::new())
}

/// Every field of the directive, by its pointer.
fn fields() -> Vec<String> {
    fn walk(value: &Value, path: &str, found: &mut Vec<String>) {
        for (field, value) in value.as_object().into_iter().flatten() {
            let path = format!("{path}/{field}");
            walk(value, &path, found);
            found.push(path);
        }
    }
    let mut found = Vec::new();
    walk(&directive(), "", &mut found);
    found
}

const OPTIONAL: [&str; 5] = [
    "/playbackConfig/silenceTrimMs",
    "/sessionMetadata/maxConcurrentStreams",
    "/destination",
    "/destination/payloadType",
    "/destination/dtmfPayloadType",
];

#[test]
fn a_directive_is_read_as_it_is_written() {
    let text = directive();
    let session = NewSession::parse(&text.to_string()).unwrap();
    assert_eq!(serde_json::to_value(&session).unwrap(), text);
    assert_eq!(session.check(), Ok(()));
    let mut least = text;
    for field in &OPTIONAL[..3] {
        let (parent, field) = field.rsplit_once('/').unwrap();
        let object = least.pointer_mut(parent).and_then(Value::as_object_mut);
        object.unwrap().remove(field).unwrap();
    }
    let session = NewSession::parse(&least.to_string()).unwrap();
    assert_eq!(session.destination, Destination::Nowhere);
    assert_eq!(serde_json::to_value(&session).unwrap(), least);
}

#[test]
fn what_is_missing_or_null_is_named_unless_it_is_optional() {
    assert_eq!(fields().len(), 23);
    for field in fields() {
        let faults = faults_with(&field, Value::Null);
        let name = field.trim_start_matches('/').replace('/', ".");
        match field.as_str() {
            field if OPTIONAL.contains(&field) => assert_eq!(faults, [""; 0], "{field}"),
            "/destination/rtpUrl" => {
                assert_eq!(faults, ["destination must have one of callId, rtpUrl"]);
            }
            _ => assert_eq!(faults, [format!("{name} is missing")]),
        }
    }
    assert_eq!(
        NewSession::parse("{}").unwrap_err().as_slice(),
        [
            "sessionId is missing",
            "promptId is missing",
            "playbackConfig is missing",
            "sessionMetadata is missing",
        ]
    );
}

#[test]
fn what_is_of_another_kind_is_one_fault() {
    for field in fields() {
        for wrong in [json!([]), json!({})] {
            let faults = faults_with(&field, wrong.clone());
            let is_object = wrong.is_object() && directive().pointer(&field).unwrap().is_object();
            let name = field.trim_start_matches('/').replace('/', ".");
            assert!(
                is_object || faults.len() == 1 && faults[0].starts_with(&format!("{name} must be ")),
                "{field}: {faults:?}"
            );
        }
    }
}

#[test]
fn whole_numbers_are_taken_up_to_their_bounds() {
    for (pointer, least, most) in [
        ("/playbackConfig/silenceTrimMs", 300, 10_000),
        ("/sessionMetadata/maxConcurrentStreams", 1, 50),
    ] {
        let name = pointer.trim_start_matches('/').replace('/', ".");
        for right in [least, most] {
            assert_eq!(faults_with(pointer, right.into()), [""; 0], "{pointer}");
        }
        for wrong in [least - 1, most + 1] {
            let fault = format!("{name} must be {least} to {most}, not {wrong}");
            assert_eq!(faults_with(pointer, wrong.into()), [fault]);
        }
        for wrong in [json!(-1), json!(300.5), json!("300"), json!(u64::MAX)] {
            assert_eq!(faults_with(pointer, wrong).len(), 1, "{pointer}");
        }
    }
}

#[test]
fn texts_are_taken_up_to_their_bounds() {
    let via = |text: String| faults_with("/sessionMetadata/createdVia", text.into());
    assert_eq!((via("ä".into()).len(), via("ä".repeat(200)).len()), (0, 0));
    assert_eq!(
        via("ä".repeat(201)),
        ["sessionMetadata.createdVia must be at most 200 characters long, not 201"]
    );
    assert_eq!(via(" ".into()), ["sessionMetadata.createdVia must not be empty"]);
    let prompt = |bytes: usize| faults_with("/promptId", "p".repeat(bytes).into());
    assert_eq!((prompt(1).len(), prompt(128).len()), (0, 0));
    assert_eq!(prompt(129), ["promptId must be at most 128 bytes long, not 129"]);
    assert_eq!(prompt(0), ["promptId must not be empty"]);
}

#[test]
fn words_are_those_of_the_contract() {
    for (pointer, words) in [
        (
            "/playbackConfig/codecPreference",
            vec!["G711U", "G711A", "G729", "OPUS"],
        ),
        (
            "/playbackConfig/interruptibility/cutoffBehavior",
            vec!["immediate", "fade", "drain"],
        ),
    ] {
        for word in &words {
            assert_eq!(faults_with(pointer, json!(word)), [""; 0]);
            let other: String = word
                .chars()
                .map(|sign| {
                    if sign.is_lowercase() {
                        sign.to_ascii_uppercase()
                    } else {
                        sign.to_ascii_lowercase()
                    }
                })
                .collect();
            let name = pointer.trim_start_matches('/').replace('/', ".");
            assert_eq!(
                faults_with(pointer, json!(other)),
                [format!(
                    "{name} must be one of {}, not {other:?}",
                    words.join(", ")
                )]
            );
        }
    }
}

#[test]
fn a_prompt_is_always_preloaded() {
    assert_eq!(
        faults_with("/playbackConfig/bufferPreload", false.into()),
        ["playbackConfig.bufferPreload must be true"]
    );
    assert_eq!(
        faults_with("/playbackConfig/bufferPreload", "true".into()),
        ["playbackConfig.bufferPreload must be true or false, not \"true\""]
    );
}

#[test]
fn a_time_is_utc_to_the_millisecond() {
    let pointer = "/sessionMetadata/timestamp";
    let mut body = directive();
    *body.pointer_mut(pointer).unwrap() = "2026-11-21T10:30:00.123987+01:00".into();
    let session = NewSession::parse(&body.to_string()).unwrap();
    assert_eq!(
        session.metadata.timestamp,
        "2026-11-21T09:30:00.123Z".parse().unwrap()
    );
    for wrong in [
        json!("2026-11-21"),
        json!("2026-11-21T09:30:00"),
        json!(1_763_717_400),
        json!(""),
    ] {
        assert_eq!(faults_with(pointer, wrong.clone()).len(), 1, "{wrong}");
    }
}

#[test]
fn what_is_no_number_in_json_is_a_fault_of_the_json() {
    for number in ["NaN", "Infinity", "-Infinity", "1e999", "0x1", "01", ""] {
        let body = directive().to_string().replace("0.95", number);
        let faults = NewSession::parse(&body).unwrap_err();
        assert!(
            faults.as_slice().len() == 1 && faults.to_string().starts_with("the body is not JSON: "),
            "{number}: {faults}"
        );
    }
    assert_eq!(
        NewSession::parse("[1]").unwrap_err().to_string(),
        "the body must be a JSON object, not a list"
    );
}

#[test]
fn fields_that_the_contract_does_not_know_are_ignored() {
    let mut body = directive();
    for object in [
        "",
        "/playbackConfig",
        "/playbackConfig/volumeMatrix",
        "/sessionMetadata",
        "/destination",
    ] {
        body.pointer_mut(object).unwrap()["x-more"] = json!([1]);
    }
    let read = NewSession::parse(&body.to_string()).unwrap();
    assert_eq!(serde_json::to_value(read).unwrap(), directive());
}

#[test]
fn a_directive_that_was_made_wrong_is_found_before_it_is_sent() {
    let mut session = NewSession::parse(&directive().to_string()).unwrap();
    session.config.silence_trim_ms = Some(299);
    session.metadata.max_concurrent_streams = Some(51);
    session.metadata.created_via.clear();
    assert_eq!(
        session.check().unwrap_err().as_slice(),
        [
            "playbackConfig.silenceTrimMs must be 300 to 10000, not 299",
            "sessionMetadata.createdVia must not be empty",
            "sessionMetadata.maxConcurrentStreams must be 1 to 50, not 51",
        ]
    );
}

#[test]
fn an_event_tells_of_a_session_and_is_an_analytics_event() {
    let session: Session = serde_json::from_value(json!({"id": "0b8f3c1e-7a52-4d0f-9c3b-2f6a1e5d4c7b",
        "playbackState": "paused", "formatVerified": true, "bufferPreloaded": false, "latencyMs": 0.417}))
    .unwrap();
    let event = PlaybackEvent::of(&session, "2026-11-21T09:30:00Z".parse().unwrap());
    let text = r#"{"eventType":"IVR_PLAYBACK_CONTROL","sessionId":"0b8f3c1e-7a52-4d0f-9c3b-2f6a1e5d4c7b","timestamp":"2026-11-21T09:30:00.000Z","metrics":{"latencyMs":0.417,"formatVerified":true,"bufferPreloaded":false,"playbackState":"paused"}}"#;
    assert_eq!(serde_json::to_string(&event).unwrap(), text);
    assert_eq!(serde_json::from_str::<PlaybackEvent>(text).unwrap(), event);
    assert!(serde_json::from_str::<PlaybackEvent>(&text.replace("IVR_", "X_")).is_err());
    assert_eq!(AnalyticsEvent::from(&event), AnalyticsEvent::parse(text).unwrap());
}

fn any_json() -> impl Strategy<Value = Value> {
    let numbers = prop_oneof![
        any::<f64>().prop_map(Value::from),
        (-1.0..2.0).prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        (0_u64..700_000).prop_map(Value::from),
    ];
    let words = prop_oneof![
        any::<String>().prop_map(Value::from),
        "rtp://[a-z0-9.:\\[\\]-]{0,12}:[0-9]{1,5}".prop_map(Value::from),
        "[0-9a-fA-F]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}".prop_map(Value::from),
        prop::sample::select(vec![
            "fade",
            "OPUS",
            "seek",
            "volume",
            "2026-11-21T09:30:00.123987Z"
        ])
        .prop_map(Value::from),
    ];
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        numbers,
        words
    ];
    leaf.prop_recursive(3, 24, 5, |inner| {
        let names = prop_oneof![
            any::<String>(),
            Just("callId".to_owned()),
            Just("rtpUrl".to_owned())
        ];
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..5).prop_map(Value::from),
            prop::collection::vec((names, inner), 0..5)
                .prop_map(|fields| Value::Object(fields.into_iter().collect::<Map<_, _>>())),
        ]
    })
}

/// A directive of which a few fields say something else.
fn near_directive() -> impl Strategy<Value = Value> {
    let changes = prop::collection::vec((prop::sample::select(fields()), any_json()), 0..3);
    changes.prop_map(|changes| {
        let mut body = directive();
        for (pointer, value) in changes {
            // A change before may have taken it away.
            if let Some(field) = body.pointer_mut(&pointer) {
                *field = value;
            }
        }
        body
    })
}

/// Reads `$value` as `$type`; what can be read is written and read again as the same.
macro_rules! reads_again {
    ($type:ty, $value:expr) => {{
        let mut faults = Faults::new();
        let read =
            crate::fault::Object::top($value, &mut faults).and_then(|body| <$type>::read(&body, &mut faults));
        match faults.finish(read) {
            Ok(first) => {
                let again = serde_json::to_value(&first).unwrap();
                let body = crate::fault::Object::top(&again, &mut Faults::new()).unwrap();
                let mut faults = Faults::new();
                prop_assert_eq!(<$type>::read(&body, &mut faults), Some(first));
                prop_assert!(faults.is_empty(), "{}", faults);
            }
            Err(faults) => prop_assert!(!faults.is_empty()),
        }
    }};
}

proptest! {
    #[test]
    fn any_json_is_read_or_refused(value in any_json()) {
        reads_again!(NewSession, &value);
        reads_again!(Control, &value);
        let mut faults = Faults::new();
        let event = AnalyticsEvent::of(value.clone(), &mut faults);
        prop_assert_eq!(event.is_some(), faults.is_empty());
        let _ = serde_json::from_value::<Session>(value.clone());
        let _ = serde_json::from_value::<PlaybackEvent>(value);
    }

    #[test]
    fn what_is_nearly_a_directive_is_read_or_refused(value in near_directive()) {
        reads_again!(NewSession, &value);
    }

    #[test]
    fn controls_are_read_or_refused(
        action in prop::sample::select(vec!["pause", "resume", "stop", "seek", "restart", "volume", "play"]),
        position in prop_oneof![Just(Value::Null), any_json()],
        volume in prop_oneof![Just(Value::Null), Just(directive()["playbackConfig"]["volumeMatrix"].clone()), any_json()],
    ) {
        reads_again!(Control, &json!({"action": action, "positionMs": position, "volumeMatrix": volume}));
    }

    #[test]
    fn any_text_is_read_or_refused(text in any::<String>()) {
        let _ = NewSession::parse(&text);
        let _ = Control::parse(&text);
        let _ = AnalyticsEvent::parse(&text);
        let _ = text.parse::<RtpAddress>();
        let _ = Conflict::told_by(&text);
    }

    #[test]
    fn volumes_are_taken_exactly_within_their_bounds(gain in -0.5..1.5, limit in -0.5..1.5, ratio in -0.5..1.5) {
        let right = (0.0..=1.0).contains(&gain) && gain <= limit && limit <= 1.0 && (0.1..=1.0).contains(&ratio);
        prop_assert_eq!(VolumeMatrix::new(gain, limit, ratio).is_ok(), right);
    }

    #[test]
    fn a_directive_is_the_same_after_a_journey_as_text(
        gain in 0_u32..=1_000_000, room in 0_u32..=1_000_000, ratio in 100_000_u32..=1_000_000,
    ) {
        let limit = gain + (u64::from(1_000_000 - gain) * u64::from(room) / 1_000_000) as u32;
        let millionths = |number: u32| f64::from(number) / 1e6;
        let mut session = NewSession::parse(&directive().to_string()).unwrap();
        session.config.volume = VolumeMatrix::new(millionths(gain), millionths(limit), millionths(ratio)).unwrap();
        let text = serde_json::to_string(&session).unwrap();
        prop_assert_eq!(NewSession::parse(&text), Ok(session));
    }
}
