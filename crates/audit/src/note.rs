//! Signed notes: text that one or more keys signed, as <https://c2sp.org/signed-note> has it, with Ed25519.
//!
//! What a note says counts only after [`Note::verify`].

use base64::{Engine as _, engine::general_purpose::STANDARD};
use ring::signature::{ED25519, Ed25519KeyPair, KeyPair, UnparsedPublicKey};
use sha2::{Digest, Sha256};
use std::{fmt, str::FromStr};

/// The longest note that is read, in bytes. Signatures of other kinds can have 5 kB each.
pub const MAX_NOTE: usize = 256 * 1024;

/// Most signatures of a note that are read; the specification asks for 16 at least.
pub const MAX_SIGNATURES: usize = 64;

/// What stands before the key's name in a signature line.
const DASH: &str = "\u{2014} ";

/// The type of a signature, as it goes into the key's id: Ed25519.
const ED25519_TYPE: u8 = 1;

/// Why something is no key, no note, or not to be trusted.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NoteError {
    /// The name of a key can't be put into a note.
    #[error("the name of a key must not be empty and must have no spaces, control characters or `+`: {0:?}")]
    Name(String),
    /// A verifying key can't be read.
    #[error(
        "this is no verifying key; one looks like `example.com/log+0123abcd+` and base64 of an Ed25519 key"
    )]
    Key,
    /// The text to sign does not end in a newline, or has control characters.
    #[error("the text of a note must end in a newline and have no other control characters")]
    Text,
    /// It does not have the form of a signed note.
    #[error("this is no signed note: {0}")]
    Form(&'static str),
    /// A key that is known did not make the signature in its name.
    #[error("the signature in the name of {0} is wrong: the note was changed, or the key is another one")]
    Signature(String),
    /// Nobody who is known signed it.
    #[error("no key that is known has signed the note; give the verifying key of its log")]
    NoKnownKey,
}

/// Checks the name of a key.
fn check_name(name: &str) -> Result<(), NoteError> {
    let fits = |c: char| !c.is_whitespace() && !c.is_control() && c != '+';
    match !name.is_empty() && name.chars().all(fits) {
        true => Ok(()),
        false => Err(NoteError::Name(name.to_owned())),
    }
}

/// The key's id: it keeps keys of one name apart.
fn key_id(name: &str, public: &[u8]) -> [u8; 4] {
    let mut hash = Sha256::new();
    hash.update(name);
    hash.update([b'\n', ED25519_TYPE]);
    hash.update(public);
    let hash: [u8; 32] = hash.finalize().into();
    let [a, b, c, d, ..] = hash;
    [a, b, c, d]
}

/// A key that signs notes. Its `Debug` shows the name only.
pub struct SigningKey {
    pair: Ed25519KeyPair,
    verifying: VerifyingKey,
}

impl SigningKey {
    /// The key that a seed of 32 secret random bytes stands for, under a name such as `example.com/log`.
    pub fn from_seed(seed: [u8; 32], name: &str) -> Result<Self, NoteError> {
        let pair = Ed25519KeyPair::from_seed_unchecked(&seed).map_err(|_| NoteError::Key)?;
        let public = pair.public_key().as_ref();
        let public = public.try_into().map_err(|_| NoteError::Key)?;
        let verifying = VerifyingKey::new(name, public)?;
        Ok(Self { pair, verifying })
    }

    /// What verifies its signatures.
    pub fn verifying_key(&self) -> &VerifyingKey {
        &self.verifying
    }

    /// Its name.
    pub fn name(&self) -> &str {
        &self.verifying.name
    }

    /// The note: the text, which ends in a newline, a blank line and the signature line.
    pub fn sign(&self, text: &str) -> Result<String, NoteError> {
        if !text.ends_with('\n') || has_control(text) {
            return Err(NoteError::Text);
        }
        let mut signature = self.verifying.id.to_vec();
        signature.extend_from_slice(self.pair.sign(text.as_bytes()).as_ref());
        Ok(format!(
            "{text}\n{DASH}{} {}\n",
            self.name(),
            STANDARD.encode(signature)
        ))
    }
}

impl fmt::Debug for SigningKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SigningKey")
            .field("name", &self.name())
            .finish_non_exhaustive()
    }
}

/// A key that verifies notes. As text: `name+id+key`, the id in hexadecimal, the key in base64.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VerifyingKey {
    name: String,
    id: [u8; 4],
    public: [u8; 32],
}

impl VerifyingKey {
    /// An Ed25519 key (RFC 8032) under a name.
    pub fn new(name: &str, public: [u8; 32]) -> Result<Self, NoteError> {
        check_name(name)?;
        Ok(Self {
            name: name.to_owned(),
            id: key_id(name, &public),
            public,
        })
    }

