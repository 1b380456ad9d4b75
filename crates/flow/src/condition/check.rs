//! What a condition may be made of: known names, bounded size, no loop within a loop.

use super::{ConditionError, ConditionProblem, FUNCTIONS, MAX_PARTS, MAX_SUMS, Position};
use cel::{
    Program,
    common::ast::{CallExpr, ComprehensionExpr, EntryExpr, Expr, IdedExpr, LiteralValue, operators},
};

const OPERATORS: [&str; 18] = [
    operators::CONDITIONAL,
    operators::LOGICAL_AND,
    operators::LOGICAL_OR,
    operators::LOGICAL_NOT,
    operators::SUBSTRACT,
    operators::ADD,
    operators::MULTIPLY,
    operators::DIVIDE,
    operators::MODULO,
    operators::EQUALS,
    operators::NOT_EQUALS,
    operators::GREATER_EQUALS,
    operators::LESS_EQUALS,
    operators::GREATER,
    operators::LESS,
    operators::NEGATE,
    operators::INDEX,
    operators::IN,
];

/// Most known names that an error lists.
const MOST_LISTED: usize = 12;

/// Checks every part of a program that was read from `source`; gives the names it uses, and how many parts it has.
pub(super) fn program(
    source: &str,
    program: &Program,
    names: &[&str],
) -> Result<(Vec<String>, usize), ConditionError> {
    let mut checker = Checker {
        source,
        program,
        names,
        parts: 0,
        sums: 0,
        loops: 0,
        bound: Vec::new(),
        used: Vec::new(),
    };
    checker.check(program.expression())?;
    Ok((checker.used, checker.parts))
}

struct Checker<'a> {
    source: &'a str,
    program: &'a Program,
    names: &'a [&'a str],
    parts: usize,
    sums: usize,
    loops: usize,
    bound: Vec<&'a str>,
    used: Vec<String>,
}

impl<'a> Checker<'a> {
    fn check(&mut self, part: &'a IdedExpr) -> Result<(), ConditionError> {
        self.parts += 1;
        if self.parts > MAX_PARTS {
            return Err(ConditionError {
                at: None,
                problem: ConditionProblem::TooManyParts,
            });
        }
        match &part.expr {
            Expr::Unspecified | Expr::Literal(_) => Ok(()),
            Expr::Ident(name) if self.bound.contains(&name.as_str()) => Ok(()),
            Expr::Ident(name) if self.names.contains(&name.as_str()) => {
                if !self.used.contains(name) {
                    self.used.push(name.clone());
                }
                Ok(())
            }
            Expr::Ident(name) => Err(self.error(part, unknown(name, self.names))),
            Expr::Select(select) => self.check(&select.operand),
            Expr::List(list) => list.elements.iter().try_for_each(|item| self.check(item)),
            Expr::Map(map) => map.entries.iter().try_for_each(|entry| match &entry.expr {
                EntryExpr::MapEntry(entry) => self.check(&entry.key).and_then(|()| self.check(&entry.value)),
                EntryExpr::StructField(field) => self.check(&field.value),
            }),
            Expr::Struct(_) => Err(self.error(part, ConditionProblem::Message)),
            Expr::Comprehension(iteration) => self.check_loop(part, iteration),
            Expr::Call(call) => {
                let name = call.func_name.as_str();
                let internal = name == operators::NOT_STRICTLY_FALSE && self.loops > 0;
                if !internal && !OPERATORS.contains(&name) && !FUNCTIONS.contains(&name) {
                    return Err(self.error(part, ConditionProblem::UnknownFunction(name.to_owned())));
                }
                self.check_sum(part, call)?;
                call.target.iter().try_for_each(|target| self.check(target))?;
                call.args.iter().try_for_each(|argument| self.check(argument))
            }
        }
    }

