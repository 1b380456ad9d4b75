//! Evidence that an entry is in a log, for somebody who does not have the log.

use crate::{
    checkpoint::{Checkpoint, CheckpointError},
    note::{Note, NoteError, VerifyingKey},
    proof::verify_inclusion,
    tree::{Hash, leaf_hash},
};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error as _};

/// An entry, the way from its hash to a root, and the signed checkpoint with that root. As JSON it is what
/// `trunkline audit prove` prints.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Evidence {
    /// The entry's index.
    pub index: u64,
    /// Its text, as it is hashed.
    pub leaf: String,
    /// The siblings on the way to the root, lowest first, in base64.
    #[serde(serialize_with = "to_base64", deserialize_with = "from_base64")]
    pub proof: Vec<Hash>,
    /// The signed note.
    pub checkpoint: String,
}

/// Why evidence does not hold.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum EvidenceError {
    /// The checkpoint is not to be trusted.
    #[error("the checkpoint is not to be trusted")]
    Note(#[from] NoteError),
    /// What was signed is no checkpoint.
    #[error("what was signed is no checkpoint")]
    Checkpoint(#[from] CheckpointError),
    /// The entry is not in the log that the checkpoint vouches for.
    #[error("entry {index} is not in the log of {size} entries that was signed, or not with this text")]
    NotIncluded {
        /// The entry.
        index: u64,
        /// The size of the log.
        size: u64,
    },
}

impl Evidence {
    /// Checks everything; gives the checkpoint that vouches for the entry.
    pub fn check(&self, keys: &[VerifyingKey]) -> Result<Checkpoint, EvidenceError> {
        let note = Note::parse(&self.checkpoint)?;
        let checkpoint = Checkpoint::parse(note.verify(keys)?)?;
        let leaf = leaf_hash(self.leaf.as_bytes());
        let (index, size) = (self.index, checkpoint.size());
        if verify_inclusion(&leaf, index, size, &self.proof, checkpoint.root()) {
            Ok(checkpoint)
        } else {
            Err(EvidenceError::NotIncluded { index, size })
        }
    }
}

fn to_base64<S: Serializer>(hashes: &[Hash], serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_seq(hashes.iter().map(|hash| STANDARD.encode(hash)))
}

fn from_base64<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<Hash>, D::Error> {
    let texts = Vec::<String>::deserialize(deserializer)?;
    let hash = |text: &String| STANDARD.decode(text).ok().and_then(|bytes| bytes.try_into().ok());
    let hashes: Option<Vec<Hash>> = texts.iter().map(hash).collect();
    hashes.ok_or_else(|| D::Error::custom("the proof must be base64 texts of 32 bytes"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{note::SigningKey, proof::Plan, proof::Read, tree::Frontier};

    fn evidence() -> (Evidence, VerifyingKey) {
        let leaves: Vec<String> = (0..7).map(|index| format!("{{\"index\":{index}}}")).collect();
        let hashes: Vec<Hash> = leaves.iter().map(|leaf| leaf_hash(leaf.as_bytes())).collect();
        let mut log = Frontier::default();
        for hash in &hashes {
            log.push(*hash);
        }
        let plan = Plan::inclusion(3, 7).unwrap();
        let read = |read: &Read| match *read {
            Read::Leaves { from, to } => hashes[from as usize..to as usize].to_vec(),
            Read::Tiles { .. } => Vec::new(),
        };
        let read: Vec<_> = plan.reads().iter().map(read).collect();
        let key = SigningKey::from_seed([3; 32], "example.com/audit").unwrap();
        let checkpoint = Checkpoint::new(key.name(), 7, log.root()).unwrap();
        let evidence = Evidence {
            index: 3,
            leaf: leaves[3].clone(),
            proof: plan.proof(&read).unwrap(),
            checkpoint: checkpoint.sign(&key).unwrap(),
        };
        (evidence, key.verifying_key().clone())
    }

    #[test]
    fn evidence_holds_and_survives_json() {
        let (evidence, key) = evidence();
        let text = serde_json::to_string(&evidence).unwrap();
        let again: Evidence = serde_json::from_str(&text).unwrap();
        assert_eq!(again, evidence);
        assert_eq!(again.check(&[key]).unwrap().size(), 7);
    }

    #[test]
    fn whatever_is_changed_it_no_longer_holds() {
        let (good, key) = evidence();
        let keys = [key];
        let not_included = EvidenceError::NotIncluded { index: 3, size: 7 };
        let changed = |change: fn(&mut Evidence)| {
            let mut changed = good.clone();
            change(&mut changed);
            changed.check(&keys).unwrap_err()
        };
        assert_eq!(changed(|evidence| evidence.leaf.push(' ')), not_included);
        assert_eq!(changed(|evidence| evidence.proof[1][5] ^= 1), not_included);
        assert_eq!(changed(|evidence| evidence.proof.truncate(1)), not_included);
        assert!(matches!(
            changed(|evidence| evidence.index = 2),
            EvidenceError::NotIncluded { .. }
        ));
        let forged = changed(|evidence| evidence.checkpoint = evidence.checkpoint.replace("\n7\n", "\n8\n"));
        assert!(
            matches!(forged, EvidenceError::Note(NoteError::Signature(_))),
            "{forged}"
        );
        assert_eq!(
            good.check(&[]).unwrap_err(),
            EvidenceError::Note(NoteError::NoKnownKey)
        );
    }
}
