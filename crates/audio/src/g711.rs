//! G.711 mu-law and A-law, bit-exact with ITU-T G.191 (`g711.c`).

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
            Law::Mu => encode_mu(sample),
            Law::A => encode_a(sample),
        }
    }

    /// 8-bit logarithmic to 16-bit linear.
    pub fn decode(self, code: u8) -> i16 {
        match self {
            Law::Mu => decode_mu(code),
            Law::A => decode_a(code),
        }
    }

    /// The code of digital silence.
    pub fn silence(self) -> u8 {
        self.encode(0)
    }

    /// Encodes samples of -1.0 to 1.0; what is beyond is clipped, NaN is silence.
    pub fn encode_all(self, samples: &[f32]) -> Vec<u8> {
        samples
            .iter()
            .map(|sample| self.encode((sample * 32768.0).round() as i16))
            .collect()
    }

    /// Decodes to samples of -1.0 to 1.0.
    pub fn decode_all(self, codes: &[u8]) -> Vec<f32> {
        codes
            .iter()
            .map(|code| f32::from(self.decode(*code)) / 32768.0)
            .collect()
    }
}

fn magnitude(sample: i16) -> u16 {
    // One's complement for negative values, as G.191 does it.
    if sample < 0 { !sample as u16 } else { sample as u16 }
}

fn encode_mu(sample: i16) -> u8 {
    let absolute = ((magnitude(sample) >> 2) + 33).min(0x1fff);
    let segment = 1 + (16 - (absolute >> 6).leading_zeros()) as u8;
    let high = 8 - segment;
    let low = 15 - ((absolute >> segment) & 15) as u8;
    let sign = if sample < 0 { 0 } else { 0x80 };
    (high << 4) | low | sign
}

fn decode_mu(code: u8) -> i16 {
    let inverted = !code;
    let exponent = (inverted >> 4) & 7;
    let mantissa = i16::from(inverted & 15);
    let step = 4i16 << (exponent + 1);
    let value = (0x80i16 << exponent) + step * mantissa + step / 2 - 4 * 33;
    if code < 0x80 { -value } else { value }
}

fn encode_a(sample: i16) -> u8 {
    let mut code = magnitude(sample) >> 4;
    if code > 15 {
        let mut exponent = 1;
        while code > 31 {
            code >>= 1;
            exponent += 1;
        }
        code = code - 16 + (exponent << 4);
    }
    let sign = if sample < 0 { 0 } else { 0x80 };
    (code as u8 | sign) ^ 0x55
}

fn decode_a(code: u8) -> i16 {
    let bits = (code ^ 0x55) & 0x7f;
    let exponent = bits >> 4;
    let mantissa = i16::from(bits & 15) + if exponent > 0 { 16 } else { 0 };
    let value = ((mantissa << 4) + 8) << exponent.saturating_sub(1);
    if code > 127 { value } else { -value }
}

#[cfg(test)]
mod tests {
    use super::*;

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
