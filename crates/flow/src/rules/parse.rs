//! From the text of a rules file to a [`RuleSet`], or to every fault in it.

use super::{
    assignee::Assignee,
    check,
    model::{Field, Hit, RuleSet},
};
use crate::{
    calendar::{Calendar, MAX_HOLIDAYS, TimeOfDay, WorkingTime},
    file::{self, Faults, FileFault, Table, Value, shorten},
};
use jiff::civil::{Date, Weekday};
use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};
use toml::de::DeValue;
use wire::ids::AgentId;

/// Largest rules file, in bytes.
pub const MAX_FILE_BYTES: usize = 256 * 1024;
/// Most rules of a file.
pub const MAX_RULES: usize = 200;
/// Most tasks of a rule.
pub const MAX_TASKS: usize = 8;
/// Most fields of a file.
pub const MAX_FIELDS: usize = 64;
/// Most teams of a file, and most skills.
pub const MAX_TEAMS: usize = 200;
/// Most agents of a team or skill.
pub const MAX_MEMBERS: usize = 500;

const DAYS: [(&str, Weekday); 7] = [
    ("mon", Weekday::Monday),
    ("tue", Weekday::Tuesday),
    ("wed", Weekday::Wednesday),
    ("thu", Weekday::Thursday),
    ("fri", Weekday::Friday),
    ("sat", Weekday::Saturday),
    ("sun", Weekday::Sunday),
];

/// Reads a rules file. All faults come at once, in the order of the file.
pub fn parse(source: &str) -> Result<RuleSet, Vec<FileFault>> {
    let mut faults = Faults::new(source);
    let Some(document) = file::document(source, MAX_FILE_BYTES, &mut faults) else {
        return Err(faults.into_sorted());
    };
    let top = Table {
        fields: document.get_ref(),
        at: 0,
        name: "the file".into(),
    };
    let mut reader = Reader {
        faults,
        fields: Vec::new(),
        doubtful: BTreeSet::new(),
        teams: BTreeMap::new(),
        skills: BTreeMap::new(),
        places: Vec::new(),
    };
    match reader.file(&top) {
        Some(mut rules) if reader.faults.is_empty() => {
            rules.notes = check::rules(&rules, &reader.places, &mut reader.faults);
            match reader.faults.is_empty() {
                true => Ok(rules),
                false => Err(reader.faults.into_sorted()),
            }
        }
        _ => Err(reader.faults.into_sorted()),
    }
}

pub(super) struct Reader<'s> {
    pub(super) faults: Faults<'s>,
    pub(super) fields: Vec<Field>,
    /// The fields among them that have faults: nothing more is said of what they are.
    pub(super) doubtful: BTreeSet<String>,
    pub(super) teams: Members,
    pub(super) skills: Members,
    /// Where things of each rule stand, for what is checked afterwards.
    pub(super) places: Vec<Place>,
}

/// Agents by the name of what they share. None for one whose faults are told already.
pub(super) type Members = BTreeMap<String, Option<Arc<[AgentId]>>>;

/// Where a rule stands in its file, in bytes.
#[derive(Clone, Copy)]
pub(super) struct Place {
    pub(super) rule: usize,
    /// Its condition, or else the rule.
    pub(super) when: usize,
}

