use super::*;
use crate::{TOLERANCE, sign};
use proptest::prelude::*;

fn now() -> UtcTime {
    "2026-11-21T09:30:00Z".parse().unwrap()
}

fn source(secrets: &[u8]) -> Source {
    Source {
        name: "forms".into(),
        secrets: secrets
            .iter()
            .map(|number| Secret::generate(&[*number; 32]))
            .collect(),
        tolerance: TOLERANCE,
    }
}

fn unsigned(body: impl AsRef<[u8]>) -> Result<Incoming, Refused> {
    receive(&source(&[]), &HeaderMap::new(), body.as_ref(), now())
}

fn header(name: &'static str, value: &str) -> HeaderMap {
    let mut headers = HeaderMap::new();
    headers.insert(name, value.parse().unwrap());
    headers
}

fn faults(body: impl AsRef<[u8]>) -> Vec<String> {
    match unsigned(body) {
        Err(Refused::Malformed(faults)) => faults.into_vec(),
        other => panic!("{other:?}"),
    }
}

#[test]
fn what_is_not_genuine_is_refused_with_one_answer() {
    let body = r#"{"id":"e-1"}"#;
    let good = sign("msg_1", now(), body, &source(&[1]).secrets).unwrap();
    assert_eq!(
        receive(&source(&[2, 1]), &good, body.as_bytes(), now())
            .unwrap()
            .event_id,
        "msg_1"
    );
    let later = "2026-11-21T10:30:00Z".parse().unwrap();
    let refused = [
        receive(&source(&[1]), &HeaderMap::new(), body.as_bytes(), now()),
        receive(&source(&[2]), &good, body.as_bytes(), now()),
        receive(&source(&[1]), &good, b"{}", now()),
        receive(&source(&[1]), &good, body.as_bytes(), later),
        // The signature comes first: who can't sign learns nothing of what the body should be.
        receive(&source(&[1]), &HeaderMap::new(), b"no json", now()),
    ];
    let reasons = refused.map(|refused| {
        let refused = refused.unwrap_err();
        assert_eq!(refused.status(), 401);
        assert_eq!(refused.to_string(), "the signature is missing or not valid");
        match refused {
            Refused::Unauthorised(reason) => reason,
            other => panic!("{other:?}"),
        }
    });
    let missing = SignatureError::Missing("webhook-id");
    assert_eq!(
        reasons,
        [
            missing,
            SignatureError::Wrong,
            SignatureError::Wrong,
            SignatureError::TooOld(3600),
            missing
        ]
    );
}

