//! How fast G.711 is encoded and decoded, beside copying the same memory.
//!
//! `cargo bench -p trunkline --bench g711`

use audio::Law;
use std::{
    hint::black_box,
    time::{Duration, Instant},
};

/// Samples at once: half a minute of a call, which stays in the second-level cache.
const SAMPLES: usize = 240_000;
const TIME: Duration = Duration::from_millis(700);

fn main() {
    let linear: Vec<i16> = (0..SAMPLES)
        .map(|n| (n * 40_503 % 65_536) as u16 as i16)
        .collect();
    let floats: Vec<f32> = linear.iter().map(|sample| f32::from(*sample) / 32768.0).collect();
    let copy = rate("copying 16-bit samples", 2 * SAMPLES, || linear.clone());
    for law in [Law::Mu, Law::A] {
        let codes = law.encode_linear(&linear);
        let results = [
            rate("encode 16-bit", 2 * SAMPLES, || law.encode_linear(&linear)),
            rate("encode f32 (as 16-bit)", 2 * SAMPLES, || law.encode_all(&floats)),
            rate("decode to 16-bit", 2 * SAMPLES, || law.decode_linear(&codes)),
            rate("decode to f32 (as 16-bit)", 2 * SAMPLES, || {
                law.decode_all(&codes)
            }),
        ];
        let ratios = results.map(|result| format!("{:.2}", result / copy));
        println!("{law:?}-law, ratios to copying: {}\n", ratios.join(", "));
    }
}

/// Repeats for a while; gives GB of 16-bit samples a second.
fn rate<T>(name: &str, bytes: usize, mut work: impl FnMut() -> T) -> f64 {
    let started = Instant::now();
    let mut rounds = 0;
    while started.elapsed() < TIME {
        black_box(work());
        rounds += 1;
    }
    let rate = (rounds * bytes) as f64 / started.elapsed().as_secs_f64() / 1e9;
    println!("{name}: {rate:.2} GB/s");
    rate
}
