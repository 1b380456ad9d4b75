use super::*;
use proptest::prelude::*;

fn amplitude_of(db: f64) -> f32 {
    Dbtp(db).amplitude() as f32
}

proptest! {
    #[test]
    fn no_sample_is_ever_above_the_ceiling(
        samples in proptest::collection::vec(prop_oneof![-4.0f32..4.0, Just(0.0), Just(f32::NAN), Just(f32::INFINITY)], 0..2000),
        stretch in 1usize..40,
        ceiling in -30.0f64..3.0,
        rate in prop_oneof![Just(8000u32), Just(16000), Just(48000), 1..=400_000u32],
        block in 1usize..400,
    ) {
        let mut stream: Vec<f32> = samples.iter().flat_map(|sample| vec![*sample; stretch]).collect();
        let mut limiter = Limiter::new(rate, Dbtp(ceiling));
        for block in stream.chunks_mut(block) {
            limiter.process(block);
        }
        let most = amplitude_of(ceiling.min(0.0));
        prop_assert!(stream.iter().all(|sample| sample.abs() <= most));
    }

    #[test]
    fn blocks_do_not_matter(
        samples in proptest::collection::vec(-1.0f32..1.0, 100..3000),
        block in 1usize..400,
        ceiling in 0.05f32..1.0,
    ) {
        // Loud and quiet stretches, so that it limits, releases and idles.
        let stream: Vec<f32> = samples.iter().enumerate().map(|(at, s)| if at / 700 % 2 == 0 { *s } else { s * 0.01 }).collect();
        let mut whole = stream.clone();
        Limiter::with_amplitude(8000, ceiling).process(&mut whole);
        let mut parts = stream;
        let mut limiter = Limiter::with_amplitude(8000, ceiling);
        parts.chunks_mut(block).for_each(|block| limiter.process(block));
        prop_assert_eq!(whole, parts);
    }
}

#[test]
fn what_is_below_the_ceiling_only_comes_later() {
    let quiet: Vec<f32> = (0..1000).map(|n| 0.2 * (n as f32 * 0.3).sin()).collect();
    let mut out = quiet.clone();
    let mut limiter = Limiter::new(8000, Dbtp(-2.0));
    limiter.process(&mut out);
    assert_eq!(out[limiter.delay()..], quiet[..1000 - limiter.delay()]);
    assert_eq!(limiter.most_reduction_db(), 0.0);
}

#[test]
fn a_burst_is_turned_down_smoothly_and_comes_back() {
    let burst = 4000..4400;
    let level = |at: usize| if burst.contains(&at) { 1.0 } else { 0.25 };
    let samples: Vec<f32> = (0..12000).map(|at| level(at) * (at as f32 * 0.5).sin()).collect();
    let (limited, reduction) = limit(samples.clone(), 8000, 0.5);
    assert!((5.9..6.6).contains(&reduction), "{reduction}");
    let gain = |at: usize| limited[at] / samples[at];
    assert!((gain(3900) - 1.0).abs() < 1e-4 && gain(4200) < 0.51 && gain(11999) > 0.999);
    let gains: Vec<f32> = (3900..8000)
        .filter(|at| samples[*at].abs() > 0.1)
        .map(gain)
        .collect();
    let steepest = gains
        .windows(2)
        .map(|pair| (pair[1] - pair[0]).abs())
        .fold(0.0, f32::max);
    // 6 dB in 5 ms, without a corner: at most 0.05 a sample, also where a sample of the sine is left out.
    assert!(steepest < 0.1, "{steepest}");
}

#[test]
fn the_true_peak_is_limited_too() {
    let quarter: Vec<f32> = (0..8000)
        .map(|n| (n as f32 * std::f32::consts::FRAC_PI_2 + std::f32::consts::FRAC_PI_4).sin())
        .collect();
    let (limited, _) = limit(quarter, 8000, 0.5);
    // The samples alone would be allowed 0.5, and are at 0.35.
    let most = Oversampler::new(8000).highest(&limited);
    assert!((0.45..=0.501).contains(&most), "{most}");
}

#[test]
fn two_decibels_above_the_threshold_come_out_as_one() {
    let mut tone: Vec<f32> = (0..8000).map(|n| 0.8 * (n as f32 * 0.7).sin()).collect();
    let mut compressor = Compressor::new(8000, 0.2);
    compressor.process(&mut tone);
    let most = highest(&tone[4000..]);
    assert!((most - 0.4).abs() < 0.02, "{most}");
    assert!((compressor.most_reduction_db() - 6.0).abs() < 0.3);
}
