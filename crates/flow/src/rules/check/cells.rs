//! Sets of cells: combinations of values, by their numbers.

/// A set of cells.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Cells(Vec<u64>);

impl Cells {
    /// None of so many cells.
    pub(super) fn none(count: usize) -> Self {
        Self(vec![0; count.div_ceil(64)])
    }

    /// All of so many cells.
    pub(super) fn all(count: usize) -> Self {
        let mut all = vec![u64::MAX; count.div_ceil(64)];
        if let Some(last) = all.last_mut()
            && !count.is_multiple_of(64)
        {
            *last = (1 << (count % 64)) - 1;
        }
        Self(all)
    }

    pub(super) fn insert(&mut self, cell: usize) {
        if let Some(word) = self.0.get_mut(cell / 64) {
            *word |= 1 << (cell % 64);
        }
    }

    pub(super) fn add(&mut self, other: &Self) {
        self.0
            .iter_mut()
            .zip(&other.0)
            .for_each(|(one, other)| *one |= other);
    }

    pub(super) fn remove(&mut self, other: &Self) {
        self.0
            .iter_mut()
            .zip(&other.0)
            .for_each(|(one, other)| *one &= !other);
    }

    pub(super) fn is_empty(&self) -> bool {
        self.0.iter().all(|word| *word == 0)
    }

    pub(super) fn meets(&self, other: &Self) -> bool {
        self.0.iter().zip(&other.0).any(|(one, other)| one & other != 0)
    }

    /// Whether every cell of it is in `other`.
    pub(super) fn is_within(&self, other: &Self) -> bool {
        self.0.iter().zip(&other.0).all(|(one, other)| one & !other == 0)
    }

    /// Its first cell.
    pub(super) fn first(&self) -> Option<usize> {
        let (at, word) = self.0.iter().enumerate().find(|(_, word)| **word != 0)?;
        Some(at * 64 + word.trailing_zeros() as usize)
    }

    /// The first cell that is in both.
    pub(super) fn first_in_both(&self, other: &Self) -> Option<usize> {
        let mut words = self
            .0
            .iter()
            .zip(&other.0)
            .map(|(one, other)| one & other)
            .enumerate();
        let (at, word) = words.find(|(_, word)| *word != 0)?;
        Some(at * 64 + word.trailing_zeros() as usize)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sets_are_sets() {
        let mut some = Cells::none(130);
        assert!(some.is_empty() && some.first().is_none());
        some.insert(129);
        some.insert(64);
        assert_eq!(some.first(), Some(64));
        let mut rest = Cells::all(130);
        assert!(some.is_within(&rest) && !rest.is_within(&some));
        rest.remove(&some);
        assert!(!rest.meets(&some));
        rest.add(&some);
        assert_eq!(rest, Cells::all(130));
        assert_eq!(rest.first_in_both(&some), Some(64));
        assert!(Cells::all(0).is_empty() && Cells::all(64).first() == Some(0));
    }
}
