//! What a condition compares its names with: from this, those who check a table of conditions know which values matter.

use super::{Position, check::place};
use cel::{
    Program,
    common::ast::{CallExpr, EntryExpr, Expr, IdedExpr, LiteralValue, operators},
};
use std::collections::BTreeSet;

/// The largest whole number that is the same as a floating point number.
const MAX_EXACT: i64 = 1 << 53;

/// What the names of a condition are compared with.
///
/// ```
/// use flow::condition::{Condition, Constant};
///
/// let shape = Condition::compile("score < 3 && size(comment) > 10", &["score", "comment"])?.shape();
/// assert_eq!(shape.comparisons[0].name, "score");
/// assert_eq!(shape.comparisons[0].with, Constant::Number(3.0));
/// assert_eq!(shape.otherwise.iter().collect::<Vec<_>>(), ["comment"]);
/// # Ok::<(), flow::condition::ConditionError>(())
/// ```
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Shape {
    /// Names that are compared with a constant by `<`, `<=`, `>`, `>=`, `==`, `!=` or `in`.
    pub comparisons: Vec<Comparison>,
    /// Names that something else is done with: arithmetic, functions, loops, two names compared.
    pub otherwise: BTreeSet<String>,
    /// The constants beside the latter.
    pub literals: Vec<Constant>,
}

/// A name that is compared with a constant.
#[derive(Debug, Clone, PartialEq)]
pub struct Comparison {
    /// The name.
    pub name: String,
    /// The constant.
    pub with: Constant,
    /// Whether it is asked which of the two is more.
    pub ordered: bool,
    /// Where the constant stands.
    pub at: Option<Position>,
}

/// A constant in a condition.
#[derive(Debug, Clone, PartialEq)]
pub enum Constant {
    /// A number.
    Number(f64),
    /// A text.
    Text(String),
    /// A truth value.
    Truth(bool),
    /// Null: nothing was answered.
    Null,
}

/// The shape of a program that was read from `source`, and checked.
pub(super) fn of(source: &str, program: &Program) -> Shape {
    let mut reader = Reader {
        source,
        program,
        shape: Shape::default(),
    };
    reader.truth(program.expression());
    reader.shape
}

/// The members of `name` that a program names, with their places.
pub(super) fn members(source: &str, program: &Program, name: &str) -> Vec<(String, Option<Position>)> {
    let mut found = Vec::new();
    let mut open = vec![program.expression()];
    while let Some(part) = open.pop() {
        if let Expr::Select(select) = &part.expr
            && select.operand.expr == Expr::Ident(name.to_owned())
        {
            found.push((select.field.clone(), place(source, program, &select.operand)));
        }
        open.extend(parts(part));
    }
    found
}

/// What a part is made of.
fn parts(part: &IdedExpr) -> Vec<&IdedExpr> {
    match &part.expr {
        Expr::Unspecified | Expr::Struct(_) | Expr::Ident(_) | Expr::Literal(_) => Vec::new(),
        Expr::Select(select) => vec![&select.operand],
        Expr::List(list) => list.elements.iter().collect(),
        Expr::Map(map) => {
            let entries = map.entries.iter().map(|entry| match &entry.expr {
                EntryExpr::MapEntry(entry) => vec![&entry.key, &entry.value],
                EntryExpr::StructField(field) => vec![&field.value],
            });
            entries.flatten().collect()
        }
        Expr::Comprehension(iteration) => vec![
            &iteration.iter_range,
            &iteration.accu_init,
            &iteration.loop_cond,
            &iteration.loop_step,
            &iteration.result,
        ],
        Expr::Call(call) => call.target.as_deref().into_iter().chain(&call.args).collect(),
    }
}

struct Reader<'a> {
    source: &'a str,
    program: &'a Program,
    shape: Shape,
}

impl Reader<'_> {
    /// A part that is true or false.
    fn truth(&mut self, part: &IdedExpr) {
        match &part.expr {
            Expr::Ident(_) | Expr::Literal(_) => {}
            Expr::Call(call) if call.target.is_none() => match call.func_name.as_str() {
                operators::LOGICAL_AND
                | operators::LOGICAL_OR
                | operators::LOGICAL_NOT
                | operators::CONDITIONAL => call.args.iter().for_each(|part| self.truth(part)),
                _ => match comparisons(call) {
                    Some((name, constants, ordered)) => {
                        for (with, part) in constants {
                            let at = place(self.source, self.program, part);
                            let name = name.to_owned();
                            self.shape.comparisons.push(Comparison {
                                name,
                                with,
                                ordered,
                                at,
                            });
                        }
                    }
                    None => self.otherwise(part),
                },
            },
            _ => self.otherwise(part),
        }
    }

    fn otherwise(&mut self, part: &IdedExpr) {
        match &part.expr {
            Expr::Ident(name) => {
                self.shape.otherwise.insert(name.clone());
            }
            Expr::Literal(_) => self.shape.literals.extend(constant(part)),
            _ => parts(part).into_iter().for_each(|part| self.otherwise(part)),
        }
    }
}

/// A name, the constants it is compared with, each where it stands, and whether it is asked which is more.
type Compared<'a> = (&'a str, Vec<(Constant, &'a IdedExpr)>, bool);

fn comparisons(call: &CallExpr) -> Option<Compared<'_>> {
    let [left, right] = call.args.as_slice() else {
        return None;
    };
    let ordered = match call.func_name.as_str() {
        operators::EQUALS | operators::NOT_EQUALS => false,
        operators::LESS | operators::LESS_EQUALS | operators::GREATER | operators::GREATER_EQUALS => true,
        operators::IN => {
            let (Expr::Ident(name), Expr::List(list)) = (&left.expr, &right.expr) else {
                return None;
            };
            let constants = list.elements.iter().map(|part| Some((constant(part)?, part)));
            return Some((name, constants.collect::<Option<_>>()?, false));
        }
        _ => return None,
    };
    match (&left.expr, &right.expr) {
        (Expr::Ident(name), _) => Some((name, vec![(constant(right)?, right)], ordered)),
        (_, Expr::Ident(name)) => Some((name, vec![(constant(left)?, left)], ordered)),
        _ => None,
    }
}

/// The constant that a part is. None for numbers that floating point does not know exactly.
fn constant(part: &IdedExpr) -> Option<Constant> {
    match &part.expr {
        Expr::Literal(literal) => match literal {
            LiteralValue::Boolean(truth) => Some(Constant::Truth(*truth.inner())),
            LiteralValue::Double(number) => finite(*number.inner()),
            LiteralValue::Int(number) => whole(*number.inner()),
            LiteralValue::UInt(number) => whole(i64::try_from(*number.inner()).ok()?),
            LiteralValue::String(text) => Some(Constant::Text(text.inner().to_owned())),
            LiteralValue::Null => Some(Constant::Null),
            LiteralValue::Bytes(_) => None,
        },
        Expr::Call(call) if call.func_name == operators::NEGATE => match constant(call.args.first()?)? {
            Constant::Number(number) => finite(-number),
            _ => None,
        },
        _ => None,
    }
}

fn whole(number: i64) -> Option<Constant> {
    (-MAX_EXACT..=MAX_EXACT)
        .contains(&number)
        .then_some(Constant::Number(number as f64))
}

fn finite(number: f64) -> Option<Constant> {
    // Zero has one sign here.
    number.is_finite().then_some(Constant::Number(number + 0.0))
}
