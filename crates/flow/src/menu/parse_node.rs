//! Reading one menu and its options.

use super::{
    model::{MenuOption, Node, NodeId, OptionAction, Prompt, Verify},
    parse::{MAX_INFO_PROMPTS, MAX_OPTIONS, MAX_PROMPTS, Reader},
};
use crate::{
    condition::CALL_NAMES,
    file::{Table, Value, items, kind},
};
use std::collections::BTreeMap;
use toml::de::DeValue;
use wire::{Digit, ids::PromptId};

const ACTIONS: &str = "write { transfer = \"ext:support\" }, { menu = \"billing\" }, { info = [\"opening_hours\"] }, \
                       { hangup = [\"goodbye\"] }, \"repeat\", \"back\", \"operator\" or \"hangup\"";

impl Reader<'_> {
    pub(super) fn node(&mut self, id: NodeId, name: &str, value: &Value<'_>) -> Option<Node> {
        const FIELDS: [&str; 6] = [
            "prompts",
            "sensitive",
            "no_input_timeout_ms",
            "retries",
            "interruptible",
            "option",
        ];
        let table = Table::of(value, format!("menu {name:?}"), &FIELDS, &mut self.faults)?;
        let timing = self.timing(&table);
        let heard = table.list("prompts", &mut self.faults).unwrap_or_default();
        let prompts = heard.iter().filter_map(|value| self.heard(value)).collect();
        let sensitive = table.truth("sensitive", &mut self.faults).unwrap_or(false);
        let interruptible = table.truth("interruptible", &mut self.faults).unwrap_or(true);
        let written = table.list("option", &mut self.faults);
        if written.is_none_or(<[_]>::is_empty) {
            let at = self
                .names
                .iter()
                .find(|(known, _)| known == name)
                .map_or(table.at, |(_, at)| *at);
            let hint = format!("add [[menu.{name}.option]] with a key and an action");
            self.faults
                .absent(at, format!("{} has no options", table.name), hint);
        }
        let options = self.options(id, name, written.unwrap_or_default());
        self.at_most(MAX_OPTIONS, written.unwrap_or_default(), "options in one menu");
        self.at_most(MAX_PROMPTS, heard, "prompts in one menu");
        let (no_input_timeout, retries) = (timing.no_input_timeout, timing.retries);
        Some(Node {
            name: name.to_owned(),
            prompts,
            sensitive,
            interruptible,
            no_input_timeout,
            retries,
            options,
        })
    }

    /// A prompt id, or a table of one and its condition.
    fn heard(&mut self, value: &Value<'_>) -> Option<Prompt> {
        if !value.get_ref().is_table() {
            return Some(Prompt {
                id: self.prompt(value, "a prompt")?,
                when: None,
            });
        }
        let table = Table::of(value, "the prompt".into(), &["prompt", "when"], &mut self.faults)?;
        let id = table.required("prompt", "prompt = \"general_welcome\"", &mut self.faults);
        let id = id.and_then(|value| self.prompt(value, "prompt"));
        let when = self.faults.condition(&table, &CALL_NAMES);
        Some(Prompt { id: id?, when })
    }

    fn options(&mut self, id: NodeId, menu: &str, written: &[Value<'_>]) -> Vec<MenuOption> {
        let mut by_key: BTreeMap<Digit, Vec<(usize, bool)>> = BTreeMap::new();
        let mut options = Vec::new();
        for value in written {
            const FIELDS: [&str; 6] = ["key", "prompt", "when", "verify", "confirmation", "action"];
            let name = format!("an option of menu {menu:?}");
            let Some(table) = Table::of(value, name, &FIELDS, &mut self.faults) else {
                continue;
            };
            let key = table.required("key", "key = \"1\"", &mut self.faults);
            let key_at = key.map_or(table.at, |value| value.span().start);
            let key = key.and_then(|value| self.faults.parsed(value, "key"));
            if let Some(key) = key {
                let conditional = table.get("when").is_some();
                let same = by_key.entry(key).or_default();
                self.check_key(key, key_at, conditional, same);
                same.push((key_at, conditional));
            }
            options.extend(self.option(id, &table, key));
        }
        options
    }

    /// Two options may share a key only when both say for whom they are.
    fn check_key(&mut self, key: Digit, at: usize, conditional: bool, before: &[(usize, bool)]) {
        let Some((first, _)) = before.iter().find(|(_, other)| !(conditional && *other)) else {
            return;
        };
        let message = format!("key {key} is used already in line {}", self.faults.line(*first));
        self.faults
            .wrong(at, message, "use another key, or give each of them a `when`");
    }

    fn option(&mut self, id: NodeId, table: &Table<'_>, key: Option<Digit>) -> Option<MenuOption> {
        let prompt = table.get("prompt").map(|value| self.prompt(value, "prompt"));
        let when = self.faults.condition(table, &CALL_NAMES);
        let verify = table.get("verify").map(|value| self.verify(value));
        let confirmation = table
            .get("confirmation")
            .map(|value| self.prompt(value, "confirmation"));
        let action = table.required(
            "action",
            "action = { transfer = \"ext:support\" }",
            &mut self.faults,
        );
        let action_at = action.map_or(table.at, |value| value.span().start);
        let action = action.and_then(|value| self.action(value))?;
        self.ways.note(id, &action, action_at);
        Some(MenuOption {
            key: key?,
            prompt: prompt.flatten(),
            when,
            verify: verify.flatten(),
            confirmation: confirmation.flatten(),
            action,
        })
    }

    fn verify(&mut self, value: &Value<'_>) -> Option<Verify> {
        let table = Table::of(value, "verify".into(), &["prompt", "yes", "no"], &mut self.faults)?;
        let prompt = table.required("prompt", "prompt = \"verify_choice\"", &mut self.faults);
        let prompt = prompt.and_then(|value| self.prompt(value, "prompt"));
        let mut key = |field, default: &str| match table.get(field) {
            Some(value) => self.faults.parsed::<Digit>(value, field),
            None => default.parse().ok(),
        };
        let (yes, no) = (key("yes", "1")?, key("no", "2")?);
        if yes == no {
            let at = table.get("no").map_or(table.at, |value| value.span().start);
            self.faults
                .wrong(at, format!("yes and no are both key {yes}"), "use two keys");
        }
        Some(Verify {
            prompt: prompt?,
            yes,
            no,
        })
    }

    fn action(&mut self, value: &Value<'_>) -> Option<OptionAction> {
        let at = value.span().start;
        let fields = match value.get_ref() {
            DeValue::String(word) => {
                return match word.as_ref() {
                    "repeat" => Some(OptionAction::Repeat),
                    "back" => Some(OptionAction::Back),
                    "operator" => Some(OptionAction::Operator),
                    "hangup" => Some(OptionAction::Hangup(Vec::new())),
                    _ => {
                        self.faults
                            .wrong(at, format!("there is no action {word:?}"), ACTIONS);
                        None
                    }
                };
            }
            DeValue::Table(fields) => fields,
            _ => {
                self.faults.wrong(
                    at,
                    format!("action must be a text or a table, not {}", kind(value)),
                    ACTIONS,
                );
                return None;
            }
        };
        let known = ["transfer", "menu", "info", "hangup"];
        Table {
            fields,
            at,
            name: "action".into(),
        }
        .only(&known, &mut self.faults);
        let mut named = fields
            .iter()
            .filter(|(name, _)| known.contains(&name.get_ref().as_ref()));
        match (named.next(), named.next()) {
            (Some((name, value)), None) => match name.get_ref().as_ref() {
                "transfer" => self.target(value, "transfer").map(OptionAction::Transfer),
                "menu" => self.menu_name(value, "menu").map(OptionAction::Menu),
                "info" => self.prompts_of(value, "info", true).map(OptionAction::Info),
                _ => self.prompts_of(value, "hangup", false).map(OptionAction::Hangup),
            },
            (Some(_), Some((second, _))) => {
                let message = format!("an action is one thing, not also `{}`", second.get_ref());
                self.faults.wrong(second.span().start, message, ACTIONS);
                None
            }
            // An unknown field is told already.
            (None, _) if fields.is_empty() => {
                self.faults.wrong(at, "the action is empty", ACTIONS);
                None
            }
            (None, _) => None,
        }
    }

    fn prompts_of(&mut self, value: &Value<'_>, field: &str, some: bool) -> Option<Vec<PromptId>> {
        let written = items(value, field, &mut self.faults)?;
        if some && written.is_empty() {
            self.faults.wrong(
                value.span().start,
                format!("{field} has no prompts"),
                "name at least one",
            );
        }
        self.at_most(MAX_INFO_PROMPTS, written, "prompts in one action");
        written
            .iter()
            .map(|value| self.prompt(value, "a prompt"))
            .collect()
    }

    fn at_most(&mut self, most: usize, written: &[Value<'_>], what: &str) {
        if let Some(first) = written.get(most) {
            let message = format!("there are {} {what}, at most {most} are allowed", written.len());
            self.faults.wrong(
                first.span().start,
                message,
                "split the menu, or join the recordings",
            );
        }
    }
}
