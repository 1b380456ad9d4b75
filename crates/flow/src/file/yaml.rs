//! YAML with the place of every value. What a file may ask of the machine is bounded: its size, its depth, and what aliases make of it.

use super::{Faults, fault::suggest, shorten};
use saphyr_parser::{Event, Marker, Parser, ScalarStyle};
use serde_json::{Map, Number, Value};
use std::{collections::HashMap, ops::RangeInclusive};

/// How deep lists and mappings may be in each other.
const MOST_DEPTH: usize = 24;
/// Most values of a file, those that aliases repeat included.
const MOST_NODES: usize = 50_000;

/// A value of the file.
#[derive(Debug, Clone)]
pub(crate) struct Node {
    /// The byte where it begins.
    pub(crate) at: usize,
    pub(crate) content: Content,
    /// How many values it is made of.
    size: usize,
}

#[derive(Debug, Clone)]
pub(crate) enum Content {
    Scalar {
        text: String,
        /// Neither in quotes nor a block: `yes`, `10`, `null` mean what they look like.
        is_plain: bool,
    },
    List(Vec<Node>),
    Map(Vec<(Node, Node)>),
}

/// The documents of `source` that can be read; what can't is noted.
pub(crate) fn documents(source: &str, most_bytes: usize, faults: &mut Faults<'_>) -> Vec<Node> {
    if source.len() > most_bytes {
        let message = format!(
            "the file is {} bytes long, at most {most_bytes} are allowed",
            source.len()
        );
        faults.wrong(0, message, "split it");
        return Vec::new();
    }
    // A byte order mark is no part of the text, though it is one of its characters.
    let text = source.strip_prefix('\u{feff}').unwrap_or(source);
    let places = Places::of(text, source.len() - text.len());
    let mut builder = Builder::default();
    let mut parser = Parser::new_from_str(text);
    while let Some(next) = parser.next_event() {
        let (event, at) = match next {
            Ok((event, span)) => (event, places.byte(span.start)),
            Err(error) => {
                faults.syntax(
                    places.byte(*error.marker()),
                    format!("this is no YAML: {}", error.info()),
                );
                break;
            }
        };
        if let Err((message, hint)) = builder.take(event, at) {
            faults.wrong(at, message, hint);
            return Vec::new();
        }
    }
    builder.documents
}

/// Where the characters of a text begin.
struct Places {
    bytes: Vec<usize>,
    end: usize,
}

impl Places {
    fn of(text: &str, before: usize) -> Self {
        Self {
            bytes: text.char_indices().map(|(byte, _)| byte + before).collect(),
            end: text.len() + before,
        }
    }

    fn byte(&self, marker: Marker) -> usize {
        self.bytes.get(marker.index()).copied().unwrap_or(self.end)
    }
}

