use super::*;
use proptest::prelude::*;

const NOW: i64 = 1_795_253_400;

fn at(second: i64) -> UtcTime {
    jiff::Timestamp::from_second(second).unwrap().into()
}

fn secret(number: u8) -> Secret {
    Secret::generate(&[number; 32])
}

fn signed(secrets: &[Secret]) -> HeaderMap {
    sign("msg_1", at(NOW), "{}", secrets).unwrap()
}

fn check(headers: &HeaderMap, now: i64) -> Result<Verified, SignatureError> {
    verify(headers, b"{}", &[secret(1)], at(now), TOLERANCE)
}

fn with(name: &'static str, value: &str) -> HeaderMap {
    let mut headers = signed(&[secret(1)]);
    headers.insert(name, value.parse().unwrap());
    headers
}

#[test]
fn the_signature_is_the_one_of_the_specification() {
    let secret = "whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD".parse().unwrap();
    let body = r#"{"email":"test@example.com","username":"test_user"}"#;
    let headers = sign(
        "msg_27UH4WbU6Z5A5EzD8u03UvzRbpk",
        at(1_649_367_553),
        body,
        &[secret],
    )
    .unwrap();
    assert_eq!(
        headers[SIGNATURE],
        "v1,tZ1I4/hDygAJgO5TYxiSd6Sd0kDW6hPenDe+bTa3Kkw="
    );
    assert_eq!(headers[TIMESTAMP], "1649367553");
    assert_eq!(headers[ID], "msg_27UH4WbU6Z5A5EzD8u03UvzRbpk");
}

#[test]
fn any_of_several_secrets_and_signatures_will_do() {
    let both = signed(&[secret(1), secret(2)]);
    assert_eq!(both[SIGNATURE].to_str().unwrap().split(' ').count(), 2);
    for secrets in [
        vec![secret(1)],
        vec![secret(2)],
        vec![secret(3), secret(2)],
        vec![secret(1), secret(3)],
    ] {
        assert!(verify(&both, b"{}", &secrets, at(NOW), TOLERANCE).is_ok());
    }
    for secrets in [vec![], vec![secret(3)]] {
        let verified = verify(&both, b"{}", &secrets, at(NOW), TOLERANCE);
        assert_eq!(verified, Err(SignatureError::Wrong));
    }
}

#[test]
fn versions_that_are_unknown_are_passed_over() {
    let right = signed(&[secret(1)])[SIGNATURE].to_str().unwrap().to_owned();
    for (header, wanted) in [
        (format!("v1a,AAAA {right} v2,x"), true),
        (format!("  {right}  "), true),
        (right.replace("v1,", "v2,"), false),
        (right.replace("v1,", "v1a,"), false),
        (right.replace("v1,", ""), false),
        (right[..right.len() - 1].to_owned(), false),
        (format!("{right}="), false),
        ("v1,".to_owned(), false),
        (String::new(), false),
    ] {
        let verified = check(&with(SIGNATURE, &header), NOW);
        assert_eq!(verified.is_ok(), wanted, "{header}");
        if !wanted {
            assert_eq!(verified, Err(SignatureError::Wrong));
        }
    }
}

#[test]
fn the_tolerance_holds_to_the_second() {
    let headers = signed(&[secret(1)]);
    assert!(check(&headers, NOW + 300).is_ok());
    assert_eq!(check(&headers, NOW + 301), Err(SignatureError::TooOld(301)));
    assert!(check(&headers, NOW - 300).is_ok());
    assert_eq!(check(&headers, NOW - 301), Err(SignatureError::TooNew(301)));
    let endless = verify(&headers, b"{}", &[secret(1)], at(0), Duration::MAX);
    assert!(endless.is_ok());
}

#[test]
fn every_fault_of_the_headers_has_its_own_name() {
    use SignatureError::*;
    for name in [ID, TIMESTAMP, SIGNATURE] {
        let mut headers = signed(&[secret(1)]);
        headers.append(name, headers[name].clone());
        assert!(matches!(check(&headers, NOW), Err(Repeated(named)) if named == name));
        headers.remove(name);
        assert!(matches!(check(&headers, NOW), Err(Missing(named)) if named == name));
    }
    for id in ["", "a.b", "a b", &"x".repeat(129)] {
        assert_eq!(check(&with(ID, id), NOW), Err(Malformed("webhook-id")), "{id}");
    }
    for time in [
        "",
        "-5",
        "+5",
        "05",
        "1.5",
        "1e3",
        "0x5",
        "9999999999999",
        " 5",
        "٥",
    ] {
        let mut headers = signed(&[secret(1)]);
        headers.insert(TIMESTAMP, HeaderValue::from_bytes(time.as_bytes()).unwrap());
        assert_eq!(
            check(&headers, NOW),
            Err(Malformed("webhook-timestamp")),
            "{time}"
        );
    }
    let long = "v1,x ".repeat(1000);
    assert_eq!(
        check(&with(SIGNATURE, &long), NOW),
        Err(Malformed("webhook-signature"))
    );
}

#[test]
fn parts_of_the_signed_text_cant_be_moved() {
    // `a.1` + 2 + `{}` and `a` + 1 + `2.{}` have the same text.
    assert!(matches!(
        sign("a.1", at(2), "{}", &[secret(1)]),
        Err(SignError::Id(_))
    ));
}

#[test]
fn a_body_that_is_no_text_is_refused_whatever_the_signature() {
    let headers = signed(&[secret(1)]);
    let verified = verify(&headers, b"\xff", &[secret(1)], at(NOW), TOLERANCE);
    assert_eq!(verified, Err(SignatureError::Wrong));
}

proptest! {
    #[test]
    fn what_is_signed_verifies_and_nothing_else_does(
        id in "[!-\\-/-~]{1,128}", second in 0_i64..99_999_999_999, body in "\\PC*", other in "\\PC*", key in 0_u8..4,
    ) {
        let headers = sign(&id, at(second), &body, &[secret(0)]).unwrap();
        let verified = verify(&headers, body.as_bytes(), &[secret(key)], at(second), TOLERANCE);
        prop_assert_eq!(verified.is_ok(), key == 0);
        let tampered = verify(&headers, other.as_bytes(), &[secret(0)], at(second), TOLERANCE);
        prop_assert_eq!(tampered.is_ok(), body == other);
    }

    #[test]
    fn any_headers_are_checked_without_a_panic(
        id in "[ -~]{0,140}", time in "[-+0-9. ]{0,15}", signature in "(v1,[A-Za-z0-9+/=]{0,50} ?|[ -~]{0,20}){0,4}",
        body in proptest::collection::vec(any::<u8>(), 0..50),
    ) {
        let mut headers = HeaderMap::new();
        headers.insert(ID, id.parse().unwrap());
        headers.insert(TIMESTAMP, time.parse().unwrap());
        headers.insert(SIGNATURE, signature.parse().unwrap());
        prop_assert!(verify(&headers, &body, &[secret(1)], at(NOW), TOLERANCE).is_err());
    }
}
