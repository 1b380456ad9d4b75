//! G.711 mu-law and A-law, bit-exact with ITU-T G.191 (`g711.c`).
//!
//! Encoding has no table and no branch: a number's floating-point form already is its segment and its place in it, so many samples are
//! encoded side by side.

use crate::widest::widest;

/// Which of the two companding laws.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Law {
    /// mu-law: North America and Japan.
    Mu,
    /// A-law: the rest of the world.
    A,
}

impl Law {
    /// 16-bit linear to 8-bit logarithmic.
    pub fn encode(self, sample: i16) -> u8 {
        match self {
            Law::Mu => encode_mu(i32::from(sample)),
            Law::A => encode_a(i32::from(sample)),
        }
    }

    /// 8-bit logarithmic to 16-bit linear.
    pub fn decode(self, code: u8) -> i16 {
        self.values()[usize::from(code)]
    }

    /// The code of digital silence.
    pub fn silence(self) -> u8 {
        self.encode(0)
    }

    /// Encodes samples of -1.0 to 1.0; what is beyond is clipped, NaN is silence.
    pub fn encode_all(self, samples: &[f32]) -> Vec<u8> {
        match self {
            Law::Mu => encode_each(
                samples,
                #[inline(always)]
                |sample| encode_mu(linear(sample)),
            ),
            Law::A => encode_each(
                samples,
                #[inline(always)]
                |sample| encode_a(linear(sample)),
            ),
        }
    }

    /// Encodes 16-bit samples.
    pub fn encode_linear(self, samples: &[i16]) -> Vec<u8> {
        match self {
            Law::Mu => encode_each(
                samples,
                #[inline(always)]
                |sample| encode_mu(i32::from(sample)),
            ),
            Law::A => encode_each(
                samples,
                #[inline(always)]
                |sample| encode_a(i32::from(sample)),
            ),
        }
    }

    /// Decodes to samples of -1.0 to 1.0.
    pub fn decode_all(self, codes: &[u8]) -> Vec<f32> {
        let samples = self.samples();
        codes.iter().map(|code| samples[usize::from(*code)]).collect()
    }

    /// Decodes to 16-bit samples.
    pub fn decode_linear(self, codes: &[u8]) -> Vec<i16> {
        let values = self.values();
        codes.iter().map(|code| values[usize::from(*code)]).collect()
    }

    /// The codes of samples, and in their place how they are heard behind the law: none of them above the limit.
    pub(crate) fn hear(self, samples: &mut [f32], limit: f32) -> Vec<u8> {
        let loudest = self.loudest_within(limit);
        samples
            .iter_mut()
            .for_each(|sample| *sample = sample.clamp(-loudest, loudest));
        let codes = self.encode_all(samples);
        for (sample, code) in samples.iter_mut().zip(&codes) {
            *sample = self.samples()[usize::from(*code)];
        }
        codes
    }

    /// The highest level that is not above the limit.
    fn loudest_within(self, limit: f32) -> f32 {
        let levels = self.decode_all(&std::array::from_fn::<u8, 256, _>(|code| code as u8));
        levels
            .into_iter()
            .filter(|level| *level <= limit)
            .fold(0.0, f32::max)
    }

    fn values(self) -> &'static [i16; 256] {
        match self {
            Law::Mu => &MU_VALUES,
            Law::A => &A_VALUES,
        }
    }

    fn samples(self) -> &'static [f32; 256] {
        match self {
            Law::Mu => &MU_SAMPLES,
            Law::A => &A_SAMPLES,
        }
    }
}

/// Samples that are encoded side by side.
const LANES: usize = 32;
/// What 1.0 is as a 16-bit sample.
const FULL_SCALE: f32 = 32768.0;

static MU_VALUES: [i16; 256] = values(Law::Mu);
static A_VALUES: [i16; 256] = values(Law::A);
static MU_SAMPLES: [f32; 256] = samples(&MU_VALUES);
static A_SAMPLES: [f32; 256] = samples(&A_VALUES);

const fn values(law: Law) -> [i16; 256] {
    let mut values = [0; 256];
    let mut code = 0;
    while code < 256 {
        values[code] = match law {
            Law::Mu => decode_mu(code as u8),
            Law::A => decode_a(code as u8),
        };
        code += 1;
    }
    values
}

