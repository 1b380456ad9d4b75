//! Follows a playback to its end, and does what the person at the terminal wishes.

use super::{
    ear::Ear,
    keys::{Keys, Wish},
    shown::Bar,
};
use crate::commands::signals::end_at_once_when_asked_again;
use anyhow::{Result, bail};
use jobs::playback::{PlaybackError, Playing};
use std::{future::pending, pin::pin, time::Duration};
use tokio::{
    task::JoinHandle,
    time::{Instant, sleep, timeout_at},
};
use wire::playback::{Control, PlaybackState, VolumeMatrix};

/// How far left and right seek.
const SEEK_MS: u64 = 5000;
/// By how much up and down change the gain.
const GAIN_STEP: f64 = 0.1;
/// How often the bar is drawn.
const DRAW: Duration = Duration::from_millis(100);
/// How long a stop is waited for.
const LONGEST_STOP: Duration = Duration::from_secs(5);

/// What comes next.
enum Next {
    /// The platform told how it is, or does not.
    Told(Result<(), PlaybackError>),
    /// Somebody wishes something; `None` when nobody can any more.
    Wish(Option<Wish>),
    /// The process is asked to end.
    End,
}

/// Returns when the playback is over, or nobody knows how it goes on. `ended` is done when the process is asked to end.
pub(super) async fn follow(
    playing: &mut Playing,
    mut volume: VolumeMatrix,
    mut keys: Option<Keys>,
    mut ended: JoinHandle<()>,
    ear: Option<&Ear>,
    bar: &Bar,
) -> Result<()> {
    while !playing.session().playback_state.is_over() {
        match next(playing, &mut keys, &mut ended, bar).await {
            Next::Told(Ok(())) => {}
            Next::Told(Err(error)) => return Err(given_up(playing, error).await),
            Next::End | Next::Wish(Some(Wish::Stop)) => {
                // Ctrl-C is a signal again, and ends the process now.
                drop(keys);
                end_at_once_when_asked_again();
                return stop(playing).await;
            }
            Next::Wish(Some(Wish::Press(key))) => press(key, ear, bar),
            Next::Wish(Some(wish)) => carry_out(wish, playing, &mut volume, bar).await,
            Next::Wish(None) => keys = None,
        }
    }
    Ok(())
}

async fn next(playing: &mut Playing, keys: &mut Option<Keys>, ended: &mut JoinHandle<()>, bar: &Bar) -> Next {
    let place = playing.place();
    // Not begun anew whenever the bar is drawn: a platform far away takes longer to answer.
    let mut told = pin!(playing.next());
    loop {
        bar.show(&place);
        tokio::select! {
            told = &mut told => return Next::Told(told.map(drop)),
            wish = wished(keys) => return Next::Wish(wish),
            _ = &mut *ended => return Next::End,
            () = sleep(DRAW) => {}
        }
    }
}

async fn wished(keys: &mut Option<Keys>) -> Option<Wish> {
    match keys {
        Some(keys) => keys.next().await,
        None => pending().await,
    }
}

async fn carry_out(wish: Wish, playing: &mut Playing, volume: &mut VolumeMatrix, bar: &Bar) {
    let Some(control) = control(wish, playing, volume) else {
        return;
    };
    match playing.control(&control).await {
        Ok(_) => {
            if let Control::Volume(louder) = control {
                *volume = louder;
            }
            bar.say(told(&control));
        }
        // It plays on.
        Err(error) => bar.say(error.to_string()),
    }
}

fn control(wish: Wish, playing: &Playing, volume: &VolumeMatrix) -> Option<Control> {
    let session = playing.session();
    Some(match wish {
        Wish::PauseOrResume if session.playback_state == PlaybackState::Paused => Control::Resume,
        Wish::PauseOrResume => Control::Pause,
        Wish::Back => Control::Seek {
            position_ms: playing.place().position_ms().saturating_sub(SEEK_MS),
        },
        Wish::Forward => Control::Seek {
            position_ms: (playing.place().position_ms() + SEEK_MS).min(session.duration_ms),
        },
        Wish::Louder => Control::Volume(by(volume, GAIN_STEP)?),
        Wish::Quieter => Control::Volume(by(volume, -GAIN_STEP)?),
        Wish::Restart => Control::Restart,
        Wish::Stop | Wish::Press(_) => return None,
    })
}

/// The volume with another gain, which is never above the limit; `None` when it can't be changed so.
fn by(volume: &VolumeMatrix, step: f64) -> Option<VolumeMatrix> {
    let (gain, limit) = (volume.base_gain(), volume.peak_limit());
    // In hundredths, so that ten steps up and down lead back.
    let gain_then = ((gain + step) * 100.0).round() / 100.0;
    let gain_then = gain_then.clamp(0.0, limit);
    let changed = VolumeMatrix::new(gain_then, limit, volume.compression_ratio()).ok();
    changed.filter(|changed| changed != volume)
}

fn told(control: &Control) -> String {
    match control {
        Control::Volume(volume) => format!("gain {:.1}", volume.base_gain()),
        Control::Seek { .. } | Control::Restart | Control::Pause | Control::Resume | Control::Stop => {
            String::new()
        }
    }
}

fn press(key: audio::dtmf::Key, ear: Option<&Ear>, bar: &Bar) {
    match ear {
        Some(ear) => {
            ear.press(key);
            bar.say(format!("key {}", key.sign()));
        }
        None => bar.say("keys are pressed with --wav only"),
    }
}

/// Stops it, and waits until it is over.
async fn stop(playing: &mut Playing) -> Result<()> {
    let deadline = Instant::now() + LONGEST_STOP;
    let stopping = async {
        // One that was over already is no failure.
        let refused = playing.control(&Control::Stop).await.err();
        while !playing.session().playback_state.is_over() {
            playing.next().await?;
            if let Some(error) = &refused
                && !playing.session().playback_state.is_over()
            {
                bail!("the playback can't be stopped: {error}");
            }
        }
        Ok(())
    };
    match timeout_at(deadline, stopping).await {
        Ok(stopped) => stopped,
        Err(_) => bail!(
            "the platform did not stop the playback within {} s",
            LONGEST_STOP.as_secs()
        ),
    }
}

/// Nobody knows how it goes on: it is stopped, as far as that can be done.
async fn given_up(playing: &mut Playing, error: PlaybackError) -> anyhow::Error {
    if !matches!(error, PlaybackError::Forgotten) {
        let deadline = Instant::now() + LONGEST_STOP;
        let _ = timeout_at(deadline, playing.control(&Control::Stop)).await;
    }
    anyhow::Error::from(error).context("the playback was lost")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn gains_go_up_and_down_in_tenths_within_their_bounds() {
        let volume = |gain| VolumeMatrix::new(gain, 0.95, 0.7).unwrap();
        assert_eq!(by(&volume(0.5), 0.1), Some(volume(0.6)));
        assert_eq!(by(&volume(0.9), 0.1), Some(volume(0.95)));
        assert_eq!(by(&volume(0.95), 0.1), None);
        assert_eq!(by(&volume(0.05), -0.1), Some(volume(0.0)));
        assert_eq!(by(&volume(0.0), -0.1), None);
        let mut now = volume(0.0);
        for _ in 0..9 {
            now = by(&now, 0.1).unwrap();
        }
        assert_eq!(now, volume(0.9));
    }
}
