//! From options to a directive: every fault of them at once, in their own names.

use crate::cli::PlayArgs;
use serde_json::{Map, Number, Value, json};
use std::path::Path;
use uuid::Uuid;
use wire::{
    Faults, UtcTime,
    fault::Object,
    playback::{CodecPreference, Destination, NewSession, RtpTarget},
};

/// Fields of the directive as they are typed.
const NAMES: [(&str, &str); 14] = [
    ("promptId", "PROMPT"),
    ("playbackConfig.volumeMatrix.baseGain", "--gain"),
    ("playbackConfig.volumeMatrix.peakLimit", "--peak"),
    ("playbackConfig.volumeMatrix.compressionRatio", "--ratio"),
    ("playbackConfig.interruptibility.cutoffBehavior", "--cutoff"),
    ("playbackConfig.codecPreference", "--codec"),
    ("playbackConfig.silenceTrimMs", "--trim"),
    ("sessionMetadata.maxConcurrentStreams", "--max-streams"),
    ("destination.rtpUrl", "--to"),
    ("destination.callId", "--call"),
    ("G711U, G711A, G729, OPUS", "g711u, g711a, g729, opus"),
    // In the middle of a sentence.
    ("baseGain", "--gain"),
    ("peakLimit", "--peak"),
    ("rtpUrl", "--to"),
];

/// What is to be played.
pub(super) struct Asked {
    pub(super) directive: NewSession,
    /// It is received here.
    pub(super) is_received: bool,
}

impl Asked {
    /// Reads the options, by the rules that the platform has.
    pub(super) fn read(args: &PlayArgs, session: Uuid, now: UtcTime) -> Result<Self, Faults> {
        let mut faults = Faults::new();
        let body = body(args, session, now, &mut faults);
        let directive = Object::top(&body, &mut faults).and_then(|body| NewSession::read(&body, &mut faults));
        if let Some(file) = &args.wav {
            check_received(args, file, &mut faults);
        }
        let asked = directive.map(|directive| Self {
            directive,
            is_received: args.wav.is_some(),
        });
        faults.finish(asked).map_err(|faults| in_options(&faults))
    }

    /// The directive with where it is received.
    pub(super) fn to(&self, target: RtpTarget) -> NewSession {
        NewSession {
            destination: Destination::Rtp(target),
            ..self.directive.clone()
        }
    }
}

fn body(args: &PlayArgs, session: Uuid, now: UtcTime, faults: &mut Faults) -> Value {
    let (dtmf, voice) = barge_in(&args.barge_in, faults);
    let mut body = json!({
        "sessionId": session.to_string(),
        "promptId": args.prompt,
        "playbackConfig": {
            "volumeMatrix": {
                "baseGain": number(&args.gain),
                "peakLimit": number(&args.peak),
                "compressionRatio": number(&args.ratio),
            },
            "interruptibility": {"allowDTMF": dtmf, "allowVoice": voice, "cutoffBehavior": args.cutoff},
            "codecPreference": args.codec.to_ascii_uppercase(),
            "bufferPreload": true,
            "formatVerification": true,
            "silenceTrimMs": args.trim.as_deref().map(number),
        },
        "sessionMetadata": {
            "createdVia": "trunkline play",
            "timestamp": now,
            "maxConcurrentStreams": args.max_streams.as_deref().map(number),
        },
    });
    if let Some(destination) = destination(args, faults) {
        body["destination"] = destination;
    }
    body
}

fn destination(args: &PlayArgs, faults: &mut Faults) -> Option<Value> {
    let places = [args.to.is_some(), args.call.is_some(), args.wav.is_some()];
    if places.iter().filter(|is_named| **is_named).count() > 1 {
        faults.push("only one of --to, --call and --wav can say where the prompt goes");
    }
    let mut destination = Map::new();
    if let Some(url) = &args.to {
        destination.insert("rtpUrl".to_owned(), url.clone().into());
    } else if let Some(call) = &args.call {
        destination.insert("callId".to_owned(), call.clone().into());
    }
    (!destination.is_empty()).then(|| destination.into())
}

fn check_received(args: &PlayArgs, file: &Path, faults: &mut Faults) {
    if args.codec.eq_ignore_ascii_case(CodecPreference::G729.as_str()) {
        faults.push("--wav can't be of G.729, for which there is no decoder here; take another --codec, or send it elsewhere with --to");
    }
    let folder = match file.parent() {
        Some(folder) if folder != Path::new("") => folder,
        _ => Path::new("."),
    };
    if file.is_dir() {
        faults.push(format!("--wav {} is a folder; name a file", file.display()));
    } else if !folder.is_dir() {
        faults.push(format!("--wav: there is no folder {}", folder.display()));
    }
}

