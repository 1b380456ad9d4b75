//! Follow-up rules: which completed interactions lead to tasks, with what priority, until when, for whom.
//!
//! A rule set is a file (TOML): a table of rows, the first whose condition holds decides. It is checked as a whole when it is
//! read: names, kinds, dates, and whether some form fits no row, or some row is never reached.
//!
//! ```
//! use flow::rules::{self, Case, Judgement};
//! use wire::form::Form;
//!
//! let rules = rules::parse(rules::USUAL).map_err(|faults| faults[0].clone())?;
//! let form = Form::parse(&serde_json::json!({
//!     "interactionId": "int-1002", "responses": [{"fieldName": "overall_satisfaction", "value": "2"}],
//! }))?;
//! let judgement = rules.judge(&Case {
//!     interaction_id: &form.interaction_id,
//!     agent_id: &"agent-1".parse()?,
//!     event: &serde_json::Map::new(),
//!     form: &form,
//!     at: "2026-11-21T09:30:00Z".parse()?,
//! });
//! let Judgement::Fired(fired) = judgement else { panic!("{judgement:?}") };
//! assert_eq!((fired.rule.as_str(), fired.row), ("unhappy", 1));
//! assert_eq!(fired.tasks[0].subject, "Call the customer back: score 2");
//! assert_eq!(fired.tasks[0].due_date.to_string(), "2026-11-22T09:30:00.000Z");
//!
//! let faults = rules::parse(&rules::USUAL.replace("score < 3", "scor < 3")).unwrap_err();
//! assert_eq!(faults[0].message, "unknown name `scor`; a condition may use score");
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod assignee;
mod check;
mod judge;
mod model;
mod parse;
mod parse_field;
mod parse_rule;
mod template;
#[cfg(test)]
mod tests;
mod value;

pub use judge::{Case, Fired, Judgement, TaskOrder};
pub use model::{Field, Note, Rule, RuleSet, Source};
pub use parse::{MAX_FIELDS, MAX_FILE_BYTES, MAX_MEMBERS, MAX_RULES, MAX_TASKS, MAX_TEAMS, parse};

/// The rules of a service that was given none: those of the contract, section 7.
pub const USUAL: &str = include_str!("../../../../demo/rules.toml");
