//! A menu as a Mermaid flowchart.

use super::model::{Menu, MenuOption, Node, NodeId, OptionAction};
use std::{collections::BTreeMap, fmt::Write};
use wire::{ShownDigit, ids::PromptId};

/// The menu as the text of a Mermaid `flowchart TD`.
pub fn graph(menu: &Menu) -> String {
    let mut chart = Chart {
        lines: String::from("flowchart TD\n"),
        ends: BTreeMap::new(),
    };
    chart.line(format_args!(
        "start([{}])",
        quoted(&format!("Call to {}", menu.name))
    ));
    for entry in &menu.entries {
        chart.edge("start", entry.when.source(), &id(entry.menu));
    }
    chart.edge("start", "everybody else", &id(menu.general));
    for (at, node) in menu.nodes() {
        chart.line(format_args!("{}[{}]", id(at), quoted(&label(node))));
        let secret = node.sensitive || asks_for_a_secret(menu, node);
        for option in &node.options {
            chart.option(menu, at, option, secret);
        }
        let operator = chart.operator(menu);
        let forgiven = node.retries;
        chart.line(format_args!(
            "{} -. {} .-> {operator}",
            id(at),
            quoted(&format!("over {forgiven} retries"))
        ));
    }
    chart.lines
}

struct Chart {
    lines: String,
    /// The nodes where a call ends, by what they say.
    ends: BTreeMap<String, String>,
}

impl Chart {
    fn line(&mut self, line: impl std::fmt::Display) {
        // Writing to a String cannot fail.
        let _ = writeln!(self.lines, "    {line}");
    }

    fn edge(&mut self, from: &str, label: &str, to: &str) {
        self.line(format_args!("{from} -- {} --> {to}", quoted(label)));
    }

    fn option(&mut self, menu: &Menu, from: NodeId, option: &MenuOption, secret: bool) {
        let again = || vec![id(from)];
        let (to, does) = match &option.action {
            OptionAction::Transfer(target) => {
                (vec![self.end(&format!("transfer to {target}"))], String::new())
            }
            OptionAction::Menu(submenu) => (vec![id(*submenu)], String::new()),
            OptionAction::Info(heard) => (again(), format!("hear {}", list(heard))),
            OptionAction::Repeat => (again(), "repeat".into()),
            OptionAction::Back => (menus_before(menu, from), "back".into()),
            OptionAction::Operator => (vec![self.operator(menu)], String::new()),
            OptionAction::Hangup(heard) if heard.is_empty() => (vec![self.end("hang up")], String::new()),
            OptionAction::Hangup(heard) => (vec![self.end("hang up")], format!("hear {}", list(heard))),
        };
        let when = option.when.as_ref().map(|when| format!("if {}", when.source()));
        let verify = option.verify.as_ref().map(|verify| {
            let secret = menu.node(from).sensitive || menu.is_sensitive(&verify.prompt);
            let key = |key| ShownDigit::new(key, secret);
            format!("asked first: {} yes, {} no", key(verify.yes), key(verify.no))
        });
        let key = ShownDigit::new(option.key, secret);
        let lines = [Some(format!("key {key}")), when, verify, Some(does)];
        let lines: Vec<String> = lines
            .into_iter()
            .flatten()
            .filter(|line| !line.is_empty())
            .collect();
        let label = lines.join("\n");
        to.iter().for_each(|to| self.edge(&id(from), &label, to));
    }

    fn operator(&mut self, menu: &Menu) -> String {
        self.end(&format!("operator {}", menu.operator))
    }

    /// The end node that says `label`; drawn when first used.
    fn end(&mut self, label: &str) -> String {
        let next = format!("out{}", self.ends.len());
        if let Some(known) = self.ends.get(label) {
            return known.clone();
        }
        self.ends.insert(label.to_owned(), next.clone());
        self.line(format_args!("{next}(({}))", quoted(label)));
        next
    }
}

/// Whether what callers hear in a menu makes its keys secret: a picture goes further than a file.
fn asks_for_a_secret(menu: &Menu, node: &Node) -> bool {
    let own = node.prompts.iter().map(|prompt| &prompt.id);
    let announced = node.options.iter().filter_map(|option| option.prompt.as_ref());
    own.chain(announced).any(|prompt| menu.is_sensitive(prompt))
}

fn id(node: NodeId) -> String {
    format!("menu{}", node.0)
}

fn menus_before(menu: &Menu, id_of: NodeId) -> Vec<String> {
    let leads = |node: &Node| {
        node.options
            .iter()
            .any(|option| option.action == OptionAction::Menu(id_of))
    };
    menu.nodes()
        .filter(|(_, node)| leads(node))
        .map(|(at, _)| id(at))
        .collect()
}

fn label(node: &Node) -> String {
    let heard: Vec<String> = node.prompts.iter().map(|prompt| prompt.id.to_string()).collect();
    if heard.is_empty() {
        node.name.clone()
    } else {
        format!("{}\n{}", node.name, heard.join(", "))
    }
}

fn list(heard: &[PromptId]) -> String {
    heard.iter().map(PromptId::as_str).collect::<Vec<_>>().join(", ")
}

/// A label in quotes. Mermaid reads HTML in it, so whatever is not plain becomes a character code.
fn quoted(label: &str) -> String {
    let mut text = String::from("\"");
    for c in label.chars() {
        match c {
            '\n' => text.push_str("<br>"),
            c if c.is_control() => text.push(' '),
            '"' | '<' | '>' | '&' | '#' | ';' | '`' | '\\' | '[' | ']' | '{' | '}' | '|' => {
                let _ = write!(text, "#{};", u32::from(c));
            }
            c => text.push(c),
        }
    }
    text.push('"');
    text
}