fn barge_in(text: &str, faults: &mut Faults) -> (bool, bool) {
    if text.eq_ignore_ascii_case("none") {
        return (false, false);
    }
    let (mut dtmf, mut voice) = (false, false);
    for word in text.split(',').map(str::trim) {
        match word.to_ascii_lowercase().as_str() {
            "dtmf" => dtmf = true,
            "voice" => voice = true,
            _ => faults.push(format!(
                "--barge-in must be dtmf, voice, dtmf,voice or none, not {word:?}"
            )),
        }
    }
    (dtmf, voice)
}

/// A number, as exactly as JSON has it; anything else stays a text, which the rules refuse.
fn number(text: &str) -> Value {
    if let Ok(whole) = text.parse::<i64>() {
        return whole.into();
    }
    let fraction = text.parse().ok().and_then(Number::from_f64);
    fraction.map_or_else(|| text.into(), Value::Number)
}

/// The same faults, in the words of the command line.
fn in_options(faults: &Faults) -> Faults {
    let mut told = Faults::new();
    for fault in faults.as_slice() {
        let in_words = |text: String, (field, option): &(&str, &str)| text.replace(field, option);
        told.push(NAMES.iter().fold(fault.clone(), in_words));
    }
    told
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::{Cli, Command};

    fn read(words: &[&str]) -> Result<Asked, Vec<String>> {
        let words = [&["trunkline", "play"], words].concat();
        let cli = Cli::read(words.into_iter().map(Into::into)).unwrap_or_else(|error| panic!("{error}"));
        let Command::Play(args) = cli.command else {
            panic!("it is no play")
        };
        let now = "2026-11-21T09:30:00.000Z".parse().unwrap();
        Asked::read(&args, Uuid::nil(), now).map_err(Faults::into_vec)
    }

    #[test]
    fn nothing_said_is_the_prompt_as_it_is() {
        let directive = read(&["p"]).unwrap().directive;
        insta::assert_snapshot!(serde_json::to_string_pretty(&directive.config).unwrap(), @r#"
        {
          "volumeMatrix": {
            "baseGain": 1.0,
            "peakLimit": 1.0,
            "compressionRatio": 1.0
          },
          "interruptibility": {
            "allowDTMF": true,
            "allowVoice": false,
            "cutoffBehavior": "immediate"
          },
          "codecPreference": "G711U",
          "bufferPreload": true,
          "formatVerification": true
        }
        "#);
        assert!(directive.destination.is_nowhere());
    }

    #[test]
    fn all_faults_are_told_at_once_in_the_words_of_the_command_line() {
        let faults = read(&[
            "",
            "--codec",
            "mp3",
            "--gain",
            "0.9",
            "--peak",
            "0.8",
            "--ratio",
            "NaN",
            "--barge-in",
            "dtmf,cough",
            "--cutoff",
            "soon",
            "--trim",
            "299",
            "--max-streams",
            "51",
            "--to",
            "rtp://h",
            "--call",
            "c",
        ]);
        insta::assert_snapshot!(faults.err().unwrap().join("\n"), @r#"
        --barge-in must be dtmf, voice, dtmf,voice or none, not "cough"
        only one of --to, --call and --wav can say where the prompt goes
        PROMPT must not be empty
        --ratio must be a number, not "NaN"
        --peak must be at least --gain (0.9), not 0.8
        --cutoff must be one of immediate, fade, drain, not "soon"
        --codec must be one of g711u, g711a, g729, opus, not "MP3"
        --trim must be 300 to 10000, not 299
        --max-streams must be 1 to 50, not 51
        --to must be rtp://HOST:PORT, with an IP address or a name and a port from 1 to 65535, not "rtp://h"
        "#);
    }

    #[test]
    fn numbers_are_as_exact_as_they_are_typed() {
        for (option, texts) in [
            ("--gain", ["-0.1", "1.1", "inf", "loud", "1e999"]),
            ("--trim", ["-1", "1.5", "10001", "299", "long"]),
            ("--max-streams", ["0", "51", "-5", "1.5", "many"]),
        ] {
            for text in texts {
                let faults = read(&["p", option, text]).err();
                let faults = faults.unwrap_or_else(|| panic!("{option} {text}"));
                assert!(faults.len() == 1 && faults[0].starts_with(option), "{faults:?}");
            }
        }
        for (option, text) in [
            ("--gain", "0"),
            ("--gain", "1"),
            ("--trim", "300"),
            ("--max-streams", "50"),
        ] {
            assert!(read(&["p", option, text]).is_ok(), "{option} {text}");
        }
    }

    #[test]
    fn what_is_received_here_must_be_writable_and_decodable() {
        let faults = read(&["p", "--codec", "G729", "--wav", "/no/such/folder/x.wav"]);
        assert_eq!(faults.err().unwrap().len(), 2);
        let faults = read(&["p", "--to", "rtp://h:5", "--wav", "x.wav"]);
        assert_eq!(
            faults.err().unwrap(),
            ["only one of --to, --call and --wav can say where the prompt goes"]
        );
    }
}
