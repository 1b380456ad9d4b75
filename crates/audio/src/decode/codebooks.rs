//! The codebooks of Vorbis (Vorbis I, section 3.2.1), walked before the decoder sees them: it takes the memory that they declare,
//! and a few bytes can declare megabytes.

use super::DecodeError;
use symphonia::core::errors::Error as Symphonia;

/// Most entries of one codebook. Encoders use some 7,000.
const MAX_ENTRIES: u64 = 32_768;
/// Most entries of all codebooks: the trees of their code words take up to 700 bytes each. Encoders use up to 20,000.
const MAX_ALL_ENTRIES: u64 = 131_072;
/// Most numbers (entries times dimensions) of all codebooks: 4 bytes each. Encoders use up to 90,000.
const MAX_NUMBERS: u64 = 1_000_000;
/// Before each codebook.
const SYNC: u32 = 0x56_43_42;
/// Kind of packet and `vorbis`.
const PREFIX_BYTES: usize = 7;

/// Judges a setup packet, by all its codebooks together.
pub(super) fn judge(setup: &[u8]) -> Result<(), DecodeError> {
    let unreadable = || DecodeError::Damaged(Symphonia::DecodeError("the Vorbis codebooks cannot be read"));
    let mut bits = Bits {
        bytes: setup.get(PREFIX_BYTES..).ok_or_else(unreadable)?,
        at: 0,
    };
    let count = bits.take(8).ok_or_else(unreadable)? + 1;
    let (mut all, mut numbers) = (0, 0);
    for _ in 0..count {
        let size = Size::read(&mut bits).ok_or_else(unreadable)?;
        let entries = u64::from(size.entries);
        all += entries;
        numbers += entries * u64::from(size.dimensions);
        if entries > MAX_ENTRIES || all > MAX_ALL_ENTRIES || numbers > MAX_NUMBERS {
            return Err(DecodeError::Codebooks {
                entries: all,
                numbers,
            });
        }
        size.skip_rest(&mut bits).ok_or_else(unreadable)?;
    }
    Ok(())
}

/// What a codebook begins with.
struct Size {
    dimensions: u32,
    entries: u32,
}

impl Size {
    fn read(bits: &mut Bits<'_>) -> Option<Self> {
        bits.take(24).filter(|sync| *sync == SYNC)?;
        Some(Self {
            dimensions: bits.take(16)?,
            entries: bits.take(24)?,
        })
    }

    /// Goes on to behind the codebook; it must have been judged.
    fn skip_rest(&self, bits: &mut Bits<'_>) -> Option<()> {
        let ordered = bits.take(1)? == 1;
        if ordered {
            self.skip_ordered(bits)?;
        } else {
            self.skip_lengths(bits)?;
        }
        let numbers = match bits.take(4)? {
            0 => return Some(()),
            1 => lattice(self.entries, self.dimensions),
            2 => self.entries * self.dimensions,
            _ => return None,
        };
        // The smallest number and the step between two.
        bits.skip(64)?;
        let width = bits.take(4)? + 1;
        bits.skip(1)?;
        bits.skip(numbers as usize * width as usize)
    }

    /// A length of code word for each entry, or for each that is used.
    fn skip_lengths(&self, bits: &mut Bits<'_>) -> Option<()> {
        let sparse = bits.take(1)? == 1;
        for _ in 0..self.entries {
            if !sparse || bits.take(1)? == 1 {
                bits.skip(5)?;
            }
        }
        Some(())
    }

    /// How many entries each length has, in rising order.
    fn skip_ordered(&self, bits: &mut Bits<'_>) -> Option<()> {
        bits.skip(5)?;
        let mut left = self.entries;
        // Code words have up to 32 bits.
        for _ in 0..32 {
            left = left.checked_sub(bits.take(32 - left.leading_zeros())?)?;
            if left == 0 {
                return Some(());
            }
        }
        None
    }
}

/// The greatest number whose power of so many dimensions is no more than the entries.
fn lattice(entries: u32, dimensions: u32) -> u32 {
    let fits = |value: u32| {
        value
            .checked_pow(dimensions)
            .is_some_and(|power| power <= entries)
    };
    // Of one dimension it is all of them; of two it is at most 181 here.
    match dimensions {
        0 => 0,
        1 => entries,
        _ => (1..=entries).take_while(|value| fits(*value)).last().unwrap_or(0),
    }
}

/// Bits, least significant first.
struct Bits<'a> {
    bytes: &'a [u8],
    /// In bits.
    at: usize,
}

impl Bits<'_> {
    /// At most 32.
    fn take(&mut self, count: u32) -> Option<u32> {
        let mut value = 0;
        for bit in 0..count {
            let byte = *self.bytes.get(self.at / 8)?;
            value |= u32::from(byte >> (self.at % 8) & 1) << bit;
            self.at += 1;
        }
        Some(value)
    }

    fn skip(&mut self, count: usize) -> Option<()> {
        self.at = self.at.checked_add(count)?;
        (self.at <= self.bytes.len() * 8).then_some(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_lattice_is_that_of_the_specification() {
        for (entries, dimensions, wanted) in [
            (0, 1, 0),
            (6561, 8, 3),
            (361, 2, 19),
            (360, 2, 18),
            (100, 1, 100),
            (3, 9, 1),
        ] {
            assert_eq!(lattice(entries, dimensions), wanted, "{entries} {dimensions}");
        }
    }

    /// The decoder reckons in floating point. Where it would come to another number, the walk would lose its way.
    #[test]
    fn the_decoders_lattice_is_the_same() {
        for dimensions in 1..=32 {
            for entries in 0..=MAX_ENTRIES as u32 {
                let theirs = (entries as f32).powf(1.0 / dimensions as f32).floor() as u32;
                assert_eq!(lattice(entries, dimensions), theirs, "{entries} {dimensions}");
            }
        }
    }
}
