//! `trunkline bot chat`: a bot in the terminal.

mod command;
mod input;
mod screen;

use super::place::Place;
use crate::{
    Done,
    cli::BotChatArgs,
    commands::signals::{asked_to_end, end_at_once_when_asked_again},
    config::Config,
    output::{Misuse, Output},
};
use anyhow::{Context as _, Result};
use client::Error;
use command::Said;
use flow::scenario::{
    Heard,
    quiet::{Awaited, Quiet},
};
use input::Lines;
use jobs::conversations::{Opening, Platform, Recording, Talk, TalkError, TalkTurn, heard};
use screen::Screen;
use serde_json::json;
use std::{collections::VecDeque, fs, path::Path, pin::pin, time::Duration};
use tokio::time::{Instant, sleep_until};
use wire::conversation::{Button, Conversation, Direction, Interaction};

/// How long the first answer is waited for before the customer may speak again.
const PATIENCE: Duration = Duration::from_secs(20);
/// How long it is listened after an answer, for a bot that types on; people take their time, too.
const LEAST_QUIET: Duration = Duration::from_millis(800);
/// How long a bot that may begin by itself is waited for.
const GREETING: Duration = Duration::from_millis(900);

/// Most lines that wait for an answer to what was said before.
const MOST_HELD: usize = 16;

pub(super) async fn run(args: BotChatArgs, config: &Config, output: &Output) -> Result<Done> {
    let place = Box::pin(Place::open(&args.place, config)).await?;
    let chatted = Box::pin(chat(&args, &place, output)).await;
    place.close().await?;
    chatted
}

async fn chat(args: &BotChatArgs, place: &Place, output: &Output) -> Result<Done> {
    if let Some(why) = place.nobody(None) {
        return Err(Misuse(why).into());
    }
    let opening = Opening {
        bot: place.platform.bot.clone(),
        ..Opening::default()
    };
    // Listened for from before the first request on: Ctrl-C must not leave a conversation behind.
    let mut asked = pin!(asked_to_end());
    let Some(talk) = Talk::open(&place.platform, &opening, asked.as_mut()).await? else {
        return Ok(Done::Well);
    };
    let mut chat = Chat {
        screen: Screen::new(output),
        recording: Recording::new("A talk in the terminal", None),
        talk: talk.clone(),
        platform: place.platform.clone(),
        turn: TalkTurn::default(),
        after: 0,
        quiet: Quiet::default(),
        buttons: Vec::new(),
        newest: Instant::now(),
        is_answered: false,
        noted: 0,
        lines: Lines::read(),
        held: VecDeque::new(),
        is_handed_over: false,
        is_over: false,
    };
    chat.recording.seeded(talk.seed());
    chat.screen.begin(&place.name, talk.id().as_str());
    let talked = tokio::select! {
        talked = chat.go_on() => talked,
        () = asked => Ok(()),
    };
    end_at_once_when_asked_again();
    chat.note_turn().await;
    // Whatever happened, nothing stays open.
    let closed = talk.close().await;
    chat.screen.clear();
    talked?;
    let conversation = closed.context("the conversation may still be open")?;
    chat.recording
        .ended(conversation.resolved, conversation.escalated);
    chat.screen.end(&conversation);
    if let Some(file) = &args.record {
        chat.save(file)?;
    }
    output.json(
        &json!({"conversation": conversation.id, "resolved": conversation.resolved,
        "escalated": conversation.escalated, "scenario": chat.recording.to_yaml()}),
    );
    Ok(Done::Well)
}

struct Chat {
    screen: Screen,
    recording: Recording,
    talk: Talk,
    platform: Platform,
    /// What is said and answered now.
    turn: TalkTurn,
    /// The place of the newest interaction that was seen.
    after: u64,
    quiet: Quiet,
    /// What can be pressed.
    buttons: Vec<Button>,
    /// When something was said.
    newest: Instant,
    /// Whether anything was ever answered.
    is_answered: bool,
    /// The number of the newest turn that was noted.
    noted: usize,
    lines: Lines,
    /// What was typed while an answer was awaited, and is to be said after it.
    held: VecDeque<Said>,
    /// Whether people answer.
    is_handed_over: bool,
    /// Whether the customer left, or the conversation was closed.
    is_over: bool,
}

