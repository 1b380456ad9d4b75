//! `tasks rules try --since`: what rules would have made of the forms that came in.

use super::rules_file::RulesFile;
use crate::{
    Done,
    cli::{RulesTryArgs, When},
    config::Config,
    output::Output,
    platform,
};
use anyhow::Result;
use comfy_table::{Table, presets::UTF8_FULL_CONDENSED};
use flow::rules::{Case, Judgement, RuleSet};
use jobs::follow_up::{Story, Verdict, stories};
use serde_json::json;
use std::collections::BTreeMap;
use store::Store;
use wire::UtcTime;

/// Interactions that are read at once.
const PAGE: usize = 100;
/// Most forms that are judged.
const MOST: usize = 100_000;

/// Forms by the row that fires and its outcome.
type Rows = BTreeMap<(usize, String), Row>;

/// What rules make of forms.
struct Judged {
    rows: Rows,
    /// Whether there were more than are judged.
    is_cut: bool,
}

/// What became of the forms of one outcome.
#[derive(Default)]
struct Row {
    forms: usize,
    tasks: usize,
    /// Of those, how many came to something else when they came in.
    changed: usize,
}

pub(super) async fn try_since(
    args: &RulesTryArgs,
    since: When,
    config: &Config,
    output: &Output,
) -> Result<Done> {
    let file = RulesFile::read(args.file.as_deref())?;
    let rules = file.parse_or_fail()?;
    let since = since.resolve();
    let store = platform::existing_store(&args.store, config).await?;
    let Judged { rows, is_cut } = judge_since(&store, &rules, since).await?;
    store.close().await;
    let forms: usize = rows.values().map(|row| row.forms).sum();
    output.line(match forms {
        0 => "no form came in since then".to_owned(),
        _ => format!("{}\n{forms} forms, judged by {}", table(&rows), file.name),
    });
    if is_cut {
        output.note(format!("these are the newest {MOST}; older ones are left out"));
    }
    let rows = rows.iter().map(|((_, outcome), row)| {
        json!({"outcome": outcome, "forms": row.forms, "tasks": row.tasks, "changed": row.changed})
    });
    let rows: Vec<_> = rows.collect();
    output.json(&json!({"file": file.name, "since": since, "outcomes": rows, "cut": is_cut}));
    Ok(Done::Well)
}

/// What rules make of the interactions since then that had a form, a page at a time.
async fn judge_since(store: &Store, rules: &RuleSet, since: UtcTime) -> Result<Judged> {
    let mut rows = BTreeMap::new();
    let mut forms = 0;
    let mut before = None;
    loop {
        let page = stories(store, false, before, PAGE).await?;
        for story in page.stories.iter().filter(|story| story.received_at >= since) {
            if forms == MOST {
                return Ok(Judged { rows, is_cut: true });
            }
            forms += usize::from(note(story, rules, &mut rows));
        }
        let is_over = page.stories.last().is_some_and(|last| last.received_at < since);
        before = page.next;
        if is_over || before.is_none() {
            return Ok(Judged { rows, is_cut: false });
        }
    }
}

/// Judges the form of an interaction; gives whether it had one.
fn note(story: &Story, rules: &RuleSet, rows: &mut Rows) -> bool {
    let Some((judged, form)) = story
        .judged
        .as_ref()
        .and_then(|judged| Some((judged, judged.form.as_ref()?)))
    else {
        return false;
    };
    let judgement = rules.judge(&Case {
        interaction_id: &story.interaction_id,
        agent_id: &story.agent_id,
        event: &story.completion,
        form,
        at: story.received_at,
    });
    let (key, tasks, changed) = match (&judgement, &judged.verdict) {
        (Judgement::Fired(now), before) => {
            let same = matches!(before, Verdict::Fired { reason, tasks }
                if reason.rule == now.rule && tasks.len() == now.tasks.len());
            ((now.row, now.rule.clone()), now.tasks.len(), !same)
        }
        (Judgement::Unjudged { .. }, before) => {
            let same = matches!(before, Verdict::Unjudged { .. });
            ((usize::MAX, "not judged".to_owned()), 0, !same)
        }
    };
    let row = rows.entry(key).or_default();
    row.forms += 1;
    row.tasks += tasks;
    row.changed += usize::from(changed);
    true
}

fn table(rows: &Rows) -> Table {
    let mut table = Table::new();
    table.load_style(UTF8_FULL_CONDENSED);
    table.set_header(["rule", "forms", "tasks", "other than it was"]);
    for ((_, outcome), row) in rows {
        table.add_row([
            outcome.clone(),
            row.forms.to_string(),
            row.tasks.to_string(),
            row.changed.to_string(),
        ]);
    }
    table
}