#[test]
fn json_is_found_whatever_it_is_wrapped_in() {
    let wanted = unsigned(r#"{"id":"e-1","text":"a+b & c=ü"}"#).unwrap();
    for body in [
        "\u{feff}{\"id\":\"e-1\",\"text\":\"a+b & c=ü\"}",
        " \r\n{\"text\":\"a+b & c=ü\",\"id\":\"e-1\"}\n",
        "payload=%7B%22id%22%3A%22e-1%22%2C%22text%22%3A%22a%2Bb+%26+c%3D%C3%BC%22%7D",
        "%7B%22id%22%3A%22e-1%22%2C%22text%22%3A%22a%2Bb+%26+c%3D%C3%BC%22%7D=",
        "%7B%22id%22%3A%22e-1%22%2C%22text%22%3A%22a%2Bb+%26+c%3D%C3%BC%22%7D",
    ] {
        let found = unsigned(body).unwrap();
        assert_eq!(
            (&found.event_id, &found.body),
            (&wanted.event_id, &wanted.body),
            "{body}"
        );
        assert!(
            found.text().starts_with('{') && found.text().ends_with('}'),
            "{body}"
        );
    }
}

#[test]
fn what_needs_no_mask_goes_on_as_it_was_sent() {
    let sent = r#"{ "total": 1.10, "b":12345678901234567890123, "a":"\u00fc \":" , "id":1e2 }"#;
    assert_eq!(unsigned(sent).unwrap().text(), sent);
    assert_eq!(unsigned(format!("\u{feff}{sent}\n")).unwrap().text(), sent);
    let form: String = form_urlencoded::byte_serialize(sent.as_bytes()).collect();
    assert_eq!(unsigned(format!("payload={form}")).unwrap().text(), sent);
}

#[test]
fn what_only_the_text_has_is_not_kept() {
    for hidden in [
        r#"{"note":"4111111111111111","note":"x"}"#,
        r#"{"deep":[{"a":{"cvv":"123"},"a":1}],"b":"\\\":"}"#,
        r#"{"n\u006fte":"4\u0031111111111111111","note":"x"}"#,
    ] {
        let text = unsigned(hidden).unwrap().text();
        assert_eq!(text, serde_json::from_str::<Value>(hidden).unwrap().to_string());
        assert!(!text.contains("111") && !text.contains("123"), "{text}");
    }
}

#[test]
fn what_is_not_one_object_is_refused() {
    for (body, wanted) in [
        (
            "",
            "the body is not JSON: EOF while parsing a value at line 1 column 0",
        ),
        (
            "a=1&b=2",
            "the body is not JSON: expected value at line 1 column 1",
        ),
        (
            "{}{}",
            "the body is not JSON: trailing characters at line 1 column 3",
        ),
        ("[]", "the body must be a JSON object, not a list"),
        ("\"{}\"", "the body must be a JSON object, not \"{}\""),
        ("null", "the body must be a JSON object, not null"),
    ] {
        assert_eq!(faults(body), [wanted], "{body}");
    }
    assert_eq!(faults(b"{\"a\":\"\xff\"}"), ["the body is not UTF-8"]);
}

#[test]
fn depth_and_size_are_bounded() {
    let nested = |levels: usize| {
        let lists = levels - 1;
        format!("{{\"a\":{}{}}}", "[".repeat(lists), "]".repeat(lists))
    };
    assert!(unsigned(nested(64)).is_ok());
    assert_eq!(faults(nested(65)), ["the body is nested more than 64 deep"]);
    assert_eq!(faults(nested(100_000)).len(), 1);
    let sized = |size: usize| format!("{{\"a\":\"{}\"}}", "x".repeat(size - 8));
    assert!(unsigned(sized(LARGEST_INCOMING)).is_ok());
    let refused = unsigned(sized(LARGEST_INCOMING + 1)).unwrap_err();
    assert_eq!(
        (refused.status().as_u16(), &refused),
        (413, &Refused::TooLarge(1_048_577))
    );
}

#[test]
fn all_faults_are_told_at_once() {
    let deep = format!("{{\"id\":{{}},\"a\":{}{}}}", "[".repeat(64), "]".repeat(64));
    assert_eq!(
        faults(deep),
        [
            "the body is nested more than 64 deep",
            "id must be a text or a number, not an object"
        ]
    );
    let headers = header(signature::ID, &"x".repeat(129));
    let refused = receive(&source(&[]), &headers, b"nothing", now()).unwrap_err();
    assert_eq!(
        refused.to_string(),
        "the body is not JSON: expected ident at line 1 column 2; \
         the header webhook-id must be 1 to 128 bytes long, without control characters"
    );
}

#[test]
fn the_event_has_the_first_id_that_there_is() {
    let id = |headers: &HeaderMap, body: &str| {
        receive(&source(&[]), headers, body.as_bytes(), now())
            .unwrap()
            .event_id
    };
    let named = header(signature::ID, "msg_9");
    let none = HeaderMap::new();
    assert_eq!(id(&named, r#"{"eventId":"e","id":"i"}"#), "msg_9");
    assert_eq!(id(&none, r#"{"eventId":"e","id":"i"}"#), "e");
    assert_eq!(id(&none, r#"{"eventId":null,"id":7}"#), "7");
    let hashed = id(&none, r#"{"interactionId":"int-1001"}"#);
    assert!(hashed.starts_with("sha256:") && hashed.len() == 71, "{hashed}");
    assert_eq!(id(&none, r#"{"interactionId":"int-1001"}"#), hashed);
    assert_ne!(id(&none, r#"{"interactionId":"int-1002"}"#), hashed);
    assert_eq!(
        faults(r#"{"eventId":"","id":"i"}"#),
        ["eventId must be 1 to 128 bytes long, without control characters"]
    );
}

#[test]
fn card_numbers_and_codes_are_masked_and_ids_stay() {
    let incoming =
        unsigned(r#"{"id":"4111111111111111","note":"card 4111111111111111","cvv":"123"}"#).unwrap();
    assert_eq!(incoming.event_id, "4111111111111111");
    assert_eq!(
        incoming.text(),
        r#"{"cvv":"***","id":"4111111111111111","note":"card 411111******1111"}"#
    );
}

#[test]
fn the_correlation_id_is_passed_through() {
    let correlation = |text: &str| {
        let headers = header("x-correlation-id", text);
        receive(&source(&[]), &headers, b"{}", now()).unwrap().correlation
    };
    assert_eq!(correlation("c-1").unwrap().as_str(), "c-1");
    assert_eq!(correlation(&"x".repeat(200)), None, "the server makes one up");
}

proptest! {
    #[test]
    fn any_bytes_are_taken_or_refused(body in proptest::collection::vec(any::<u8>(), 0..200)) {
        if let Ok(incoming) = unsigned(&body) {
            prop_assert!(serde_json::from_str::<Value>(&incoming.text()).is_ok());
        }
    }

    #[test]
    fn any_text_like_json_or_a_form_is_taken_or_refused(body in "[{}\\[\\]\",:=&%a-f0-9+ ]{0,60}") {
        match unsigned(&body) {
            Ok(incoming) => prop_assert!((1..=LONGEST_ID).contains(&incoming.event_id.len())),
            Err(refused) => prop_assert_eq!(refused.status(), 400),
        }
    }
}
