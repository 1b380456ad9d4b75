//! Band-limited resampling between any two rates.
//!
//! Down: half-band filters while the rate is far above the new one, then a short polyphase filter to twice the new rate, then a sharp
//! filter at a fixed ratio of two, which is where the work is and where it is cheapest. Up: a sharp polyphase filter.
//!
//! Offline quality: the pass band ends at 90 % of the lower Nyquist frequency, and what is beyond it is below -70 dB. The filters'
//! delay is compensated: a sample of the result is at the same time as in the original.

mod bank;
pub(crate) mod filter;
mod halve;

use bank::Bank;
use filter::{LowPass, half_band, sharp_halving};
use std::borrow::Cow;

/// A rate is halved as long as it is at least so many times the one that it is to have: for less, one filter is cheaper than two.
const HEADROOM: f64 = 3.5;

/// The length is exact: as many samples as the new rate has in the time of the old ones, rounded up.
pub(crate) fn resample(samples: &[f32], from: u32, to: u32) -> Vec<f32> {
    if from == to || from == 0 || to == 0 || samples.is_empty() {
        return samples.to_vec();
    }
    let length = (samples.len() as u64 * u64::from(to)).div_ceil(u64::from(from)) as usize;
    if from < to {
        return by_bank(samples, LowPass::sharp(), 1.0, [from.into(), to.into()], length);
    }
    let mut resampled = sharp_halving().run(&to_twice(samples, from, to, 2 * length));
    resampled.truncate(length);
    resampled
}

/// From a rate to twice a lower one; of what is there, only the lower half of the band is meant to be heard.
fn to_twice(samples: &[f32], from: u32, to: u32, length: usize) -> Cow<'_, [f32]> {
    let mut sound = Cow::Borrowed(samples);
    // Rates as a ratio, so that half of an odd rate is no problem.
    let (down, mut up) = (u64::from(from), 2 * u64::from(to));
    while down as f64 / up as f64 >= HEADROOM {
        let transition = 0.5 - 0.5 * up as f64 / down as f64;
        sound = Cow::Owned(half_band(transition).run(&sound));
        up *= 2;
    }
    if down == up {
        return sound;
    }
    let stretch = down as f64 / up as f64;
    Cow::Owned(by_bank(&sound, LowPass::wide(), stretch, [down, up], length))
}

fn by_bank(samples: &[f32], filter: &LowPass, stretch: f64, [down, up]: [u64; 2], length: usize) -> Vec<f32> {
    let divisor = common_divisor(down, up);
    let ratio = [down / divisor, up / divisor];
    Bank::new(filter, stretch, ratio, length).run(samples, length)
}

