//! The audit log as a thing that can be proven, without any IO.
//!
//! An [`Entry`] says who did what to what, and how it came out. [`Entry::seal`] [masks](mask) it, takes personal data out of
//! it and leaves salted commitments in its place; the text of the sealed entry with its index is a *leaf* of a Merkle tree
//! (RFC 6962, see [`tree`]), and a signed [*checkpoint*](checkpoint) vouches for the tree's size and root. So an entry that
//! was changed, removed or cut off is found ([`verify`]), what is in the log can be proven to others ([`proof`]), and erasing
//! a person's data breaks nothing.
//!
//! ```
//! use audit::{Actor, Entry, Outcome, checkpoint::Checkpoint, note::SigningKey, tree::{Frontier, leaf_hash}};
//!
//! let entry = Entry {
//!     at: "2026-11-21T09:30:00.000Z".parse()?,
//!     actor: Actor::Menu,
//!     action: "menu.key".into(),
//!     subject: Some("call-1".into()),
//!     correlation: None,
//!     outcome: Outcome::Success,
//!     detail: [("said".to_owned(), "my pin is 1234".into())].into_iter().collect(),
//!     personal: vec![("ani".into(), "+15550100".into())],
//! };
//! // The salt is random in earnest.
//! let sealed = entry.seal(|| [7; 16]);
//! assert!(sealed.body.contains("my pin is ****") && !sealed.body.contains("+15550100"));
//!
//! let mut log = Frontier::default();
//! let leaf = sealed.leaf(log.size());
//! log.push(leaf_hash(leaf.as_bytes()));
//!
//! let key = SigningKey::from_seed([7; 32], "example.com/audit")?;
//! let note = Checkpoint::new(key.name(), log.size(), log.root())?.sign(&key)?;
//! assert!(note.starts_with("example.com/audit\n1\n"));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

pub mod checkpoint;
pub mod entry;
pub mod export;
pub mod leaf;
pub mod mask;
pub mod note;
pub mod proof;
pub mod tree;
pub mod verify;

pub use entry::{Actor, Entry, Outcome, SealedEntry, Text};
pub use leaf::ParsedLeaf;
