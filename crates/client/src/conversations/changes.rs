//! Walking the list of conversations, page by page.

use super::Conversations;
use crate::{error::Error, request::Request, transport::Transport};
use http::{HeaderMap, header};
use jiff::{Timestamp, fmt::rfc2822::DateTimeParser};
use serde::de::DeserializeOwned;
use serde_json::value::RawValue;
use std::time::Duration;
use tokio::time::Instant;
use wire::{
    UtcTime,
    conversation::{ConversationPage, Expanded},
};

/// The largest page that is read.
const LARGEST_ANSWER: usize = 16 * 1024 * 1024;

/// A walk along the pages' links. A link is followed as it was given, to the platform's own origin only, and none twice.
#[derive(Debug)]
pub struct Changes {
    transport: Transport,
    /// The next page, or what is wrong with its link.
    next: Option<Result<Request, Error>>,
    seen: Seen,
    asked_at: Option<UtcTime>,
}

impl Changes {
    pub(super) fn begin(transport: Transport, first: Request) -> Self {
        Self {
            transport,
            next: Some(Ok(first)),
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
        walk.next = Some(Ok(walk.request(link)?));
        Ok(walk)
    }

    /// The next page, its conversations as [`ConversationSummary`](wire::conversation::ConversationSummary), expanded or with the JSON of that;
    /// `None` after the last one. After an error, the same page is asked for again, unless its link is at fault: then the walk is over.
    pub async fn next_page<S: DeserializeOwned>(&mut self) -> Result<Option<ConversationPage<S>>, Error> {
        let request = match &self.next {
            None => return Ok(None),
            Some(Ok(request)) => request.clone().with_answer_limit(LARGEST_ANSWER),
            Some(Err(_)) => return self.next.take().and_then(Result::err).map_or(Ok(None), Err),
        };
        let asked = Instant::now();
        let answer = self.transport.send(request).await?;
        self.asked_at = Some(asked_at(&answer.headers, asked.elapsed()));
        let page: ConversationPage<S> = answer.json()?;
        // A link at fault is told when it is to be followed: what was read is no worse for it.
        self.next = page.next_uri.as_deref().map(|link| self.request(link));
        Ok(Some(page))
    }

    /// When the last page was asked for, by the platform's clock as far as its answer shows it (in whole seconds), or else by ours. It may
    /// be earlier, but not later.
    pub fn asked_at(&self) -> Option<UtcTime> {
        self.asked_at
    }

    fn request(&mut self, link: &str) -> Result<Request, Error> {
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
        Ok(Request::get_address(url))
    }
}

impl Conversations {
    /// Reads what a conversation of a page is expanded to, which was taken as JSON.
    pub fn read_expanded(&self, json: &RawValue) -> Result<Expanded, Error> {
        serde_json::from_str(json.get()).map_err(|error| Error::BadAnswer {
            host: self.transport.host(),
            // serde_json quotes values, which may be personal; where is enough.
            what: format!(
                "a conversation of its list is not as agreed, at column {}",
                error.column()
            ),
            correlation_id: None,
        })
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
