//! The level: gain, limiter and law, tried until what is heard has its loudness and no peak above the ceiling.

use super::{MAX_GAIN_DB, Target};
use crate::{
    Compressor, Law, Lufs, Sound,
    dynamics::limit,
    loudness::{Oversampler, amplitude, integrated_of},
};

/// How often it is tried. Most sounds need one or two.
const MAX_TRIES: usize = 10;
/// Close enough to the target, in LU.
const CLOSE: f64 = 0.1;
/// More limiting than this would be heard; then a compressor goes ahead, in dB.
const MUCH_LIMITING_DB: f64 = 6.0;
/// The compressor acts on what is less than this below the ceiling, in dB.
const COMPRESSED_BELOW_CEILING_DB: f64 = 12.0;
/// What is kept free below the ceiling: other meters look at other points between the samples, in dB.
const MARGIN_DB: f64 = 0.05;
/// The first try's limit behind a law, whose steps move the sound between samples, as a factor.
const COMPANDED: f32 = 0.985;
/// How much more gain a limited sound gets than it is short of loudness.
const EFFORT: f64 = 1.3;
/// When a try was too high, the next one's limit is lower by this more than was seen, as a factor.
const STEP_BELOW: f32 = 0.997;

/// A sound at its level.
pub(super) struct Levelled {
    /// What is heard.
    pub(super) heard: Vec<f32>,
    /// As G.711, if there is a law.
    pub(super) codes: Vec<u8>,
    pub(super) input: Option<Lufs>,
    pub(super) output: Option<Lufs>,
    /// As an amplitude.
    pub(super) peak: f32,
    pub(super) gain_db: f64,
    pub(super) gain_bounded: bool,
    pub(super) limited_db: f64,
    pub(super) compressed: bool,
}

/// What a try is made with.
#[derive(Clone, Copy, PartialEq)]
struct Setting {
    gain_db: f64,
    /// The limiter's ceiling, as an amplitude.
    limit: f32,
    compressed: bool,
}

/// A silent sound stays as it is.
pub(super) fn level(sound: &Sound, law: Option<Law>, target: &Target) -> Levelled {
    let input = integrated_of(&sound.samples, sound.rate);
    let bench = Bench::new(sound, law, input, target);
    let mut setting = bench.first_setting();
    let mut best: Option<(f64, Levelled)> = None;
    for _ in 0..MAX_TRIES {
        let tried = bench.attempt(setting);
        if tried.limited_db > MUCH_LIMITING_DB && !setting.compressed {
            setting.compressed = true;
            continue;
        }
        let missing = bench.missing(&tried);
        let fits = tried.peak <= bench.ceiling;
        let next = bench.next_setting(setting, &tried, missing);
        if fits && best.as_ref().is_none_or(|(least, _)| missing.abs() < *least) {
            best = Some((missing.abs(), tried));
        }
        if fits && (missing.abs() <= CLOSE || next == setting) {
            break;
        }
        setting = next;
    }
    match best {
        Some((_, levelled)) => levelled,
        // So low that nothing between the samples can be above the ceiling.
        None => bench.attempt(Setting {
            limit: bench.ceiling / bench.oversampler.most,
            ..setting
        }),
    }
}

/// What stays the same from try to try.
struct Bench<'a> {
    sound: &'a Sound,
    law: Option<Law>,
    input: Option<Lufs>,
    wanted: Option<Lufs>,
    oversampler: Oversampler,
    /// As an amplitude.
    ceiling: f32,
}

impl<'a> Bench<'a> {
    fn new(sound: &'a Sound, law: Option<Law>, input: Option<Lufs>, target: &Target) -> Self {
        Self {
            sound,
            law,
            input,
            wanted: target
                .loudness
                .filter(|wanted| wanted.0.is_finite() && input.is_some()),
            oversampler: Oversampler::new(sound.rate),
            ceiling: amplitude(target.ceiling.0.min(0.0) - MARGIN_DB) as f32,
        }
    }

    fn first_setting(&self) -> Setting {
        let gain_db = match (self.wanted, self.input) {
            (Some(wanted), Some(input)) => wanted.0 - input.0,
            _ => 0.0,
        };
        Setting {
            gain_db: gain_db.min(MAX_GAIN_DB),
            limit: self.ceiling * if self.law.is_some() { COMPANDED } else { 1.0 },
            compressed: false,
        }
    }

    fn attempt(&self, setting: Setting) -> Levelled {
        let gain = amplitude(setting.gain_db) as f32;
        let mut samples: Vec<f32> = self.sound.samples.iter().map(|sample| sample * gain).collect();
        let mut compressed_db = 0.0;
        if setting.compressed {
            let threshold = self.ceiling * amplitude(-COMPRESSED_BELOW_CEILING_DB) as f32;
            let mut compressor = Compressor::new(self.sound.rate, threshold);
            compressor.process(&mut samples);
            compressed_db = compressor.most_reduction_db();
        }
        let (limited, limited_db) = limit(samples, self.sound.rate, setting.limit);
        let mut heard = limited;
        let codes = self.law.map(|law| law.hear(&mut heard, setting.limit));
        Levelled {
            input: self.input,
            output: integrated_of(&heard, self.sound.rate),
            peak: self.oversampler.highest(&heard),
            heard,
            codes: codes.unwrap_or_default(),
            gain_db: setting.gain_db,
            gain_bounded: setting.gain_db >= MAX_GAIN_DB,
            limited_db: limited_db + compressed_db,
            compressed: setting.compressed,
        }
    }

    /// What is missing in loudness, in LU; what is no louder than silence has nothing to go by.
    fn missing(&self, tried: &Levelled) -> f64 {
        match (self.wanted, tried.output) {
            (Some(wanted), Some(output)) => wanted.0 - output.0,
            _ => 0.0,
        }
    }

    fn next_setting(&self, setting: Setting, tried: &Levelled, missing: f64) -> Setting {
        let limit = if tried.peak > self.ceiling {
            setting.limit * (self.ceiling / tried.peak) * STEP_BELOW
        } else {
            setting.limit
        };
        // What is limited gets less louder than it is amplified.
        let effort = if tried.limited_db > 1.0 { EFFORT } else { 1.0 };
        Setting {
            gain_db: (setting.gain_db + missing * effort).min(MAX_GAIN_DB),
            limit,
            compressed: setting.compressed,
        }
    }
}
