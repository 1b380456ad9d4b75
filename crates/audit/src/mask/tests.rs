//! What is masked, what is not, and that it holds for every card number in every text.

use super::*;
use proptest::prelude::*;
use serde_json::json as value;

fn masked(text: &str) -> String {
    super::text(text).into_owned()
}

#[test]
fn card_numbers_keep_their_first_six_and_last_four_digits() {
    // The brands' published test numbers.
    for (number, expected) in [
        ("4111111111111111", "411111******1111"),
        ("4222222222222", "422222***2222"),
        ("4000000000000000006", "400000*********0006"),
        ("5555555555554444", "555555******4444"),
        ("2223003122003222", "222300******3222"),
        ("378282246310005", "378282*****0005"),
        ("6011111111111117", "601111******1117"),
        ("6445644564456445", "644564******6445"),
        ("6500000000000002", "650000******0002"),
        ("3530111333300000", "353011******0000"),
        ("30569309025904", "305693****5904"),
        ("36227206271667", "362272****1667"),
        ("38520000023237", "385200****3237"),
        ("6200000000000005", "620000******0005"),
        ("4111 1111 1111 1111", "4111 11** **** 1111"),
        ("4111-1111-1111-1111", "4111-11**-****-1111"),
        (
            "4 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1",
            "4 1 1 1 1 1 * * * * * * 1 1 1 1",
        ),
        ("3782 822463 10005", "3782 82**** *0005"),
    ] {
        assert_eq!(masked(number), expected);
        assert_eq!(masked(&format!("({number}).")), format!("({expected})."));
    }
}