fn common_divisor(a: u64, b: u64) -> u64 {
    if b == 0 { a } else { common_divisor(b, a % b) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::f64::consts::PI;

    fn tone(hertz: f64, rate: u32) -> Vec<f32> {
        (0..rate)
            .map(|n| (f64::from(n) * hertz * 2.0 * PI / f64::from(rate)).sin() as f32)
            .collect()
    }

    /// The level of all of the signal, in dB below a full-scale sine, leaving out the edges.
    fn level_db(samples: &[f32]) -> f64 {
        let middle = &samples[samples.len() / 8..samples.len() * 7 / 8];
        let power = middle.iter().map(|s| f64::from(*s).powi(2)).sum::<f64>() / middle.len() as f64;
        10.0 * (2.0 * power + 1e-30).log10()
    }

    fn difference(a: &[f32], b: &[f32]) -> Vec<f32> {
        a.iter().zip(b).map(|(a, b)| a - b).collect()
    }

    #[test]
    fn tones_in_the_pass_band_are_untouched() {
        for rate in [8000, 11025, 16000, 22050, 44100, 48000] {
            for hertz in [100.0, 440.0, 1000.0, 3000.0, 3500.0] {
                let error = difference(&resample(&tone(hertz, rate), rate, 8000), &tone(hertz, 8000));
                assert!(
                    level_db(&error) < -70.0,
                    "{hertz} Hz from {rate}: {:.1} dB",
                    level_db(&error)
                );
            }
        }
    }

    #[test]
    fn tones_beyond_the_new_nyquist_frequency_vanish() {
        for rate in [16000, 22050, 44100, 48000] {
            for hertz in [4010.0, 4500.0, 5000.0, 7000.0] {
                let level = level_db(&resample(&tone(hertz, rate), rate, 8000));
                assert!(level < -70.0, "{hertz} Hz from {rate}: {level:.1} dB");
            }
        }
    }

    /// A sine from 50 Hz to a share of the Nyquist frequency, evenly, in two seconds, faded at its ends.
    fn sweep(from: f64, to: f64, rate: u32) -> Vec<f32> {
        let length = 2 * rate as usize;
        (0..length)
            .map(|n| {
                let seconds = n as f64 / f64::from(rate);
                let fade = (4.0 * seconds).min(4.0 * (2.0 - seconds)).min(1.0);
                // Without corners: those would be heard beyond the sweep.
                let fade = fade * fade * fade * (fade * (6.0 * fade - 15.0) + 10.0);
                let turns = from * seconds + (to - from) * seconds * seconds / 4.0;
                (fade * (turns * 2.0 * PI).sin()) as f32
            })
            .collect()
    }

    fn highest(samples: &[f32]) -> f32 {
        samples.iter().fold(0.0, |most, sample| most.max(sample.abs()))
    }

    const RATES: [u32; 12] = [
        1000, 6000, 11025, 12000, 16000, 22050, 32000, 44100, 44101, 48000, 96000, 384_000,
    ];

    /// At the very edge the level is right within 0.01 dB (-60 dB of error).
    #[test]
    fn a_sweep_through_the_pass_band_is_the_same_sweep() {
        for (from, to) in RATES
            .into_iter()
            .flat_map(|rate| [(rate, 8000), (8000, rate), (rate, 16000)])
        {
            let edge = 0.45 * f64::from(from.min(to));
            let error = difference(
                &resample(&sweep(50.0, edge, from), from, to),
                &sweep(50.0, edge, to),
            );
            let most = 20.0 * highest(&error).log10();
            assert!(
                most < -60.0 && level_db(&error) < -70.0,
                "{from} to {to}: {most:.1} dB"
            );
        }
    }

    #[test]
    fn nothing_of_a_sweep_beyond_the_new_nyquist_frequency_is_heard() {
        for rate in RATES.into_iter().filter(|rate| *rate > 8800) {
            let beyond = resample(&sweep(4010.0, 0.499 * f64::from(rate), rate), rate, 8000);
            let level = 20.0 * highest(&beyond).log10();
            assert!(level < -70.0, "from {rate}: {level:.1} dB");
        }
    }

    #[test]
    fn images_of_a_sound_at_a_lower_rate_are_not_heard() {
        // What is above the old Nyquist frequency in the result is found by taking what is below it away.
        for (from, to) in [(8000, 16000), (8000, 48000), (11025, 44100), (8000, 44101)] {
            let up = resample(&tone(0.4 * f64::from(from), from), from, to);
            let error = difference(&up, &tone(0.4 * f64::from(from), to));
            assert!(
                level_db(&error) < -70.0,
                "{from} to {to}: {:.1} dB",
                level_db(&error)
            );
        }
    }

    #[test]
    fn no_rate_makes_it_panic() {
        for (from, to) in [
            (1, u32::MAX),
            (7, 8000),
            (u32::MAX, 1),
            (u32::MAX, 8000),
            (8000, 383_999),
            (0, 1),
            (1, 0),
        ] {
            let samples = [0.5; 100];
            if u64::from(to) / u64::from(from.max(1)) < 10_000 {
                assert!(
                    resample(&samples, from, to)
                        .iter()
                        .all(|sample| sample.abs() <= 1.0)
                );
            }
        }
    }

    #[test]
    fn the_length_follows_the_rate() {
        assert_eq!(resample(&[0.0; 441], 44100, 8000).len(), 80);
        assert_eq!(resample(&[0.0; 80], 8000, 16000).len(), 160);
        assert!(resample(&[], 44100, 8000).is_empty());
    }
}
