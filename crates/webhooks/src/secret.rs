//! The secrets that webhooks are signed with.

use base64::{Engine, prelude::BASE64_STANDARD};
use secrecy::{ExposeSecret, SecretString, zeroize::Zeroize};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use std::{fmt, ops::RangeInclusive, str::FromStr};

/// What a secret begins with.
const PREFIX: &str = "whsec_";
/// How many bytes a secret has (Standard Webhooks 1.0.0).
const SIZE: RangeInclusive<usize> = 24..=64;

/// A secret that two parties share: `whsec_` and the base64 of 24 to 64 random bytes. Each endpoint has its own.
///
/// ```
/// use webhooks::Secret;
///
/// let secret = Secret::generate(&[7; 32]);
/// assert_eq!(secret.expose().len(), 50);
/// assert_eq!(format!("{secret:?}"), "Secret");
/// assert_eq!(secret.expose().parse::<Secret>().unwrap(), secret);
/// assert_eq!(
///     "whsec_c2hvcnQ=".parse::<Secret>().unwrap_err().to_string(),
///     "the secret has 5 bytes; it must have 24 to 64"
/// );
/// ```
#[derive(Clone)]
pub struct Secret(SecretString);

/// Why a text is no [`Secret`]. It does not quote the text.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum SecretFault {
    /// It begins with something else.
    #[error("the secret does not begin with {PREFIX}; copy it whole")]
    Prefix,
    /// It is not base64 with padding.
    #[error("what follows {PREFIX} is not base64 (letters, digits, + and /, padded with =); copy it whole")]
    Base64,
    /// It is too short or too long.
    #[error("the secret has {0} bytes; it must have 24 to 64")]
    Size(usize),
}

impl Secret {
    /// A new secret of 32 bytes, which must come from the system's source of randomness.
    pub fn generate(random: &[u8; 32]) -> Self {
        Self(format!("{PREFIX}{}", BASE64_STANDARD.encode(random)).into())
    }

    /// The secret as text, for the one who configures the other side.
    pub fn expose(&self) -> &str {
        self.0.expose_secret()
    }
}

impl FromStr for Secret {
    type Err = SecretFault;

    fn from_str(text: &str) -> Result<Self, SecretFault> {
        let encoded = text.strip_prefix(PREFIX).ok_or(SecretFault::Prefix)?;
        let mut bytes = BASE64_STANDARD.decode(encoded).map_err(|_| SecretFault::Base64)?;
        let size = bytes.len();
        bytes.zeroize();
        if !SIZE.contains(&size) {
            return Err(SecretFault::Size(size));
        }
        Ok(Self(text.into()))
    }
}

impl PartialEq for Secret {
    fn eq(&self, other: &Self) -> bool {
        use subtle::ConstantTimeEq as _;
        self.expose().as_bytes().ct_eq(other.expose().as_bytes()).into()
    }
}

impl Eq for Secret {}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret")
    }
}

/// In the store a secret is text, as it must be had to sign.
impl Serialize for Secret {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.expose())
    }
}

impl<'de> Deserialize<'de> for Secret {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = SecretString::deserialize(deserializer)?;
        text.expose_secret().parse().map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn fault(text: &str) -> SecretFault {
        text.parse::<Secret>().unwrap_err()
    }

    #[test]
    fn a_secret_has_a_prefix_and_24_to_64_bytes_of_base64() {
        let of = |bytes: usize| format!("whsec_{}", BASE64_STANDARD.encode(vec![1; bytes]));
        for size in 24..=64 {
            assert_eq!(of(size).parse::<Secret>().unwrap().expose(), of(size));
        }
        assert_eq!(fault(&of(23)), SecretFault::Size(23));
        assert_eq!(fault(&of(65)), SecretFault::Size(65));
        assert_eq!(fault("whsec_"), SecretFault::Size(0));
        assert_eq!(fault(""), SecretFault::Prefix);
        assert_eq!(fault(&of(32)[6..]), SecretFault::Prefix);
        assert_eq!(fault(&format!("{} ", of(32))), SecretFault::Base64);
        assert_eq!(fault(of(32).trim_end_matches('=')), SecretFault::Base64);
    }

    #[test]
    fn a_fault_does_not_quote_the_secret() {
        let error = serde_json::from_str::<Secret>("\"whsec_hunter2!\"").unwrap_err();
        assert!(!error.to_string().contains("hunter2"), "{error}");
    }

    proptest! {
        #[test]
        fn any_text_is_a_secret_or_a_fault(text in "(whsec_)?[A-Za-z0-9+/=_-]{0,100}") {
            if let Ok(secret) = text.parse::<Secret>() {
                prop_assert_eq!(secret.expose(), text);
            }
        }
    }
}
