//! Whether a call went as it should: its story, and what can be heard in its recording.

use super::calls::Caller;
use audio::{matching, wav};
use std::collections::BTreeMap;
use wire::{
    callcontrol::{FinishReason, HangupCause},
    calls::{CallRecord, Happening},
    ids::PromptId,
};

/// A key must silence a prompt within this, in milliseconds.
const MOST_CUT_OFF_MS: f64 = 40.0;
/// The caller must hear something within this after the answer, in milliseconds.
const MOST_SILENCE_MS: f64 = 1000.0;
/// A prompt that is really in the recording agrees with it better than this.
const LEAST_AGREEMENT: f32 = 0.95;
/// How much louder or quieter a prompt may be in the recording than it is, in dB: the recording has the very samples.
const MOST_OFF_DB: f32 = 0.5;
/// How much of a sound may be missing at its quiet end without anybody hearing it, in milliseconds.
const QUIET_END_MS: f64 = 350.0;

/// What is off in the story of a call.
pub(super) fn story(caller: &Caller, record: &CallRecord) -> Vec<String> {
    let mut faults = Vec::new();
    let heard: Vec<(&str, FinishReason)> = heard(record)
        .map(|(prompt, reason, _)| (prompt, reason))
        .collect();
    if heard != caller.hears {
        faults.push(format!(
            "the caller heard {heard:?} instead of {:?}",
            caller.hears
        ));
    }
    let target = record.transferred_to.as_ref().map(|target| target.as_str());
    if target != Some(caller.transferred_to) {
        faults.push(format!(
            "the call went to {target:?} instead of {}",
            caller.transferred_to
        ));
    }
    if record.cause != Some(HangupCause::Completed) {
        faults.push(format!("the call ended with {:?}", record.cause));
    }
    for late in record.cut_offs_ms().filter(|ms| *ms > MOST_CUT_OFF_MS) {
        faults.push(format!("a key silenced a prompt only after {late:.1} ms"));
    }
    match record.answer_to_sound_ms() {
        Some(ms) if ms <= MOST_SILENCE_MS => {}
        Some(ms) => faults.push(format!("the caller heard nothing for {ms:.0} ms")),
        None => faults.push("the caller heard nothing at all".into()),
    }
    faults
}

/// What was heard, in order: the prompt, why it ended, and how much of it was heard.
fn heard(record: &CallRecord) -> impl Iterator<Item = (&str, FinishReason, u64)> {
    record.timeline.iter().filter_map(|moment| match &moment.what {
        Happening::PromptFinished {
            prompt,
            reason,
            played_ms: ms @ 1..,
        } => Some((prompt.as_str(), *reason, *ms)),
        _ => None,
    })
}

/// What is off in the recording: every prompt must be found in it, in order, and no longer than it was heard.
pub(super) fn recording(
    record: &CallRecord,
    bytes: &[u8],
    sounds: &BTreeMap<PromptId, Vec<f32>>,
) -> Vec<String> {
    let Some([ear, _]) = wav::read_recording(bytes) else {
        return vec!["the recording is not a recording".into()];
    };
    let mut faults: Vec<String> = record
        .recording
        .iter()
        .filter_map(|recording| recording.fault.clone())
        .collect();
    let mut from = 0;
    for (prompt, reason, played_ms) in heard(record) {
        let sound = sounds
            .iter()
            .find(|(id, _)| id.as_str() == prompt)
            .map(|(_, sound)| sound);
        let found = sound.and_then(|sound| matching::find(&ear[from..], sound));
        let Some((sound, found)) = sound
            .zip(found)
            .filter(|(_, found)| found.score >= LEAST_AGREEMENT)
        else {
            faults.push(format!(
                "{prompt} is not in the recording after {:.1} s",
                seconds(from)
            ));
            continue;
        };
        let begin = from + found.at;
        let off_db =
            level_db(&ear[begin..begin + found.heard]) - level_db(&sound[..found.heard.min(sound.len())]);
        if off_db.abs() > MOST_OFF_DB {
            faults.push(format!(
                "{prompt} is {off_db:+.1} dB in the recording: another version of it was played"
            ));
        }
        let most_ms = played_ms as f64 + MOST_CUT_OFF_MS;
        if found.heard_ms() > most_ms {
            faults.push(format!(
                "{prompt} goes on in the recording for {:.0} ms, not {played_ms}",
                found.heard_ms()
            ));
        }
        if reason == FinishReason::Completed && found.heard_ms() + QUIET_END_MS < played_ms as f64 {
            faults.push(format!(
                "{prompt} breaks off in the recording after {:.0} ms",
                found.heard_ms()
            ));
        }
        from += found.at + found.heard.max(1);
    }
    faults
}

fn level_db(samples: &[f32]) -> f32 {
    let power = samples.iter().map(|sample| sample * sample).sum::<f32>() / samples.len().max(1) as f32;
    10.0 * power.max(f32::MIN_POSITIVE).log10()
}

fn seconds(samples: usize) -> f64 {
    samples as f64 / f64::from(audio::TELEPHONY_RATE)
}
