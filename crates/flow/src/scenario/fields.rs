//! What a scenario says of a context: of `botSession` in the order of the file, because that is the age of its keys.

use super::{expect::filled, reader::Reader, template::Vars};
use crate::file::{
    Faults,
    yaml::{Content, Fields, Node},
};
use serde_json::{Map, Value};
use wire::conversation::Session;

/// The member of a context whose keys have an age.
const BOT_SESSION: &str = "botSession";

/// Members of a context that are set.
///
/// ```
/// let text = "{name: x, context: {note: 1, botSession: {z: 1, a: 2}}, turns: [{say: x}]}";
/// let context = &flow::scenario::parse(text).unwrap()[0].context;
/// assert_eq!(context.session.iter().map(|(key, _)| key).collect::<Vec<_>>(), ["z", "a"]);
/// ```
#[derive(Debug, Clone, Default, PartialEq)]
pub struct ContextFields {
    /// Keys of `botSession`, the oldest first; `null` takes one away.
    pub session: Session,
    /// All keys of `botSession` go first.
    pub clears_session: bool,
    /// The other members; `null` takes one away.
    pub rest: Map<String, Value>,
}

impl ContextFields {
    /// Whether nothing is set.
    pub fn is_empty(&self) -> bool {
        self.session.is_empty() && !self.clears_session && self.rest.is_empty()
    }

    /// The members that are set.
    pub(super) fn names(&self) -> Vec<&str> {
        let has_session = self.clears_session || !self.session.is_empty();
        let names = has_session.then_some(BOT_SESSION).into_iter();
        names.chain(self.rest.keys().map(String::as_str)).collect()
    }

    /// The same with the variables of their texts put in.
    pub(super) fn filled(&self, vars: &Vars) -> Self {
        let pairs = self
            .session
            .iter()
            .map(|(key, value)| (key.to_owned(), filled(value, vars)));
        let rest = self
            .rest
            .iter()
            .map(|(key, value)| (key.clone(), filled(value, vars)));
        Self {
            session: pairs.collect(),
            clears_session: self.clears_session,
            rest: rest.collect(),
        }
    }

    /// What a context of a conversation begins with.
    pub(super) fn read(node: Option<&Node>, name: &str, faults: &mut Faults<'_>) -> Self {
        let read = node.and_then(|node| members(node, name, faults));
        read.unwrap_or_default()
    }

    /// What a turn changes: its texts are templates.
    pub(super) fn read_change(node: &Node, name: &str, reader: &mut Reader<'_, '_>) -> Option<Self> {
        // Its texts may have variables: that they are known is checked.
        reader.value(node);
        members(node, name, reader.faults)
    }
}

fn members(node: &Node, name: &str, faults: &mut Faults<'_>) -> Option<ContextFields> {
    let mut fields = ContextFields::default();
    for (key, value) in Fields::any(node, name, faults)?.all() {
        match (key.text().unwrap_or_default(), &value.content) {
            (BOT_SESSION, Content::Map(pairs)) => {
                let pair = |(key, value): &(Node, Node)| Some((key.text()?.to_owned(), value.value()));
                fields.session = pairs.iter().filter_map(pair).collect();
            }
            (BOT_SESSION, _) if value.value().is_null() => fields.clears_session = true,
            (BOT_SESSION, _) => {
                let message = format!("{BOT_SESSION} must be a mapping, not {}", value.kind());
                faults.wrong(value.at, message, "write its keys and their values below it");
            }
            (name, _) => drop(fields.rest.insert(name.to_owned(), value.value())),
        }
    }
    Some(fields)
}
