//! Analytics: `POST /api/v2/analytics/conversations/details/query`.

use super::State;
use crate::{
    Faults, UtcTime,
    fault::{self, Object},
    task::date,
    words::words,
};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::time::Duration;

/// Most filters of a query.
pub const MOST_FILTERS: usize = 32;
/// Most groups of an answer: hours or days between the two dates.
pub const MOST_GROUPS: u64 = 10_000;
/// The longest word (dimension, metric, type or value of a filter), in characters.
pub const LONGEST_WORD: usize = 256;

words! {
    /// How conversations are put together, by when they were created.
    #[derive(Default)]
    TimeGrouping {
        /// All in one.
        #[default]
        None = "none",
        /// Those of an hour of UTC.
        Hour = "hour",
        /// Those of a day of UTC.
        Day = "day",
    }
}

words! {
    /// How a filter compares.
    Operator {
        /// It is so.
        Equal = "eq",
        /// It is not so.
        NotEqual = "ne",
    }
}

/// What else clients write for [`Operator::Equal`].
const ALSO_EQUAL: [&str; 2] = ["equals", "matches"];
/// The value of `botId` that means any bot.
const ANY_BOT: &str = "true";

words! {
    /// What a filter looks at.
    Attribute {
        /// The bot that answers.
        BotId = "botId",
        /// Where the conversation is in its life.
        State = "state",
        /// Whether it is settled.
        Resolved = "resolved",
        /// Whether it was handed to a person.
        Escalated = "escalated",
        /// What the customer talks by.
        Channel = "channel",
    }
}

/// One condition; all of a query's must hold.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Filter {
    /// What kind of filter it is; kept, and not looked at.
    #[serde(rename = "type", skip_serializing_if = "Option::is_none")]
    pub kind: Option<String>,
    /// How it compares.
    pub operator: Operator,
    /// With what.
    pub attribute: Attribute,
    /// To what: a state for `state`, `true` or `false` for `resolved` and `escalated`; `true` for any `botId`.
    pub value: String,
}

/// What filters look at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Traits<'a> {
    /// The bot that answers.
    pub bot_id: Option<&'a str>,
    /// Where the conversation is in its life.
    pub state: State,
    /// Whether it is settled.
    pub resolved: bool,
    /// Whether it was handed to a person.
    pub escalated: bool,
    /// What the customer talks by.
    pub channel: Option<&'a str>,
}

impl Filter {
    /// Whether a conversation passes. One without a bot or channel is equal to none.
    pub fn passes(&self, traits: &Traits<'_>) -> bool {
        let truth = |is: bool| if is { "true" } else { "false" };
        let found = match self.attribute {
            Attribute::BotId if self.value == ANY_BOT => Some(truth(traits.bot_id.is_some())),
            Attribute::BotId => traits.bot_id,
            Attribute::State => Some(traits.state.as_str()),
            Attribute::Resolved => Some(truth(traits.resolved)),
            Attribute::Escalated => Some(truth(traits.escalated)),
            Attribute::Channel => traits.channel,
        };
        (found == Some(self.value.as_str())) == (self.operator == Operator::Equal)
    }

    fn read(body: &Object<'_>, faults: &mut Faults) -> Option<Self> {
        let kind = body.short_text("type", LONGEST_WORD, faults);
        let operator = match body.get("operator").and_then(Value::as_str) {
            Some(word) if ALSO_EQUAL.contains(&word) => Some(Operator::Equal),
            _ => body.parsed("operator", faults),
        };
        let attribute = body.parsed("attribute", faults);
        let value = Self::read_value(body, attribute, faults);
        Some(Self {
            kind: kind.map(str::to_owned),
            operator: operator?,
            attribute: attribute?,
            value: value?,
        })
    }

    fn read_value(body: &Object<'_>, attribute: Option<Attribute>, faults: &mut Faults) -> Option<String> {
        let value = match body.get("value") {
            Some(Value::Bool(truth)) => truth.to_string(),
            _ => body.filled_text("value", LONGEST_WORD, faults)?.to_owned(),
        };
        let wrong = match attribute? {
            Attribute::State => value.parse::<State>().err(),
            Attribute::Resolved | Attribute::Escalated if value != "true" && value != "false" => {
                Some(format!("must be true or false, not {:?}", fault::shorten(&value)))
            }
            _ => None,
        };
        if let Some(wrong) = wrong {
            faults.push(format!("{} {wrong}", body.name("value")));
            return None;
        }
        Some(value)
    }
}

/// The query: conversations created from `date_from` on and before `date_to`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct DetailsQuery {
    /// Kept, and not looked at: the answer has all there is.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub dimension: Option<String>,
    /// Kept, and not looked at.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub metric: Option<String>,
    /// How they are put together.
    pub time_grouping: TimeGrouping,
    /// The first moment that counts.
    pub date_from: UtcTime,
    /// The first one that does not any more.
    pub date_to: UtcTime,
    /// Which of them count.
    pub filters: Vec<Filter>,
}

