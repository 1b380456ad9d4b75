//! Checkpoints: a signed statement of how many entries a log has, and what their root is
//! (<https://c2sp.org/tlog-checkpoint>).
//!
//! ```
//! use audit::{checkpoint::Checkpoint, note::SigningKey, tree::Frontier};
//!
//! let key = SigningKey::from_seed([7; 32], "example.com/audit")?;
//! let log = Frontier::default();
//! let note = Checkpoint::new(key.name(), log.size(), log.root())?.sign(&key)?;
//!
//! let known = key.verifying_key().to_string().parse()?;
//! let checkpoint = Checkpoint::open(&note, "example.com/audit", &[known])?;
//! assert_eq!(checkpoint.size(), 0);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

use crate::{
    note::{Note, NoteError, SigningKey, VerifyingKey},
    tree::Hash,
};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use std::fmt;

/// Why a note is no checkpoint of a log.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CheckpointError {
    /// It is no note, or not to be trusted.
    #[error(transparent)]
    Note(#[from] NoteError),
    /// What it says has not the form of a checkpoint.
    #[error("this is no checkpoint: {0}")]
    Form(&'static str),
    /// It is the checkpoint of another log.
    #[error("this is a checkpoint of {found:?}, not of {expected:?}")]
    Origin {
        /// The log that is meant.
        expected: String,
        /// The log it is of.
        found: String,
    },
}

/// How many entries a log has, and what their root is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Checkpoint {
    origin: String,
    size: u64,
    root: Hash,
}

impl Checkpoint {
    /// A checkpoint of the log `origin`, which is best called like the key that signs: `example.com/audit`.
    pub fn new(origin: &str, size: u64, root: Hash) -> Result<Self, CheckpointError> {
        match origin.is_empty() || origin.chars().any(char::is_control) {
            true => Err(CheckpointError::Form(
                "its origin is empty or has control characters",
            )),
            false => Ok(Self {
                origin: origin.to_owned(),
                size,
                root,
            }),
        }
    }

    /// Which log.
    pub fn origin(&self) -> &str {
        &self.origin
    }

    /// How many entries.
    pub fn size(&self) -> u64 {
        self.size
    }

    /// The root over them.
    pub fn root(&self) -> &Hash {
        &self.root
    }

    /// The signed note that states it.
    pub fn sign(&self, key: &SigningKey) -> Result<String, NoteError> {
        key.sign(&self.to_string())
    }

    /// Reads a signed note that one of the keys must have signed, of the log `origin`.
    pub fn open(note: &str, origin: &str, keys: &[VerifyingKey]) -> Result<Self, CheckpointError> {
        let note = Note::parse(note)?;
        let checkpoint = Self::parse(note.verify(keys)?)?;
        match checkpoint.origin == origin {
            true => Ok(checkpoint),
            false => Err(CheckpointError::Origin {
                expected: origin.to_owned(),
                found: checkpoint.origin,
            }),
        }
    }

    /// Reads the text of a note that was verified. Lines that extend a checkpoint are ignored.
    pub fn parse(text: &str) -> Result<Self, CheckpointError> {
        let form = CheckpointError::Form;
        let body = text
            .strip_suffix('\n')
            .ok_or(form("it does not end in a newline"))?;
        let mut lines = body.split('\n');
        let (Some(origin), Some(size), Some(root)) = (lines.next(), lines.next(), lines.next()) else {
            return Err(form("it has less than three lines"));
        };
        if lines.any(str::is_empty) {
            return Err(form("it has an empty line"));
        }
        let size = decimal(size).ok_or(form("its size is no number"))?;
        let root = STANDARD.decode(root).ok().and_then(|root| root.try_into().ok());
        Self::new(
            origin,
            size,
            root.ok_or(form("its root is not base64 of 32 bytes"))?,
        )
    }
}

/// The text that is signed.
impl fmt::Display for Checkpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(
            f,
            "{}\n{}\n{}",
            self.origin,
            self.size,
            STANDARD.encode(self.root)
        )
    }
}