impl Chat {
    /// Talks until the customer leaves, or the conversation is over.
    async fn go_on(&mut self) -> Result<()> {
        self.listen(Awaited::Nothing, GREETING).await?;
        while !self.is_over {
            let said = match self.held.pop_front() {
                Some(said) => said,
                None => {
                    self.screen.ask();
                    let line = tokio::select! {
                        line = self.lines.next() => line,
                        // A bot, or a person, may speak of their own accord.
                        interactions = self.talk.hear(self.after) => {
                            if self.take(&interactions?) > 0 {
                                self.attend().await?;
                            }
                            continue;
                        }
                    };
                    let Some(line) = line else { return Ok(()) };
                    self.screen.asked();
                    Said::read(&line, &self.buttons)
                }
            };
            match said {
                Said::Message { text, pressed } => self.say(&text, pressed.as_deref()).await?,
                Said::Wait(time) => {
                    self.recording.waited(time);
                    self.talk.wait(time).await?;
                    self.listen(Awaited::Silence, PATIENCE).await?;
                    self.attend().await?;
                }
                other => self.do_at_once(other).await?,
            }
        }
        Ok(())
    }

    /// What needs no answer.
    async fn do_at_once(&mut self, said: Said) -> Result<()> {
        match said {
            Said::Nothing | Said::Message { .. } | Said::Wait(_) => {}
            Said::Quit => self.is_over = true,
            Said::State => self.screen.state(&self.talk.look().await?),
            Said::Context => self.screen.context(&self.talk.look().await?)?,
            Said::Save(file) => self
                .save(Path::new(&file))
                .unwrap_or_else(|error| self.screen.fault(&error)),
            Said::Help => self.screen.help(),
            Said::Unknown(told) => self.screen.note(&told),
        }
        Ok(())
    }

    /// A line that was typed while the bot is awaited: what is to be said waits for its answer.
    async fn interrupt(&mut self, line: Option<String>) -> Result<()> {
        let Some(line) = line else {
            self.is_over = true;
            return Ok(());
        };
        match Said::read(&line, &self.buttons) {
            said @ (Said::Message { .. } | Said::Wait(_)) => self.held.push_back(said),
            other => self.do_at_once(other).await?,
        }
        Ok(())
    }

    /// Tells once when people answer from now on, and when the conversation is over.
    async fn attend(&mut self) -> Result<()> {
        let conversation = self.talk.look().await?;
        if conversation.state.is_over() {
            self.screen.note("the bot closed the conversation");
            self.is_over = true;
        } else if conversation.escalated && !self.is_handed_over {
            self.screen.note("handed over to a person");
            self.is_handed_over = true;
        }
        Ok(())
    }

    async fn say(&mut self, text: &str, pressed: Option<&str>) -> Result<()> {
        self.recording.waited(self.newest.elapsed());
        self.screen.customer(text, pressed);
        if pressed.is_none() && !self.buttons.is_empty() && text.parse::<usize>().is_ok() {
            self.screen
                .note(&format!("there is no button {text}: it is sent as a message"));
        }
        match self.talk.say(text).await {
            Ok(_) => {}
            // What can't be said changes nothing; the state tells why.
            Err(TalkError::Platform(error))
                if error.status() == Some(400) || matches!(error, Error::BadRequest(_)) =>
            {
                self.attend().await?;
                if !self.is_over {
                    self.screen.note(&error.to_string());
                }
                return Ok(());
            }
            Err(error) => return Err(error.into()),
        }
        self.recording.said(text, pressed);
        self.buttons.clear();
        self.newest = Instant::now();
        self.turn = TalkTurn {
            number: self.turn.number + 1,
            message: text.to_owned(),
            ..TalkTurn::default()
        };
        // People take their time: what they say is shown when it comes.
        if !self.is_handed_over {
            self.listen(Awaited::First, PATIENCE).await?;
        }
        self.note_turn().await;
        if self.is_over || self.is_handed_over {
            return Ok(());
        }
        self.attend().await?;
        match self.turn.answers.is_empty() && !self.is_over && !self.is_handed_over {
            true => self.unanswered().await,
            false => Ok(()),
        }
    }

