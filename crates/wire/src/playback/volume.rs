//! How loud a prompt is played.

use crate::{Faults, fault::Object};
use serde::Serialize;
use std::ops::RangeInclusive;

const GAIN: RangeInclusive<f64> = 0.0..=1.0;
const LIMIT: RangeInclusive<f64> = 0.0..=1.0;
const RATIO: RangeInclusive<f64> = 0.1..=1.0;

/// Gain, ceiling and compression: three finite numbers, `0.0 <= base gain <= peak limit <= 1.0` and
/// `0.1 <= compression ratio <= 1.0`.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct VolumeMatrix {
    base_gain: f64,
    peak_limit: f64,
    compression_ratio: f64,
}

impl VolumeMatrix {
    /// The prompt as it is.
    pub const FLAT: Self = Self {
        base_gain: 1.0,
        peak_limit: 1.0,
        compression_ratio: 1.0,
    };

    /// Checks the numbers; all faults at once.
    pub fn new(base_gain: f64, peak_limit: f64, compression_ratio: f64) -> Result<Self, Faults> {
        let mut faults = Faults::new();
        let numbers = [Some(base_gain), Some(peak_limit), Some(compression_ratio)];
        let volume = Self::check(numbers, str::to_owned, &mut faults);
        faults.finish(volume)
    }

    /// Reads `{"baseGain", "peakLimit", "compressionRatio"}`; all three must be there.
    pub fn read(body: &Object<'_>, faults: &mut Faults) -> Option<Self> {
        let fields = ["baseGain", "peakLimit", "compressionRatio"];
        let numbers = fields.map(|field| body.number(field, faults));
        Self::check(numbers, |field| body.name(field), faults)
    }

    fn check(
        [gain, limit, ratio]: [Option<f64>; 3],
        name: impl Fn(&str) -> String,
        faults: &mut Faults,
    ) -> Option<Self> {
        let base_gain = within(GAIN, gain, || name("baseGain"), faults);
        let mut peak_limit = within(LIMIT, limit, || name("peakLimit"), faults);
        if let (Some(gain), Some(limit)) = (base_gain, peak_limit)
            && gain > limit
        {
            let name = name("peakLimit");
            faults.push(format!("{name} must be at least baseGain ({gain}), not {limit}"));
            peak_limit = None;
        }
        let compression_ratio = within(RATIO, ratio, || name("compressionRatio"), faults);
        Some(Self {
            base_gain: base_gain?,
            peak_limit: peak_limit?,
            compression_ratio: compression_ratio?,
        })
    }

    /// Linear gain, 0.0 to 1.0.
    pub fn base_gain(&self) -> f64 {
        self.base_gain
    }

    /// What no sample exceeds, as a fraction of full scale; from the gain to 1.0.
    pub fn peak_limit(&self) -> f64 {
        self.peak_limit
    }

    /// What dynamics above the knee are scaled by, from 0.1 (the strongest) to 1.0 (untouched).
    pub fn compression_ratio(&self) -> f64 {
        self.compression_ratio
    }
}

/// The number, if it is within; neither NaN nor an infinity is.
fn within(
    range: RangeInclusive<f64>,
    number: Option<f64>,
    name: impl FnOnce() -> String,
    faults: &mut Faults,
) -> Option<f64> {
    let number = number?;
    if !range.contains(&number) {
        let (start, end) = (range.start(), range.end());
        faults.push(format!("{} must be {start:.1} to {end:.1}, not {number}", name()));
        return None;
    }
    Some(number)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn faults(gain: f64, limit: f64, ratio: f64) -> Vec<String> {
        VolumeMatrix::new(gain, limit, ratio).map_or_else(Faults::into_vec, |_| Vec::new())
    }

    #[test]
    fn numbers_at_their_bounds_are_taken() {
        for (gain, limit, ratio) in [
            (0.0, 0.0, 0.1),
            (0.0, 1.0, 1.0),
            (1.0, 1.0, 1.0),
            (0.8, 0.8, 0.7),
            (0.8, 0.8000000000000002, 0.10000000000000002),
        ] {
            assert_eq!(faults(gain, limit, ratio), [""; 0], "{gain} {limit} {ratio}");
        }
        let volume = VolumeMatrix::new(0.8, 0.95, 0.7).unwrap();
        let read = (
            volume.base_gain(),
            volume.peak_limit(),
            volume.compression_ratio(),
        );
        assert_eq!(read, (0.8, 0.95, 0.7));
        assert_eq!(VolumeMatrix::new(1.0, 1.0, 1.0), Ok(VolumeMatrix::FLAT));
    }

    #[test]
    fn numbers_next_to_their_bounds_are_not() {
        let below = -f64::MIN_POSITIVE;
        let above = 1.0 + f64::EPSILON;
        for (gain, limit, ratio, wrong) in [
            (below, 1.0, 1.0, "baseGain must be 0.0 to 1.0"),
            (above, 1.0, 1.0, "baseGain must be 0.0 to 1.0"),
            (0.0, below, 1.0, "peakLimit must be 0.0 to 1.0"),
            (0.0, above, 1.0, "peakLimit must be 0.0 to 1.0"),
            (
                0.5,
                0.49999999999999994,
                1.0,
                "peakLimit must be at least baseGain (0.5)",
            ),
            (
                0.5,
                0.5,
                0.09999999999999999,
                "compressionRatio must be 0.1 to 1.0",
            ),
            (0.5, 0.5, above, "compressionRatio must be 0.1 to 1.0"),
        ] {
            let faults = faults(gain, limit, ratio);
            assert!(faults.len() == 1 && faults[0].starts_with(wrong), "{faults:?}");
        }
    }

    #[test]
    fn what_is_no_finite_number_is_not() {
        assert_eq!(
            faults(f64::NAN, f64::INFINITY, f64::NEG_INFINITY),
            [
                "baseGain must be 0.0 to 1.0, not NaN",
                "peakLimit must be 0.0 to 1.0, not inf",
                "compressionRatio must be 0.1 to 1.0, not -inf",
            ]
        );
        let value = json!({"baseGain": "0.8", "peakLimit": null, "compressionRatio": true});
        let mut faults = Faults::new();
        let read = VolumeMatrix::read(&Object::at(&value, "v", &mut faults).unwrap(), &mut faults);
        assert_eq!(read, None);
        assert_eq!(
            faults.as_slice(),
            [
                "v.baseGain must be a number, not \"0.8\"",
                "v.peakLimit is missing",
                "v.compressionRatio must be a number, not a truth value",
            ]
        );
    }
}
