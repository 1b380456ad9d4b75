//! The list of conversations by (`updatedDate`, id).
//!
//! The cursor says where the page before ended. What changes meanwhile moves to the end of the list, and a walk that goes on to the end meets it
//! there: each change that was made before the last page is on some page.

use super::{
    Conversations,
    kept::{Brief, CONVERSATION, LIST, read, to_ms},
    trouble::Trouble,
};
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use std::iter::repeat_with;
use store::Find;
use url::form_urlencoded;
use wire::{
    Faults,
    conversation::{ConversationPage, ConversationSummary, ListAsked},
    ids::ConversationId,
};

/// The path of the list.
const PATH: &str = "/api/v2/conversations";

/// Where a page ended.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Cursor {
    place: i64,
    id: ConversationId,
}

impl Conversations {
    pub(super) async fn list(&self, asked: ListAsked) -> Result<ConversationPage, Trouble> {
        let cursor = asked.cursor.as_deref().map(Cursor::read).transpose()?;
        let horizon = self.stamps.horizon().await;
        let since = asked.updated_gte.map(|since| {
            // Stamps have whole milliseconds: what is asked for with a fraction begins with the next.
            let ms = to_ms(since);
            ms - i64::from(since.to_the_millisecond() == since)
        });
        let find = Find {
            kind: CONVERSATION.into(),
            term: LIST.into(),
            after: cursor.as_ref().map(|cursor| cursor.place).or(since),
            after_id: cursor.map(|cursor| cursor.id.to_string()),
            ..Find::default()
        };
        let found = self.store.find(&find, asked.page_size).await?;
        let is_full = found.len() == asked.page_size;
        let shown = found.into_iter().filter(|found| found.place < horizon);
        let mut shown: Vec<_> = shown.collect();
        let mut goes_on = is_full && shown.len() == asked.page_size;
        let expanded = match asked.expand {
            true => self.expand(&shown).await?,
            false => Vec::new(),
        };
        if asked.expand && expanded.len() < shown.len() {
            shown.truncate(expanded.len());
            goes_on = true;
        }
        let next = shown.last().filter(|_| goes_on).and_then(|last| {
            Some(Cursor {
                place: last.place,
                id: last.record.id.parse().ok()?,
            })
        });
        let expanded = expanded.into_iter().chain(repeat_with(|| None));
        let entities = shown.iter().zip(expanded).filter_map(|(found, expanded)| {
            let id = found.record.id.parse().ok()?;
            Some(ConversationSummary {
                expanded,
                ..read::<Brief>(&found.record.body)?.summary(id, found.record.version)
            })
        });
        Ok(ConversationPage {
            entities: entities.collect(),
            next_uri: next.map(|next| next.uri(&asked)),
        })
    }
}

impl Cursor {
    fn uri(&self, asked: &ListAsked) -> String {
        let text = format!("{},{}", self.place, self.id);
        let mut query = form_urlencoded::Serializer::new(format!("{PATH}?"));
        if let Some(since) = asked.updated_gte {
            query.append_pair("updatedDateGte", &since.timestamp().to_string());
        }
        query.append_pair("pageSize", &asked.page_size.to_string());
        if asked.expand {
            query.append_pair("expand", "all");
        }
        query.append_pair("cursor", &URL_SAFE_NO_PAD.encode(text));
        query.finish()
    }

    fn read(text: &str) -> Result<Self, Faults> {
        let parts = || {
            let text = String::from_utf8(URL_SAFE_NO_PAD.decode(text).ok()?).ok()?;
            let (place, id) = text.split_once(',')?;
            Some(Self {
                place: place.parse().ok()?,
                id: id.parse().ok()?,
            })
        };
        parts().ok_or_else(|| Faults::one("cursor is none of a nextUri; begin without it"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn a_cursor_is_read_as_it_is_written(place in any::<i64>(), id in "[!-~&&[^/?#%.]]{1,128}") {
            let cursor = Cursor { place, id: id.parse().unwrap() };
            let asked = ListAsked { updated_gte: None, page_size: 7, cursor: None, expand: false };
            let uri = cursor.uri(&asked);
            let query = uri.split_once('?').unwrap().1;
            let given = form_urlencoded::parse(query.as_bytes()).find(|(name, _)| name == "cursor").unwrap().1;
            prop_assert_eq!(Cursor::read(&given), Ok(cursor));
        }

        #[test]
        fn no_text_makes_a_cursor_panic(text in ".{0,60}") {
            let _ = Cursor::read(&text);
        }
    }
}
