//! From the text of a template to a [`Template`], or to every fault in it.

use super::{Body, Call, Listing, Lookup, Method, Pointer, SignIn, Template, text::Text};
use crate::file::{self, Faults, FileFault, Table, Value, kind, suggest};
use std::collections::BTreeMap;
use toml::de::DeValue;
use wire::conversation::State;

/// Largest template, in bytes.
pub const MAX_FILE_BYTES: usize = 256 * 1024;
/// How deep a body may be nested.
const MOST_DEPTH: usize = 16;

/// The places that all requests know, and more where there is more to know.
const ALWAYS: [&str; 4] = ["conversation", "customer", "key", "changed_at"];
const WITH_STATUS: [&str; 5] = ["conversation", "customer", "key", "changed_at", "status"];
const WITH_TICKET: [&str; 5] = ["conversation", "customer", "key", "changed_at", "ticket"];
const OF_COMMENT: [&str; 8] = [
    "conversation",
    "customer",
    "key",
    "changed_at",
    "ticket",
    "interaction",
    "from",
    "mark",
];
const OF_STATUS: [&str; 6] = [
    "conversation",
    "customer",
    "key",
    "changed_at",
    "ticket",
    "status",
];

/// Reads a template. All faults come at once, in the order of the file.
pub fn parse(source: &str) -> Result<Template, Vec<FileFault>> {
    let mut faults = Faults::new(source);
    let Some(document) = file::document(source, MAX_FILE_BYTES, &mut faults) else {
        return Err(faults.into_sorted());
    };
    let top = Table {
        fields: document.get_ref(),
        at: 0,
        name: "the template".into(),
    };
    let mut reader = Reader { faults };
    match reader.template(&top) {
        Some(template) if reader.faults.is_empty() => Ok(template),
        _ => Err(reader.faults.into_sorted()),
    }
}

struct Reader<'s> {
    faults: Faults<'s>,
}

