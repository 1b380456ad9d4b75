//! Shares of a whole, with how sure one can be of them.

use serde::Serialize;

/// The quantile of the normal distribution for 95 %, both sides.
const Z: f64 = 1.959_963_984_540_054;

/// A share of a number of things, each of which is one or is not, with its 95 % confidence interval.
///
/// The interval is Wilson's (1927): it stays between 0 and 1, and holds for few things and for shares near the ends, too.
///
/// ```
/// use flow::share::Share;
///
/// let share = Share::of(9, 10).unwrap();
/// assert_eq!(share.rate, 0.9);
/// assert!((share.low - 0.596).abs() < 0.001 && (share.high - 0.982).abs() < 0.001);
/// assert_eq!(share.to_string(), "90 % (60-98)");
/// assert_eq!(Share::of(0, 0), None);
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Share {
    /// The share, 0 to 1.
    pub rate: f64,
    /// The lower end of the interval.
    pub low: f64,
    /// The upper end.
    pub high: f64,
}

impl Share {
    /// So many of so many; `None` of nothing. More than all are all.
    pub fn of(some: u64, all: u64) -> Option<Self> {
        if all == 0 {
            return None;
        }
        let n = all as f64;
        let rate = some.min(all) as f64 / n;
        let scale = 1.0 + Z * Z / n;
        let middle = rate + Z * Z / (2.0 * n);
        let reach = Z * (rate * (1.0 - rate) / n + Z * Z / (4.0 * n * n)).sqrt();
        // What rounding leaves over at the ends is cut off.
        Some(Self {
            rate,
            low: ((middle - reach) / scale).clamp(0.0, rate),
            high: ((middle + reach) / scale).clamp(rate, 1.0),
        })
    }
}

impl std::fmt::Display for Share {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let percent = |share: f64| (share * 100.0).round();
        write!(
            f,
            "{} % ({}-{})",
            percent(self.rate),
            percent(self.low),
            percent(self.high)
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn the_interval_is_that_of_the_literature() {
        // Newcombe (1998), Statistics in Medicine 17, table I, method 3.
        for (some, all, low, high) in [
            (81, 263, 0.2553, 0.3662),
            (15, 148, 0.0624, 0.1605),
            (0, 20, 0.0, 0.1611),
            (1, 29, 0.0061, 0.1718),
        ] {
            let share = Share::of(some, all).unwrap();
            assert!((share.low - low).abs() < 0.0001, "{some} of {all}: {share:?}");
            assert!((share.high - high).abs() < 0.0001, "{some} of {all}: {share:?}");
        }
    }

    proptest! {
        #[test]
        fn a_share_lies_in_its_interval_and_more_things_make_it_narrower(some in 0u64..1000, all in 1u64..1000) {
            let some = some.min(all);
            let share = Share::of(some, all).unwrap();
            prop_assert!(0.0 <= share.low && share.low <= share.rate && share.rate <= share.high && share.high <= 1.0);
            let more = Share::of(some * 10, all * 10).unwrap();
            prop_assert!(more.high - more.low < share.high - share.low);
        }
    }
}
