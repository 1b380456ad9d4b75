//! The demo's playbacks: what was just built goes over RTP to receivers that decode and compare it, in each codec that is encoded here; then a key
//! ends two of them, by a fade and by a drain, which their levels show.

use super::prompts::PromptsReport;
use crate::{
    commands::play::{Ear, Heard},
    platform,
};
use ::center::Center;
use anyhow::{Context, Result};
use audio::{FRAME_SAMPLES, TELEPHONY_RATE, dtmf, matching};
use comfy_table::{Table, presets::UTF8_FULL_CONDENSED};
use futures_util::future::try_join_all;
use jobs::playback::{Player, Work};
use serde_json::{Value, json};
use std::time::Duration;
use store::Store;
use tokio::time::sleep;
use uuid::Uuid;
use wire::{
    ids::PromptId,
    playback::{
        CodecPreference, Cutoff, Destination, Interruptibility, Interruption, NewSession, PlaybackConfig,
        PlaybackState, Session, SessionMetadata, VolumeMatrix,
    },
};

/// What is played.
const PROMPT: &str = "premium_priority";
/// When the key is pressed, after the start.
const PRESS_AFTER: Duration = Duration::from_millis(600);
/// How often a playback is tried whose frames come too late.
const MOST_TRIES: usize = 4;
/// The key.
const KEY: char = '5';
/// A prompt that really came through agrees with what was built better than this.
const LEAST_AGREEMENT: f32 = 0.9;
/// How far from its ramp a fade may be, in dB, where there is sound enough to tell.
const MOST_OFF_DB: f32 = 1.0;
/// How long a fade takes, in samples.
const FADE_SAMPLES: usize = 1200;
/// Sound is loud enough to tell its level above this, as mean of squares: -45 dB.
const AUDIBLE: f32 = 3.2e-5;
/// What levels are drawn with, from silence up in steps of 6 dB.
const BARS: [char; 9] = [' ', '▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'];

/// A playback to be shown.
#[derive(Debug, Clone, Copy)]
struct Asked {
    codec: CodecPreference,
    /// Whether a key is to end it, and how.
    cutoff: Option<Cutoff>,
}

/// One playback: as the platform told it, and as it was heard.
struct Played {
    asked: Asked,
    session: Session,
    lost: u64,
    /// What was heard, at 8000 Hz.
    heard: Vec<f32>,
    agreement: f32,
    faults: Vec<String>,
}

/// All of them.
pub(super) struct PlaybackReport {
    played: Vec<Played>,
    pub(super) faults: Vec<String>,
}

/// Plays them all at once.
pub(super) async fn run(center: &Center, store: &Store, prompts: &PromptsReport) -> Result<PlaybackReport> {
    let id: PromptId = PROMPT.parse()?;
    let built = prompts.asset_of(&id).zip(prompts.sounds.get(&id));
    let (asset, built) = built.with_context(|| format!("the prompt {PROMPT:?} is not built"))?;
    let prompt: PromptId = asset.as_str().parse()?;
    let transport = platform::transport_of_center(center)?;
    let player = Player::new(Work {
        books: platform::OWN_CENTER.to_owned(),
        ..Work::new(&transport, store.clone())
    });
    let whole = [
        CodecPreference::G711U,
        CodecPreference::G711A,
        CodecPreference::Opus,
    ];
    let whole = whole.map(|codec| Asked { codec, cutoff: None });
    let cut = [Cutoff::Fade, Cutoff::Drain].map(|cutoff| Asked {
        codec: CodecPreference::G711U,
        cutoff: Some(cutoff),
    });
    let all = whole.iter().chain(&cut);
    let played = try_join_all(all.map(|asked| play(&player, *asked, &prompt, built))).await;
    player.close().await;
    let played = played?;
    Ok(PlaybackReport {
        faults: played.iter().flat_map(|played| played.faults.clone()).collect(),
        played,
    })
}

/// Plays until no frame came too late: what is judged is the gateway, not how busy the machine is.
async fn play(player: &Player, asked: Asked, prompt: &PromptId, built: &[f32]) -> Result<Played> {
    for _ in 1..MOST_TRIES {
        let played = play_once(player, asked, prompt, built).await?;
        if played.session.underruns == 0 {
            return Ok(played);
        }
    }
    play_once(player, asked, prompt, built).await
}

