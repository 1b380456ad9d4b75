//! The context of a conversation: what client and bot keep with it, and how large that may be.

use super::Session;
use crate::{Faults, fault::Object};
use serde::{
    Deserialize, Deserializer, Serialize, Serializer,
    de::{MapAccess, Visitor},
    ser::SerializeMap,
};
use serde_json::{Map, Value};
use std::{fmt, io};

/// The largest context: 64 KiB of JSON.
pub const MAX_CONTEXT_BYTES: usize = 65_536;

/// The member whose keys keep their order.
const BOT_SESSION: &str = "botSession";

/// A JSON object. Of its members, `botSession` keeps the order of its keys; the others come after it, by name.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Context {
    /// `botSession`, if it is there.
    pub session: Option<Session>,
    /// The other members, such as `metadata`.
    pub rest: Map<String, Value>,
}

/// A context that is larger than it may be.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error(
    "context has {size} bytes of JSON, at most {MAX_CONTEXT_BYTES} are taken; prune old keys of its botSession"
)]
pub struct ContextTooLarge {
    /// Its size, in bytes of UTF-8.
    pub size: usize,
}

impl Context {
    /// The bytes (UTF-8) of its JSON without white space, as it is sent.
    pub fn size_bytes(&self) -> usize {
        size_of(self)
    }

    /// Refuses one that is too large.
    pub fn check_size(&self) -> Result<(), ContextTooLarge> {
        match self.size_bytes() {
            size if size > MAX_CONTEXT_BYTES => Err(ContextTooLarge { size }),
            _ => Ok(()),
        }
    }

    /// Takes keys out of `botSession`, the oldest first, until the context has at most so many bytes; those that are
    /// pinned stay. Gives the names of the removed keys. When it still does not fit, nothing more can be removed.
    pub fn prune(&mut self, most: usize, pinned: &[String]) -> Vec<String> {
        let mut size = self.size_bytes();
        let Some(session) = &mut self.session else {
            return Vec::new();
        };
        let mut left = session.len();
        let mut removed = Vec::new();
        session.retain_by(|name, value| {
            if size <= most || pinned.iter().any(|pinned| pinned == name) {
                return true;
            }
            // The name, a colon, the value, and a comma unless it is the only key.
            let comma = usize::from(left > 1);
            size = size.saturating_sub(size_of(name) + 1 + size_of(value) + comma);
            left -= 1;
            removed.push(name.to_owned());
            false
        });
        removed
    }

    /// The value at a path of names and, in lists, numbers from 0, parted by dots: `botSession.slots.order`.
    pub fn get(&self, path: &str) -> Option<Value> {
        let (first, rest) = match path.split_once('.') {
            Some((first, rest)) => (first, Some(rest)),
            None => (path, None),
        };
        if first != BOT_SESSION {
            return step(self.rest.get(first)?, rest).cloned();
        }
        let session = self.session.as_ref()?;
        let Some(rest) = rest else {
            return Some(session.to_value());
        };
        let (name, further) = match rest.split_once('.') {
            Some((name, further)) => (name, Some(further)),
            None => (rest, None),
        };
        step(session.get(name)?, further).cloned()
    }

    /// `botSession`, made when it is not there.
    pub fn session_mut(&mut self) -> &mut Session {
        self.session.get_or_insert_default()
    }

    /// The same as a JSON value, which does not keep the order of `botSession`.
    pub fn to_value(&self) -> Value {
        let mut object = self.rest.clone();
        if let Some(session) = &self.session {
            object.insert(BOT_SESSION.to_owned(), session.to_value());
        }
        Value::Object(object)
    }

    /// Reads the member `context` of a body, which was given as `text` too: only that has the order. Absent, it is empty.
    pub(super) fn read(body: &Object<'_>, text: &str, faults: &mut Faults) -> Option<Self> {
        let context = Self::read_of_any_size(body, text, faults)?;
        faults.keep(context.check_size().map_err(|error| error.to_string()))?;
        Some(context)
    }