#[test]
fn card_numbers_are_found_beside_other_numbers() {
    for (text, expected) in [
        ("4111111111111111 12/27 123", "411111******1111 12/27 123"),
        ("7 4111 1111 1111 1111 99", "7 4111 11** **** 1111 99"),
        (
            "4111111111111111 5555555555554444",
            "411111******1111 555555******4444",
        ),
        (
            "+49 30 1234567 4111111111111111",
            "+49 30 1234567 411111******1111",
        ),
        ("卡号4111111111111111。", "卡号411111******1111。"),
        ("**4111111111111111**", "**411111******1111**"),
        ("pan=4111111111111111&x=1", "pan=411111******1111&x=1"),
        (r#"{"pan":"4111111111111111"}"#, r#"{"pan":"411111******1111"}"#),
    ] {
        assert_eq!(masked(text), expected);
    }
}

#[test]
fn other_numbers_stay() {
    for text in [
        "",
        "no digits at all",
        "4111111111111112",
        "9111111111111111",
        "41111111111111111",
        "x4111111111111111",
        "4111111111111111x",
        "call_4111111111111111",
        "+4111111111111111",
        "4111  1111  1111  1111",
        "4111.1111.1111.1111",
        "2026-11-21T09:30:00.000Z",
        "1763717400000",
        "0199f3e2-4111-7111-8111-411111111111",
        "192.168.100.200 port 12345",
        "order 4711 of 2026",
    ] {
        assert!(
            matches!(super::text(text), Cow::Borrowed(_)),
            "{text} -> {}",
            masked(text)
        );
    }
}

#[test]
fn codes_are_masked_after_the_word_that_tells_of_them() {
    for (text, expected) in [
        ("cvv 123", "cvv ***"),
        ("CVV2: 1234", "CVV2: ****"),
        ("cvc=123;", "cvc=***;"),
        ("PIN 1234", "PIN ****"),
        ("pin1234", "pin****"),
        ("my pin is 4 8 2 9", "my pin is * * * *"),
        ("otp is 123-456", "otp is ***-***"),
        (
            "Your verification code for the portal is 482913.",
            "Your verification code for the portal is ******.",
        ),
        ("security code (3 digits): 123", "security code (3 digits): ***"),
        ("passcode:123456", "passcode:******"),
        ("password 12345678", "password ********"),
        ("cardSecurityCode=123", "cardSecurityCode=***"),
        (r#"{"cvv":"123","amount":100}"#, r#"{"cvv":"***","amount":100}"#),
        ("cvv 123 12/27", "cvv *** **/27"),
        ("pin 1234 card 4111111111111111", "pin **** card 411111******1111"),
    ] {
        assert_eq!(masked(text), expected);
    }
}

#[test]
fn numbers_that_are_no_codes_stay() {
    for text in [
        "pin 12",
        "pin 123456789",
        "pinned 1234",
        "spin 1234",
        "status code 404",
        "exit code 137",
        "country code 049",
        "code review of everything in release 2026.1",
        "token expires in 3600",
        "statusCode=404",
        "code: bad_request",
    ] {
        assert_eq!(masked(text), text);
    }
    // The first digits of a card number are no code.
    assert_eq!(masked("code 4111111111111111"), "code 411111******1111");
    assert_eq!(masked("code 4111 1111 1111 1111"), "code 4111 11** **** 1111");
}

#[test]
fn passwords_and_tokens_are_masked_as_a_whole() {
    for (text, expected) in [
        ("password: hunter2, and more", "password: ******** and more"),
        ("password=hünter&user=x", "password=*******&user=x"),
        (
            r#""client_secret": "a b \" c", "x": 1"#,
            r#""client_secret": "********", "x": 1"#,
        ),
        (r#"{\"token\":\"abc\",\"x\":1}"#, r#"{\"token\":\"***\",\"x\":1}"#),
        ("Authorization: Bearer abc.def", "Authorization: Bearer *******"),
        ("access_token = 'abc'", "access_token = '***'"),
        ("API_KEY=abc", "API_KEY=***"),
    ] {
        assert_eq!(masked(text), expected);
    }
    for text in [
        "password",
        "password:",
        "password: ",
        "the token was refused: expired",
        "secret=&x=1",
    ] {
        assert_eq!(masked(text), text);
    }
}

#[test]
fn json_is_masked_by_names_too() {
    let mut body = value!({
        "id": "4111111111111111",
        "callId": 4111111111111111_u64,
        "participant_ids": ["4111111111111111", {"note": "4111111111111111"}],
        "paid": "4111111111111111",
        "number": 4111111111111111_u64,
        "negative": -4111111111111111_i64,
        "float": 4111111111111111.0,
        "score": 2.5,
        "code": "bad_request",
        "CVV2": 123,
        "card_security_code": {"deep": [1]},
        "accessToken": null,
        "responses": [
            {"fieldName": "overall_satisfaction", "value": "2"},
            {"fieldName": "Security code", "value": "123"}
        ],
        "notes": ["my pin is 1234", true, null],
        "4111111111111111": 1
    });
    json(&mut body);
    assert_eq!(
        body,
        value!({
            "id": "4111111111111111",
            "callId": 4111111111111111_u64,
            "participant_ids": ["4111111111111111", {"note": "411111******1111"}],
            "paid": "411111******1111",
            "number": "411111******1111",
            "negative": -4111111111111111_i64,
            "float": "411111******1111",
            "score": 2.5,
            "code": "bad_request",
            "CVV2": "***",
            "card_security_code": "***",
            "accessToken": "***",
            "responses": [
                {"fieldName": "overall_satisfaction", "value": "2"},
                {"fieldName": "Security code", "value": "***"}
            ],
            "notes": ["my pin is ****", true, null],
            "411111******1111": 1
        })
    );
}

/// The digits of a card number of any brand.
fn card() -> impl Strategy<Value = String> {
    let brands: [(&str, std::ops::RangeInclusive<usize>); 16] = [
        ("4", 13..=13),
        ("4", 16..=16),
        ("4", 19..=19),
        ("55", 16..=16),
        ("2221", 16..=16),
        ("2720", 16..=16),
        ("34", 15..=15),
        ("37", 15..=15),
        ("6011", 16..=19),
        ("644", 16..=19),
        ("65", 16..=19),
        ("35", 16..=19),
        ("30", 14..=19),
        ("36", 14..=19),
        ("39", 14..=19),
        ("62", 16..=19),
    ];
    proptest::sample::select(brands.to_vec())
        .prop_flat_map(|(prefix, lengths)| (Just(prefix), lengths, "[0-9]{19}"))
        .prop_map(|(prefix, length, digits)| {
            let body = format!("{prefix}{digits}")[..length - 1].to_owned();
            let sum: u32 = (body.bytes().rev().enumerate())
                .map(|(place, byte)| u32::from(byte - b'0') * if place % 2 == 0 { 2 } else { 1 })
                .map(|value| value / 10 + value % 10)
                .sum();
            format!("{body}{}", (10 - sum % 10) % 10)
        })
}

/// A card number as somebody may write it; all its digits may stand apart.
fn written_card() -> impl Strategy<Value = String> {
    let separators = proptest::collection::vec(proptest::sample::select(vec!["", "", "", " ", "-"]), 19);
    (card(), separators).prop_map(|(card, separators)| {
        let digits = card
            .chars()
            .zip(separators)
            .flat_map(|(digit, separator)| [separator.to_owned(), digit.into()]);
        digits
            .collect::<String>()
            .trim_start_matches([' ', '-'])
            .to_owned()
    })
}

/// Text of the things that matter to masking, and of anything else.
fn around() -> impl Strategy<Value = String> {
    let piece = prop_oneof![
        "[0-9 *+-]{0,12}",
        "(code|pin|cvv2|password|token|status)",
        "[:=\"'\\\\ &*]{0,4}",
        "(?s).{0,6}",
        written_card(),
    ];
    proptest::collection::vec(piece, 0..6).prop_map(|pieces| pieces.concat())
}

fn digits_of(text: &str, start: usize) -> Vec<usize> {
    let digits = text.bytes().enumerate().filter(|(_, byte)| byte.is_ascii_digit());
    digits.map(|(at, _)| start + at).collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]

    #[test]
    fn no_card_number_in_any_text_shows_its_middle(before in around(), card in written_card(), after in around()) {
        let before = before.trim_end_matches(|c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '+'));
        let after = after.trim_start_matches(|c: char| c.is_ascii_alphanumeric() || c == '_');
        let whole = format!("{before}{card}{after}");
        let masked = masked(&whole);
        let digits = digits_of(&card, before.len());
        for at in &digits[6..digits.len() - 4] {
            prop_assert_eq!(masked.as_bytes()[*at], b'*', "{:?} -> {:?}", whole, masked);
        }
    }

    #[test]
    fn a_card_number_alone_keeps_its_shape(card in written_card()) {
        let masked = masked(&card);
        prop_assert_eq!(masked.chars().count(), card.chars().count());
        let digits = digits_of(&card, 0);
        let shown = digits.iter().filter(|at| masked.as_bytes()[**at] != b'*');
        // One that is parted may hold another, so less may be shown.
        prop_assert!(shown.count() <= 10);
        if !card.contains([' ', '-']) {
            prop_assert_eq!(&masked[..6], &card[..6]);
            prop_assert_eq!(&masked[masked.len() - 4..], &card[card.len() - 4..]);
        }
    }

    #[test]
    fn masking_again_changes_nothing(text in around()) {
        let once = masked(&text);
        prop_assert_eq!(once.len(), text.len());
        prop_assert_eq!(masked(&once), once);
    }

    #[test]
    fn masking_json_again_changes_nothing(name in "(cvv|id|note|callId)", text in around(), number: u64) {
        let mut once = value!({name: text, "list": [number, {"value": text, "name": "pin"}]});
        json(&mut once);
        let mut twice = once.clone();
        json(&mut twice);
        prop_assert_eq!(once, twice);
    }
}

#[test]
fn long_texts_of_any_kind_take_linear_time() {
    // Quadratic work over a megabyte would take hours.
    for piece in [
        "4",
        "4 ",
        "4111111111111111 ",
        "code ",
        "password=",
        "password:\"",
        "pin 1 ",
        "*",
        "411111******1111 ",
        "token=\\\"",
    ] {
        let long = piece.repeat(1_000_000 / piece.len());
        assert_eq!(masked(&long).len(), long.len());
    }
}

#[test]
fn addresses_and_telephone_numbers_are_masked_where_data_leaves() {
    for (text, expected) in [
        ("ann@example.com", "a**@example.com"),
        ("<ann.lee+x@mail.example>", "<a********@mail.example>"),
        ("a@b and é.x@c", "a@b and é**@c"),
        ("+4915112345678", "+***********78"),
        ("+1 (555) 010-0199", "+* (***) ***-**99"),
        ("(555) 010-0199", "(***) ***-**99"),
        ("0151 12345678", "**** ******78"),
        ("call 015112345678!", "call **********78!"),
        ("555-010-0199", "***-***-**99"),
        ("030/12345678", "***/******78"),
        ("card 4111 1111 1111 1111", "card 4111 11** **** 1111"),
    ] {
        assert_eq!(personal(text), expected);
        assert_eq!(personal(expected), expected, "masking again changes nothing");
        assert_eq!(
            masked(text).contains('*'),
            text.starts_with("card"),
            "{text} is left alone elsewhere"
        );
    }
}

#[test]
fn orders_dates_and_words_are_no_contacts() {
    for text in [
        "order 4711002233",
        "on 2026-11-21 at 09:30:00",
        "21.11.2026 09 Uhr",
        "2026-11-21T09:30:00.000Z",
        "10.0.0.1 and 192.168.100.200",
        "1 2 3 4 5",
        "x0151123456789",
        "mail me @ home",
        "@handle",
        "0b8f3c1e-7a52-4d0f-9c3b-2f6a1e5d4c7b",
    ] {
        assert_eq!(personal(text), text);
    }
}

#[test]
fn contacts_in_json_are_masked_but_not_identifiers() {
    let mut body =
        value!({"email": "ann@example.com", "phone": ["+4915112345678"], "id": "ann@example.com", "n": 7});
    personal_json(&mut body);
    assert_eq!(
        body,
        value!({"email": "a**@example.com", "phone": ["+***********78"], "id": "ann@example.com", "n": 7})
    );
}

proptest! {
    #[test]
    fn masked_contacts_keep_their_length_and_stay_masked(text in "[0-9 +()@a-zé.-]{0,60}") {
        let once = personal(&text).into_owned();
        prop_assert_eq!(once.len(), text.len());
        prop_assert_eq!(personal(&once), once.as_str());
    }
}
