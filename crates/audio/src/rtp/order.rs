//! What comes before what: sequence numbers and timestamps start anywhere and wrap around (RFC 3550, A.1).

/// How many steps a sequence number is ahead of another; negative when it is behind. Of two that are half the circle apart, each
/// is behind the other.
pub fn steps_ahead(sequence: u16, of: u16) -> i16 {
    sequence.wrapping_sub(of) as i16
}

/// How many ticks of the RTP clock a timestamp is ahead of another; negative when it is behind.
pub fn ticks_ahead(timestamp: u32, of: u32) -> i32 {
    timestamp.wrapping_sub(of) as i32
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn the_number_after_the_last_is_the_first() {
        assert_eq!(steps_ahead(0, u16::MAX), 1);
        assert_eq!(steps_ahead(u16::MAX, 0), -1);
        assert_eq!(ticks_ahead(159, u32::MAX), 160);
    }

    proptest! {
        #[test]
        fn what_is_ahead_of_another_is_as_far_behind_it_the_other_way(first: u16, steps in 1..=i16::MAX) {
            let second = first.wrapping_add(steps as u16);
            prop_assert_eq!(steps_ahead(second, first), steps);
            prop_assert_eq!(steps_ahead(first, second), -steps);
        }
    }
}
