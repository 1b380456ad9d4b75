//! `context.botSession`: an object whose keys keep their order, which is their age.

use serde::{
    Deserialize, Deserializer, Serialize, Serializer,
    de::{MapAccess, Visitor},
    ser::SerializeMap,
};
use serde_json::{Map, Value};
use std::{collections::HashMap, fmt};

/// What a bot keeps of a conversation: names and values, the oldest first.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Session(Vec<(String, Value)>);

impl Session {
    /// The value of a key.
    pub fn get(&self, key: &str) -> Option<&Value> {
        self.0
            .iter()
            .find(|(name, _)| name == key)
            .map(|(_, value)| value)
    }

    /// Sets a key. A new one is the youngest; one that is there stays as old as it is.
    pub fn set(&mut self, key: &str, value: Value) {
        match self.0.iter_mut().find(|(name, _)| name == key) {
            Some((_, old)) => *old = value,
            None => self.0.push((key.to_owned(), value)),
        }
    }

    /// Takes a key out.
    pub fn remove(&mut self, key: &str) -> Option<Value> {
        let at = self.0.iter().position(|(name, _)| name == key)?;
        Some(self.0.remove(at).1)
    }

    /// Names and values, the oldest first.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &Value)> {
        self.0.iter().map(|(name, value)| (name.as_str(), value))
    }

    /// How many keys there are.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// True when there is none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Takes out the keys that `stays` does not want; it is asked from the oldest to the youngest.
    pub(super) fn retain_by(&mut self, mut stays: impl FnMut(&str, &Value) -> bool) {
        self.0.retain(|(name, value)| stays(name, value));
    }

    /// The same as a JSON value, which does not keep the order.
    pub fn to_value(&self) -> Value {
        Value::Object(self.0.iter().cloned().collect::<Map<_, _>>())
    }
}

impl FromIterator<(String, Value)> for Session {
    /// Of a key that comes twice, the last value counts, at the first place.
    fn from_iter<I: IntoIterator<Item = (String, Value)>>(pairs: I) -> Self {
        let mut places: HashMap<String, usize> = HashMap::new();
        let mut session = Self::default();
        for (name, value) in pairs {
            match places.get(&name).and_then(|at| session.0.get_mut(*at)) {
                Some((_, old)) => *old = value,
                None => {
                    places.insert(name.clone(), session.0.len());
                    session.0.push((name, value));
                }
            }
        }
        session
    }
}

impl Serialize for Session {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut object = serializer.serialize_map(Some(self.0.len()))?;
        for (name, value) in &self.0 {
            object.serialize_entry(name, value)?;
        }
        object.end()
    }
}

impl<'de> Deserialize<'de> for Session {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(Pairs)
    }
}

struct Pairs;

impl<'de> Visitor<'de> for Pairs {
    type Value = Session;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut object: A) -> Result<Session, A::Error> {
        let mut pairs = Vec::new();
        while let Some(pair) = object.next_entry::<String, Value>()? {
            pairs.push(pair);
        }
        Ok(pairs.into_iter().collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn keys_keep_their_order_and_their_age() {
        let mut session: Session = serde_json::from_str(r#"{"z":1,"a":2,"z":3}"#).unwrap();
        session.set("m", json!([]));
        session.set("a", json!("new"));
        assert_eq!(
            serde_json::to_string(&session).unwrap(),
            r#"{"z":3,"a":"new","m":[]}"#
        );
        assert_eq!(session.remove("z"), Some(json!(3)));
        assert_eq!(session.remove("z"), None);
        assert_eq!(
            (session.get("m"), session.get("z"), session.len()),
            (Some(&json!([])), None, 2)
        );
        assert_eq!(session.to_value(), json!({"a": "new", "m": []}));
        assert!(serde_json::from_str::<Session>("[]").is_err());
        assert!(Session::default().is_empty());
    }
}
