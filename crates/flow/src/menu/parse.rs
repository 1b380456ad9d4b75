//! From the text of a menu file to a [`Menu`], or to every fault in it.

use super::{
    check::Ways,
    model::{Entry, Menu, NodeId, Settings},
};
use crate::condition::CALL_NAMES;
use crate::file::{self, Faults, FileFault, Table, Value, shorten, suggest};
use std::{collections::BTreeSet, time::Duration};
use toml::de::{DeTable, DeValue};
use wire::ids::{PromptId, TransferTarget};

/// Largest menu file, in bytes.
pub const MAX_FILE_BYTES: usize = 256 * 1024;
/// Most menus in one file.
pub const MAX_MENUS: usize = 200;
/// Most options of one menu; a caller has at most one for each of the sixteen keys.
pub const MAX_OPTIONS: usize = 64;
/// Most prompts of one menu, besides its options'.
pub const MAX_PROMPTS: usize = 30;
/// Most prompts of one `info` or `hangup`.
pub const MAX_INFO_PROMPTS: usize = 16;

// A caller who hears an info, its confirmation and the menu again fills the platform's queue the most.
const _: () = assert!(MAX_INFO_PROMPTS + 1 + MAX_PROMPTS + 16 <= wire::limits::MAX_QUEUED_PLAYS);

const DEFAULT_NO_INPUT_TIMEOUT_MS: u64 = 5000;
const DEFAULT_RETRIES: u64 = 2;

/// The prompts that a menu may name.
#[derive(Debug, Clone, Copy)]
pub enum KnownPrompts<'a> {
    /// Whatever it says; the platform is not at hand.
    Any,
    /// Only these.
    Only(&'a BTreeSet<PromptId>),
}

/// Reads a menu file. All faults come at once, in the order of the file.
pub fn parse(source: &str, prompts: KnownPrompts<'_>) -> Result<Menu, Vec<FileFault>> {
    let mut faults = Faults::new(source);
    let Some(document) = file::document(source, MAX_FILE_BYTES, &mut faults) else {
        return Err(faults.into_sorted());
    };
    let top = Table {
        fields: document.get_ref(),
        at: 0,
        name: "the file".into(),
    };
    let (names, ways, defaults, played) = (Vec::new(), Ways::default(), Timing::default(), BTreeSet::new());
    let mut reader = Reader {
        faults,
        prompts,
        names,
        ways,
        defaults,
        played,
    };
    match reader.file(&top) {
        Some(menu) if reader.faults.is_empty() => Ok(menu),
        _ => Err(reader.faults.into_sorted()),
    }
}

/// How patient a menu is.
#[derive(Clone, Copy)]
pub(super) struct Timing {
    pub(super) no_input_timeout: Duration,
    pub(super) retries: u32,
}

impl Default for Timing {
    fn default() -> Self {
        Self {
            no_input_timeout: Duration::from_millis(DEFAULT_NO_INPUT_TIMEOUT_MS),
            retries: DEFAULT_RETRIES as u32,
        }
    }
}

pub(super) struct Reader<'s> {
    pub(super) faults: Faults<'s>,
    prompts: KnownPrompts<'s>,
    /// The menus' names in the order of the file; a [`NodeId`] counts them.
    pub(super) names: Vec<(String, usize)>,
    pub(super) ways: Ways,
    pub(super) defaults: Timing,
    /// The prompts that some caller may hear.
    pub(super) played: BTreeSet<PromptId>,
}