impl Reader<'_> {
    fn template(&mut self, top: &Table<'_>) -> Option<Template> {
        const FIELDS: [&str; 7] = [
            "auth", "find", "create", "comments", "comment", "status", "states",
        ];
        top.only(&FIELDS, &mut self.faults);
        let sign_in = top.get("auth").and_then(|value| self.sign_in(value));
        let find = self.lookup(top, "find", Method::Get, &ALWAYS);
        let create = self.lookup(top, "create", Method::Post, &WITH_STATUS);
        let comments = top.get("comments").map(|value| self.listing(value));
        let comment = top
            .get("comment")
            .map(|value| self.call_of(value, "comment", &[], &OF_COMMENT));
        let status = top
            .get("status")
            .map(|value| self.call_of(value, "status", &[], &OF_STATUS));
        let states = top
            .get("states")
            .map(|value| self.states(value))
            .unwrap_or_default();
        if comments.is_some() {
            self.must_be_marked(top, comment.as_ref().and_then(Option::as_ref));
        }
        if let (Some(value), true) = (top.get("status"), states.is_empty()) {
            let hint =
                "say what the system calls the states: states = { active = \"open\", closed = \"solved\" }";
            self.faults
                .absent(value.span().start, "[status] has no `states` to go by", hint);
        }
        Some(Template {
            sign_in: sign_in.unwrap_or_default(),
            find: find?,
            create: create?,
            comments: comments.flatten(),
            comment: comment.flatten(),
            status: status.flatten(),
            states,
        })
    }

    fn sign_in(&mut self, value: &Value<'_>) -> Option<SignIn> {
        let table = Table::of(
            value,
            "[auth]".into(),
            &["bearer", "user", "password"],
            &mut self.faults,
        )?;
        let mut variable = |field: &str| {
            let value = table.get(field)?;
            self.faults.text(value, field).map(str::to_owned)
        };
        match (variable("bearer"), variable("user"), variable("password")) {
            (Some(bearer), None, None) => Some(SignIn::Bearer(bearer)),
            (None, Some(user), Some(password)) => Some(SignIn::Basic { user, password }),
            _ => {
                let hint = "name environment variables: bearer = \"DESK_TOKEN\", or user = \"DESK_USER\" and password = \"DESK_PASSWORD\"";
                self.faults.absent(
                    table.at,
                    "[auth] must have `bearer`, or `user` and `password`",
                    hint,
                );
                None
            }
        }
    }

    fn lookup(&mut self, top: &Table<'_>, name: &str, usual: Method, known: &[&str]) -> Option<Lookup> {
        let example = format!("[{name}] with path and id");
        let value = top.required(name, &example, &mut self.faults)?;
        let call = self.call_with(value, name, &["id"], known, usual)?;
        let table = self.table(value, name)?;
        let id = table.required(
            "id",
            "id = \"/id\", where the answer has the ticket's id",
            &mut self.faults,
        )?;
        let id = self.faults.parsed(id, "id")?;
        Some(Lookup { call, id })
    }

    fn listing(&mut self, value: &Value<'_>) -> Option<Listing> {
        let own = ["list", "text", "next"];
        let call = self.call_with(value, "comments", &own, &WITH_TICKET, Method::Get)?;
        let table = self.table(value, "comments")?;
        let list = table.required("list", "list = \"/comments\"", &mut self.faults);
        let text = table.required("text", "text = \"/body\"", &mut self.faults);
        let list = list.and_then(|value| self.pointer(value, "list"));
        let text = text.and_then(|value| self.pointer(value, "text"));
        let next = table.get("next").and_then(|value| self.pointer(value, "next"));
        Some(Listing {
            call,
            list: list?,
            text: text?,
            next,
        })
    }

    fn pointer(&mut self, value: &Value<'_>, name: &str) -> Option<Pointer> {
        self.faults.parsed(value, name)
    }

    /// A table whose fields were looked at already.
    fn table<'a>(&self, value: &'a Value<'a>, name: &str) -> Option<Table<'a>> {
        let DeValue::Table(fields) = value.get_ref() else {
            return None;
        };
        Some(Table {
            fields,
            at: value.span().start,
            name: format!("[{name}]"),
        })
    }

    fn call_of(&mut self, value: &Value<'_>, name: &str, own: &[&str], known: &[&str]) -> Option<Call> {
        self.call_with(value, name, own, known, Method::Post)
    }

    fn call_with(
        &mut self,
        value: &Value<'_>,
        name: &str,
        own: &[&str],
        known: &[&str],
        usual: Method,
    ) -> Option<Call> {
        let fields: Vec<&str> = ["method", "path", "body"]
            .into_iter()
            .chain(own.iter().copied())
            .collect();
        let table = Table::of(value, format!("[{name}]"), &fields, &mut self.faults)?;
        let method = match table.get("method") {
            Some(value) => self.faults.parsed(value, "method"),
            None => Some(usual),
        };
        let path = table.required("path", "path = \"/tickets\"", &mut self.faults);
        let path = path.and_then(|value| self.path(value, known));
        let body = match table.get("body") {
            Some(value) => Some(self.body(value, known, 0)?),
            None => None,
        };
        Some(Call {
            method: method?,
            path: path?,
            body,
        })
    }

    fn path(&mut self, value: &Value<'_>, known: &[&str]) -> Option<Text> {
        let text = self.faults.text(value, "path")?;
        if !text.starts_with('/') {
            let hint = "the host is that of --to";
            self.faults
                .wrong(value.span().start, "path must begin with /", hint);
            return None;
        }
        self.text(value, text, known)
    }

    fn body(&mut self, value: &Value<'_>, known: &[&str], depth: usize) -> Option<Body> {
        if depth >= MOST_DEPTH {
            let message = format!("body is nested deeper than {MOST_DEPTH} levels");
            self.faults.wrong(value.span().start, message, "make it flatter");
            return None;
        }
        match value.get_ref() {
            DeValue::String(text) => self.text(value, text, known).map(Body::Text),
            DeValue::Boolean(truth) => Some(Body::Fixed((*truth).into())),
            DeValue::Integer(_) | DeValue::Float(_) => self.number(value),
            DeValue::Array(items) => {
                let items: Vec<_> = items
                    .iter()
                    .map(|item| self.body(item, known, depth + 1))
                    .collect();
                items.into_iter().collect::<Option<_>>().map(Body::List)
            }
            DeValue::Table(members) => {
                let members: Vec<_> = members
                    .iter()
                    .map(|(name, member)| {
                        Some((name.get_ref().to_string(), self.body(member, known, depth + 1)?))
                    })
                    .collect();
                members.into_iter().collect::<Option<_>>().map(Body::Object)
            }
            DeValue::Datetime(_) => {
                let message = format!("body can't have {} in it", kind(value));
                self.faults.wrong(value.span().start, message, "put it in quotes");
                None
            }
        }
    }

    fn number(&mut self, value: &Value<'_>) -> Option<Body> {
        let read: Option<serde_json::Value> = match value.get_ref() {
            DeValue::Integer(written) => i64::from_str_radix(written.as_str(), written.radix())
                .ok()
                .map(Into::into),
            DeValue::Float(written) => written.as_str().parse::<f64>().ok().map(Into::into),
            _ => None,
        };
        if read.as_ref().is_none_or(serde_json::Value::is_null) {
            self.faults.wrong(
                value.span().start,
                "this number can't stand in JSON",
                "put it in quotes",
            );
            return None;
        }
        read.map(Body::Fixed)
    }

    fn text(&mut self, value: &Value<'_>, text: &str, known: &[&str]) -> Option<Text> {
        match Text::parse(text, known) {
            Ok(read) => Some(read),
            Err(faults) => {
                for fault in faults {
                    let at = self.faults.inside(value.span(), text, fault.at);
                    self.faults.wrong(at, fault.message, fault.hint);
                }
                None
            }
        }
    }

    fn states(&mut self, value: &Value<'_>) -> BTreeMap<State, String> {
        let DeValue::Table(fields) = value.get_ref() else {
            let message = format!("[states] must be a table, not {}", kind(value));
            self.faults.wrong(value.span().start, message, "");
            return BTreeMap::new();
        };
        let mut states = BTreeMap::new();
        for (name, value) in fields {
            let word = self.faults.text(value, name.get_ref());
            match (name.get_ref().parse::<State>(), word) {
                (Ok(state), Some(word)) => {
                    states.insert(state, word.to_owned());
                }
                (Err(_), _) => {
                    let known = ["queued", "pending", "active", "closed", "ended"];
                    let message = format!("unknown state `{}` in [states]", file::shorten(name.get_ref()));
                    self.faults
                        .wrong(name.span().start, message, suggest(name.get_ref(), known));
                }
                (Ok(_), None) => {}
            }
        }
        states
    }

    /// Comments that are listed are told apart by their marks.
    fn must_be_marked(&mut self, top: &Table<'_>, comment: Option<&Call>) {
        let Some(value) = top.get("comment") else {
            let hint = "add [comment], or leave [comments] out";
            self.faults.absent(
                top.at,
                "[comments] lists what [comment] writes, and there is none",
                hint,
            );
            return;
        };
        let is_marked = comment
            .and_then(|call| call.body.as_ref())
            .is_none_or(|body| body.uses("mark"));
        if !is_marked {
            let hint = "put {mark} into its text: [comments] knows by it what was written already";
            self.faults
                .wrong(value.span().start, "the body of [comment] has no {mark}", hint);
        }
    }
}