/// What is wrong, and a hint.
type Wrong = (String, &'static str);

#[derive(Default)]
struct Builder {
    documents: Vec<Node>,
    open: Vec<Open>,
    anchors: HashMap<usize, Node>,
    nodes: usize,
}

struct Open {
    at: usize,
    anchor: usize,
    content: Content,
    /// The key whose value comes next.
    key: Option<Node>,
}

impl Builder {
    fn take(&mut self, event: Event<'_>, at: usize) -> Result<(), Wrong> {
        match event {
            Event::Scalar(text, style, anchor, _) => {
                self.count(1)?;
                let is_plain = style == ScalarStyle::Plain;
                let text = text.into_owned();
                self.put(Node::new(at, Content::Scalar { text, is_plain }), anchor)
            }
            Event::SequenceStart(anchor, _) => self.begin(at, anchor, Content::List(Vec::new())),
            Event::MappingStart(anchor, _) => self.begin(at, anchor, Content::Map(Vec::new())),
            Event::SequenceEnd | Event::MappingEnd => match self.open.pop() {
                Some(open) => {
                    self.count(1)?;
                    self.put(Node::new(open.at, open.content), open.anchor)
                }
                None => Ok(()),
            },
            Event::Alias(anchor) => match self.anchors.get(&anchor).map(|node| node.size) {
                Some(size) => {
                    self.count(size)?;
                    let node = self.anchors.get(&anchor).cloned();
                    node.map_or(Ok(()), |node| self.put(Node { at, ..node }, 0))
                }
                None => Err(("this alias stands within what it repeats".into(), "write it out")),
            },
            Event::Nothing
            | Event::StreamStart
            | Event::StreamEnd
            | Event::DocumentStart(_)
            | Event::DocumentEnd => Ok(()),
        }
    }

    fn begin(&mut self, at: usize, anchor: usize, content: Content) -> Result<(), Wrong> {
        if self.open.len() == MOST_DEPTH {
            return Err((
                format!("this is nested more than {MOST_DEPTH} deep"),
                "make it flatter",
            ));
        }
        self.open.push(Open {
            at,
            anchor,
            content,
            key: None,
        });
        Ok(())
    }

    fn put(&mut self, node: Node, anchor: usize) -> Result<(), Wrong> {
        if anchor > 0 {
            self.count(node.size)?;
            self.anchors.insert(anchor, node.clone());
        }
        let Some(open) = self.open.last_mut() else {
            self.documents.push(node);
            return Ok(());
        };
        match &mut open.content {
            Content::List(items) => items.push(node),
            Content::Map(pairs) => match open.key.take() {
                Some(key) => pairs.push((key, node)),
                None => open.key = Some(node),
            },
            Content::Scalar { .. } => {}
        }
        Ok(())
    }

    fn count(&mut self, nodes: usize) -> Result<(), Wrong> {
        self.nodes = self.nodes.saturating_add(nodes);
        if self.nodes > MOST_NODES {
            return Err((
                format!("there are more than {MOST_NODES} values"),
                "split the file",
            ));
        }
        Ok(())
    }
}

impl Node {
    fn new(at: usize, content: Content) -> Self {
        let size = match &content {
            Content::Scalar { .. } => 1,
            Content::List(items) => items.iter().map(|item| item.size).sum::<usize>() + 1,
            Content::Map(pairs) => {
                pairs
                    .iter()
                    .map(|(key, value)| key.size + value.size)
                    .sum::<usize>()
                    + 1
            }
        };
        Self { at, content, size }
    }

    /// What it is, for people.
    pub(crate) fn kind(&self) -> &'static str {
        match &self.content {
            Content::List(_) => "a list",
            Content::Map(_) => "a mapping",
            Content::Scalar { .. } => match self.value() {
                Value::Null => "nothing",
                Value::Bool(_) => "a truth value",
                Value::Number(_) => "a number",
                _ => "a text",
            },
        }
    }

    /// The text of a scalar as it is written; `None` for lists, mappings, and nothing.
    pub(crate) fn text(&self) -> Option<&str> {
        match &self.content {
            Content::Scalar { text, is_plain } if !(*is_plain && is_nothing(text)) => Some(text),
            _ => None,
        }
    }

    pub(crate) fn list(&self) -> Option<&[Node]> {
        match &self.content {
            Content::List(items) => Some(items),
            _ => None,
        }
    }

    /// The value as JSON, by the core schema of YAML 1.2. Of keys that are there twice the last one counts.
    pub(crate) fn value(&self) -> Value {
        match &self.content {
            Content::Scalar { text, is_plain: true } => plain(text),
            Content::Scalar { text, .. } => Value::String(text.clone()),
            Content::List(items) => items.iter().map(Node::value).collect(),
            Content::Map(pairs) => {
                let pair = |(key, value): &(Node, Node)| match &key.content {
                    Content::Scalar { text, .. } => (text.clone(), value.value()),
                    _ => (key.value().to_string(), value.value()),
                };
                Value::Object(pairs.iter().map(pair).collect::<Map<_, _>>())
            }
        }
    }
}

fn is_nothing(text: &str) -> bool {
    matches!(text, "" | "~" | "null" | "Null" | "NULL")
}

fn plain(text: &str) -> Value {
    match text {
        text if is_nothing(text) => Value::Null,
        "true" | "True" | "TRUE" => Value::Bool(true),
        "false" | "False" | "FALSE" => Value::Bool(false),
        _ => number(text).map_or_else(|| Value::String(text.to_owned()), Value::Number),
    }
}

