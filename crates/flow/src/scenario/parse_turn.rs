//! The turns of a scenario file.

use super::{
    fields::ContextFields,
    model::{Deed, Expectations, Turn},
    parse_expect::expectations,
    reader::Reader,
};
use crate::file::yaml::{self, Fields, Node};
use wire::conversation::State;

/// What a turn does; it does one of them, or only listens.
const DEEDS: [&str; 5] = ["say", "press", "wait", "set_context", "close"];
const KNOWN: [&str; 6] = ["say", "press", "wait", "set_context", "close", "expect"];

pub(super) fn turns(node: Option<&Node>, name: &str, reader: &mut Reader<'_, '_>) -> Vec<Turn> {
    let Some(node) = node else {
        return Vec::new();
    };
    let Some(items) = node.list() else {
        let message = format!("{name} must be a list, not {}", node.kind());
        reader
            .faults
            .wrong(node.at, message, "write `- say: ...` for each turn");
        return Vec::new();
    };
    if items.is_empty() && name == "turns" {
        reader
            .faults
            .wrong(node.at, "turns has no turn", "write `- say: ...` for each turn");
    }
    items.iter().filter_map(|item| turn(item, reader)).collect()
}

fn turn(node: &Node, reader: &mut Reader<'_, '_>) -> Option<Turn> {
    let fields = Fields::of(node, "a turn", &KNOWN, reader.faults)?;
    let deed = deed(&fields, reader);
    let expect = fields
        .get("expect")
        .map_or_else(Expectations::default, |node| expectations(node, reader));
    // What a turn captures is there from the next turn on.
    let captured = expect.captures.iter().map(|capture| capture.variable.clone());
    reader.vars.extend(captured.collect::<Vec<_>>());
    Some(Turn {
        line: reader.faults.line(node.at),
        deed: deed?,
        expect,
    })
}

fn deed(fields: &Fields<'_>, reader: &mut Reader<'_, '_>) -> Option<Deed> {
    let mut deeds = DEEDS
        .iter()
        .filter_map(|name| fields.get(name).map(|node| (*name, node)));
    let Some((name, node)) = deeds.next() else {
        // Of a field that is not known it was told already.
        if fields.all().next().is_none() {
            let hint = "add `say: ...`, `press: ...`, `wait: ...`, or `expect: ...`";
            reader.faults.absent(fields.at, "a turn does nothing", hint);
            return None;
        }
        return fields.get("expect").map(|_| Deed::Listen);
    };
    if let Some((other, second)) = deeds.next() {
        let message = format!("a turn does one thing, not `{name}` and `{other}`");
        reader.faults.wrong(second.at, message, "make two turns of it");
    }
    match name {
        "say" => reader.sentence(node, name).map(Deed::Say),
        "press" => reader.sentence(node, name).map(Deed::Press),
        "wait" => reader.duration(node, name).map(Deed::Wait),
        "set_context" => ContextFields::read_change(node, name, reader).map(Deed::SetContext),
        _ => close(node, reader).map(Deed::Close),
    }
}

/// `close: true` closes, `close: ended` ends for good.
fn close(node: &Node, reader: &mut Reader<'_, '_>) -> Option<State> {
    match yaml::text(node, "close", reader.faults)? {
        "true" | "closed" => Some(State::Closed),
        "ended" => Some(State::Ended),
        _ => {
            reader
                .faults
                .wrong(node.at, "close must be true, closed or ended", "");
            None
        }
    }
}