impl DetailsQuery {
    /// Reads the request body; all faults at once.
    pub fn parse(text: &str) -> Result<Self, Faults> {
        let mut faults = Faults::new();
        let value = fault::json(text, &mut faults);
        let read = value.and_then(|value| Self::read(&Object::top(&value, &mut faults)?, &mut faults));
        faults.finish(read)
    }

    fn read(body: &Object<'_>, faults: &mut Faults) -> Option<Self> {
        let dimension = body.short_text("dimension", LONGEST_WORD, faults);
        let metric = body.short_text("metric", LONGEST_WORD, faults);
        let time_grouping = body.optional_parsed("timeGrouping", faults).unwrap_or_default();
        let date_from = date(body, "dateFrom", faults);
        let date_to = date(body, "dateTo", faults);
        if let (Some(from), Some(to)) = (date_from, date_to) {
            check_span(from, to, time_grouping, faults);
        }
        let filters = read_filters(body, faults);
        Some(Self {
            dimension: dimension.map(str::to_owned),
            metric: metric.map(str::to_owned),
            time_grouping,
            date_from: date_from?,
            date_to: date_to?,
            filters,
        })
    }

    /// What the other side would find wrong with it.
    pub fn check(&self) -> Result<(), Faults> {
        Self::parse(&serde_json::to_string(self).unwrap_or_default()).map(drop)
    }

    /// Whether a conversation passes all filters.
    pub fn passes(&self, traits: &Traits<'_>) -> bool {
        self.filters.iter().all(|filter| filter.passes(traits))
    }
}

fn check_span(from: UtcTime, to: UtcTime, grouping: TimeGrouping, faults: &mut Faults) {
    if from > to {
        faults.push(format!("dateTo must not be before dateFrom, which is {from}"));
    }
    let group = match grouping {
        TimeGrouping::None => return,
        TimeGrouping::Hour => Duration::from_secs(3_600),
        TimeGrouping::Day => Duration::from_secs(86_400),
    };
    let groups = to.since(from).as_secs() / group.as_secs();
    if groups > MOST_GROUPS {
        faults.push(format!(
            "dateFrom and dateTo are {groups} times timeGrouping {grouping} apart, at most {MOST_GROUPS} groups are made; ask for less"
        ));
    }
}

fn read_filters(body: &Object<'_>, faults: &mut Faults) -> Vec<Filter> {
    let listed = body.optional_list("filters", faults).unwrap_or_default();
    if listed.len() > MOST_FILTERS {
        faults.push(format!(
            "filters must have at most {MOST_FILTERS} items, not {}",
            listed.len()
        ));
        return Vec::new();
    }
    let read = |(at, item): (usize, &Value)| {
        Filter::read(&Object::at(item, &format!("filters[{at}]"), faults)?, faults)
    };
    listed.iter().enumerate().filter_map(read).collect()
}

/// What comes of the query.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct DetailsAnswer {
    /// How many conversations count.
    pub total_hits: u64,
    /// By time; those without a conversation are left out, unless there is only one for all.
    pub groups: Vec<Group>,
}