    /// Its name.
    pub fn name(&self) -> &str {
        &self.name
    }

    fn made(&self, signature: &Signature) -> bool {
        self.name == signature.name && self.id == signature.key_id
    }

    fn verifies(&self, text: &str, signature: &Signature) -> bool {
        let key = UnparsedPublicKey::new(&ED25519, self.public);
        key.verify(text.as_bytes(), &signature.bytes).is_ok()
    }
}

impl fmt::Display for VerifyingKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut key = vec![ED25519_TYPE];
        key.extend_from_slice(&self.public);
        let id = u32::from_be_bytes(self.id);
        write!(f, "{}+{id:08x}+{}", self.name, STANDARD.encode(key))
    }
}

impl FromStr for VerifyingKey {
    type Err = NoteError;

    fn from_str(text: &str) -> Result<Self, NoteError> {
        // The base64 part may have a `+` of its own.
        let mut parts = text.splitn(3, '+');
        let (Some(name), Some(_), Some(key)) = (parts.next(), parts.next(), parts.next()) else {
            return Err(NoteError::Key);
        };
        let key = STANDARD.decode(key).map_err(|_| NoteError::Key)?;
        let public = match key.split_first() {
            Some((&ED25519_TYPE, public)) => public.try_into().map_err(|_| NoteError::Key)?,
            _ => return Err(NoteError::Key),
        };
        let key = Self::new(name, public)?;
        // So the id is checked, and that there is no other way to write the key.
        match key.to_string() == text {
            true => Ok(key),
            false => Err(NoteError::Key),
        }
    }
}

/// A signature of a note, not verified.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Signature {
    /// The name of the key that is said to have made it.
    pub name: String,
    /// That key's id.
    pub key_id: [u8; 4],
    /// The signature itself, of any kind.
    pub bytes: Vec<u8>,
}

/// A note as it was found; nothing in it is verified yet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Note {
    text: String,
    signatures: Vec<Signature>,
}

impl Note {
    /// Reads a note: text, a blank line, one or more signature lines.
    pub fn parse(note: &str) -> Result<Self, NoteError> {
        if note.len() > MAX_NOTE {
            return Err(NoteError::Form("it is too long"));
        }
        if has_control(note) {
            return Err(NoteError::Form("it has control characters"));
        }
        let blank = note
            .rfind("\n\n")
            .ok_or(NoteError::Form("it has no blank line"))?;
        let (text, signatures) = (&note[..=blank], &note[blank + 2..]);
        let lines = signatures
            .strip_suffix('\n')
            .ok_or(NoteError::Form("it does not end in a signature line"))?;
        if lines.split('\n').count() > MAX_SIGNATURES {
            return Err(NoteError::Form("it has too many signatures"));
        }
        Ok(Self {
            text: text.to_owned(),
            signatures: lines.split('\n').map(signature).collect::<Result<_, _>>()?,
        })
    }

    /// Its signatures, verified or not.
    pub fn signatures(&self) -> &[Signature] {
        &self.signatures
    }

    /// The text, once a known key turns out to have signed it. Signatures of other keys are ignored; a wrong one in the
    /// name of a known key condemns the note.
    pub fn verify(&self, keys: &[VerifyingKey]) -> Result<&str, NoteError> {
        let mut signed = false;
        for signature in &self.signatures {
            let mut makers = keys.iter().filter(|key| key.made(signature)).peekable();
            if makers.peek().is_none() {
                continue;
            }
            if !makers.any(|key| key.verifies(&self.text, signature)) {
                return Err(NoteError::Signature(signature.name.clone()));
            }
            signed = true;
        }
        match signed {
            true => Ok(&self.text),
            false => Err(NoteError::NoKnownKey),
        }
    }
}

fn has_control(text: &str) -> bool {
    text.bytes().any(|byte| byte < b' ' && byte != b'\n')
}

/// Reads `— name base64`.
fn signature(line: &str) -> Result<Signature, NoteError> {
    const FORM: NoteError = NoteError::Form("a signature line is not `\u{2014} name base64`");
    let (name, encoded) = line
        .strip_prefix(DASH)
        .and_then(|rest| rest.split_once(' '))
        .ok_or(FORM)?;
    check_name(name)?;
    let bytes = STANDARD.decode(encoded).map_err(|_| FORM)?;
    match bytes.split_first_chunk() {
        Some((key_id, bytes)) if !bytes.is_empty() => Ok(Signature {
            name: name.to_owned(),
            key_id: *key_id,
            bytes: bytes.to_vec(),
        }),
        _ => Err(FORM),
    }
}

#[cfg(test)]
mod tests;
