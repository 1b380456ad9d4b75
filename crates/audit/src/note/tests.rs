//! Signed notes against the vectors of other implementations, and with faults.

use super::*;
use proptest::prelude::*;

/// The note and the key of Go's golang.org/x/mod/sumdb/note.
const GO_KEY: &str = "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW";
const GO_SECRET: &str = "AYEKFALVFGyNhPJEMzD1QIDr+Y7hfZx09iUvxdXHKDFz";
const GO_TEXT: &str =
    "If you think cryptography is the answer to your problem,\nthen you don't know what your problem is.\n";
const GO_SIGNATURE: &str = "\u{2014} PeterNeumann x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2pZSNXgKvqfqdngotpRZb6KE6RyyBwJnAM=\n";

fn go_note() -> String {
    format!("{GO_TEXT}\n{GO_SIGNATURE}")
}

fn key(seed: u8, name: &str) -> SigningKey {
    SigningKey::from_seed([seed; 32], name).unwrap()
}

#[test]
fn the_note_of_the_go_implementation_is_signed_and_verified() {
    let seed = STANDARD.decode(GO_SECRET).unwrap()[1..].try_into().unwrap();
    let signing = SigningKey::from_seed(seed, "PeterNeumann").unwrap();
    assert_eq!(signing.verifying_key().to_string(), GO_KEY);
    assert_eq!(signing.sign(GO_TEXT).unwrap(), go_note());

    let known = GO_KEY.parse().unwrap();
    assert_eq!(Note::parse(&go_note()).unwrap().verify(&[known]), Ok(GO_TEXT));
}

#[test]
fn a_changed_note_is_refused() {
    let known: VerifyingKey = GO_KEY.parse().unwrap();
    let changed = go_note().replace("answer", "Answer");
    let verified = Note::parse(&changed).unwrap();
    assert_eq!(
        verified.verify(&[known]),
        Err(NoteError::Signature("PeterNeumann".into()))
    );
}

#[test]
fn unknown_signatures_are_ignored_but_one_must_be_known() {
    let ours = key(1, "example.com/log");
    let note = ours.sign("text\n").unwrap();
    let with_others = format!("{note}{GO_SIGNATURE}");
    let note = Note::parse(&with_others).unwrap();
    assert_eq!(note.signatures().len(), 2);
    assert_eq!(note.verify(&[ours.verifying_key().clone()]), Ok("text\n"));

    let same_name = key(2, "example.com/log").verifying_key().clone();
    let same_key = key(1, "example.com/other").verifying_key().clone();
    assert_eq!(note.verify(&[same_name, same_key]), Err(NoteError::NoKnownKey));
    assert_eq!(note.verify(&[]), Err(NoteError::NoKnownKey));
}

#[test]
fn a_wrong_signature_of_a_known_key_is_not_made_good_by_another() {
    let ours = key(1, "example.com/log");
    let both = format!("{}{GO_SIGNATURE}", ours.sign("text\n").unwrap());
    let keys = [ours.verifying_key().clone(), GO_KEY.parse().unwrap()];
    assert_eq!(
        Note::parse(&both).unwrap().verify(&keys),
        Err(NoteError::Signature("PeterNeumann".into()))
    );
}

#[test]
fn text_may_have_blank_lines_but_not_control_characters() {
    let ours = key(1, "k");
    let note = ours.sign("one\n\ntwo\n").unwrap();
    let keys = [ours.verifying_key().clone()];
    assert_eq!(Note::parse(&note).unwrap().verify(&keys), Ok("one\n\ntwo\n"));
    assert_eq!(ours.sign("no newline"), Err(NoteError::Text));
    assert_eq!(ours.sign("a\tb\n"), Err(NoteError::Text));
    assert!(Note::parse(&note.replace("two", "t\two")).is_err());
}

#[test]
fn what_has_not_the_form_is_refused() {
    let line = GO_SIGNATURE.trim_end();
    let many = format!("text\n\n{}", GO_SIGNATURE.repeat(MAX_SIGNATURES + 1));
    for wrong in [
        "",
        "\n",
        "text\n",
        "text\n\n",
        "text\n\n\n",
        &format!("text\n{GO_SIGNATURE}"),
        &format!("text\n\n{line}"),
        &format!("text\n\n{GO_SIGNATURE}more\n"),
        "text\n\n\u{2014} name\n",
        "text\n\n\u{2014} name !!!!\n",
        "text\n\n\u{2014} name AAAAAA==\n",
        "text\n\n\u{2014}  AAAAAAA=\n",
        "text\n\n- name AAAAAAA=\n",
        &many,
        &" ".repeat(MAX_NOTE + 1),
    ] {
        assert!(Note::parse(wrong).is_err(), "{wrong:.60}");
    }
    assert!(Note::parse("text\n\n\u{2014} name AAAAAAA=\n").is_ok());
    assert!(Note::parse(&format!("text\n\n{}", GO_SIGNATURE.repeat(16))).is_ok());
}

#[test]
fn a_key_text_with_any_change_is_no_key() {
    for (at, _) in GO_KEY.char_indices() {
        let mut changed = GO_KEY.as_bytes().to_vec();
        changed[at] = if changed[at] == b'B' { b'C' } else { b'B' };
        let changed = String::from_utf8(changed).unwrap();
        assert!(changed.parse::<VerifyingKey>().is_err(), "{changed}");
        assert!(GO_KEY[..at].parse::<VerifyingKey>().is_err());
    }
    for name in ["", "a b", "a+b", "a\u{2003}b", "a\nb"] {
        assert!(SigningKey::from_seed([0; 32], name).is_err(), "{name:?}");
    }
}

#[test]
fn a_signing_key_shows_no_secret() {
    insta::assert_snapshot!(format!("{:?}", key(7, "example.com/log")), @r#"SigningKey { name: "example.com/log", .. }"#);
}

proptest! {
    #[test]
    fn no_text_brings_the_parsers_down(text in "(?s).{0,200}", note in "([a-z \n]|\u{2014} ){0,60}") {
        let _ = Note::parse(&text);
        let _ = Note::parse(&note);
        let _ = text.parse::<VerifyingKey>();
    }

    #[test]
    fn what_is_signed_verifies(text in "[^\\x00-\\x1f]{0,40}(\n[^\\x00-\\x1f]{0,20}){0,4}", seed: [u8; 32]) {
        let text = format!("{text}\n");
        let signing = SigningKey::from_seed(seed, "example.com/log").unwrap();
        let note = Note::parse(&signing.sign(&text).unwrap()).unwrap();
        let verifying: VerifyingKey = signing.verifying_key().to_string().parse().unwrap();
        prop_assert_eq!(note.verify(&[verifying]), Ok(text.as_str()));
    }

    #[test]
    fn a_flipped_bit_is_noticed(at in 0usize..200, bit in 0u8..8) {
        let known: VerifyingKey = GO_KEY.parse().unwrap();
        let mut bytes = go_note().into_bytes();
        let at = at % bytes.len();
        bytes[at] ^= 1 << bit;
        if let Ok(text) = String::from_utf8(bytes)
            && let Ok(note) = Note::parse(&text)
        {
            prop_assert!(note.verify(&[known]).is_err());
        }
    }
}