    /// The same, however large it is.
    pub(super) fn read_of_any_size(body: &Object<'_>, text: &str, faults: &mut Faults) -> Option<Self> {
        let Some(value) = body.get("context") else {
            return Some(Self::default());
        };
        let object = Object::at(value, "context", faults)?;
        if let Some(session) = object.get(BOT_SESSION) {
            Object::at(session, &object.name(BOT_SESSION), faults)?;
        }
        let read =
            serde_json::from_str::<Holder>(text).map_err(|error| format!("the body is not JSON: {error}"));
        Some(faults.keep(read)?.context.unwrap_or_default())
    }
}

#[derive(Deserialize)]
struct Holder {
    context: Option<Context>,
}

fn step<'a>(value: &'a Value, path: Option<&str>) -> Option<&'a Value> {
    let Some(path) = path else { return Some(value) };
    path.split('.').try_fold(value, |value, name| match value {
        Value::Object(object) => object.get(name),
        Value::Array(list) => list.get(name.parse::<usize>().ok()?),
        _ => None,
    })
}

/// How many bytes the JSON of something has.
pub(super) fn size_of<T: Serialize + ?Sized>(value: &T) -> usize {
    let mut count = Count(0);
    // What is counted has texts for keys and no numbers that JSON has not, and counting does not fail.
    let _ = serde_json::to_writer(&mut count, value);
    count.0
}

struct Count(usize);

impl io::Write for Count {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0 += bytes.len();
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Serialize for Context {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut object = serializer.serialize_map(None)?;
        if let Some(session) = &self.session {
            object.serialize_entry(BOT_SESSION, session)?;
        }
        for (name, value) in self.rest.iter().filter(|(name, _)| *name != BOT_SESSION) {
            object.serialize_entry(name, value)?;
        }
        object.end()
    }
}

impl<'de> Deserialize<'de> for Context {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(Members)
    }
}

struct Members;