const fn samples(values: &[i16; 256]) -> [f32; 256] {
    let mut samples = [0.0; 256];
    let mut code = 0;
    while code < 256 {
        samples[code] = values[code] as f32 / FULL_SCALE;
        code += 1;
    }
    samples
}

/// Encodes in chunks whose length is known, which are encoded side by side.
fn encode_each<T: Copy>(samples: &[T], encode: impl Fn(T) -> u8) -> Vec<u8> {
    widest(
        #[inline(always)]
        || encode_wide(samples, encode),
    )
}

#[inline(always)]
fn encode_wide<T: Copy>(samples: &[T], encode: impl Fn(T) -> u8) -> Vec<u8> {
    let mut codes = vec![0; samples.len()];
    let (chunks, rest) = samples.as_chunks::<LANES>();
    let (code_chunks, code_rest) = codes.as_chunks_mut::<LANES>();
    for (codes, samples) in code_chunks.iter_mut().zip(chunks) {
        for lane in 0..LANES {
            codes[lane] = encode(samples[lane]);
        }
    }
    for (code, sample) in code_rest.iter_mut().zip(rest) {
        *code = encode(*sample);
    }
    codes
}

/// To a 16-bit sample, rounded half away from zero. A conversion that checks for NaN and overflow would be done one by one; what is
/// added here leaves the whole number in the last bits of the sum, rounded half to even.
#[inline(always)]
fn linear(sample: f32) -> i32 {
    const WHOLE: f32 = 8_388_608.0;
    const MANTISSA: u32 = 0x7f_ffff;
    let size = (sample * FULL_SCALE).abs();
    // NaN fails every comparison; it is made silence at the end.
    let size = if size > FULL_SCALE { FULL_SCALE } else { size };
    let sum = size + WHOLE;
    let half_up = size - (sum - WHOLE) >= 0.5;
    let whole = (sum.to_bits() & MANTISSA) as i32 + i32::from(half_up);
    let whole = if sample < 0.0 { -whole } else { whole.min(32767) };
    if sample.is_nan() { 0 } else { whole }
}

/// One's complement for negative values, as G.191 does it.
#[inline(always)]
fn magnitude(sample: i32) -> i32 {
    sample ^ (sample >> 31)
}

/// The exponent of a small positive number above its four bits behind the leading one.
#[inline(always)]
fn floating(number: i32) -> i32 {
    const MANTISSA_BITS: u32 = 23;
    ((number as f32).to_bits() >> (MANTISSA_BITS - 4)) as i32 - (127 << 4)
}

#[inline(always)]
fn encode_mu(sample: i32) -> u8 {
    let biased = ((magnitude(sample) >> 2) + 33).min(0x1fff);
    let code = 0x7f - (floating(biased) - (5 << 4));
    (code | (!(sample >> 31) & 0x80)) as u8
}

#[inline(always)]
fn encode_a(sample: i32) -> u8 {
    let small = magnitude(sample) >> 4;
    let code = if small > 15 {
        floating(small) - (3 << 4)
    } else {
        small
    };
    ((code | (!(sample >> 31) & 0x80)) ^ 0x55) as u8
}

const fn decode_mu(code: u8) -> i16 {
    let inverted = !code;
    let exponent = (inverted >> 4) & 7;
    let mantissa = (inverted & 15) as i16;
    let step = 4i16 << (exponent + 1);
    let value = (0x80i16 << exponent) + step * mantissa + step / 2 - 4 * 33;
    if code < 0x80 { -value } else { value }
}