/// The conversations that were created in a span of time.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Group {
    /// The beginning of the span.
    pub from: UtcTime,
    /// Its end, which does not belong to it.
    pub to: UtcTime,
    /// How many conversations.
    pub conversations: u64,
    /// How many are settled.
    pub resolved: u64,
    /// The share of those, 0 to 1; 0 when there are none.
    pub resolution_rate: f64,
    /// How many are over without having been handed to a person.
    pub contained: u64,
    /// How many were handed to a person (not in the contract).
    #[serde(default)]
    pub escalated: u64,
    /// How many messages the customers sent.
    pub turns: u64,
    /// Half of the messages were answered within this, in milliseconds; none when none was answered.
    pub median_response_ms: Option<f64>,
    /// 95 of 100 were answered within this, in milliseconds.
    #[serde(rename = "p95ResponseMs")]
    pub p95_response_ms: Option<f64>,
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn query() -> Value {
        json!({"dimension": "conversation", "metric": "resolution", "timeGrouping": "hour",
            "dateFrom": "2026-11-21T00:00:00.000Z", "dateTo": "2026-11-22T00:00:00.000Z",
            "filters": [{"type": "attribute", "operator": "eq", "attribute": "botId", "value": "b1"}]})
    }

    fn with(change: impl FnOnce(&mut Value)) -> Result<DetailsQuery, Vec<String>> {
        let mut query = query();
        change(&mut query);
        DetailsQuery::parse(&query.to_string()).map_err(Faults::into_vec)
    }

    #[test]
    fn a_query_is_read_as_it_is_written() {
        let read = with(|_| {}).unwrap();
        assert_eq!(serde_json::to_value(&read).unwrap(), query());
        assert_eq!(read.check(), Ok(()));
        let bare = r#"{"dateFrom":"2026-11-21T00:00:00Z","dateTo":"2026-11-21T00:00:00Z"}"#;
        let bare = DetailsQuery::parse(bare).unwrap();
        assert_eq!((bare.time_grouping, bare.filters.len()), (TimeGrouping::None, 0));
    }

    #[test]
    fn all_faults_at_once() {
        let faults = with(|query| {
            query["timeGrouping"] = json!("week");
            query["dateFrom"] = json!("2026-11-23T00:00:00Z");
            query["filters"] = json!([
                {"operator": "like", "attribute": "name", "value": "x"},
                {"operator": "eq", "attribute": "state", "value": "open"},
                {"operator": "eq", "attribute": "resolved", "value": "yes"},
                {"operator": "eq", "attribute": "channel"},
                7,
            ]);
        });
        assert_eq!(
            faults.unwrap_err(),
            [
                "timeGrouping must be one of none, hour, day, not \"week\"",
                "dateTo must not be before dateFrom, which is 2026-11-23T00:00:00.000Z",
                "filters[0].operator must be one of eq, ne, not \"like\"",
                "filters[0].attribute must be one of botId, state, resolved, escalated, channel, not \"name\"",
                "filters[1].value must be one of queued, pending, active, closed, ended, not \"open\"",
                "filters[2].value must be true or false, not \"yes\"",
                "filters[3].value is missing",
                "filters[4] must be an object, not the number 7",
            ]
        );
        assert_eq!(
            DetailsQuery::parse("{}").unwrap_err().as_slice(),
            ["dateFrom is missing", "dateTo is missing"]
        );
    }

    #[test]
    fn groups_and_filters_are_bounded() {
        let hours = |hours: u64| {
            let from: UtcTime = "2026-01-01T00:00:00Z".parse().unwrap();
            let to = from.after(Duration::from_secs(hours * 3_600));
            with(|query| (query["dateFrom"], query["dateTo"]) = (json!(from), json!(to)))
        };
        assert!(hours(9_999).is_ok() && hours(10_000).is_ok());
        assert_eq!(hours(10_001).unwrap_err().len(), 1);
        let filters = |count: usize| {
            let one = json!({"operator": "ne", "attribute": "escalated", "value": true});
            with(|query| query["filters"] = vec![one; count].into())
        };
        assert_eq!(filters(32).unwrap().filters[0].value, "true");
        assert_eq!(
            filters(33).unwrap_err(),
            ["filters must have at most 32 items, not 33"]
        );
    }

    #[test]
    fn filters_look_at_what_they_name() {
        let traits = Traits {
            bot_id: Some("b1"),
            state: State::Closed,
            resolved: true,
            escalated: false,
            channel: None,
        };
        let passes = |attribute: &str, operator: &str, value: &str| {
            let filter = json!({"operator": operator, "attribute": attribute, "value": value});
            with(|query| query["filters"] = json!([filter]))
                .unwrap()
                .passes(&traits)
        };
        for (attribute, value, is) in [
            ("botId", "b1", true),
            ("botId", "b2", false),
            ("botId", "true", true),
            ("state", "closed", true),
            ("state", "ended", false),
            ("resolved", "true", true),
            ("escalated", "true", false),
            ("channel", "webchat", false),
        ] {
            assert_eq!(passes(attribute, "eq", value), is, "{attribute} {value}");
            assert_eq!(passes(attribute, "ne", value), !is, "{attribute} {value}");
            for also in ["equals", "matches"] {
                assert_eq!(passes(attribute, also, value), is, "{attribute} {also} {value}");
            }
        }
        let without = Traits {
            bot_id: None,
            ..traits
        };
        let any = json!({"operator": "matches", "attribute": "botId", "value": true});
        let any = with(|query| query["filters"] = json!([any])).unwrap();
        assert!(any.passes(&traits) && !any.passes(&without));
    }

    #[test]
    fn an_answer_is_read_as_it_is_written() {
        let text = json!({"totalHits": 3, "groups": [{"from": "2026-11-21T00:00:00.000Z", "to": "2026-11-22T00:00:00.000Z",
            "conversations": 3, "resolved": 1, "resolutionRate": 0.5, "contained": 1, "escalated": 1, "turns": 9,
            "medianResponseMs": 1.5, "p95ResponseMs": null}]});
        let answer: DetailsAnswer = serde_json::from_value(text.clone()).unwrap();
        assert_eq!(serde_json::to_value(&answer).unwrap(), text);
    }
}
