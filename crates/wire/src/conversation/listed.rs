//! The list of conversations by when they changed: `GET /api/v2/conversations?updatedDateGte=...&pageSize=100`.

use super::{
    Conversation, ConversationType, Interaction, State,
    asked::{filled, parameter},
};
use crate::{Faults, UtcTime, ids::ConversationId};
use serde::{Deserialize, Serialize};

/// The largest page.
pub const LARGEST_PAGE: usize = 1_000;
/// The size of a page that nobody asked for.
pub const USUAL_PAGE: usize = 100;

/// Most interactions of a conversation that is expanded.
pub const MOST_EXPANDED: usize = 100;

/// A conversation in the list, and how it is expanded. What a platform other than the center leaves out is absent, false or 0.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ConversationSummary<E = Box<Expanded>> {
    /// Its id.
    pub id: ConversationId,
    /// What kind it is.
    #[serde(rename = "type", default, skip_serializing_if = "Option::is_none")]
    pub kind: Option<ConversationType>,
    /// Where it is in its life.
    pub state: State,
    /// When it was created.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub created_date: Option<UtcTime>,
    /// When it changed last, interactions included.
    pub updated_date: UtcTime,
    /// The bot that answers, if one does.
    #[serde(default)]
    pub bot_id: Option<String>,
    /// Whether the bot says that the matter is settled.
    #[serde(default)]
    pub resolved: bool,
    /// Whether it was handed to a person (not in the contract).
    #[serde(default)]
    pub escalated: bool,
    /// One more with every change, from 1 (not in the contract).
    #[serde(default)]
    pub version: u64,
    /// The number of its last interaction; 0 when there is none (not in the contract).
    #[serde(default)]
    pub last_sequence: u64,
    /// All of it, where `expand=all` asks for that (not in the contract).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub expanded: Option<E>,
}

/// A conversation with what was said (interactions, read or as they are written), as it is when its page is made.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Expanded<I = Interaction> {
    /// The conversation.
    pub conversation: Conversation,
    /// What was said, the oldest first: [`MOST_EXPANDED`] at the most. The rest is to be asked for.
    pub interactions: Vec<I>,
}

/// A page of the list, by (`updatedDate`, id), with its conversations, read or as they are written.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ConversationPage<S = ConversationSummary> {
    /// What is on it.
    pub entities: Vec<S>,
    /// Where it goes on; absent on the last page.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next_uri: Option<String>,
}

/// Which conversations are asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ListAsked {
    /// Those that changed then or later.
    pub updated_gte: Option<UtcTime>,
    /// How many fit on a page, 1 to [`LARGEST_PAGE`].
    pub page_size: usize,
    /// Where the page before ended, as the platform wrote it into its `nextUri`.
    pub cursor: Option<String>,
    /// Whether each comes with all there is of it: `expand=all` (not in the contract).
    pub expand: bool,
}

impl ListAsked {
    /// Reads the query parameters, as far as they are there; an empty one is not.
    pub fn parse(
        updated_gte: Option<&str>,
        page_size: Option<&str>,
        cursor: Option<&str>,
        expand: Option<&str>,
        faults: &mut Faults,
    ) -> Self {
        let time = "a time such as 2026-11-21T09:30:00.000Z";
        let size = format!("a whole number from 1 to {LARGEST_PAGE}");
        let fits = |size: &usize| (1..=LARGEST_PAGE).contains(size);
        Self {
            updated_gte: parameter("updatedDateGte", updated_gte, time, |_| true, faults),
            page_size: parameter("pageSize", page_size, size, fits, faults).unwrap_or(USUAL_PAGE),
            cursor: filled(cursor).map(str::to_owned),
            expand: parameter("expand", expand, "all", |word: &String| word == "all", faults).is_some(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_page_is_read_as_it_is_written_and_the_contracts_members_are_enough() {
        let bare =
            json!({"entities": [{"id": "c", "state": "closed", "updatedDate": "2026-11-21T09:30:00.000Z"}]});
        let page: ConversationPage = serde_json::from_value(bare).unwrap();
        assert_eq!(page.next_uri, None);
        assert_eq!(page.entities[0].version, 0);
        let text = serde_json::to_string(&page).unwrap();
        assert_eq!(serde_json::from_str::<ConversationPage>(&text).unwrap(), page);
    }

    #[test]
    fn parameters_hold_at_their_bounds() {
        let parse = |since: &str, size: &str, expand: Option<&str>| {
            let mut faults = Faults::new();
            let asked = ListAsked::parse(Some(since), Some(size), Some("x"), expand, &mut faults);
            faults.finish(Some(asked)).map_err(Faults::into_vec)
        };
        let asked = parse("2026-11-21T09:30:00.123Z", "1000", Some("all")).unwrap();
        assert!(asked.expand);
        assert_eq!(asked.updated_gte.unwrap().to_string(), "2026-11-21T09:30:00.123Z");
        assert_eq!((asked.page_size, asked.cursor.as_deref()), (1000, Some("x")));
        assert_eq!(parse("", "", None).unwrap().page_size, 100);
        assert!(!parse("", "1", Some("")).unwrap().expand);
        assert_eq!(parse("", "1", None).unwrap().page_size, 1);
        assert_eq!(
            parse("yesterday", "1001", Some("some")).unwrap_err(),
            [
                "updatedDateGte must be a time such as 2026-11-21T09:30:00.000Z, not \"yesterday\"",
                "pageSize must be a whole number from 1 to 1000, not \"1001\"",
                "expand must be all, not \"some\"",
            ]
        );
        assert!(parse("", "0", None).is_err());
    }
}
