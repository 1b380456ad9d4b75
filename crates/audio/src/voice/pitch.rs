//! Does this repeat itself as vocal cords do? Coughs, knocks and clicks do not, whatever the network takes them for.

use super::STEP;

/// What is looked at: 32 ms.
pub(super) const WINDOW: usize = 2 * STEP;
/// Periods in samples: 400 Hz to 71 Hz.
const SHORTEST: usize = 20;
const LONGEST: usize = 112;
/// How alike one period and the next must be: 1.0 is the same, noise has some 0.2.
const ALIKE: f32 = 0.5;

/// Whether there is a pitch.
pub(super) fn has_pitch(window: &[f32; WINDOW]) -> bool {
    let mean = window.iter().sum::<f32>() / WINDOW as f32;
    let centred = window.map(|sample| sample - mean);
    let now = &centred[LONGEST..];
    let own = product(now, now);
    (SHORTEST..=LONGEST).any(|lag| {
        let before = &centred[LONGEST - lag..WINDOW - lag];
        product(now, before) > ALIKE * (own * product(before, before)).sqrt()
    })
}

fn product(a: &[f32], b: &[f32]) -> f32 {
    // Eight sums side by side, so that the compiler can use vector instructions. The length is a multiple of eight.
    let mut sums = [0.0f32; 8];
    for (a, b) in a.as_chunks::<8>().0.iter().zip(b.as_chunks::<8>().0) {
        for lane in 0..8 {
            sums[lane] += a[lane] * b[lane];
        }
    }
    sums.iter().sum()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tests::noise;

    #[test]
    fn pulses_have_a_pitch_and_noise_has_none() {
        for period in [25, 40, 80, 110] {
            let pulses = std::array::from_fn(|n| if n % period < 5 { 0.5 } else { -0.1 });
            assert!(has_pitch(&pulses), "{period}");
        }
        let pitched = (0..100).filter(|seed| {
            let noise: [f32; WINDOW] = noise(*seed, WINDOW).try_into().unwrap();
            has_pitch(&noise)
        });
        assert_eq!(pitched.count(), 0);
        assert!(!has_pitch(&[0.0; WINDOW]));
    }
}
