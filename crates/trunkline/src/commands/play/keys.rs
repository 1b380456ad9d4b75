//! Keys of the terminal. It is in raw mode meanwhile, and restored whatever happens.

use crate::output::Output;
use audio::dtmf;
use crossterm::{
    event::{self, Event, KeyCode, KeyEvent, KeyEventKind, KeyModifiers},
    terminal::{disable_raw_mode, enable_raw_mode},
};
use std::{
    io::{self, IsTerminal},
    panic,
    sync::{
        Arc, Once,
        atomic::{AtomicBool, Ordering},
    },
    thread,
    time::Duration,
};
use tokio::sync::mpsc;

/// Most keys that wait; a person who holds one down presses it thirty times a second.
const MOST_KEYS: usize = 64;
/// How soon the thread sees that nobody listens any more.
const LOOK: Duration = Duration::from_millis(50);

/// What a key asks for.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Wish {
    /// Pause, or go on.
    PauseOrResume,
    Back,
    Forward,
    Louder,
    Quieter,
    Restart,
    Stop,
    /// On the line.
    Press(dtmf::Key),
}

/// What the person at the terminal asks for, while this lives.
pub(super) struct Keys {
    wishes: mpsc::Receiver<Wish>,
    is_over: Arc<AtomicBool>,
    _raw: RawMode,
}

impl Keys {
    /// Listens, if there is a person at a terminal who sees what is done.
    pub(super) fn listen(output: &Output) -> Option<Self> {
        if !output.shows_progress() || !io::stdin().is_terminal() {
            return None;
        }
        let listening = Self::start();
        if let Err(error) = &listening {
            output.note(format!("the terminal gives no single keys: {error}"));
        }
        listening.ok()
    }

    fn start() -> io::Result<Self> {
        let raw = RawMode::enter()?;
        let is_over = Arc::new(AtomicBool::new(false));
        let (told, wishes) = mpsc::channel(MOST_KEYS);
        let stop = is_over.clone();
        let reading = thread::Builder::new().name("keys".to_owned());
        reading.spawn(move || read(&told, &stop))?;
        Ok(Self {
            wishes,
            is_over,
            _raw: raw,
        })
    }

    /// The next wish; `None` when the terminal is gone.
    pub(super) async fn next(&mut self) -> Option<Wish> {
        self.wishes.recv().await
    }
}

impl Drop for Keys {
    fn drop(&mut self) {
        self.is_over.store(true, Ordering::Relaxed);
    }
}

fn read(told: &mpsc::Sender<Wish>, is_over: &AtomicBool) {
    while !is_over.load(Ordering::Relaxed) {
        let key = match event::poll(LOOK).and_then(|is_there| is_there.then(event::read).transpose()) {
            Ok(Some(Event::Key(key))) => key,
            Ok(_) => continue,
            Err(_) => return,
        };
        if let Some(wish) = meaning(&key) {
            // More than are carried out are forgotten.
            let _ = told.try_send(wish);
        }
    }
}

fn meaning(key: &KeyEvent) -> Option<Wish> {
    if key.kind == KeyEventKind::Release {
        return None;
    }
    if key.modifiers.contains(KeyModifiers::CONTROL) {
        // In raw mode it is a key like others.
        return (key.code == KeyCode::Char('c')).then_some(Wish::Stop);
    }
    Some(match key.code {
        KeyCode::Char(' ') => Wish::PauseOrResume,
        KeyCode::Left => Wish::Back,
        KeyCode::Right => Wish::Forward,
        KeyCode::Up => Wish::Louder,
        KeyCode::Down => Wish::Quieter,
        KeyCode::Char('r') => Wish::Restart,
        KeyCode::Char('q') => Wish::Stop,
        KeyCode::Char(sign) if sign.is_ascii_digit() || matches!(sign, '*' | '#') => {
            Wish::Press(dtmf::Key::new(sign)?)
        }
        _ => return None,
    })
}

/// The terminal gives single keys, until this is dropped.
struct RawMode;

impl RawMode {
    fn enter() -> io::Result<Self> {
        static HOOK: Once = Once::new();
        HOOK.call_once(|| {
            let before = panic::take_hook();
            panic::set_hook(Box::new(move |info| {
                let _ = disable_raw_mode();
                before(info);
            }));
        });
        enable_raw_mode()?;
        Ok(Self)
    }
}

impl Drop for RawMode {
    fn drop(&mut self) {
        let _ = disable_raw_mode();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(code: KeyCode) -> Option<Wish> {
        meaning(&KeyEvent::new(code, KeyModifiers::NONE))
    }

    #[test]
    fn keys_mean_what_the_help_says() {
        let wishes = [
            (KeyCode::Char(' '), Wish::PauseOrResume),
            (KeyCode::Left, Wish::Back),
            (KeyCode::Right, Wish::Forward),
            (KeyCode::Up, Wish::Louder),
            (KeyCode::Down, Wish::Quieter),
            (KeyCode::Char('r'), Wish::Restart),
            (KeyCode::Char('q'), Wish::Stop),
        ];
        for (code, wish) in wishes {
            assert_eq!(of(code), Some(wish));
        }
        for sign in "0123456789*#".chars() {
            let key = dtmf::Key::new(sign).unwrap();
            assert_eq!(of(KeyCode::Char(sign)), Some(Wish::Press(key)));
        }
        for code in [
            KeyCode::Char('x'),
            KeyCode::Char('A'),
            KeyCode::Esc,
            KeyCode::Enter,
        ] {
            assert_eq!(of(code), None);
        }
    }

    #[test]
    fn control_c_stops_and_releases_are_nothing() {
        let control = |sign| meaning(&KeyEvent::new(KeyCode::Char(sign), KeyModifiers::CONTROL));
        assert_eq!((control('c'), control('q')), (Some(Wish::Stop), None));
        let up = KeyEvent::new_with_kind(KeyCode::Char('q'), KeyModifiers::NONE, KeyEventKind::Release);
        assert_eq!(meaning(&up), None);
    }
}
