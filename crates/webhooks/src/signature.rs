//! Standard Webhooks 1.0.0: the three headers, made and checked.

use crate::secret::Secret;
use http::{HeaderMap, HeaderValue};
use standardwebhooks::Webhook;
use std::time::Duration;
use subtle::{Choice, ConstantTimeEq};
use wire::UtcTime;

/// The message's id: the same in every attempt, and the receiver's key against repeats.
pub const ID: &str = "webhook-id";
/// When the attempt was made, in whole seconds since 1970.
pub const TIMESTAMP: &str = "webhook-timestamp";
/// The signatures, separated by spaces: `v1,` and base64 of HMAC-SHA256 over `id.timestamp.body`.
pub const SIGNATURE: &str = "webhook-signature";

/// How far the sender's clock may be from ours unless told otherwise.
pub const TOLERANCE: Duration = Duration::from_secs(5 * 60);

/// The longest id that is accepted, in bytes.
const LONGEST_ID: usize = 128;
/// The longest timestamp that is accepted, in digits; it lasts until the year 33658.
const LONGEST_TIMESTAMP: usize = 12;
/// The longest signature header that is accepted, in bytes: about 80 signatures.
const LONGEST_SIGNATURE: usize = 4096;

/// What a valid signature vouches for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Verified {
    /// The message's id.
    pub id: String,
    /// When it was sent, in seconds since 1970.
    pub timestamp: i64,
}

/// Why a request is not taken as genuine. For logs: the sender is told nothing of it, so that it can't be probed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum SignatureError {
    /// A header is not there.
    #[error("the header {0} is missing")]
    Missing(&'static str),
    /// A header is there more than once, so that it is not clear which one counts.
    #[error("the header {0} is there more than once")]
    Repeated(&'static str),
    /// A header is empty, too long, or not written as it must be.
    #[error("the header {0} is malformed")]
    Malformed(&'static str),
    /// No signature is that of any of the secrets: it was made with another one, or something was changed on the way.
    #[error("no signature fits; compare the secret with the sender's")]
    Wrong,
    /// The signature is right, but it was made too long ago: a replay, a slow network, or a clock that is wrong.
    #[error("the signature is {0} s old, which is too old; if the sender just sent it, compare the clocks")]
    TooOld(i64),
    /// The signature is right, but from the future.
    #[error("the signature is from {0} s in the future; compare the clocks")]
    TooNew(i64),
}

/// Why something can't be signed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SignError {
    /// The id can't stand in the signed text.
    #[error("{0:?} can't be a message's id: 1 to {LONGEST_ID} visible ASCII characters without a full stop")]
    Id(String),
    /// There is nothing to sign with.
    #[error("there is no secret to sign with")]
    NoSecret,
    /// The library for signatures refuses.
    #[error("the message can't be signed: {0}")]
    Failed(String),
}

/// The headers of a message: one signature per secret, so that a receiver that knows any of them can verify it.
///
/// ```
/// use std::time::Duration;
/// use webhooks::{Secret, SignatureError, sign, verify};
///
/// let (old, new) = (Secret::generate(&[1; 32]), Secret::generate(&[2; 32]));
/// let sent = "2026-11-21T09:30:00Z".parse()?;
/// let headers = sign("msg_1", sent, r#"{"type":"ping"}"#, &[new.clone(), old.clone()])?;
///
/// let tolerance = Duration::from_secs(300);
/// let verified = verify(&headers, br#"{"type":"ping"}"#, &[old], sent, tolerance)?;
/// assert_eq!(verified.id, "msg_1");
/// let tampered = verify(&headers, br#"{"type":"pong"}"#, &[new], sent, tolerance);
/// assert_eq!(tampered, Err(SignatureError::Wrong));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn sign(id: &str, sent: UtcTime, body: &str, secrets: &[Secret]) -> Result<HeaderMap, SignError> {
    let bad_id = || SignError::Id(id.chars().take(LONGEST_ID).collect());
    if !is_id(id) {
        return Err(bad_id());
    }
    if secrets.is_empty() {
        return Err(SignError::NoSecret);
    }
    let timestamp = sent.timestamp().as_second();
    let signatures: Result<Vec<String>, _> = secrets
        .iter()
        .map(|secret| Webhook::new(secret.expose())?.sign(id, timestamp, body.as_bytes()))
        .collect();
    let failed = |error: &dyn std::error::Error| SignError::Failed(error.to_string());
    let signatures = signatures.map_err(|error| failed(&error))?.join(" ");
    let signatures = HeaderValue::try_from(signatures).map_err(|error| failed(&error))?;
    let mut headers = HeaderMap::with_capacity(3);
    headers.insert(ID, HeaderValue::from_str(id).map_err(|_| bad_id())?);
    headers.insert(TIMESTAMP, timestamp.into());
    headers.insert(SIGNATURE, signatures);
    Ok(headers)
}

