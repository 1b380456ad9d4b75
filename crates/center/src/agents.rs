//! Agents: as a tenant names them, and as an administrator sees them.

use crate::{app::App, tenant::each};
use axum::extract::State;
use flow::task::{Agent, Policy, Roster, USUAL_TEAM};
use http::StatusCode;
use serde_json::{Value, json};
use server::Json;
use std::{collections::HashSet, sync::Arc, time::Duration};
use wire::{
    Faults,
    fault::Object,
    ids::{AgentId, TeamName},
    task::Priority,
};

/// Most agents of a tenant; all of a team may be told of one task, in one commit.
const MOST_AGENTS: usize = 400;
/// The longest name of an agent or a skill, in characters.
const LONGEST_NAME: usize = 128;
/// The longest time that an offer may be open, in seconds.
const LONGEST_OFFER_S: u64 = 86_400;
/// The longest time for a first response, in seconds.
const LONGEST_RESPONSE_S: u64 = 365 * 86_400;

/// `[[agent]]`: in the order in which they are asked.
pub(crate) fn read_roster(file: &Object<'_>, faults: &mut Faults) -> Roster {
    let agents = each(file, "agent", faults, read_agent);
    if agents.len() > MOST_AGENTS {
        faults.push(format!(
            "there must be at most {MOST_AGENTS} [[agent]]s, not {}",
            agents.len()
        ));
    }
    let mut ids = HashSet::new();
    for agent in agents.iter().filter(|agent| !ids.insert(&agent.id)) {
        faults.push(format!("agent.id {} is used twice", agent.id));
    }
    Roster::new(agents)
}

fn read_agent(agent: &Object<'_>, faults: &mut Faults) -> Option<Agent> {
    agent.only(&["id", "name", "active", "team", "skills"], faults);
    let id: Option<AgentId> = agent.parsed("id", faults);
    if let Some(id) = id.as_ref().filter(|id| !is_part_of_a_path(id.as_str())) {
        let name = agent.name("id");
        faults.push(format!(
            "{name} is part of a path: it must be letters, digits, '-', '_' and '.', not {id:?}"
        ));
    }
    let name = agent.short_text("name", LONGEST_NAME, faults);
    let active = agent.optional_bool("active", faults).unwrap_or(true);
    let team = agent.optional_text("team", faults).and_then(|team| {
        let read = team.parse::<TeamName>();
        faults.keep(read.map_err(|error| format!("{} {error}", agent.name("team"))))
    });
    let skills = agent.optional_list("skills", faults).unwrap_or_default();
    let mut read_skill = |(at, skill): (usize, &Value)| {
        let skill = skill
            .as_str()
            .filter(|skill| skill.chars().count() <= LONGEST_NAME);
        let fault = || {
            format!(
                "{}[{at}] must be a text of at most {LONGEST_NAME} characters",
                agent.name("skills")
            )
        };
        faults.keep(skill.map(str::to_owned).ok_or_else(fault))
    };
    let skills = skills.iter().enumerate().filter_map(&mut read_skill).collect();
    let id = id?;
    Some(Agent {
        name: name.map_or_else(|| id.to_string(), str::to_owned),
        active,
        team: team.map_or_else(|| USUAL_TEAM.to_owned(), String::from),
        skills,
        id,
    })
}

/// Paths and cookies name agents, and nothing is to be escaped there.
fn is_part_of_a_path(id: &str) -> bool {
    let is_plain = |sign: char| sign.is_ascii_alphanumeric() || "-_.".contains(sign);
    id.chars().all(is_plain) && !id.starts_with('.')
}

/// `[tasks]`: how long things may take.
pub(crate) fn read_policy(file: &Object<'_>, faults: &mut Faults) -> Policy {
    let mut policy = Policy::default();
    let Some(tasks) = file
        .get("tasks")
        .and_then(|tasks| Object::at(tasks, "tasks", faults))
    else {
        return policy;
    };
    tasks.only(&["acceptWithinS", "firstResponseS"], faults);
    if let Some(seconds) = tasks.optional_whole("acceptWithinS", 1..=LONGEST_OFFER_S, faults) {
        policy.accept_within = Duration::from_secs(seconds);
    }
    let spans = tasks.get("firstResponseS");
    let Some(spans) = spans.and_then(|spans| Object::at(spans, "tasks.firstResponseS", faults)) else {
        return policy;
    };
    let words: Vec<&str> = Priority::ALL.iter().map(|priority| priority.as_str()).collect();
    spans.only(&words, faults);
    for priority in Priority::ALL {
        if let Some(seconds) = spans.optional_whole(priority.as_str(), 1..=LONGEST_RESPONSE_S, faults) {
            policy.set_first_response(*priority, Duration::from_secs(seconds));
        }
    }
    policy
}

/// `GET /center/v1/agents`: the agents, and where their desktops are.
pub(crate) async fn list(State(app): State<Arc<App>>) -> Json<Value> {
    let agents = app.tenant.roster.all().iter().map(|agent| {
        json!({
            "id": agent.id,
            "name": agent.name,
            "active": agent.active,
            "team": agent.team,
            "skills": agent.skills,
            "desktop": app.desks.link(&agent.id),
        })
    });
    Json(StatusCode::OK, json!({"agents": agents.collect::<Vec<_>>()}))
}
