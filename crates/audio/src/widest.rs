//! The widest vectors that the machine has, for loops over many samples.

use fearless_simd::{Level, Simd, dispatch};

/// Does the work compiled for the instructions of this machine, found out when it runs.
///
/// The work is to be a closure marked `#[inline(always)]`, and so is what it calls. Sums are in lanes that the code itself lays out, and no
/// product is fused with a sum, so the result is the same, bit by bit, on every machine.
#[inline(always)]
pub(crate) fn widest<R>(work: impl FnOnce() -> R) -> R {
    dispatch!(Level::new(), simd => simd.vectorize(work))
}
