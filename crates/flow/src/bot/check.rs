//! What only shows when the whole file is read: where steps lead, and examples that say two things.

use super::{
    model::{Bot, Does, Step, StepId},
    parse_intent::Example,
};
use crate::file::Faults;
use std::collections::{BTreeMap, BTreeSet};

/// Where things stand in the file, in bytes.
pub(super) struct Places<'a> {
    pub(super) steps: Vec<usize>,
    /// By intent.
    pub(super) examples: &'a [Vec<Example>],
}

pub(super) fn bot(bot: &Bot, places: &Places<'_>, faults: &mut Faults<'_>) {
    unreached(bot, places, faults);
    circles(bot, places, faults);
    unasked(bot, places, faults);
    ambiguous(bot, places, faults);
}

/// Intents that get to a step that resolves without another word of the customer.
pub(super) fn mark_strict(bot: &mut Bot) {
    let resolves = |from: StepId| {
        let goes_on = |step: &Step| {
            if matches!(step.does, Does::Ask { .. }) {
                Vec::new()
            } else {
                leads(bot, step)
            }
        };
        reached(bot, vec![from], goes_on)
            .into_iter()
            .any(|id| bot.step(id).resolve == Some(true))
    };
    let strict: Vec<bool> = bot
        .intents
        .iter()
        .map(|intent| intent.step.is_some_and(resolves))
        .collect();
    for (intent, is_strict) in bot.intents.iter_mut().zip(strict) {
        intent.is_strict = is_strict;
    }
}

/// Where a step can lead.
fn leads(bot: &Bot, step: &Step) -> Vec<StepId> {
    let mut to: Vec<StepId> = step.next.iter().map(|branch| branch.to).collect();
    match &step.does {
        Does::Call(plan) => to.push(plan.on_error),
        Does::Ask { slot, .. } => to.extend(bot.slot(*slot).failed),
        _ => {}
    }
    to
}

fn reached(bot: &Bot, from: Vec<StepId>, leads: impl Fn(&Step) -> Vec<StepId>) -> BTreeSet<StepId> {
    let (mut reached, mut open) = (BTreeSet::new(), from);
    while let Some(id) = open.pop() {
        if reached.insert(id) {
            open.extend(leads(bot.step(id)));
        }
    }
    reached
}

fn unreached(bot: &Bot, places: &Places<'_>, faults: &mut Faults<'_>) {
    let intents = bot.intents.iter().filter_map(|intent| intent.step);
    let idle = bot.idle.iter().map(|idle| idle.step);
    let roots = bot
        .begin
        .into_iter()
        .chain(bot.fallback.step)
        .chain(intents)
        .chain(idle)
        .collect();
    let reached = reached(bot, roots, |step| leads(bot, step));
    for (nth, (step, at)) in bot.steps.iter().zip(&places.steps).enumerate() {
        if !reached.contains(&StepId(nth)) {
            let message = format!("nothing leads to step {:?}", step.name);
            faults.absent(
                *at,
                message,
                "name it in `next`, in an intent or in `begin`, or remove it",
            );
        }
    }
}

/// Steps that lead back to themselves while the customer has nothing to say.
fn circles(bot: &Bot, places: &Places<'_>, faults: &mut Faults<'_>) {
    let goes_on = |step: &Step| match step.does {
        Does::Nothing => step.next.iter().map(|branch| branch.to).collect(),
        _ => Vec::new(),
    };
    let mut told: BTreeSet<StepId> = BTreeSet::new();
    for (nth, (step, at)) in bot.steps.iter().zip(&places.steps).enumerate() {
        let id = StepId(nth);
        let after = reached(bot, goes_on(step), goes_on);
        if after.contains(&id) && !told.contains(&id) {
            let message = format!(
                "step {:?} leads back to itself without waiting for the customer",
                step.name
            );
            faults.wrong(
                *at,
                message,
                "have one of the steps `ask`, or end it by leaving `next` out",
            );
            told.extend(after);
        }
    }
}

fn unasked(bot: &Bot, places: &Places<'_>, faults: &mut Faults<'_>) {
    for (step, at) in bot.steps.iter().zip(&places.steps) {
        if let Does::Ask { slot, .. } = &step.does
            && bot.slot(*slot).prompt.is_empty()
        {
            let name = &bot.slot(*slot).name;
            let message = format!(
                "step {:?} asks for slot {name:?}, which has no `prompt`",
                step.name
            );
            faults.absent(*at, message, format!("add prompt = \"...\" to [slot.{name}]"));
        }
    }
}

/// The same example for two intents: neither would be understood.
fn ambiguous(bot: &Bot, places: &Places<'_>, faults: &mut Faults<'_>) {
    let mut first: BTreeMap<BTreeSet<&String>, (usize, usize)> = BTreeMap::new();
    for (owner, examples) in places.examples.iter().enumerate() {
        for example in examples {
            let words = example.words.iter().collect();
            let (other, at) = *first.entry(words).or_insert((owner, example.at));
            if other != owner && bot.intents[other].when.is_none() && bot.intents[owner].when.is_none() {
                let message = format!(
                    "this example is one of intent {:?} too, in line {}",
                    bot.intents[other].name,
                    faults.line(at)
                );
                faults.wrong(
                    example.at,
                    message,
                    "leave it out of one of them, or give them a `when`",
                );
            }
        }
    }
}