impl<'de> Visitor<'de> for Members {
    type Value = Context;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut object: A) -> Result<Context, A::Error> {
        let mut context = Context::default();
        while let Some(name) = object.next_key::<String>()? {
            match name.as_str() {
                BOT_SESSION => context.session = object.next_value()?,
                _ => {
                    context.rest.insert(name, object.next_value()?);
                }
            }
        }
        Ok(context)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use serde_json::json;

    fn context(text: &str) -> Context {
        serde_json::from_str(text).unwrap()
    }

    fn sized(bytes: usize, filling: &str) -> Context {
        let mut context = context(r#"{"botSession":{"note":""}}"#);
        let room = bytes - context.size_bytes();
        let text = filling.repeat(room / filling.len()) + &"x".repeat(room % filling.len());
        context.session_mut().set("note", json!(text));
        assert_eq!(context.size_bytes(), bytes);
        context
    }

    #[test]
    fn the_limit_is_counted_in_bytes_of_utf_8() {
        for filling in ["x", "é", "漢", "🦀"] {
            assert_eq!(sized(MAX_CONTEXT_BYTES - 1, filling).check_size(), Ok(()));
            assert_eq!(sized(MAX_CONTEXT_BYTES, filling).check_size(), Ok(()));
            let error = sized(MAX_CONTEXT_BYTES + 1, filling).check_size().unwrap_err();
            let text = error.to_string();
            assert!(text.contains("65537") && text.contains("65536"), "{text}");
        }
    }

    #[test]
    fn the_oldest_keys_go_first_and_pinned_ones_never() {
        let text = r#"{"botSession":{"z":"11","a":"22","m":"33"},"metadata":{"source":"web"}}"#;
        let mut pruned = context(text);
        let full = pruned.size_bytes();
        assert_eq!(full, text.len());
        assert_eq!(pruned.prune(full, &[]), Vec::<String>::new());
        assert_eq!(pruned.prune(full - 1, &[]), ["z"]);
        assert_eq!(pruned.prune(0, &["a".into()]), ["m"]);
        let left = r#"{"botSession":{"a":"22"},"metadata":{"source":"web"}}"#;
        assert_eq!(serde_json::to_string(&pruned).unwrap(), left);
        assert_eq!(Context::default().prune(0, &[]), Vec::<String>::new());
    }

    #[test]
    fn values_are_found_by_their_path() {
        let context =
            context(r#"{"botSession":{"slots":{"order":["A-1",{"n":2}]}},"metadata":{"source":"web"}}"#);
        assert_eq!(context.get("botSession.slots.order.1.n"), Some(json!(2)));
        assert_eq!(context.get("botSession.slots.order.0"), Some(json!("A-1")));
        assert_eq!(context.get("metadata.source"), Some(json!("web")));
        assert_eq!(context.get("metadata"), Some(json!({"source": "web"})));
        assert_eq!(
            context.get("botSession"),
            Some(context.to_value()["botSession"].clone())
        );
        for nothing in [
            "",
            ".",
            "botSession.",
            "botSession.slots.order.2",
            "metadata.source.x",
            "a.b",
        ] {
            assert_eq!(context.get(nothing), None, "{nothing}");
        }
        assert_eq!(Context::default().get("botSession"), None);
    }

    fn values() -> impl Strategy<Value = Value> {
        let leaf = prop_oneof![
            Just(Value::Null),
            any::<bool>().prop_map(Value::from),
            any::<i64>().prop_map(Value::from),
            (-1e9f64..1e9).prop_map(Value::from),
            ".{0,12}".prop_map(Value::from),
        ];
        leaf.prop_recursive(3, 12, 4, |inner| {
            prop_oneof![
                proptest::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
                proptest::collection::btree_map(".{0,6}", inner, 0..4)
                    .prop_map(|map| Value::Object(map.into_iter().collect())),
            ]
        })
    }

    prop_compose! {
        fn contexts()(
            session in proptest::option::of(proptest::collection::vec((".{0,6}", values()), 0..8)),
            rest in proptest::collection::btree_map("[a-z]{0,6}", values(), 0..4),
        ) -> Context {
            Context {
                session: session.map(|pairs| pairs.into_iter().collect()),
                rest: rest.into_iter().collect(),
            }
        }
    }

    proptest! {
        #[test]
        fn a_context_is_read_as_it_is_written_and_counted(context in contexts()) {
            let text = serde_json::to_string(&context).unwrap();
            prop_assert_eq!(context.size_bytes(), text.len());
            prop_assert_eq!(serde_json::from_str::<Context>(&text).unwrap(), context);
        }

        #[test]
        fn pruning_stops_as_soon_as_it_fits(context in contexts(), most in 0usize..200, pin in 0usize..8) {
            let names: Vec<String> = context.session.iter().flat_map(Session::iter).map(|(name, _)| name.to_owned()).collect();
            let pinned: Vec<String> = names.get(pin).cloned().into_iter().collect();
            let mut pruned = context.clone();
            let removed = pruned.prune(most, &pinned);
            prop_assert!(removed.iter().all(|name| !pinned.contains(name)));
            let removable: Vec<_> = names.iter().filter(|name| !pinned.contains(name)).collect();
            prop_assert!(removable.iter().zip(&removed).all(|(old, gone)| *old == gone), "the oldest first");
            let fits = pruned.size_bytes() <= most;
            prop_assert!(fits || removed.len() == removable.len());
            if let Some(last) = removed.last() {
                // Without the last removal it would not fit.
                let kept: Vec<&String> = removed.iter().filter(|name| *name != last).collect();
                let mut before = context.clone();
                for name in kept {
                    before.session_mut().remove(name);
                }
                prop_assert!(before.size_bytes() > most);
            }
            prop_assert_eq!(pruned.rest, context.rest);
        }
    }
}