impl Reader<'_> {
    fn file(&mut self, top: &Table<'_>) -> Option<Menu> {
        top.only(
            &["name", "operator", "settings", "entry", "menu"],
            &mut self.faults,
        );
        let name = top.required("name", "name = \"Support line\"", &mut self.faults);
        let name = name
            .and_then(|value| self.faults.text(value, "name"))
            .map(str::to_owned);
        let operator = top.required("operator", "operator = \"ext:operator\"", &mut self.faults);
        let operator = operator.and_then(|value| self.target(value, "operator"));
        let settings = self.settings(top);
        let menus = self.menus(top);
        let entries = self.entries(top);
        let nodes = menus
            .iter()
            .zip(0..)
            .filter_map(|((name, value), at)| self.node(NodeId(at), name, value));
        let nodes = nodes.collect();
        self.ways.check(&self.names, &mut self.faults);
        let sensitive_prompts = self.sensitive_prompts(top);
        let (entries, general) = entries?;
        Some(Menu {
            name: name?,
            operator: operator?,
            settings: Settings {
                sensitive_prompts,
                ..settings?
            },
            entries,
            general,
            nodes,
        })
    }

    fn settings(&mut self, top: &Table<'_>) -> Option<Settings> {
        const FIELDS: [&str; 7] = [
            "sensitive_prompts",
            "no_input_timeout_ms",
            "retries",
            "invalid_prompt",
            "no_input_prompt",
            "operator_prompt",
            "closing_prompt",
        ];
        let table = match top.get("settings") {
            Some(value) => Table::of(value, "[settings]".into(), &FIELDS, &mut self.faults)?,
            None => Table {
                fields: &DeTable::new(),
                at: 0,
                name: "[settings]".into(),
            },
        };
        self.defaults = self.timing(&table);
        let closing = table.get("closing_prompt");
        let closing_prompt = closing.map(|value| self.prompt(value, "closing_prompt"));
        let invalid_prompt = self.setting(&table, "invalid_prompt", "invalid_selection");
        let no_input_prompt = self.setting(&table, "no_input_prompt", "no_input");
        let operator_prompt = self.setting(&table, "operator_prompt", "transferring");
        Some(Settings {
            invalid_prompt: invalid_prompt?,
            no_input_prompt: no_input_prompt?,
            operator_prompt: operator_prompt?,
            closing_prompt: closing_prompt.flatten(),
            sensitive_prompts: BTreeSet::new(),
        })
    }

    /// The prompts after which keys are secret. Read when all others are known: a name that is never heard protects nothing.
    fn sensitive_prompts(&mut self, top: &Table<'_>) -> BTreeSet<PromptId> {
        // That the settings are no table, or the list no list, is told once.
        let Some(DeValue::Table(settings)) = top.get("settings").map(|value| value.get_ref()) else {
            return BTreeSet::new();
        };
        let Some(written) = settings.get("sensitive_prompts") else {
            return BTreeSet::new();
        };
        let written = file::items(written, "sensitive_prompts", &mut self.faults).unwrap_or_default();
        let mut sensitive = BTreeSet::new();
        for value in written {
            let id = self.faults.parsed::<PromptId>(value, "a sensitive prompt");
            if let Some(id) = id.as_ref().filter(|id| !self.played.contains(id)) {
                let hint = suggest(id.as_str(), self.played.iter().map(PromptId::as_str));
                let message = format!(
                    "the menu never plays the sensitive prompt `{}`",
                    shorten(id.as_str())
                );
                self.faults.absent(value.span().start, message, hint);
            }
            sensitive.extend(id);
        }
        sensitive
    }

    /// A prompt of the settings, or its default, which must exist just as well.
    fn setting(&mut self, table: &Table<'_>, field: &str, default: &str) -> Option<PromptId> {
        if let Some(value) = table.get(field) {
            return self.prompt(value, field);
        }
        let id: PromptId = default.parse().ok()?;
        self.played.insert(id.clone());
        if !self.knows(&id) {
            let message = format!("there is no prompt `{default}`, which {field} is unless it is set");
            self.faults.wrong(
                table.at,
                message,
                format!("set {field} in [settings], or add the prompt"),
            );
        }
        Some(id)
    }

    /// The times and retries of a table, or those that hold for every menu.
    pub(super) fn timing(&mut self, table: &Table<'_>) -> Timing {
        let timeout = table.whole("no_input_timeout_ms", 500..=60_000, &mut self.faults);
        let retries = table.whole("retries", 0..=10, &mut self.faults);
        Timing {
            no_input_timeout: timeout.map_or(self.defaults.no_input_timeout, Duration::from_millis),
            retries: retries
                .and_then(|count| u32::try_from(count).ok())
                .unwrap_or(self.defaults.retries),
        }
    }

    /// The menus by their place in the file; their names are noted.
    fn menus<'a>(&mut self, top: &Table<'a>) -> Vec<(String, &'a Value<'a>)> {
        let Some(value) = top.required(
            "menu",
            "a menu, as a table [menu.general] with options",
            &mut self.faults,
        ) else {
            return Vec::new();
        };
        let DeValue::Table(menus) = value.get_ref() else {
            self.faults
                .wrong(value.span().start, "menu must be tables", "write [menu.general]");
            return Vec::new();
        };
        let mut found: Vec<_> = menus
            .iter()
            .map(|(name, value)| (name.span().start, name, value))
            .collect();
        found.sort_by_key(|(at, ..)| *at);
        if let Some((at, ..)) = found.get(MAX_MENUS) {
            let message = format!(
                "the file has {} menus, at most {MAX_MENUS} are allowed",
                found.len()
            );
            self.faults.wrong(*at, message, "split it");
        }
        self.names = found
            .iter()
            .map(|(at, name, _)| (name.get_ref().to_string(), *at))
            .collect();
        found
            .into_iter()
            .map(|(_, name, value)| (name.get_ref().to_string(), value))
            .collect()
    }

    fn entries(&mut self, top: &Table<'_>) -> Option<(Vec<Entry>, NodeId)> {
        let value = top.required(
            "entry",
            "[[entry]] with menu = \"general\", the menu where calls begin",
            &mut self.faults,
        )?;
        let items = file::items(value, "entry", &mut self.faults)?;
        let mut entries = Vec::new();
        let mut general: Option<(usize, Option<NodeId>)> = None;
        for item in items {
            let Some(table) = Table::of(item, "[[entry]]".into(), &["when", "menu"], &mut self.faults) else {
                continue;
            };
            if let Some((first, _)) = general {
                let message = "this entry is never reached".to_owned();
                let hint = format!(
                    "the entry in line {} has no `when` and takes every call",
                    self.faults.line(first)
                );
                self.faults.wrong(table.at, message, hint);
            }
            let when = self.faults.condition(&table, &CALL_NAMES);
            let menu = table.required("menu", "menu = \"general\"", &mut self.faults);
            let menu = menu.and_then(|value| self.menu_name(value, "menu"));
            self.ways.entries.extend(menu);
            match (when, menu) {
                _ if table.get("when").is_none() => general = general.or(Some((table.at, menu))),
                (Some(when), Some(menu)) => entries.push(Entry { when, menu }),
                _ => {}
            }
        }
        if general.is_none() {
            self.ways.unresolved = true;
            let at = items.last().map_or(top.at, |item| item.span().start);
            let hint = "add a last [[entry]] without `when`: its menu is for every other caller";
            self.faults.absent(at, "no entry is general", hint);
        }
        Some((entries, general?.1?))
    }

    /// The menu that `value` names.
    pub(super) fn menu_name(&mut self, value: &Value<'_>, field: &str) -> Option<NodeId> {
        let name = self.faults.text(value, field)?;
        let found = self.names.iter().position(|(known, _)| known == name);
        if found.is_none() {
            self.ways.unresolved = true;
            let hint = suggest(name, self.names.iter().map(|(known, _)| known.as_str()));
            self.faults.absent(
                value.span().start,
                format!("there is no menu `{}`", shorten(name)),
                hint,
            );
        }
        found.map(NodeId)
    }

    /// A transfer target: `ext:name`, `tel:` and `sip:` addresses, or a telephone number.
    pub(super) fn target(&mut self, value: &Value<'_>, field: &str) -> Option<TransferTarget> {
        let target: TransferTarget = self.faults.parsed(value, field)?;
        let text = target.as_str();
        let rest = ["ext:", "tel:", "sip:", "sips:"]
            .iter()
            .find_map(|scheme| text.strip_prefix(scheme));
        let named = rest.is_some_and(|rest| !rest.is_empty() && !rest.contains(char::is_whitespace));
        let digits = text.strip_prefix('+').unwrap_or(text);
        let number = (2..=15).contains(&digits.len()) && digits.bytes().all(|byte| byte.is_ascii_digit());
        if !named && !number {
            let message = format!("{field} must be a place to transfer to, not {:?}", shorten(text));
            self.faults.wrong(
                value.span().start,
                message,
                "write it as ext:support, sip:a@b.example or +15550100",
            );
        }
        Some(target)
    }

    /// A prompt that some caller may hear and that the platform has.
    pub(super) fn prompt(&mut self, value: &Value<'_>, name: &str) -> Option<PromptId> {
        let id: PromptId = self.faults.parsed(value, name)?;
        self.played.insert(id.clone());
        self.check_prompt(&id, value.span().start);
        Some(id)
    }

    fn knows(&self, id: &PromptId) -> bool {
        match self.prompts {
            KnownPrompts::Any => true,
            KnownPrompts::Only(known) => known.contains(id),
        }
    }

    /// Notes a fault at `at` unless the platform has the prompt.
    pub(super) fn check_prompt(&mut self, id: &PromptId, at: usize) {
        if let KnownPrompts::Only(known) = self.prompts
            && !known.contains(id)
        {
            let hint = suggest(id.as_str(), known.iter().map(PromptId::as_str));
            self.faults
                .wrong(at, format!("there is no prompt `{}`", shorten(id.as_str())), hint);
        }
    }
}
