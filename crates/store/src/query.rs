//! Filters as conditions of SQL, with `$1` parameters.

use crate::{EntryFilter, Find, ItemFilter, ItemState};

/// A condition, and the values of its parameters in order.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Condition {
    text: String,
    parameters: Vec<Parameter>,
}

/// The value of a parameter.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Parameter {
    Number(i64),
    Text(String),
}

impl Condition {
    /// The items that a filter means.
    pub(crate) fn of_items(filter: &ItemFilter) -> Self {
        let mut condition = Self::default();
        if let Some(id) = filter.id {
            condition.and("id = $", Parameter::Number(id.0));
        }
        if let Some(prefix) = filter.queue_prefix.as_deref() {
            condition.and_prefix("queue", prefix);
        }
        if !filter.states.is_empty() {
            let states: Vec<String> = filter
                .states
                .iter()
                .map(|state| state.code().to_string())
                .collect();
            condition.and_fixed(&format!("state IN ({})", states.join(", ")));
        }
        if let Some((source, event)) = &filter.event {
            condition.and("source = $", Parameter::Text(source.clone()));
            condition.and("event_id = $", Parameter::Text(event.clone()));
        }
        if let Some(before) = filter.before {
            condition.and("id < $", Parameter::Number(before.0));
        }
        condition
    }

    /// The items that a replay of a filter means: the dead ones; done ones only when they are named, by state or number.
    pub(crate) fn of_replay(filter: &ItemFilter) -> Self {
        let replayable = |state: &ItemState| matches!(state, ItemState::Dead | ItemState::Done);
        let mut filter = filter.clone();
        if filter.states.is_empty() {
            filter.states = match filter.id {
                Some(_) => vec![ItemState::Dead, ItemState::Done],
                None => vec![ItemState::Dead],
            };
        }
        filter.states.retain(replayable);
        let mut condition = Self::of_items(&filter);
        if filter.states.is_empty() {
            condition.and_fixed("1 = 0");
        }
        condition
    }

    /// The entries that a filter means.
    pub(crate) fn of_entries(filter: &EntryFilter) -> Self {
        let mut condition = Self::default();
        condition.and("idx >= $", Parameter::Number(as_i64(filter.from)));
        if let Some(since) = filter.since {
            condition.and(
                "at_ms >= $",
                Parameter::Number(since.timestamp().as_millisecond()),
            );
        }
        if let Some(until) = filter.until {
            condition.and("at_ms < $", Parameter::Number(until.timestamp().as_millisecond()));
        }
        if let Some(prefix) = filter.action_prefix.as_deref() {
            condition.and_prefix("action", prefix);
        }
        if let Some(subject) = &filter.subject {
            condition.and("subject = $", Parameter::Text(subject.clone()));
        }
        condition
    }

    /// The terms by which records are found.
    pub(crate) fn of_find(find: &Find) -> Self {
        let mut condition = Self::default();
        condition.and("kind = $", Parameter::Text(find.kind.clone()));
        condition.and("term = $", Parameter::Text(find.term.clone()));
        match (find.after, &find.after_id) {
            (None, _) => {}
            (Some(after), None) => {
                let beyond = if find.descending { "place < $" } else { "place > $" };
                condition.and(beyond, Parameter::Number(after));
            }
            (Some(after), Some(id)) => {
                let way = if find.descending { '<' } else { '>' };
                let (first, second) = (condition.next(), condition.next() + 1);
                condition.and_fixed(&format!("(place, id) {way} (${first}, ${second})"));
                condition
                    .parameters
                    .extend([Parameter::Number(after), Parameter::Text(id.clone())]);
            }
        }
        condition
    }

    /// The condition; all rows when nothing was asked for.
    pub(crate) fn text(&self) -> &str {
        if self.text.is_empty() { "1 = 1" } else { &self.text }
    }

    pub(crate) fn parameters(&self) -> &[Parameter] {
        &self.parameters
    }

    /// The number of the parameter that comes after those of the condition.
    pub(crate) fn next(&self) -> usize {
        self.parameters.len() + 1
    }

    /// Adds a condition that ends where its parameter's number belongs.
    fn and(&mut self, condition: &str, parameter: Parameter) {
        let numbered = format!("{condition}{}", self.next());
        self.and_fixed(&numbered);
        self.parameters.push(parameter);
    }

    fn and_prefix(&mut self, column: &str, prefix: &str) {
        let characters = prefix.chars().count();
        self.and(
            &format!("substr({column}, 1, {characters}) = $"),
            Parameter::Text(prefix.into()),
        );
    }

    fn and_fixed(&mut self, condition: &str) {
        if !self.text.is_empty() {
            self.text.push_str(" AND ");
        }
        self.text.push_str(condition);
    }
}

/// Numbers of entries are far below 2^63; one that is not means none.
pub(crate) fn as_i64(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ItemId;

    #[test]
    fn a_filter_becomes_a_condition_with_numbered_parameters() {
        let filter = ItemFilter {
            id: None,
            queue_prefix: Some("webhook:".into()),
            states: vec![ItemState::Dead, ItemState::Done],
            event: Some(("survey".into(), "e-1".into())),
            before: Some(ItemId(7)),
        };
        let condition = Condition::of_items(&filter);
        insta::assert_snapshot!(
            condition.text(),
            @"substr(queue, 1, 8) = $1 AND state IN (4, 3) AND source = $2 AND event_id = $3 AND id < $4"
        );
        assert_eq!(condition.next(), 5);
        assert_eq!(Condition::of_items(&ItemFilter::default()).text(), "1 = 1");
    }

    #[test]
    fn a_replay_means_the_dead_unless_done_ones_are_named() {
        let of = |filter: ItemFilter| Condition::of_replay(&filter).text().to_owned();
        let states = |states: &[ItemState]| ItemFilter {
            states: states.to_vec(),
            ..ItemFilter::default()
        };
        assert_eq!(of(ItemFilter::default()), "state IN (4)");
        assert_eq!(of(states(&[ItemState::Done, ItemState::Held])), "state IN (3)");
        assert_eq!(of(states(&[ItemState::Held])), "1 = 0");
        let one = ItemFilter {
            id: Some(ItemId(1)),
            ..ItemFilter::default()
        };
        assert_eq!(of(one), "id = $1 AND state IN (4, 3)");
    }
}
