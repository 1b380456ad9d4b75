//! `trunkline play`: one prompt, played on a platform and steered from here.

mod asked;
mod ear;
mod keys;
mod place;
mod shown;
mod steer;
mod tape;
mod told;

use crate::{
    Done,
    cli::PlayArgs,
    commands::signals::{asked_to_end, end_at_once_when_asked_again},
    config::Config,
    environment,
    output::Output,
};
use anyhow::{Context, Result, bail};
use asked::Asked;
pub(crate) use ear::{Ear, Heard};
use jobs::playback::{Player, Stability, Untold};
use keys::Keys;
use place::{Owed, Place};
use serde_json::json;
use shown::Bar;
use std::{fs, path::Path};
use uuid::Uuid;
use wire::{
    Faults,
    playback::{NewSession, PlaybackState, Session},
};

/// What came of it.
struct Played {
    directive: NewSession,
    session: Session,
    heard: Option<Heard>,
    stability: Option<Stability>,
    untold: Untold,
    owed: Owed,
}

pub(crate) async fn run(args: PlayArgs, config: Config, output: &Output) -> Result<Done> {
    let asked = match Asked::read(&args, Uuid::now_v7(), jiff::Timestamp::now().into()) {
        Ok(asked) => asked,
        Err(faults) => return Ok(misused(&faults, output)),
    };
    if args.dry_run {
        output.line(serde_json::to_string_pretty(&asked.directive)?);
        output.json(&asked.directive);
        return Ok(Done::Well);
    }
    let place = Box::pin(Place::open(&args, &config)).await?;
    let played = Box::pin(play(&args, &asked, &place, output)).await;
    let closed = place.close().await;
    let played = played?;
    told::tell(&played, &args, output);
    closed?;
    Ok(match played.session.playback_state {
        PlaybackState::Failed => Done::Failed,
        _ => Done::Well,
    })
}

fn misused(faults: &Faults, output: &Output) -> Done {
    output.json(&json!({"error": "the options have faults", "causes": faults.as_slice()}));
    for fault in faults.as_slice() {
        output.fault(fault);
    }
    Done::Misused
}

async fn play(args: &PlayArgs, asked: &Asked, place: &Place, output: &Output) -> Result<Played> {
    let ear = match asked.is_received {
        true if !place.is_here => bail!(
            "--wav receives RTP on this machine only, and the platform is elsewhere\nhint: let it send to a receiver that it reaches, with --to"
        ),
        true => Some(Ear::open(asked.directive.config.codec).await?),
        false => None,
    };
    let directive = match &ear {
        Some(ear) => asked.to(ear.target()),
        None => asked.directive.clone(),
    };
    let player = Player::new(place.work());
    let followed = follow(&player, &directive, ear.as_ref(), output).await;
    // What is left is telling; whoever does not want to wait for that need not.
    end_at_once_when_asked_again();
    let untold = player.close().await;
    let heard = match ear {
        Some(ear) => Some(ear.close().await),
        None => None,
    };
    let (session, events) = followed?;
    if let (Some(heard), Some(file)) = (&heard, &args.wav) {
        write(heard, file)?;
    }
    Ok(Played {
        stability: noted(place.stability().await, output),
        owed: noted(place.settle(&session.id, events).await, output).unwrap_or_default(),
        directive,
        session,
        heard,
        untold,
    })
}

/// What is not known afterwards changes nothing of what was played.
fn noted<T>(told: Result<T, store::Error>, output: &Output) -> Option<T> {
    if let Err(error) = &told {
        output.note(format!("what was told can't be read: {error}"));
    }
    told.ok()
}

/// Plays to the end; gives the session as it ended, and how many events were told of.
async fn follow(
    player: &Player,
    directive: &NewSession,
    ear: Option<&Ear>,
    output: &Output,
) -> Result<(Session, u64)> {
    // From here on the session is stopped before the process ends, unless that is asked for twice.
    let ended = tokio::spawn(async {
        asked_to_end().await;
        end_at_once_when_asked_again();
    });
    let mut playing = player.play(directive.clone()).await?;
    let bar = Bar::new(output);
    let keys = Keys::listen(output);
    let followed = steer::follow(&mut playing, directive.config.volume, keys, ended, ear, &bar).await;
    bar.clear();
    followed?;
    Ok((playing.session().clone(), playing.events()))
}

fn write(heard: &Heard, file: &Path) -> Result<()> {
    fs::write(file, audio::wav::pcm16(&heard.sound))
        .with_context(|| format!("{} can't be written", file.display()))
}

/// What webhooks are signed with when the platform is elsewhere.
fn secret_of_environment() -> Result<webhooks::Secret> {
    use secrecy::ExposeSecret as _;
    let secret = environment::secret("TRUNKLINE_WEBHOOK_SECRET")
        .context("--webhook signs what it sends, so that the receiver can trust it")?;
    secret.expose_secret().parse().context("TRUNKLINE_WEBHOOK_SECRET")
}