    /// A sum of texts is as long as all of them, and copies what it begins with.
    fn check_sum(&mut self, part: &IdedExpr, call: &CallExpr) -> Result<(), ConditionError> {
        let is_number = |part: &IdedExpr| match &part.expr {
            Expr::Literal(literal) => matches!(
                literal,
                LiteralValue::Int(_) | LiteralValue::UInt(_) | LiteralValue::Double(_)
            ),
            // What a loop has collected so far: see `builds_items`.
            Expr::Ident(name) => name.starts_with('@'),
            _ => false,
        };
        if call.func_name != operators::ADD || call.args.iter().any(is_number) {
            return Ok(());
        }
        self.sums += if self.loops > 0 { MAX_SUMS } else { 1 };
        match self.sums > MAX_SUMS {
            true => Err(self.error(part, ConditionProblem::TooManySums)),
            false => Ok(()),
        }
    }

    fn check_loop(
        &mut self,
        part: &'a IdedExpr,
        iteration: &'a ComprehensionExpr,
    ) -> Result<(), ConditionError> {
        self.check(&iteration.iter_range)?;
        if self.loops > 0 {
            return Err(self.error(part, ConditionProblem::NestedLoop));
        }
        if builds_items(&iteration.loop_step, iteration) {
            return Err(self.error(part, ConditionProblem::MapLoop));
        }
        self.loops += 1;
        let outside = self.bound.len();
        self.bound
            .extend([iteration.iter_var.as_str(), iteration.accu_var.as_str()]);
        self.bound.extend(iteration.iter_var2.as_deref());
        let steps = [
            &iteration.accu_init,
            &iteration.loop_cond,
            &iteration.loop_step,
            &iteration.result,
        ];
        steps.into_iter().try_for_each(|step| self.check(step))?;
        self.bound.truncate(outside);
        self.loops -= 1;
        Ok(())
    }

    fn error(&self, part: &IdedExpr, problem: ConditionProblem) -> ConditionError {
        let at = place(self.source, self.program, part);
        ConditionError { at, problem }
    }
}

fn unknown(name: &str, known: &[&str]) -> ConditionProblem {
    let listed = known[..known.len().min(MOST_LISTED)].join(", ");
    let known = match known.len() {
        0 => "a condition has no names to use here; declare them as [field.name]".into(),
        1..=MOST_LISTED => format!("a condition may use {listed}"),
        more => format!("a condition may use {listed} and {} more", more - MOST_LISTED),
    };
    let name = name.chars().take(60).collect();
    ConditionProblem::UnknownVariable { name, known }
}

/// Where a part of a program that was read from `source` stands in it.
pub(super) fn place(source: &str, program: &Program, part: &IdedExpr) -> Option<Position> {
    let (start, _) = program.source_info().offset_for(part.id)?;
    position(source, usize::try_from(start).ok()?)
}

/// Whether a loop collects anything but its own items: a list of new texts can grow beyond any bound of the input.
fn builds_items(step: &IdedExpr, iteration: &ComprehensionExpr) -> bool {
    let Expr::Call(call) = &step.expr else {
        return false;
    };
    match (call.func_name.as_str(), call.args.as_slice()) {
        (operators::CONDITIONAL, [_, kept, _]) => builds_items(kept, iteration),
        (
            operators::ADD,
            [
                sum,
                IdedExpr {
                    expr: Expr::List(added),
                    ..
                },
            ],
        ) => {
            sum.expr == Expr::Ident(iteration.accu_var.clone())
                && added
                    .elements
                    .iter()
                    .any(|item| item.expr != Expr::Ident(iteration.iter_var.clone()))
        }
        _ => false,
    }
}

/// The line and column of the byte `offset` of `text`.
fn position(text: &str, offset: usize) -> Option<Position> {
    let before = text.get(..offset)?;
    let line = before.matches('\n').count() + 1;
    let column = before.chars().rev().take_while(|&c| c != '\n').count() + 1;
    Some(Position { line, column })
}
