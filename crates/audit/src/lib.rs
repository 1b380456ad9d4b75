//! The audit log as a thing that can be proven, without any IO.
//!
//! An [`Entry`] says who did what to what, and how it came out. [`Entry::seal`] masks it, takes personal data out of it and leaves
//! salted commitments in its place; the text of the sealed entry with its index is a *leaf* of a Merkle tree
//! (RFC 6962, see [`tree`]), and a signed *checkpoint* vouches for the tree's size and root. So an entry that was changed,
//! removed or cut off is found, and erasing a person's data breaks nothing.

pub mod checkpoint;
pub mod entry;
pub mod evidence;
pub mod leaf;
pub mod mask;
pub mod note;
pub mod proof;
pub mod tree;
pub mod verify;

pub use entry::{Actor, Entry, Outcome, SealedEntry, Text};