fn number(text: &str) -> Option<Number> {
    let digits = text.strip_prefix(['-', '+']).unwrap_or(text);
    let looks_so = digits.starts_with(|c: char| c.is_ascii_digit() || c == '.')
        && digits
            .chars()
            .all(|c| c.is_ascii_digit() || matches!(c, '.' | 'e' | 'E' | '+' | '-'));
    if !looks_so {
        return None;
    }
    let whole = text.strip_prefix('+').unwrap_or(text).parse::<i64>();
    whole
        .map(Number::from)
        .ok()
        .or_else(|| Number::from_f64(text.parse().ok()?))
}

/// A mapping and what the faults call it.
pub(crate) struct Fields<'a> {
    pairs: &'a [(Node, Node)],
    pub(crate) at: usize,
    pub(crate) name: String,
}

impl<'a> Fields<'a> {
    /// The mapping that `node` is; unknown fields, and those that are there twice, are faults.
    pub(crate) fn of(
        node: &'a Node,
        name: impl Into<String>,
        known: &[&str],
        faults: &mut Faults<'_>,
    ) -> Option<Self> {
        let fields = Self::any(node, name, faults)?;
        for (index, (key, _)) in fields.pairs.iter().enumerate() {
            let field = key.text().unwrap_or_default();
            if !known.contains(&field) {
                let message = format!("unknown field `{}` in {}", shorten(field), fields.name);
                faults.wrong(key.at, message, suggest(field, known.iter().copied()));
            } else if fields.pairs[..index]
                .iter()
                .any(|(earlier, _)| earlier.text() == key.text())
            {
                faults.wrong(
                    key.at,
                    format!("`{field}` is there twice in {}", fields.name),
                    "leave one of them out",
                );
            }
        }
        Some(fields)
    }

    /// The mapping that `node` is, whatever its fields are.
    pub(crate) fn any(node: &'a Node, name: impl Into<String>, faults: &mut Faults<'_>) -> Option<Self> {
        let name = name.into();
        let Content::Map(pairs) = &node.content else {
            faults.wrong(
                node.at,
                format!("{name} must be a mapping, not {}", node.kind()),
                "",
            );
            return None;
        };
        Some(Self {
            pairs,
            at: node.at,
            name,
        })
    }

    pub(crate) fn get(&self, field: &str) -> Option<&'a Node> {
        self.pairs
            .iter()
            .find(|(key, _)| key.text() == Some(field))
            .map(|(_, value)| value)
    }

    /// Every field with its name.
    pub(crate) fn all(&self) -> impl Iterator<Item = (&'a Node, &'a Node)> + use<'a> {
        self.pairs.iter().map(|(key, value)| (key, value))
    }

    /// A text that may be absent.
    pub(crate) fn text(&self, field: &str, faults: &mut Faults<'_>) -> Option<&'a str> {
        self.get(field).and_then(|node| text(node, field, faults))
    }

    pub(crate) fn truth(&self, field: &str, faults: &mut Faults<'_>) -> Option<bool> {
        let node = self.get(field)?;
        let truth = node.value().as_bool();
        if truth.is_none() {
            faults.wrong(
                node.at,
                format!("{field} must be true or false, not {}", node.kind()),
                "",
            );
        }
        truth
    }

    /// A whole number within `range` that may be absent.
    pub(crate) fn whole(
        &self,
        field: &str,
        range: RangeInclusive<u64>,
        faults: &mut Faults<'_>,
    ) -> Option<u64> {
        whole(self.get(field)?, field, range, faults)
    }
}

/// The text that a scalar is.
pub(crate) fn text<'a>(node: &'a Node, name: &str, faults: &mut Faults<'_>) -> Option<&'a str> {
    let text = node.text();
    if text.is_none() {
        faults.wrong(node.at, format!("{name} must be a text, not {}", node.kind()), "");
    }
    text
}

/// The whole number that a scalar is.
pub(crate) fn whole(
    node: &Node,
    name: &str,
    range: RangeInclusive<u64>,
    faults: &mut Faults<'_>,
) -> Option<u64> {
    let number = node.value().as_u64().filter(|number| range.contains(number));
    if number.is_none() {
        let written = node.text().map_or_else(|| node.kind().to_owned(), shorten);
        let message = format!(
            "{name} must be {} to {}, not {written}",
            range.start(),
            range.end()
        );
        faults.wrong(node.at, message, "");
    }
    number
}

/// One value, or a list of them.
pub(crate) fn one_or_more(node: &Node) -> &[Node] {
    node.list().unwrap_or(std::slice::from_ref(node))
}
