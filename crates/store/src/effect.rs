//! The short name of an effect in the database.

use crate::EffectKey;
use sha2::{Digest, Sha256};

/// The first 16 bytes of SHA-256 over source, event and step, each after its length, so that no two keys run together.
pub(crate) fn effect_hash(key: &EffectKey) -> [u8; 16] {
    let mut hash = Sha256::new();
    for part in [&key.source, &key.event, &key.step] {
        hash.update((part.len() as u64).to_be_bytes());
        hash.update(part);
    }
    let mut short = [0; 16];
    short.copy_from_slice(&hash.finalize()[..16]);
    short
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(source: &str, event: &str, step: &str) -> EffectKey {
        EffectKey {
            source: source.into(),
            event: event.into(),
            step: step.into(),
        }
    }

    #[test]
    fn parts_do_not_run_together() {
        let first = effect_hash(&key("a", "bc", "d"));
        assert_eq!(first, effect_hash(&key("a", "bc", "d")));
        for other in [
            key("ab", "c", "d"),
            key("a", "b", "cd"),
            key("", "abc", "d"),
            key("d", "bc", "a"),
        ] {
            assert_ne!(first, effect_hash(&other), "{other:?}");
        }
    }
}
