//! Lists that are read page by page: `?pageSize=25&pageNumber=1` (contract sections 3 and 7).

use crate::{Faults, fault::shorten};
use serde::{Deserialize, Serialize};

/// The size of a page that nobody asked for.
pub const USUAL_PAGE: usize = 25;
/// The largest page.
pub const LARGEST_PAGE: usize = 100;
/// The last page that can be asked for.
pub const LAST_PAGE: usize = 1_000_000;

/// One page of a list.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Page<T> {
    /// What is on it.
    pub entities: Vec<T>,
    /// How much there is altogether.
    pub total_count: u64,
    /// How much fits on a page.
    pub page_size: usize,
    /// Which page it is, from 1.
    pub page_number: usize,
    /// The path of the next page, if there is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next_uri: Option<String>,
}

/// Which page is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PageAsked {
    /// How much fits on it, 1 to 100.
    pub size: usize,
    /// Its number, from 1.
    pub number: usize,
}

impl PageAsked {
    /// Reads the query parameters, as far as they are there; an empty one is not.
    pub fn parse(size: Option<&str>, number: Option<&str>, faults: &mut Faults) -> Self {
        Self {
            size: whole("pageSize", size, LARGEST_PAGE, faults).unwrap_or(USUAL_PAGE),
            number: whole("pageNumber", number, LAST_PAGE, faults).unwrap_or(1),
        }
    }

    /// How many come before it.
    pub fn skip(self) -> usize {
        (self.number - 1) * self.size
    }

    /// The page with what is on it. `uri_of` makes the path of the page with a number.
    pub fn page<T>(self, entities: Vec<T>, total_count: u64, uri_of: impl FnOnce(Self) -> String) -> Page<T> {
        let shown = self.skip() as u64 + entities.len() as u64;
        let next = (shown < total_count && !entities.is_empty()).then(|| {
            uri_of(Self {
                number: self.number + 1,
                ..self
            })
        });
        Page {
            entities,
            total_count,
            page_size: self.size,
            page_number: self.number,
            next_uri: next,
        }
    }
}

fn whole(name: &str, text: Option<&str>, most: usize, faults: &mut Faults) -> Option<usize> {
    let text = text.filter(|text| !text.is_empty())?;
    let number = text
        .parse::<usize>()
        .ok()
        .filter(|number| (1..=most).contains(number));
    if number.is_none() {
        faults.push(format!(
            "{name} must be a whole number from 1 to {most}, not {:?}",
            shorten(text)
        ));
    }
    number
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_page_has_no_next() {
        let mut faults = Faults::new();
        let asked = PageAsked::parse(Some("2"), Some("2"), &mut faults);
        let uri = |asked: PageAsked| format!("/x?pageSize={}&pageNumber={}", asked.size, asked.number);
        assert_eq!(asked.skip(), 2);
        assert_eq!(
            asked.page(vec![3, 4], 5, uri).next_uri.unwrap(),
            "/x?pageSize=2&pageNumber=3"
        );
        assert_eq!(asked.page(vec![3, 4], 4, uri).next_uri, None);
        assert!(faults.is_empty());
        let usual = PageAsked::parse(None, None, &mut faults);
        assert_eq!(PageAsked::parse(Some(""), Some(""), &mut faults), usual);
        assert!(faults.is_empty());
        PageAsked::parse(Some("0"), Some("one"), &mut faults);
        assert_eq!(
            faults.as_slice(),
            [
                "pageSize must be a whole number from 1 to 100, not \"0\"",
                "pageNumber must be a whole number from 1 to 1000000, not \"one\"",
            ]
        );
    }
}
