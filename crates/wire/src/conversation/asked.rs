//! Which interactions are asked for: `?limit=10&order=asc|desc&after=<sequence>&wait=<seconds>`.

use crate::{Faults, fault::shorten, words::words};
use std::{fmt::Display, str::FromStr};

/// Most interactions of an answer.
pub const MOST_ASKED: usize = 100;
/// How many there are when nobody says.
pub const USUALLY_ASKED: usize = 10;
/// The longest time to wait for something newer, in seconds.
pub const LONGEST_WAIT_S: u64 = 30;

words! {
    /// In which order interactions come.
    #[derive(Default)]
    Order {
        /// The oldest first.
        #[default]
        Ascending = "asc",
        /// The newest first.
        Descending = "desc",
    }
}

/// What is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct InteractionsAsked {
    /// How many at the most, 1 to [`MOST_ASKED`].
    pub limit: usize,
    /// In which order.
    pub order: Order,
    /// Only those with a greater number.
    pub after: Option<u64>,
    /// How long to wait until there is one, in seconds, 0 to [`LONGEST_WAIT_S`].
    pub wait_s: u64,
}

impl Default for InteractionsAsked {
    fn default() -> Self {
        Self {
            limit: USUALLY_ASKED,
            order: Order::Ascending,
            after: None,
            wait_s: 0,
        }
    }
}

impl InteractionsAsked {
    /// Reads the query parameters, as far as they are there; an empty one is not.
    pub fn parse(
        limit: Option<&str>,
        order: Option<&str>,
        after: Option<&str>,
        wait: Option<&str>,
        faults: &mut Faults,
    ) -> Self {
        let whole = |name: &str, text, least, most, faults: &mut Faults| {
            let wanted = format!("a whole number from {least} to {most}");
            parameter(
                name,
                text,
                &wanted,
                |number: &u64| (least..=most).contains(number),
                faults,
            )
        };
        let limit = whole("limit", limit, 1, MOST_ASKED as u64, faults);
        let order = filled(order).map(|text| text.parse().map_err(|error| format!("order {error}")));
        Self {
            limit: limit
                .and_then(|limit| usize::try_from(limit).ok())
                .unwrap_or(USUALLY_ASKED),
            order: order.and_then(|order| faults.keep(order)).unwrap_or_default(),
            after: parameter("after", after, "a whole number", |_| true, faults),
            wait_s: whole("wait", wait, 0, LONGEST_WAIT_S, faults).unwrap_or(0),
        }
    }

    /// The query parameters that say this.
    pub fn query(&self) -> impl Iterator<Item = (&'static str, String)> {
        let wait = (self.wait_s > 0).then(|| ("wait", self.wait_s.to_string()));
        let after = self.after.map(|after| ("after", after.to_string()));
        [
            ("limit", self.limit.to_string()),
            ("order", self.order.to_string()),
        ]
        .into_iter()
        .chain(after)
        .chain(wait)
    }
}

pub(super) fn filled(text: Option<&str>) -> Option<&str> {
    text.filter(|text| !text.is_empty())
}

/// A query parameter that must be as `wanted` says.
pub(super) fn parameter<T: FromStr>(
    name: &str,
    text: Option<&str>,
    wanted: impl Display,
    is_good: impl FnOnce(&T) -> bool,
    faults: &mut Faults,
) -> Option<T> {
    let text = filled(text)?;
    let read = text.parse().ok().filter(is_good);
    if read.is_none() {
        faults.push(format!("{name} must be {wanted}, not {:?}", shorten(text)));
    }
    read
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(limit: &str, order: &str, after: &str, wait: &str) -> Result<InteractionsAsked, Vec<String>> {
        let mut faults = Faults::new();
        let asked = InteractionsAsked::parse(Some(limit), Some(order), Some(after), Some(wait), &mut faults);
        faults.finish(Some(asked)).map_err(Faults::into_vec)
    }

    #[test]
    fn parameters_hold_at_their_bounds() {
        assert_eq!(parse("", "", "", ""), Ok(InteractionsAsked::default()));
        let most = InteractionsAsked {
            limit: 100,
            order: Order::Descending,
            after: Some(u64::MAX),
            wait_s: 30,
        };
        assert_eq!(parse("100", "desc", "18446744073709551615", "30"), Ok(most));
        let least = InteractionsAsked {
            limit: 1,
            order: Order::Ascending,
            after: Some(0),
            wait_s: 0,
        };
        assert_eq!(parse("1", "asc", "0", "0"), Ok(least));
        assert_eq!(
            parse("0", "up", "-1", "31").unwrap_err(),
            [
                "limit must be a whole number from 1 to 100, not \"0\"",
                "order must be one of asc, desc, not \"up\"",
                "after must be a whole number, not \"-1\"",
                "wait must be a whole number from 0 to 30, not \"31\"",
            ]
        );
        assert!(parse("101", "", "", "").is_err() && parse("ten", "", "", "1.5").is_err());
    }

    #[test]
    fn what_is_asked_is_written_as_it_is_read() {
        let asked = InteractionsAsked {
            limit: 7,
            order: Order::Descending,
            after: Some(3),
            wait_s: 20,
        };
        let query: Vec<_> = asked
            .query()
            .map(|(name, value)| format!("{name}={value}"))
            .collect();
        assert_eq!(query.join("&"), "limit=7&order=desc&after=3&wait=20");
        let usual: Vec<_> = InteractionsAsked::default().query().collect();
        assert_eq!(usual.len(), 2);
    }
}