/// A number that is written in the one way there is: no sign, no leading zeros.
fn decimal(text: &str) -> Option<u64> {
    let number: u64 = text.parse().ok()?;
    (number.to_string() == text).then_some(number)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tree::{Frontier, leaf_hash};
    use proptest::prelude::*;

    const NAME: &str = "trunkline.example/audit";
    /// Made with Python's `cryptography` 48: the seed is the bytes 0 to 31, the log has the one entry `one`.
    const KEY: &str = "trunkline.example/audit+332d7a62+AQOhB7/zzhC+HXDdGOdLwJln5NYwm6UNXx3chmQSVTG4";
    const NOTE: &str = "trunkline.example/audit\n1\n0Nc2CrefWKseHj/mStd+LqC8B+NrX0btIiPt2SmN+ek=\n\n\
        \u{2014} trunkline.example/audit My16Ysnj724no3ki2BkqCMJ8LU2pkYk2yJdRkk+cRCEUv+K3oJAhw6tD4/To56yiu4J64b1SilVpGNOSWNMVvjWa8gc=\n";

    fn key() -> SigningKey {
        SigningKey::from_seed(std::array::from_fn(|n| n as u8), NAME).unwrap()
    }

    fn checkpoint() -> Checkpoint {
        let mut log = Frontier::default();
        log.push(leaf_hash(b"one"));
        Checkpoint::new(NAME, log.size(), log.root()).unwrap()
    }

    #[test]
    fn another_implementation_signs_the_same_note() {
        assert_eq!(key().verifying_key().to_string(), KEY);
        assert_eq!(checkpoint().sign(&key()).unwrap(), NOTE);
        assert_eq!(
            Checkpoint::open(NOTE, NAME, &[KEY.parse().unwrap()]),
            Ok(checkpoint())
        );
    }

    #[test]
    fn the_example_of_the_specification_is_read() {
        let text = "example.com/behind-the-sofa\n20852163\nCsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=\n";
        let checkpoint = Checkpoint::parse(text).unwrap();
        assert_eq!(checkpoint.size(), 20_852_163);
        assert_eq!(checkpoint.to_string(), text);
        assert_eq!(Checkpoint::parse(&format!("{text}extension\n")), Ok(checkpoint));
    }

    #[test]
    fn the_checkpoint_of_another_log_is_refused() {
        let other = Checkpoint::new("another log", 1, [0; 32])
            .unwrap()
            .sign(&key())
            .unwrap();
        let error = Checkpoint::open(&other, NAME, &[KEY.parse().unwrap()]).unwrap_err();
        insta::assert_snapshot!(error, @r#"this is a checkpoint of "another log", not of "trunkline.example/audit""#);
    }

    #[test]
    fn what_has_not_the_form_is_refused() {
        let root = "0Nc2CrefWKseHj/mStd+LqC8B+NrX0btIiPt2SmN+ek=";
        for wrong in [
            String::new(),
            format!("o\n1\n{root}"),
            "o\n1\n".into(),
            format!("\n1\n{root}\n"),
            format!("o\n01\n{root}\n"),
            format!("o\n+1\n{root}\n"),
            format!("o\n-1\n{root}\n"),
            format!("o\n18446744073709551616\n{root}\n"),
            format!("o\n1\n{}\n", &root[4..]),
            format!("o\n1\n{root}=\n"),
            format!("o\n1\n{root}\n\n"),
        ] {
            assert!(Checkpoint::parse(&wrong).is_err(), "{wrong:?}");
        }
        assert!(Checkpoint::new("", 0, [0; 32]).is_err());
        assert!(Checkpoint::new("a\nb", 0, [0; 32]).is_err());
    }

    proptest! {
        #[test]
        fn no_text_brings_the_parser_down(text in "(?s).{0,200}", near in "[a-z]{0,3}\n[0-9]{0,22}\n[a-zA-Z0-9+/=]{0,48}\n") {
            let _ = Checkpoint::parse(&text);
            if let Ok(checkpoint) = Checkpoint::parse(&near) {
                prop_assert_eq!(checkpoint.to_string(), near);
            }
        }

        #[test]
        fn what_is_signed_is_opened(size: u64, root: Hash) {
            let made = Checkpoint::new(NAME, size, root).unwrap();
            let note = made.sign(&key()).unwrap();
            prop_assert_eq!(Checkpoint::open(&note, NAME, &[key().verifying_key().clone()]), Ok(made));
        }
    }
}
