//! Noise that is the same every time.

/// White noise, -0.5 to 0.5.
pub(crate) fn white(seed: u32, length: usize) -> Vec<f32> {
    let mut state = (seed + 1).wrapping_mul(2_654_435_761) | 1;
    let next = |_| {
        state ^= state << 13;
        state ^= state >> 17;
        state ^= state << 5;
        state as f32 / u32::MAX as f32 - 0.5
    };
    (0..length).map(next).collect()
}

/// White noise through three one-pole filters that together fall by 3 dB an octave.
pub(crate) fn pink(seed: u32, length: usize) -> Vec<f32> {
    let mut poles = [0f32; 3];
    let filter = |white: f32| {
        poles[0] = 0.99765 * poles[0] + white * 0.099_046;
        poles[1] = 0.963 * poles[1] + white * 0.296_516;
        poles[2] = 0.57 * poles[2] + white * 1.052_691;
        poles.iter().sum::<f32>() + white * 0.1848
    };
    white(seed, length).into_iter().map(filter).collect()
}