const fn decode_a(code: u8) -> i16 {
    let bits = (code ^ 0x55) & 0x7f;
    let exponent = bits >> 4;
    let mantissa = (bits & 15) as i16 + if exponent > 0 { 16 } else { 0 };
    let value = ((mantissa << 4) + 8) << exponent.saturating_sub(1);
    if code > 127 { value } else { -value }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The Recommendation's own way, with segments and shifts.
    fn by_the_book(law: Law, sample: i16) -> u8 {
        let magnitude = (if sample < 0 { !sample } else { sample }) as u16;
        let sign = if sample < 0 { 0 } else { 0x80 };
        match law {
            Law::Mu => {
                let absolute = ((magnitude >> 2) + 33).min(0x1fff);
                let segment = 1 + (16 - (absolute >> 6).leading_zeros()) as u8;
                ((8 - segment) << 4) | (15 - ((absolute >> segment) & 15) as u8) | sign
            }
            Law::A => {
                let mut code = magnitude >> 4;
                if code > 15 {
                    let mut exponent = 1;
                    while code > 31 {
                        code >>= 1;
                        exponent += 1;
                    }
                    code = code - 16 + (exponent << 4);
                }
                (code as u8 | sign) ^ 0x55
            }
        }
    }

    #[test]
    fn every_sample_has_the_recommendations_code() {
        let all: Vec<i16> = (i16::MIN..=i16::MAX).collect();
        let floats: Vec<f32> = all.iter().map(|sample| f32::from(*sample) / FULL_SCALE).collect();
        for law in [Law::Mu, Law::A] {
            let expected: Vec<u8> = all.iter().map(|sample| by_the_book(law, *sample)).collect();
            assert_eq!(law.encode_linear(&all), expected);
            assert_eq!(law.encode_all(&floats), expected);
            assert!(
                all.iter()
                    .zip(&expected)
                    .all(|(sample, code)| law.encode(*sample) == *code)
            );
        }
    }

    #[test]
    fn samples_are_rounded_half_away_from_zero() {
        for sample in [
            0.5,
            0.499_999_97,
            1.5,
            2.5,
            -0.5,
            -1.5,
            32766.5,
            -32767.5,
            1e9,
            -1e9,
            f32::INFINITY,
        ] {
            assert_eq!(
                linear(sample / FULL_SCALE),
                i32::from(sample.round() as i16),
                "{sample}"
            );
        }
    }

    #[test]
    fn nothing_heard_is_above_the_limit() {
        for law in [Law::Mu, Law::A] {
            let loud: Vec<f32> = (-100..=100).map(|n| n as f32 / 50.0).collect();
            for limit in [0.01, 0.5, 0.79, 0.98, 1.0] {
                let mut heard = loud.clone();
                let codes = law.hear(&mut heard, limit);
                assert_eq!(law.decode_all(&codes), heard);
                let most = heard.iter().fold(0.0f32, |most, sample| most.max(sample.abs()));
                assert!(most <= limit && most > 0.9 * limit, "{law:?} {limit}: {most}");
            }
        }
    }

    #[test]
    fn the_recommendations_corner_values() {
        for (law, code, value) in [
            (Law::Mu, 0x00, -32124),
            (Law::Mu, 0x80, 32124),
            (Law::Mu, 0xff, 0),
            (Law::Mu, 0xfe, 8),
            (Law::Mu, 0x8f, 16764),
            (Law::A, 0x55, -8),
            (Law::A, 0xd5, 8),
            (Law::A, 0x2a, -32256),
            (Law::A, 0xaa, 32256),
        ] {
            assert_eq!(law.decode(code), value, "{law:?} {code:#x}");
        }
        assert_eq!((Law::Mu.encode(0), Law::A.encode(0)), (0xff, 0xd5));
        assert_eq!((Law::Mu.encode(-1), Law::A.encode(-1)), (0x7f, 0x55));
        assert_eq!((Law::Mu.encode(i16::MIN), Law::A.encode(i16::MIN)), (0x00, 0x2a));
        assert_eq!((Law::Mu.encode(i16::MAX), Law::A.encode(i16::MAX)), (0x80, 0xaa));
    }

    #[test]
    fn every_code_survives_a_round_trip() {
        for law in [Law::Mu, Law::A] {
            for code in 0..=255u8 {
                let again = law.encode(law.decode(code));
                // mu-law has a negative zero, which linear samples do not.
                let expected = if (law, code) == (Law::Mu, 0x7f) {
                    0xff
                } else {
                    code
                };
                assert_eq!(again, expected, "{law:?} {code:#x}");
            }
        }
    }

    #[test]
    fn every_sample_decodes_to_its_own_interval() {
        for law in [Law::Mu, Law::A] {
            for sample in i16::MIN..=i16::MAX {
                let error = i32::from(law.decode(law.encode(sample))) - i32::from(sample);
                let allowed = (i32::from(sample).abs() / 16).max(16) + 8;
                assert!(
                    error.abs() <= allowed.min(1024),
                    "{law:?} {sample} is off by {error}"
                );
            }
        }
    }

    #[test]
    fn what_is_beyond_full_scale_is_clipped() {
        assert_eq!(Law::Mu.encode_all(&[2.0, -2.0, f32::NAN]), [0x80, 0x00, 0xff]);
    }
}
