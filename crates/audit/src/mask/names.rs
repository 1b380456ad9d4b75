//! Names of things that are secret.

/// What a name says of what follows it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// A code of some kind: digits near it are hidden. As a member's name it says too little.
    Vague,
    /// A code: digits near it are hidden.
    Code,
    /// A password: digits near it, and what is assigned to it.
    Password,
    /// A secret text: what is assigned to it.
    Secret,
}

/// Names of up to so many letters are looked at as a whole; of longer ones the end.
const MOST: usize = 24;

/// What a name says. Capitals, digits at its end and what is no letter do not matter: `CVV2`, `card_security_code`.
pub(super) fn kind(name: &str) -> Option<Kind> {
    let name = name.trim_end_matches(|c: char| c.is_ascii_digit());
    if !may_be_secret(name.as_bytes()) {
        return None;
    }
    // From the end, because long names count by their end.
    let mut letters = [0; MOST];
    let mut from = MOST;
    let parts = name.bytes().rev().filter(u8::is_ascii_alphanumeric);
    for (place, byte) in letters.iter_mut().rev().zip(parts) {
        *place = byte.to_ascii_lowercase();
        from -= 1;
    }
    kind_of(letters.get(from..).unwrap_or_default())
}

/// A quick look at the last two letters, for most names are not secret.
fn may_be_secret(name: &[u8]) -> bool {
    let Some([before, last]) = name.last_chunk() else {
        return false;
    };
    matches!(
        &[before | 0x20, last | 0x20],
        b"vv"
            | b"vc"
            | b"sc"
            | b"in"
            | b"er"
            | b"tp"
            | b"de"
            | b"rd"
            | b"wd"
            | b"se"
            | b"et"
            | b"en"
            | b"on"
            | b"ey"
    )
}

fn kind_of(name: &[u8]) -> Option<Kind> {
    match name {
        b"code" => return Some(Kind::Vague),
        b"csc" | b"pin" | b"pincode" | b"pinnumber" | b"cardpin" | b"userpin" | b"otp" | b"totp"
        | b"cardcode" | b"authcode" | b"accesscode" | b"smscode" | b"onetimecode" | b"activationcode"
        | b"confirmationcode" => {
            return Some(Kind::Code);
        }
        _ => {}
    }
    const ENDS: [(&[u8], Kind); 15] = [
        (b"cvv", Kind::Code),
        (b"cvc", Kind::Code),
        (b"passcode", Kind::Code),
        (b"securitycode", Kind::Code),
        (b"verificationcode", Kind::Code),
        (b"password", Kind::Password),
        (b"passwd", Kind::Password),
        (b"pwd", Kind::Password),
        (b"passphrase", Kind::Password),
        (b"secret", Kind::Secret),
        (b"token", Kind::Secret),
        (b"authorization", Kind::Secret),
        (b"apikey", Kind::Secret),
        (b"privatekey", Kind::Secret),
        (b"secretkey", Kind::Secret),
    ];
    let known = ENDS.iter().find(|(end, _)| name.ends_with(end));
    known.map(|(_, kind)| *kind)
}

/// Whether a member of this name is secret as a whole.
pub(super) fn is_secret(member: &str) -> bool {
    !matches!(kind(member), None | Some(Kind::Vague))
}

/// Whether a member of this name holds the id of something on the platform: `id`, `callId`, `call_id`, `participantIds`.
pub(super) fn is_identifier(member: &str) -> bool {
    let one = member.strip_suffix('s').unwrap_or(member);
    one.eq_ignore_ascii_case("id") || ["Id", "ID", "_id"].iter().any(|end| one.ends_with(end))
}

/// Words before "code" that make it a harmless one: an exit code, a country code.
pub(super) fn makes_code_harmless(word: &[u8]) -> bool {
    const HARMLESS: [&[u8]; 10] = [
        b"status",
        b"error",
        b"exit",
        b"response",
        b"http",
        b"result",
        b"country",
        b"area",
        b"zip",
        b"postal",
    ];
    HARMLESS
        .iter()
        .any(|harmless| word.eq_ignore_ascii_case(harmless))
}
