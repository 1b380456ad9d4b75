//! The values of a field that stand for all others.

use super::super::{
    model::{Field, Kind, RuleSet},
    value::json,
};
use crate::condition::{Condition, Constant, Shape};
use serde_json::Value;

/// A text that stands for all that no condition names.
const OTHER_TEXT: &str = "something else";
/// How long a text is that stands for long ones, in characters.
const LONG_TEXT: usize = 1000;

/// A field and the values that stand for all others.
pub(super) struct Axis {
    /// Its place in the rule set.
    pub(super) field: usize,
    /// At least one.
    pub(super) values: Vec<Value>,
}

/// The shapes of the rules' conditions, in their order; that of none is empty.
pub(super) fn shapes(rules: &RuleSet) -> Vec<Shape> {
    let shape = |when: &Option<Condition>| when.as_ref().map(Condition::shape).unwrap_or_default();
    rules.rules.iter().map(|rule| shape(&rule.when)).collect()
}

/// The fields that conditions look at.
pub(super) fn axes(rules: &RuleSet, shapes: &[Shape]) -> Vec<Axis> {
    let fields = rules.fields.iter().enumerate();
    let used = fields.filter(|(at, _)| rules.rules.iter().any(|rule| rule.looks_at.contains(at)));
    used.map(|(at, field)| Axis {
        field: at,
        values: values(field, shapes),
    })
    .collect()
}

/// Whether the values of [`axes`] stand for all others in a condition of this shape.
pub(super) fn is_exact(shape: &Shape, fields: &[Field]) -> bool {
    let field = |name: &str| fields.iter().find(|field| field.name == name);
    // Other names are those of a loop.
    let closed = |name: &String| field(name).is_none_or(|field| field.kind.is_closed());
    let between_texts = shape.comparisons.iter().any(|comparison| {
        let open_text = matches!(
            field(&comparison.name).map(|field| &field.kind),
            Some(Kind::Text { values: None })
        );
        comparison.ordered && open_text
    });
    shape.otherwise.iter().all(closed) && !between_texts
}

fn values(field: &Field, shapes: &[Shape]) -> Vec<Value> {
    let constants = constants(field, shapes);
    let reckoned = shapes.iter().any(|shape| shape.otherwise.contains(&field.name));
    let mut values = match &field.kind {
        Kind::Number { least, most } => numbers(&constants, *least, *most),
        Kind::Text { values: Some(values) } => {
            values.iter().map(|value| Value::from(value.as_str())).collect()
        }
        Kind::Text { values: None } => texts(&constants, reckoned),
        Kind::Truth => vec![Value::Bool(true), Value::Bool(false)],
    };
    if field.optional {
        values.push(Value::Null);
    }
    values
}

/// The constants that a field is compared with, or that stand beside it.
fn constants<'a>(field: &Field, shapes: &'a [Shape]) -> Vec<&'a Constant> {
    let of_shape = |shape: &'a Shape| {
        let compared = shape
            .comparisons
            .iter()
            .filter(|comparison| comparison.name == field.name);
        let beside = shape
            .literals
            .iter()
            .filter(|_| shape.otherwise.contains(&field.name));
        compared.map(|comparison| &comparison.with).chain(beside)
    };
    shapes.iter().flat_map(of_shape).collect()
}

fn numbers(constants: &[&Constant], least: Option<f64>, most: Option<f64>) -> Vec<Value> {
    let mut points: Vec<f64> = constants
        .iter()
        .filter_map(|constant| match constant {
            Constant::Number(number) => Some(*number),
            _ => None,
        })
        .chain(least)
        .chain(most)
        .collect();
    if points.is_empty() {
        points.push(0.0);
    }
    points.sort_by(f64::total_cmp);
    points.dedup();
    let between = points.windows(2).map(|pair| match pair {
        [low, high] => low / 2.0 + high / 2.0,
        _ => 0.0,
    });
    let below = points.first().map(|first| first - first.abs().max(1.0));
    let above = points.last().map(|last| last + last.abs().max(1.0));
    let mut all: Vec<f64> = points
        .iter()
        .copied()
        .chain(between)
        .chain(below)
        .chain(above)
        .collect();
    all.retain(|number| {
        let within = least.is_none_or(|least| *number >= least) && most.is_none_or(|most| *number <= most);
        number.is_finite() && within
    });
    all.sort_by(f64::total_cmp);
    all.dedup();
    all.into_iter().map(json).collect()
}

fn texts(constants: &[&Constant], reckoned: bool) -> Vec<Value> {
    let mut texts: Vec<String> = Vec::new();
    for constant in constants {
        if let Constant::Text(text) = constant
            && !texts.contains(text)
        {
            texts.push(text.clone());
        }
    }
    let mut other = OTHER_TEXT.to_owned();
    while texts.contains(&other) {
        other.push('!');
    }
    texts.push(other);
    if reckoned {
        texts.extend([String::new(), "x".repeat(LONG_TEXT)]);
    }
    texts.into_iter().map(Value::from).collect()
}
