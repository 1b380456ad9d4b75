//! Which answer is which: groups of expectations in order, those of one group in any order.

use super::{
    expect::{Answer, Miss, described, has_buttons, has_texts, quoted, texts_of},
    model::{AnswerCheck, Group},
    template::Vars,
};

/// Where the checks of a group found their answers.
struct Found {
    /// For each check the answer's index.
    answers: Vec<Option<usize>>,
}

/// The checks for which no answer came.
pub(super) fn unmatched<'c>(
    groups: &'c [Group],
    answers: &[Answer<'_>],
    vars: &Vars,
) -> Vec<&'c AnswerCheck> {
    let found = walk(groups, answers, vars);
    let pairs = groups.iter().zip(found).flat_map(|(group, found)| {
        let checks = group.checks.iter().zip(found.answers);
        checks
            .filter(|(_, answer)| answer.is_none())
            .map(|(check, _)| check)
    });
    pairs.collect()
}

/// What is not as expected of the answers that must come.
pub(super) fn misses(groups: &[Group], answers: &[Answer<'_>], vars: &Vars) -> Vec<Miss> {
    let mut misses = Vec::new();
    for (group, found) in groups.iter().zip(walk(groups, answers, vars)) {
        for (check, index) in group.checks.iter().zip(found.answers) {
            match index.and_then(|index| answers.get(index)) {
                Some(answer) => misses.extend(late(check, answer, vars)),
                None => misses.push(missing(check, answers, vars)),
            }
        }
    }
    misses
}

fn late(check: &AnswerCheck, answer: &Answer<'_>, vars: &Vars) -> Option<Miss> {
    let within = check.within.filter(|within| answer.after > *within)?;
    let ms = answer.after.as_millis();
    let got = format!(
        "{} after {ms} ms, {} ms too late",
        quoted(&answer.heard.text),
        ms - within.as_millis()
    );
    Some(Miss::new(described(check, vars), got))
}

fn missing(check: &AnswerCheck, answers: &[Answer<'_>], vars: &Vars) -> Miss {
    let near = answers.iter().find(|answer| has_texts(check, answer, vars));
    let got = match near {
        Some(answer) if !has_buttons(check, answer, vars) => {
            let labels: Vec<String> = answer
                .heard
                .buttons
                .iter()
                .map(|button| quoted(&button.label))
                .collect();
            format!(
                "{} with the buttons [{}]",
                quoted(&answer.heard.text),
                labels.join(", ")
            )
        }
        Some(answer) => format!(
            "{}, which stands for another expectation or in another place",
            quoted(&answer.heard.text)
        ),
        None => texts_of(answers),
    };
    Miss::new(described(check, vars), got)
}

/// Group after group takes the shortest run of answers that has all it needs. One that does not find all leaves the answers to the next.
fn walk(groups: &[Group], answers: &[Answer<'_>], vars: &Vars) -> Vec<Found> {
    let mut begin = 0;
    let mut all = Vec::new();
    for group in groups {
        let fits: Vec<Vec<usize>> = group
            .checks
            .iter()
            .map(|check| fitting(check, answers, begin, vars))
            .collect();
        let (found, end) = match (begin..=answers.len()).find_map(|end| complete(&fits, end, answers.len())) {
            Some((found, end)) => (found, end),
            None => (assign(&fits, answers.len(), answers.len()), begin),
        };
        begin = end;
        all.push(Found { answers: found });
    }
    all
}

fn fitting(check: &AnswerCheck, answers: &[Answer<'_>], begin: usize, vars: &Vars) -> Vec<usize> {
    let fits = |answer: &Answer<'_>| has_texts(check, answer, vars) && has_buttons(check, answer, vars);
    (begin..answers.len())
        .filter(|index| answers.get(*index).is_some_and(fits))
        .collect()
}

fn complete(fits: &[Vec<usize>], end: usize, count: usize) -> Option<(Vec<Option<usize>>, usize)> {
    let found = assign(fits, end, count);
    found.iter().all(Option::is_some).then_some((found, end))
}

/// As many checks as possible get an answer of their own, of those before `end` (augmenting paths).
fn assign(fits: &[Vec<usize>], end: usize, count: usize) -> Vec<Option<usize>> {
    let mut taken: Vec<Option<usize>> = vec![None; count];
    for check in 0..fits.len() {
        let mut tried = vec![false; count];
        augment(check, fits, end, &mut taken, &mut tried);
    }
    let mut found = vec![None; fits.len()];
    for (answer, check) in taken.iter().enumerate() {
        if let Some(place) = check.and_then(|check| found.get_mut(check)) {
            *place = Some(answer);
        }
    }
    found
}

fn augment(
    check: usize,
    fits: &[Vec<usize>],
    end: usize,
    taken: &mut [Option<usize>],
    tried: &mut [bool],
) -> bool {
    for &answer in fits[check].iter().filter(|answer| **answer < end) {
        if tried[answer] {
            continue;
        }
        tried[answer] = true;
        let is_free = match taken[answer] {
            None => true,
            Some(other) => augment(other, fits, end, taken, tried),
        };
        if is_free {
            taken[answer] = Some(check);
            return true;
        }
    }
    false
}
