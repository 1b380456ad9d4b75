//! What came of it, for people and for programs.

use super::{Played, shown::seconds};
use crate::{cli::PlayArgs, output::Output};
use serde_json::{Value, json};
use wire::playback::{Interruption, PlaybackState, Session};

pub(super) fn tell(played: &Played, args: &PlayArgs, output: &Output) {
    let session = &played.session;
    output.line(format!(
        "{}; {} played of {}, latency {:.1} ms, {} underruns",
        outcome(session),
        seconds(session.played_ms),
        seconds(session.duration_ms),
        session.latency_ms,
        session.underruns
    ));
    if let (Some(heard), Some(file)) = (&played.heard, &args.wav) {
        output.note(format!(
            "{}: {} as heard, {} packets, {} lost{}",
            file.display(),
            seconds(heard.sound.duration_ms()),
            heard.packets,
            heard.lost,
            if heard.is_cut {
                "; the rest was too long to be kept"
            } else {
                ""
            }
        ));
    }
    note_untold(played, output);
    output.json(&to_json(played, args));
}

fn note_untold(played: &Played, output: &Output) {
    let (owed, untold) = (&played.owed, &played.untold);
    let why = owed.why.as_deref().unwrap_or("there was no time");
    if owed.owed > 0 {
        output.note(format!(
            "{} webhooks are not delivered yet ({why}); they are tried again while 'trunkline serve' or 'trunkline play' runs on this data folder",
            owed.owed
        ));
    }
    if owed.dead > 0 {
        output.note(format!(
            "{} webhooks were given up ({why}); see 'trunkline webhooks list --state dead'",
            owed.dead
        ));
    }
    if untold.analytics > 0 {
        output.note(format!(
            "{} analytics events were not taken by the platform",
            untold.analytics
        ));
    }
    if untold.entries > 0 {
        output.note(format!(
            "{} events are not in the audit log: the store failed",
            untold.entries
        ));
    }
}

/// `completed`, `interrupted by key 5 at 1.2 s`, `stopped`, `failed: why`.
fn outcome(session: &Session) -> String {
    match (session.playback_state, &session.interruption) {
        (PlaybackState::Interrupted, Some(Interruption::Dtmf { digit, at_ms })) => {
            let key = digit.map_or_else(|| "a key".to_owned(), |digit| format!("key {digit}"));
            format!("interrupted by {key} at {}", seconds(*at_ms))
        }
        (PlaybackState::Interrupted, Some(Interruption::Voice { at_ms })) => {
            format!("interrupted by voice at {}", seconds(*at_ms))
        }
        (PlaybackState::Failed, _) => {
            let why = session
                .failure
                .as_deref()
                .unwrap_or("the platform does not say why");
            format!("failed: {}", why.replace(char::is_control, "\u{fffd}"))
        }
        (state, _) => state.to_string(),
    }
}

fn to_json(played: &Played, args: &PlayArgs) -> Value {
    let heard = played.heard.as_ref().map(|heard| {
        json!({"file": args.wav.as_ref().map(|file| file.display().to_string()), "durationMs": heard.sound.duration_ms(),
            "packets": heard.packets, "lost": heard.lost, "isCut": heard.is_cut})
    });
    let owed = &played.owed;
    let stability = played.stability.map(
        |stability| json!({"rate": stability.rate(), "sessions": stability.sessions, "stable": stability.stable}),
    );
    json!({
        "asked": played.directive,
        "session": played.session,
        "outcome": outcome(&played.session),
        "heard": heard,
        "webhooks": {"delivered": owed.delivered, "owed": owed.owed, "dead": owed.dead, "why": owed.why},
        "stability": stability,
        "lost": {"auditEntries": played.untold.entries, "analytics": played.untold.analytics},
    })
}
