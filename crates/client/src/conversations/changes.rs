//! Walking the list of conversations, page by page.

use crate::{error::Error, request::Request, transport::Transport};
use http::{HeaderMap, header};
use jiff::{Timestamp, fmt::rfc2822::DateTimeParser};
use std::time::Duration;
use tokio::time::Instant;
use wire::{UtcTime, conversation::ConversationPage};

/// The largest page that is read.
const LARGEST_ANSWER: usize = 16 * 1024 * 1024;

/// A walk along the pages' links. A link is followed as it was given, to the platform's own origin only, and none twice.
#[derive(Debug)]
pub struct Changes {
    transport: Transport,
    next: Option<Request>,
    seen: Seen,
    asked_at: Option<UtcTime>,
}

impl Changes {
    pub(super) fn begin(transport: Transport, first: Request) -> Self {
        Self {
            transport,
            next: Some(first),
            seen: Seen::default(),
            asked_at: None,
        }
    }

    pub(super) fn follow(transport: Transport, link: &str) -> Result<Self, Error> {
        let mut walk = Self {
            transport,
            next: None,
            seen: Seen::default(),
            asked_at: None,
        };
        walk.go_to(link)?;
        Ok(walk)
    }

    /// The next page; `None` after the last one. After an error, the same page is asked for again, unless its link is at
    /// fault: then the walk is over.
    pub async fn next_page(&mut self) -> Result<Option<ConversationPage>, Error> {
        let Some(request) = &self.next else {
            return Ok(None);
        };
        let request = request.clone().with_answer_limit(LARGEST_ANSWER);
        let asked = Instant::now();
        let answer = self.transport.send(request).await?;
        self.asked_at = Some(asked_at(&answer.headers, asked.elapsed()));
        let page: ConversationPage = answer.json()?;
        self.next = None;
        if let Some(link) = &page.next_uri {
            self.go_to(link)?;
        }
        Ok(Some(page))
    }

    /// When the last page was asked for, by the platform's clock as far as its answer shows it (in whole seconds), or else by ours. It may
    /// be earlier, but not later.
    pub fn asked_at(&self) -> Option<UtcTime> {
        self.asked_at
    }

    fn go_to(&mut self, link: &str) -> Result<(), Error> {
        let broken = |what: String| Error::BadAnswer {
            host: self.transport.host(),
            what,
            correlation_id: None,
        };
        let url = self.transport.resolve(link)?;
        if !self.transport.is_origin_of(&url) {
            return Err(broken("its nextUri leads to another host".into()));
        }
        if self.seen.has(link) {
            return Err(broken(
                "its nextUri leads back to a page that was read, so the list has no end".into(),
            ));
        }
        self.next = Some(Request::get_address(url));
        Ok(())
    }
}

fn asked_at(headers: &HeaderMap, took: Duration) -> UtcTime {
    let date = headers.get(header::DATE).and_then(|date| date.to_str().ok());
    let date = date.and_then(|date| DateTimeParser::new().parse_timestamp(date).ok());
    let answered = date.unwrap_or_else(Timestamp::now);
    answered.checked_sub(took).unwrap_or(answered).into()
}

/// Finds a link that comes again while remembering only one (Brent's way): each second power of two, the link of that
/// step. A circle is found within three times its length.
#[derive(Debug, Default)]
struct Seen {
    kept: Option<String>,
    steps: u64,
    power: u64,
}

impl Seen {
    /// Whether the link is the one that is kept.
    fn has(&mut self, link: &str) -> bool {
        if self.kept.as_deref() == Some(link) {
            return true;
        }
        if self.steps == self.power {
            self.kept = Some(link.to_owned());
            self.power = (self.power * 2).max(1);
            self.steps = 0;
        }
        self.steps += 1;
        false
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_platforms_clock_goes_before_ours() {
        let mut headers = HeaderMap::new();
        headers.insert(header::DATE, "Sat, 21 Nov 2026 09:30:05 GMT".parse().unwrap());
        let asked = asked_at(&headers, Duration::from_millis(1500));
        assert_eq!(asked.to_string(), "2026-11-21T09:30:03.500Z");
        let begun = UtcTime::from(Timestamp::now());
        assert!(asked_at(&HeaderMap::new(), Duration::ZERO) >= begun);
    }

    #[test]
    fn circles_of_every_length_are_found_and_long_ways_are_none() {
        for (lead, circle) in [(0, 1), (0, 2), (3, 1), (5, 7), (100, 64)] {
            let mut seen = Seen::default();
            let link = |step: usize| match step < lead {
                true => step,
                false => lead + (step - lead) % circle,
            };
            let found = (0..3 * (lead + circle) + 3).find(|step| seen.has(&link(*step).to_string()));
            assert!(
                found.is_some_and(|step| step >= lead + circle),
                "{lead} {circle} {found:?}"
            );
        }
        let mut seen = Seen::default();
        assert!((0..10_000).all(|step| !seen.has(&step.to_string())));
    }
}