impl Reader<'_> {
    fn file(&mut self, top: &Table<'_>) -> Option<RuleSet> {
        const FIELDS: [&str; 9] = [
            "name",
            "time_zone",
            "hit",
            "fallback",
            "business_hours",
            "field",
            "team",
            "skill",
            "rule",
        ];
        top.only(&FIELDS, &mut self.faults);
        let name = top.required("name", "name = \"After-interaction follow-up\"", &mut self.faults);
        let name = name
            .and_then(|value| self.faults.text(value, "name"))
            .map(str::to_owned);
        let calendar = self.calendar(top);
        let hit = self.hit(top);
        self.read_fields(top);
        self.teams = self.members(top, "team");
        self.skills = self.members(top, "skill");
        let fallback = top.get("fallback").map(|value| self.assignee(value, "fallback"));
        let rules = self.rules(top, calendar.as_ref(), fallback.flatten().as_ref());
        Some(RuleSet {
            name: name?,
            calendar: calendar?,
            hit: hit?,
            fields: self.fields.clone(),
            rules,
            notes: Vec::new(),
        })
    }

    fn hit(&mut self, top: &Table<'_>) -> Option<Hit> {
        let Some(value) = top.get("hit") else {
            return Some(Hit::First);
        };
        match self.faults.text(value, "hit")? {
            "first" => Some(Hit::First),
            "unique" => Some(Hit::Unique),
            other => {
                let message = format!("hit must be \"first\" or \"unique\", not {:?}", shorten(other));
                let hint =
                    "with \"first\", the first rule that holds decides; with \"unique\", only one may hold";
                self.faults.wrong(value.span().start, message, hint);
                None
            }
        }
    }

    fn calendar(&mut self, top: &Table<'_>) -> Option<Calendar> {
        let working = match top.get("business_hours") {
            Some(value) => self.working(value),
            None => Some(WorkingTime::default()),
        };
        let zone = match top.get("time_zone") {
            Some(value) => self
                .faults
                .text(value, "time_zone")
                .map(|zone| (zone, value.span().start)),
            None => Some(("UTC", 0)),
        };
        let (zone, at) = zone?;
        // The zone is checked also when the hours have faults.
        let calendar = Calendar::new(zone, working.clone().unwrap_or_default());
        let calendar = calendar
            .map_err(|error| self.faults.wrong(at, error.to_string(), ""))
            .ok();
        working.and(calendar)
    }

    fn working(&mut self, value: &Value<'_>) -> Option<WorkingTime> {
        const FIELDS: [&str; 4] = ["days", "from", "to", "holidays"];
        let table = Table::of(value, "[business_hours]".into(), &FIELDS, &mut self.faults)?;
        let days = self.days(&table);
        let usual = WorkingTime::default().hours();
        let mut time = |field, default: TimeOfDay| match table.get(field) {
            Some(value) => self.faults.parsed::<TimeOfDay>(value, field),
            None => Some(default),
        };
        let (from, to) = (time("from", usual.0), time("to", usual.1));
        let holidays = self.holidays(&table);
        let (days, from, to) = (days?, from?, to?);
        if from >= to {
            let at = table
                .get("to")
                .or(table.get("from"))
                .map_or(table.at, |value| value.span().start);
            let message = format!("business hours end at {to}, which is not after {from}");
            self.faults.wrong(
                at,
                message,
                "write from = \"09:00\" and to = \"17:00\"; up to \"24:00\"",
            );
        }
        WorkingTime::new(&days, from, to, holidays)
    }

    fn days(&mut self, table: &Table<'_>) -> Option<Vec<Weekday>> {
        const HINT: &str = "write days like [\"mon\", \"tue\", \"wed\", \"thu\", \"fri\"]";
        let Some(written) = table.get("days") else {
            return Some(DAYS[..5].iter().map(|(_, day)| *day).collect());
        };
        let items = file::items(written, "days", &mut self.faults)?;
        if items.is_empty() {
            self.faults.wrong(written.span().start, "days has no day", HINT);
        }
        let mut days = Vec::new();
        for item in items {
            let name = self.faults.text(item, "a day")?;
            match DAYS.iter().find(|(known, _)| *known == name) {
                Some((_, day)) => days.push(*day),
                None => {
                    let message = format!("{:?} is no day", shorten(name));
                    self.faults.wrong(item.span().start, message, HINT);
                }
            }
        }
        Some(days)
    }

    fn holidays(&mut self, table: &Table<'_>) -> BTreeSet<Date> {
        let written = table.list("holidays", &mut self.faults).unwrap_or_default();
        self.at_most(MAX_HOLIDAYS, written, "holidays", "leave out those that are over");
        let mut holidays = BTreeSet::new();
        for item in written.iter().take(MAX_HOLIDAYS) {
            let text = match item.get_ref() {
                DeValue::Datetime(date) => date.to_string(),
                _ => match self.faults.text(item, "a holiday") {
                    Some(text) => text.to_owned(),
                    None => continue,
                },
            };
            // Ten characters: what has a time too is no day.
            match text.parse::<Date>().ok().filter(|_| text.len() == 10) {
                Some(date) => drop(holidays.insert(date)),
                None => {
                    let message = format!("a holiday must be a date, not {:?}", shorten(&text));
                    self.faults
                        .wrong(item.span().start, message, "write it like \"2026-12-25\"");
                }
            }
        }
        holidays
    }

    /// The teams, or the skills: names with their agents.
    fn members(&mut self, top: &Table<'_>, kind: &str) -> Members {
        let tables = self.faults.tables(top, kind, MAX_TEAMS);
        let mut found = Members::new();
        for (name, _, value) in tables {
            let agents = Table::of(value, format!("[{kind}.{name}]"), &["agents"], &mut self.faults)
                .and_then(|table| self.agents(&table));
            found.insert(name, agents);
        }
        found
    }

    fn agents(&mut self, table: &Table<'_>) -> Option<Arc<[AgentId]>> {
        let written = table.required("agents", "agents = [\"agent-1\", \"agent-2\"]", &mut self.faults)?;
        let items = file::items(written, "agents", &mut self.faults)?;
        if items.is_empty() {
            let message = format!("{} has no agents", table.name);
            self.faults
                .wrong(written.span().start, message, "name at least one");
        }
        self.at_most(MAX_MEMBERS, items, "agents", "split them");
        let mut agents = Vec::new();
        for item in items.iter().take(MAX_MEMBERS) {
            let agent: Option<AgentId> = self.faults.parsed(item, "an agent");
            if let Some(twice) = agent.as_ref().filter(|agent| agents.contains(*agent)) {
                let message = format!("agent {:?} is named twice", shorten(twice.as_str()));
                self.faults
                    .wrong(item.span().start, message, "name each once: they share evenly");
            }
            agents.extend(agent);
        }
        (!agents.is_empty()).then(|| agents.into())
    }

    /// Who a task is for: `agent`, `agent:agent-2`, `team:retention`, `skill:billing`.
    pub(super) fn assignee(&mut self, value: &Value<'_>, field: &str) -> Option<Assignee> {
        const HINT: &str = "write \"agent\" (who led the interaction), \"agent:agent-2\", \"team:retention\" or \"skill:billing\"";
        let text = self.faults.text(value, field)?;
        let at = value.span().start;
        let (kind, name) = match text.split_once(':') {
            None if text == "agent" => return Some(Assignee::Leader),
            Some((kind @ ("agent" | "team" | "skill"), name)) => (kind, name),
            _ => {
                let message = format!("{field} must say whose the task is, not {:?}", shorten(text));
                self.faults.wrong(at, message, HINT);
                return None;
            }
        };
        let shared = match kind {
            "team" => &self.teams,
            "skill" => &self.skills,
            _ => {
                let agent = name
                    .parse()
                    .map_err(|error| format!("{field}: the agent {error}"));
                let agent = agent.map_err(|message| self.faults.wrong(at, message, HINT)).ok();
                return agent.map(Assignee::One);
            }
        };
        match shared.get(name) {
            Some(agents) => agents.clone().map(Assignee::OneOf),
            None => {
                let message = format!("there is no {kind} `{}`", shorten(name));
                let hint = match shared.is_empty() {
                    true => format!("add [{kind}.{}] with agents = [\"agent-1\"]", shorten(name)),
                    false => file::suggest(name, shared.keys().map(String::as_str)),
                };
                self.faults.absent(at, message, hint);
                None
            }
        }
    }

    pub(super) fn at_most(&mut self, most: usize, written: &[Value<'_>], what: &str, hint: &'static str) {
        if let Some(first) = written.get(most) {
            let message = format!("there are {} {what}, at most {most} are allowed", written.len());
            self.faults.wrong(first.span().start, message, hint);
        }
    }
}
