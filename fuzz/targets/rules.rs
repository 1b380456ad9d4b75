//! A rules file, whose last line is an answer to judge by it.
#![no_main]

use flow::rules::{Case, Source, parse};
use serde_json::{Map, Value};
use wire::form::{Form, Response};

libfuzzer_sys::fuzz_target!(|text: &str| {
    let (file, answer) = text.rsplit_once('\n').unwrap_or((text, ""));
    let Ok(rules) = parse(file) else { return };
    let value: Value = serde_json::from_str(answer).unwrap_or_else(|_| answer.into());
    // Every field of the form and of the completion says the same.
    let names = rules.fields().iter().map(|field| match field.source() {
        Source::Form(name) | Source::Event(name) => name.clone(),
    });
    let names: Vec<String> = names.collect();
    let event: Map<String, Value> = names.iter().map(|name| (name.clone(), value.clone())).collect();
    let responses = names.into_iter().map(|field_name| Response { field_name, value: value.clone() }).collect();
    let form = Form { interaction_id: "int-1".parse().expect("an id"), responses };
    let _ = rules.judge(&Case {
        interaction_id: &form.interaction_id,
        agent_id: &"agent-1".parse().expect("an id"),
        event: &event,
        form: &form,
        at: "2026-11-21T09:30:00Z".parse().expect("a time"),
    });
});
