//! What a condition may be made of: known names, bounded size, no loop within a loop.

use super::{ConditionError, ConditionProblem, FUNCTIONS, MAX_PARTS, Position, VARIABLES};
use cel::{
    Program,
    common::ast::{ComprehensionExpr, EntryExpr, Expr, IdedExpr, operators},
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

/// Checks every part of a program that was read from `source`.
pub(super) fn program(source: &str, program: &Program) -> Result<(), ConditionError> {
    Checker {
        source,
        program,
        parts: 0,
        loops: 0,
        bound: Vec::new(),
    }
    .check(program.expression())
}

struct Checker<'a> {
    source: &'a str,
    program: &'a Program,
    parts: usize,
    loops: usize,
    bound: Vec<&'a str>,
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
            Expr::Ident(name) if VARIABLES.contains(&name.as_str()) => Ok(()),
            Expr::Ident(name) if self.bound.contains(&name.as_str()) => Ok(()),
            Expr::Ident(name) => Err(self.error(part, ConditionProblem::UnknownVariable(name.clone()))),
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
                call.target.iter().try_for_each(|target| self.check(target))?;
                call.args.iter().try_for_each(|argument| self.check(argument))
            }
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
        let offset = self.program.source_info().offset_for(part.id);
        let at = offset.and_then(|(start, _)| position(self.source, usize::try_from(start).ok()?));
        ConditionError { at, problem }
    }
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