    /// Notes the turn, once.
    async fn note_turn(&mut self) {
        if self.noted < self.turn.number {
            self.noted = self.turn.number;
            self.talk.note(&self.platform, &self.turn).await;
        }
    }

    /// Nothing was answered: without a bot, nothing ever will be.
    async fn unanswered(&self) -> Result<()> {
        let has_bot = self.is_answered || self.talk.look().await?.bot_id.is_some();
        if !has_bot {
            let why = "the conversation has no bot: name its instance with --instance";
            return Err(Misuse(why.to_owned()).into());
        }
        self.screen
            .note(&format!("no answer within {} s", PATIENCE.as_secs()));
        Ok(())
    }

    /// Listens until the bot seems to have said what it has to say.
    async fn listen(&mut self, first: Awaited, patience: Duration) -> Result<()> {
        let (mut awaited, mut last) = (first, Instant::now());
        while !self.is_over {
            let until = last + self.quiet.window(awaited, patience).clamp(LEAST_QUIET, patience);
            let until = if first == Awaited::Nothing {
                last + patience
            } else {
                until
            };
            let takes_lines = self.screen.is_live() && self.held.len() < MOST_HELD;
            // Once it has answered, it is the customer's turn, though the bot may say more.
            match awaited {
                Awaited::Nothing if first != Awaited::Nothing => self.screen.ask(),
                _ => self.screen.typing(),
            }
            let interactions = tokio::select! {
                interactions = self.talk.hear(self.after) => interactions,
                line = self.lines.next(), if takes_lines => {
                    self.screen.clear();
                    self.screen.asked();
                    self.interrupt(line).await?;
                    continue;
                }
                () = sleep_until(until) => break,
            };
            self.screen.clear();
            let came = self.take(&interactions?);
            if came > 0 {
                match awaited {
                    Awaited::First => self.quiet.answered(last.elapsed()),
                    _ => self.quiet.followed(last.elapsed()),
                }
                (awaited, last) = (Awaited::Nothing, Instant::now());
                if first == Awaited::Nothing {
                    break;
                }
            }
        }
        self.screen.clear();
        Ok(())
    }

    /// Shows what came; gives how many answers there were.
    fn take(&mut self, interactions: &[Interaction]) -> usize {
        let mut came = 0;
        for interaction in interactions {
            self.after = self.after.max(interaction.sequence);
            if interaction.direction == Direction::Outbound {
                let heard: Heard = heard(interaction);
                if !heard.buttons.is_empty() {
                    self.buttons.clone_from(&heard.buttons);
                }
                self.screen.bot(&heard);
                self.recording.heard(&heard);
                self.turn.response.get_or_insert_with(|| self.newest.elapsed());
                self.newest = Instant::now();
                self.turn.answers.push(heard.text);
                self.is_answered = true;
                came += 1;
            }
        }
        came
    }

    fn save(&self, file: &Path) -> Result<()> {
        fs::write(file, self.recording.to_yaml())
            .with_context(|| format!("{} can't be written", file.display()))?;
        self.screen.note(&format!(
            "saved as a scenario: trunkline bot test {}",
            file.display()
        ));
        Ok(())
    }
}

/// How a conversation stands, in a word or two.
fn standing(conversation: &Conversation) -> String {
    let mut said = conversation.state.to_string();
    if conversation.resolved {
        said.push_str(", resolved");
    }
    if conversation.escalated {
        said.push_str(", escalated");
    }
    said
}
