//! A key of a telephone.

use std::fmt;

/// Rows by columns, as on the telephone.
const KEYS: [[char; 4]; 4] = [
    ['1', '2', '3', 'A'],
    ['4', '5', '6', 'B'],
    ['7', '8', '9', 'C'],
    ['*', '0', '#', 'D'],
];

/// The frequencies of the rows, in hertz (ITU-T Q.23).
pub(super) const LOW: [u32; 4] = [697, 770, 852, 941];
/// The frequencies of the columns, in hertz.
pub(super) const HIGH: [u32; 4] = [1209, 1336, 1477, 1633];

/// A key: `0`-`9`, `*`, `#`, `A`-`D`.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Key {
    row: u8,
    column: u8,
}

impl Key {
    /// The key with this sign (small letters too); `None` when no key has it.
    pub fn new(sign: char) -> Option<Key> {
        Key::all().find(|key| key.sign() == sign.to_ascii_uppercase())
    }

    /// All sixteen, row by row.
    pub fn all() -> impl Iterator<Item = Key> {
        (0..16).map(|n| Key::at(n / 4, n % 4))
    }

    /// What is printed on it.
    pub fn sign(self) -> char {
        KEYS[usize::from(self.row)][usize::from(self.column)]
    }

    /// Its two frequencies in hertz: that of the row, then that of the column.
    pub fn frequencies(self) -> (u32, u32) {
        (LOW[usize::from(self.row)], HIGH[usize::from(self.column)])
    }

    /// The key in a row and a column, each taken modulo 4.
    pub(super) fn at(row: usize, column: usize) -> Key {
        Key {
            row: (row % 4) as u8,
            column: (column % 4) as u8,
        }
    }
}

impl fmt::Debug for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Key({})", self.sign())
    }
}

impl fmt::Display for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.sign())
    }
}