async fn play_once(player: &Player, asked: Asked, prompt: &PromptId, built: &[f32]) -> Result<Played> {
    let ear = Ear::open(asked.codec).await?;
    let directive = directive(asked, prompt.clone(), &ear)?;
    let mut playing = player.play(directive).await?;
    if asked.cutoff.is_some() {
        sleep(PRESS_AFTER).await;
        ear.press(dtmf::Key::new(KEY).with_context(|| format!("{KEY:?} is no key"))?);
    }
    while !playing.session().playback_state.is_over() {
        playing.next().await?;
    }
    let session = playing.session().clone();
    let Heard { sound, lost, .. } = ear.close().await;
    let heard = match sound.rate {
        TELEPHONY_RATE => sound.samples,
        _ => sound.resampled(TELEPHONY_RATE).samples,
    };
    let agreement = matching::find(&heard, built).map_or(0.0, |found| found.score);
    let mut played = Played {
        asked,
        session,
        lost,
        heard,
        agreement,
        faults: Vec::new(),
    };
    played.faults = played.judged(built);
    Ok(played)
}

fn directive(asked: Asked, prompt: PromptId, ear: &Ear) -> Result<NewSession> {
    Ok(NewSession {
        session: Uuid::now_v7().to_string().parse()?,
        prompt,
        config: PlaybackConfig {
            volume: VolumeMatrix::FLAT,
            interruptibility: Interruptibility {
                dtmf: asked.cutoff.is_some(),
                voice: false,
                cutoff: asked.cutoff.unwrap_or(Cutoff::Immediate),
            },
            codec: asked.codec,
            format_verification: true,
            silence_trim_ms: None,
        },
        metadata: SessionMetadata {
            created_via: "trunkline demo".to_owned(),
            timestamp: jiff::Timestamp::now().into(),
            max_concurrent_streams: None,
        },
        destination: Destination::Rtp(ear.target()),
    })
}

impl Played {
    /// What is off.
    fn judged(&self, built: &[f32]) -> Vec<String> {
        let mut faults = Vec::new();
        let state = self.session.playback_state;
        let wanted = match self.asked.cutoff {
            None => PlaybackState::Completed,
            Some(_) => PlaybackState::Interrupted,
        };
        if state != wanted {
            faults.push(format!("the playback ended {state} instead of {wanted}"));
        }
        if self.lost > 0 {
            faults.push(format!("{} packets were lost on loopback", self.lost));
        }
        if self.agreement < LEAST_AGREEMENT {
            let agreement = self.agreement;
            faults.push(format!(
                "what was heard agrees only by {agreement:.2} with what was built"
            ));
        }
        if self.session.underruns > 0 {
            faults.push(format!("{} frames came too late", self.session.underruns));
        }
        if let Some(cutoff) = self.asked.cutoff {
            faults.extend(self.judged_cut(cutoff, built));
        }
        let name = self.name();
        faults
            .iter_mut()
            .for_each(|fault| *fault = format!("{name}: {fault}"));
        faults
    }

    fn judged_cut(&self, cutoff: Cutoff, built: &[f32]) -> Option<String> {
        let Some((key, after)) = self.key_at().and_then(|key| Some((key, self.heard.get(key..)?))) else {
            return Some("nothing tells when the key was noticed".to_owned());
        };
        match cutoff {
            Cutoff::Immediate => None,
            Cutoff::Fade => {
                // What stops too early is silence, which no ramp is.
                let mut after = after.to_vec();
                after.resize(after.len().max(FADE_SAMPLES), 0.0);
                let off = off_ramp(&after, built.get(key..)?);
                (off > MOST_OFF_DB).then(|| format!("the fade is {off:.1} dB off its ramp"))
            }
            Cutoff::Drain => {
                let next = built.get(self.heard.len()..)?;
                let pause = next.get(..FRAME_SAMPLES * 4).unwrap_or(next);
                (power(pause) > AUDIBLE).then(|| "the drain ended in the middle of a phrase".to_owned())
            }
        }
    }

    /// The sample at which the key was noticed.
    fn key_at(&self) -> Option<usize> {
        let at_ms = match self.session.interruption? {
            Interruption::Dtmf { at_ms, .. } | Interruption::Voice { at_ms } => at_ms,
        };
        usize::try_from(at_ms * u64::from(TELEPHONY_RATE) / 1000).ok()
    }

