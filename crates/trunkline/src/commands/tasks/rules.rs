//! `trunkline tasks rules`.

use super::rules_file::RulesFile;
use crate::{
    Done,
    cli::{RulesCheckArgs, RulesTryArgs},
    commands::checking::{Checked, check_files},
    files::read_text,
    output::Output,
};
use anyhow::{Context, Result, bail};
use comfy_table::{Table, presets::UTF8_FULL_CONDENSED};
use flow::{
    file::suggest,
    rules::{Case, Fired, Judgement, RuleSet, Source},
};
use jiff::Timestamp;
use serde_json::{Map, Value, json};
use std::path::Path;
use wire::form::{Form, Response};

/// Largest form file, in bytes.
const MAX_FORM_BYTES: usize = 4 * 1024 * 1024;
/// The interaction that is judged when no form names one.
const INTERACTION: &str = "int-1";

pub(super) fn check(args: &RulesCheckArgs, output: &Output) -> Result<Done> {
    check_files(&args.files, output, |path| {
        let (faults, notes, sound) = match RulesFile::read(Some(path))?.parse() {
            Ok(rules) => {
                let count = rules.rules().len();
                let plural = if count == 1 { "" } else { "s" };
                (
                    Vec::new(),
                    rules.notes().to_vec(),
                    format!("no faults ({count} rule{plural})"),
                )
            }
            Err(faults) => (faults, Vec::new(), String::new()),
        };
        Ok(Checked {
            faults,
            notes: Some(notes),
            sound,
        })
    })
}

pub(super) fn try_form(args: &RulesTryArgs, output: &Output) -> Result<Done> {
    let file = RulesFile::read(args.file.as_deref())?;
    let rules = file.parse_or_fail()?;
    let (form, event) = said(args, &rules)?;
    let judgement = rules.judge(&Case {
        interaction_id: &form.interaction_id,
        agent_id: &args.agent,
        event: &event,
        form: &form,
        at: args.at.unwrap_or_else(|| Timestamp::now().into()),
    });
    output.json(&json!({"file": file.name, "timeZone": rules.time_zone(), "judgement": judgement}));
    match judgement {
        Judgement::Fired(fired) => {
            tell(&file.name, &fired, &rules, output);
            Ok(Done::Well)
        }
        Judgement::Unjudged { faults } => {
            output.line("the form can't be judged:");
            faults.iter().for_each(|fault| output.line(format!("  {fault}")));
            Ok(Done::Failed)
        }
    }
}

/// The form and the completion's members that the arguments name.
fn said(args: &RulesTryArgs, rules: &RuleSet) -> Result<(Form, Map<String, Value>)> {
    let mut form = match &args.form {
        Some(file) => read_form(file)?,
        None => Form {
            interaction_id: INTERACTION.parse()?,
            responses: Vec::new(),
        },
    };
    let mut event = Map::new();
    for (name, value) in &args.set {
        let Some(field) = rules.fields().iter().find(|field| field.name() == name) else {
            let known = rules.fields().iter().map(|field| field.name());
            bail!("the rules have no field `{name}`; {}", suggest(name, known));
        };
        let value = Value::from(value.as_str());
        match field.source() {
            Source::Form(field_name) => {
                form.responses
                    .retain(|response| response.field_name != *field_name);
                form.responses.push(Response {
                    field_name: field_name.clone(),
                    value,
                });
            }
            Source::Event(member) => drop(event.insert(member.clone(), value)),
        }
    }
    Ok((form, event))
}

fn read_form(file: &Path) -> Result<Form> {
    let name = file.display();
    let text = read_text(file, MAX_FORM_BYTES).with_context(|| format!("the form {name} can't be read"))?;
    let body: Value = serde_json::from_str(&text).with_context(|| format!("the form {name} is no JSON"))?;
    Form::parse(&body).map_err(|faults| {
        let faults = faults.into_vec().join("\n  ");
        anyhow::anyhow!("the form {name} has faults:\n  {faults}")
    })
}

fn tell(file: &str, fired: &Fired, rules: &RuleSet, output: &Output) {
    let why = fired.when.as_deref().unwrap_or("it always holds");
    let (rule, row) = (&fired.rule, fired.row);
    output.line(format!("row {row} fires: {rule} ({file}:{}), {why}", fired.line));
    for (field, value) in &fired.saw {
        let shown = match value {
            Value::Null => "absent".to_owned(),
            other => other.to_string(),
        };
        output.line(format!("  {field} is {shown}"));
    }
    match fired.tasks.is_empty() {
        true => output.line("no task"),
        false => output.line(table(fired, rules)),
    }
}

fn table(fired: &Fired, rules: &RuleSet) -> Table {
    let mut table = Table::new();
    table.load_style(UTF8_FULL_CONDENSED);
    let zone = rules.time_zone();
    table.set_header([
        "task",
        "subject",
        "priority",
        &format!("due, {zone}"),
        "due, UTC",
        "assignee",
        "fallback",
    ]);
    for task in &fired.tasks {
        table.add_row([
            task.key.clone(),
            task.subject.clone(),
            task.priority.to_string(),
            rules.wall_clock(task.due_date),
            task.due_date.to_string(),
            task.assignee.to_string(),
            task.fallback
                .as_ref()
                .map_or_else(|| "-".into(), ToString::to_string),
        ]);
    }
    table
}
