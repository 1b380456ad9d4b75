//! What the rules make of a form.

use super::{
    model::{Hit, Rule, RuleSet, TaskPlan},
    template::{Bounds, Values},
    value,
};
use crate::{calendar::CalendarError, condition::Facts};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use wire::{
    UtcTime,
    form::Form,
    ids::{AgentId, InteractionId},
    task::{LONGEST_DESCRIPTION, LONGEST_SUBJECT, Priority},
};

const SUBJECT: Bounds = Bounds {
    text: LONGEST_SUBJECT,
    value: 100,
    lines: false,
};
const DESCRIPTION: Bounds = Bounds {
    text: LONGEST_DESCRIPTION,
    value: 2000,
    lines: true,
};

/// What is judged.
#[derive(Debug, Clone, Copy)]
pub struct Case<'a> {
    /// The interaction.
    pub interaction_id: &'a InteractionId,
    /// The agent who led it.
    pub agent_id: &'a AgentId,
    /// The members of its completion.
    pub event: &'a Map<String, Value>,
    /// The form that was filled in after it.
    pub form: &'a Form,
    /// From when due dates count.
    pub at: UtcTime,
}

/// What came of it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "outcome", rename_all = "camelCase")]
pub enum Judgement {
    /// A row fired.
    Fired(Fired),
    /// The form cannot be judged: there is no task, and somebody should know why.
    Unjudged {
        /// One sentence each; there is at least one.
        faults: Vec<String>,
    },
}

/// A row that fired, and why.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Fired {
    /// The rule's name.
    pub rule: String,
    /// Its place in the table, from 1.
    pub row: usize,
    /// The line of the file where it begins.
    pub line: usize,
    /// Its condition; none when it always holds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub when: Option<String>,
    /// What the conditions up to here looked at: fields and their values.
    pub saw: Vec<(String, Value)>,
    /// The tasks to create; often one, perhaps none.
    pub tasks: Vec<TaskOrder>,
}

/// A task to create.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct TaskOrder {
    /// What it is known by among the tasks of its interaction: `unhappy`; of several tasks of a rule, `unhappy/2`.
    pub key: String,
    /// What is to be done, in a line.
    pub subject: String,
    /// What is to be done.
    pub description: String,
    /// Until when.
    pub due_date: UtcTime,
    /// How important it is.
    pub priority: Priority,
    /// Who is to do it.
    pub assignee: AgentId,
    /// Who else, if the task service refuses the assignee.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fallback: Option<AgentId>,
}

impl RuleSet {
    /// Judges a form: which row fires, and what is to be done.
    pub fn judge(&self, case: &Case<'_>) -> Judgement {
        self.decide(case)
            .map_or_else(|faults| Judgement::Unjudged { faults }, Judgement::Fired)
    }

    fn decide(&self, case: &Case<'_>) -> Result<Fired, Vec<String>> {
        let values = self.values(case)?;
        let (row, looked) = self.row(&values).map_err(|fault| vec![fault])?;
        let Some(rule) = self.rules.get(row) else {
            return Err(vec![format!("no rule holds{}", self.told(&values))]);
        };
        let tasks = rule
            .tasks
            .iter()
            .enumerate()
            .map(|(at, plan)| order(self, rule, at, plan, &values, case));
        let tasks = tasks
            .collect::<Result<_, _>>()
            .map_err(|error| vec![format!("rule `{}`: {error}", rule.name)])?;
        Ok(Fired {
            rule: rule.name.clone(),
            row: row + 1,
            line: rule.line,
            when: rule.when().map(str::to_owned),
            saw: self.saw(self.rules.get(..=looked).unwrap_or_default(), &values),
            tasks,
        })
    }

    /// The values of all fields, or all their faults.
    fn values(&self, case: &Case<'_>) -> Result<Vec<Value>, Vec<String>> {
        let (mut values, mut faults) = (Vec::new(), Vec::new());
        for field in &self.fields {
            match value::read(field, case) {
                Ok(value) => values.push(value),
                Err(fault) => faults.push(fault),
            }
        }
        if faults.is_empty() {
            Ok(values)
        } else {
            Err(faults)
        }
    }

    /// The row that fires, and the last one that was looked at. A row beyond the table when none holds.
    fn row(&self, values: &[Value]) -> Result<(usize, usize), String> {
        let named = self.fields.iter().map(|field| field.name.as_str()).zip(values);
        let facts = Facts::named(named).map_err(|error| error.to_string())?;
        let mut found: Option<usize> = None;
        for (row, rule) in self.rules.iter().enumerate() {
            if !holds(rule, &facts)? {
                continue;
            }
            match (self.hit, found) {
                (Hit::First, _) => return Ok((row, row)),
                (Hit::Unique, None) => found = Some(row),
                (Hit::Unique, Some(first)) => {
                    let (first, second) = (&self.rules[first].name, &rule.name);
                    let told = self.told(values);
                    return Err(format!("rules `{first}` and `{second}` both hold{told}"));
                }
            }
        }
        let last = self.rules.len().saturating_sub(1);
        Ok((found.unwrap_or(self.rules.len()), last))
    }

    /// The fields that the conditions of `rules` look at.
    fn saw(&self, rules: &[Rule], values: &[Value]) -> Vec<(String, Value)> {
        let looks_at = |at: usize| rules.iter().any(|rule| rule.looks_at.contains(&at));
        let fields = self.fields.iter().zip(values).enumerate();
        fields
            .filter(|(at, _)| looks_at(*at))
            .map(|(_, (field, value))| (field.name.clone(), value.clone()))
            .collect()
    }

    /// Values as the end of a sentence: ` when score is 3 and channel is "chat"`.
    fn told(&self, values: &[Value]) -> String {
        super::check::told(
            self.saw(&self.rules, values)
                .iter()
                .map(|(name, value)| (name.as_str(), value)),
        )
    }
}

fn holds(rule: &Rule, facts: &Facts) -> Result<bool, String> {
    let Some(condition) = &rule.when else {
        return Ok(true);
    };
    condition.holds(facts).map_err(|error| {
        format!(
            "the condition of rule `{}` cannot be answered: {error}",
            rule.name
        )
    })
}

fn order(
    rules: &RuleSet,
    rule: &Rule,
    at: usize,
    plan: &TaskPlan,
    fields: &[Value],
    case: &Case<'_>,
) -> Result<TaskOrder, CalendarError> {
    let (interaction, leader) = (case.interaction_id, case.agent_id);
    let values = Values {
        interaction_id: interaction.as_str(),
        agent_id: leader.as_str(),
        rule: &rule.name,
        fields,
    };
    let mut subject = plan.subject.fill(&values, SUBJECT);
    if subject.trim().is_empty() {
        // Made of blank values only; the contract wants something to read.
        subject.clone_from(&rule.name);
    }
    let assignee = plan.assignee.of(interaction, leader);
    let fallback = plan.fallback.as_ref();
    Ok(TaskOrder {
        key: match rule.tasks.len() {
            1 => rule.name.clone(),
            _ => format!("{}/{}", rule.name, at + 1),
        },
        subject,
        description: plan.description.fill(&values, DESCRIPTION),
        due_date: rules.calendar.due(case.at, &plan.due)?,
        priority: plan.priority,
        fallback: fallback.and_then(|fallback| fallback.other_than(Some(&assignee), interaction, leader)),
        assignee,
    })
}