    fn name(&self) -> String {
        match self.asked.cutoff {
            None => self.asked.codec.to_string(),
            Some(cutoff) => format!("{}, a key, {cutoff}", self.asked.codec),
        }
    }

    /// How long the prompt went on after the key.
    fn after_key_ms(&self) -> Option<usize> {
        let after = self.heard.len().checked_sub(self.key_at()?)?;
        Some(after * 1000 / TELEPHONY_RATE as usize)
    }
}

/// By how much a fade is off its ramp where that can be told, in dB: in steps of 10 ms, as two steps share a frame at its end.
fn off_ramp(heard: &[f32], built: &[f32]) -> f32 {
    const STEP: usize = FRAME_SAMPLES / 2;
    let steps = heard
        .chunks(STEP)
        .zip(built.chunks(STEP))
        .take(FADE_SAMPLES / STEP);
    let off = steps.enumerate().filter_map(|(at, (heard, built))| {
        let ramp = |n: usize| 1.0 - (at * STEP + n) as f32 / FADE_SAMPLES as f32;
        let ramped: Vec<f32> = built
            .iter()
            .enumerate()
            .map(|(n, sample)| sample * ramp(n))
            .collect();
        let expected = power(&ramped);
        (expected > AUDIBLE).then(|| (10.0 * (power(heard).max(1e-9) / expected).log10()).abs())
    });
    off.fold(0.0, f32::max)
}

fn power(samples: &[f32]) -> f32 {
    samples.iter().map(|sample| sample * sample).sum::<f32>() / samples.len().max(1) as f32
}

/// The level over time, a sign for each 40 ms.
fn drawn(samples: &[f32]) -> String {
    let bar = |part: &[f32]| {
        let db = 10.0 * power(part).max(1e-9).log10();
        // Speech at -19 LUFS has its loudest parts at -12 dB.
        let step = ((db + 60.0) / 6.0).clamp(0.0, 8.0) as usize;
        BARS[step]
    };
    samples.chunks(2 * FRAME_SAMPLES).map(bar).collect()
}

impl PlaybackReport {
    /// One row per playback.
    pub(super) fn table(&self) -> String {
        let mut table = Table::new();
        table.load_style(UTF8_FULL_CONDENSED);
        table.set_header([
            "over RTP",
            "state",
            "ready in",
            "after the key",
            "agreement",
            "level, 40 ms a sign",
        ]);
        for played in &self.played {
            let after = played
                .after_key_ms()
                .map_or("-".to_owned(), |ms| format!("{ms} ms"));
            let session = &played.session;
            table.add_row([
                played.name(),
                session.playback_state.to_string(),
                format!("{:.1} ms", session.latency_ms),
                after,
                format!("{:.3}", played.agreement),
                drawn(&played.heard),
            ]);
        }
        table.to_string()
    }

    pub(super) fn to_json(&self) -> Value {
        let played = self.played.iter().map(|played| {
            json!({"codec": played.asked.codec, "cutoff": played.asked.cutoff, "session": played.session,
                "lost": played.lost, "agreement": played.agreement, "afterKeyMs": played.after_key_ms()})
        });
        json!({"playbacks": played.collect::<Vec<_>>(), "faults": self.faults})
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tone(length: usize) -> Vec<f32> {
        (0..length).map(|n| (n as f32 * 0.3).sin() * 0.2).collect()
    }

    #[test]
    fn a_fade_is_measured_against_its_ramp() {
        let built = tone(2000);
        let faded = |length: f32| -> Vec<f32> {
            let gain = |n: usize| (1.0 - n as f32 / length).max(0.0);
            built
                .iter()
                .enumerate()
                .map(|(n, sample)| sample * gain(n))
                .collect()
        };
        assert!(off_ramp(&faded(1200.0), &built) < 0.01);
        assert!(off_ramp(&faded(1600.0), &built) > 3.0);
        assert!(off_ramp(&built, &built) > 6.0);
        let mut cut = faded(1200.0);
        cut[160..].fill(0.0);
        assert!(off_ramp(&cut, &built) > 20.0, "a prompt that stops is no fade");
    }

    #[test]
    fn levels_are_drawn_from_silence_to_loud() {
        let mut samples = vec![0.0; 640];
        samples.extend(tone(640));
        assert_eq!(drawn(&samples), "  ▇▇");
    }
}