/// Checks a message by its headers: one of the signatures must be that of one of the secrets, and not older or newer than
/// the tolerance allows. Versions other than v1 are passed over. The comparison takes the same time wherever texts differ.
pub fn verify(
    headers: &HeaderMap,
    body: &[u8],
    secrets: &[Secret],
    now: UtcTime,
    tolerance: Duration,
) -> Result<Verified, SignatureError> {
    let id = only(headers, ID)?;
    let timestamp = only(headers, TIMESTAMP)?;
    let given = only(headers, SIGNATURE)?;
    if !is_id(id) {
        return Err(SignatureError::Malformed(ID));
    }
    let timestamp = seconds(timestamp).ok_or(SignatureError::Malformed(TIMESTAMP))?;
    if given.len() > LONGEST_SIGNATURE {
        return Err(SignatureError::Malformed(SIGNATURE));
    }
    if !is_signed(id, timestamp, body, given, secrets) {
        return Err(SignatureError::Wrong);
    }
    // After the signature, so that the log can tell a replay from a forgery.
    check_age(now.timestamp().as_second().saturating_sub(timestamp), tolerance)?;
    Ok(Verified {
        id: id.to_owned(),
        timestamp,
    })
}

fn is_signed(id: &str, timestamp: i64, body: &[u8], given: &str, secrets: &[Secret]) -> bool {
    let mut found = Choice::from(0);
    for secret in secrets {
        let right = Webhook::new(secret.expose()).and_then(|key| key.sign(id, timestamp, body));
        // A body that is not UTF-8 can't be signed by this scheme, so no signature of it is right.
        let Ok(right) = right else { return false };
        for given in given.split(' ').filter(|given| given.starts_with("v1,")) {
            found |= given.as_bytes().ct_eq(right.as_bytes());
        }
    }
    found.into()
}

fn check_age(age: i64, tolerance: Duration) -> Result<(), SignatureError> {
    let tolerance = i64::try_from(tolerance.as_secs()).unwrap_or(i64::MAX);
    if age > tolerance {
        Err(SignatureError::TooOld(age))
    } else if age < tolerance.saturating_neg() {
        Err(SignatureError::TooNew(age.saturating_neg()))
    } else {
        Ok(())
    }
}

/// The text of a header that must be there once.
fn only<'a>(headers: &'a HeaderMap, name: &'static str) -> Result<&'a str, SignatureError> {
    let mut values = headers.get_all(name).iter();
    let value = values.next().ok_or(SignatureError::Missing(name))?;
    if values.next().is_some() {
        return Err(SignatureError::Repeated(name));
    }
    value.to_str().map_err(|_| SignatureError::Malformed(name))
}

/// A full stop is what separates the parts of the signed text: in an id it would let parts be moved.
pub(crate) fn is_id(id: &str) -> bool {
    (1..=LONGEST_ID).contains(&id.len()) && id.bytes().all(|byte| byte.is_ascii_graphic() && byte != b'.')
}

/// Seconds in the one spelling that is signed: digits alone, and no zero in front.
fn seconds(text: &str) -> Option<i64> {
    let plain = text.len() <= LONGEST_TIMESTAMP && text.bytes().all(|byte| byte.is_ascii_digit());
    let spelt = plain && (text == "0" || !text.starts_with('0'));
    spelt.then(|| text.parse().ok()).flatten()
}

#[cfg(test)]
mod tests;
