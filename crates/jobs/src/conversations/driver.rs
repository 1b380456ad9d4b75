//! One run of a scenario: the machine decides, this sends, listens and waits.

use super::{
    Platform, TalkError,
    entries::Entries,
    opening::Opening,
    outcome::RunOutcome,
    talk::{Clock, Talk, heard, view},
};
use flow::{
    Moment,
    scenario::{Action, Break, Input, Perturber, Refusal, Run, Scenario},
};
use std::{collections::VecDeque, future::pending, pin::Pin, sync::Arc, time::Duration};
use tokio::time::{Instant, sleep, sleep_until};
use tokio_util::sync::CancellationToken;
use wire::conversation::{Direction, Interaction, NewConversation};

/// How long what could not be understood is left alone, so that a broken platform is not asked in a tight loop.
const AFTER_GARBAGE: Duration = Duration::from_secs(1);
/// The shortest time between two questions that were answered with nothing: not every platform holds them.
const SHORTEST_POLL: Duration = Duration::from_millis(100);

/// How much time passes at once after a message when nobody wants to wait for typing: little enough that no silence is noticed.
const LONGEST_TYPING: Duration = Duration::from_secs(5);

type Pending<T> = Pin<Box<dyn Future<Output = T> + Send>>;
type Polled = Result<Vec<Interaction>, TalkError>;

/// Runs a scenario once. `stop` ends it early; the conversation is closed all the same.
pub async fn run(
    scenario: Arc<Scenario>,
    perturber: Perturber,
    platform: &Platform,
    stop: &CancellationToken,
) -> RunOutcome {
    let opening = Opening {
        bot: scenario.bot.clone(),
        customer: scenario.customer.clone(),
        seed: (scenario.seed != 0).then_some(scenario.seed),
        context: scenario.context.clone(),
    };
    let (talk, draft) = match Talk::draft(platform, &opening) {
        Ok((talk, new)) => (Some(talk), Ok(new)),
        Err(error) => (None, Err(error.refusal())),
    };
    let mut driver = Driver {
        zero: Instant::now(),
        run: match platform.audit {
            Some(_) => Run::new(scenario, perturber).looking(),
            None => Run::new(scenario, perturber),
        },
        talk: talk.clone(),
        command: None,
        poll: None,
        after: 0,
        waiting: VecDeque::from([Input::Start]),
        draft: Some(draft),
        is_made: false,
        is_stopped: false,
        skips_typing: platform.skips_typing && matches!(platform.clock, Clock::Virtual(_)),
    };
    let mut entries = Entries::new(platform, talk.as_ref());
    let report = loop {
        let input = driver.next(stop).await;
        let now = driver.now();
        for action in driver.run.handle(now, input) {
            driver.begin(action);
        }
        entries.note(driver.run.judged());
        if let Some(report) = driver.run.report() {
            break report.clone();
        }
    };
    RunOutcome {
        seed: talk.as_ref().map_or(0, Talk::seed),
        conversation: talk.map(|talk| talk.id().to_string()),
        report,
    }
}

struct Driver {
    zero: Instant,
    run: Run,
    talk: Option<Talk>,
    /// The command that is under way.
    command: Option<Pending<Vec<Input>>>,
    /// What is listened to.
    poll: Option<Pending<Polled>>,
    /// The place of the newest interaction that came.
    after: u64,
    /// What came and was not handled yet.
    waiting: VecDeque<Input>,
    /// The conversation that is to be made, or why it can't be.
    draft: Option<Result<NewConversation, Refusal>>,
    /// Whether the conversation is known to be made.
    is_made: bool,
    /// Whether somebody asked for an early end.
    is_stopped: bool,
    skips_typing: bool,
}

impl Driver {
    fn now(&self) -> Moment {
        Moment::at(self.zero.elapsed())
    }

    /// The next thing that happens.
    async fn next(&mut self, stop: &CancellationToken) -> Input {
        if let Some(input) = self.waiting.pop_front() {
            return input;
        }
        let deadline = self.run.deadline();
        loop {
            tokio::select! {
                biased;
                () = stop.cancelled(), if !self.is_stopped => {
                    self.is_stopped = true;
                    return Input::Stop(Break::Interrupted, "it was interrupted".into());
                }
                inputs = either(&mut self.command) => {
                    self.command = None;
                    self.waiting.extend(inputs);
                    let Some(input) = self.waiting.pop_front() else { continue };
                    if input == Input::Created {
                        self.is_made = true;
                        self.listen(Duration::ZERO);
                    }
                    return input;
                }
                polled = either(&mut self.poll) => {
                    self.poll = None;
                    if let Some(input) = self.polled(polled) {
                        return input;
                    }
                }
                () = until(self.zero, deadline) => return Input::Tick,
            }
        }
    }

    fn polled(&mut self, polled: Polled) -> Option<Input> {
        match polled {
            Ok(interactions) => {
                let pause = if interactions.is_empty() {
                    SHORTEST_POLL
                } else {
                    Duration::ZERO
                };
                for interaction in &interactions {
                    self.after = self.after.max(interaction.sequence);
                    if interaction.direction == Direction::Outbound {
                        self.waiting.push_back(Input::Heard(heard(interaction)));
                    }
                }
                self.listen(pause);
                self.waiting.pop_front()
            }
            Err(TalkError::Platform(error @ client::Error::BadAnswer { .. })) => {
                self.listen(AFTER_GARBAGE);
                Some(Input::Garbage(error.to_string()))
            }
            Err(error) => {
                let reason = format!("the answers can't be read: {error}");
                Some(Input::Stop(Break::Unheard, reason))
            }
        }
    }

    /// Asks for what is new, after a pause.
    fn listen(&mut self, pause: Duration) {
        let Some(talk) = self.talk.clone() else { return };
        let after = self.after;
        self.poll = Some(Box::pin(async move {
            if !pause.is_zero() {
                sleep(pause).await;
            }
            talk.hear(after).await
        }));
    }

    /// Begins what the machine asks for; what was under way is given up.
    fn begin(&mut self, action: Action) {
        let Some(talk) = self.talk.clone() else {
            let refusal = self.draft.take().and_then(Result::err);
            self.waiting.extend(refusal.map(Input::Refused));
            return;
        };
        if matches!(action, Action::Hear | Action::Close) {
            self.poll = None;
        }
        let draft = match action {
            Action::Create => self.draft.take().and_then(Result::ok),
            _ => None,
        };
        let step = Step {
            talk,
            draft,
            skips_typing: self.skips_typing,
            is_made: self.is_made,
            after: self.after,
        };
        self.command = Some(Box::pin(async move {
            let done = step.carry_out(action).await;
            done.unwrap_or_else(|error| vec![Input::Refused(error.refusal())])
        }));
    }
}

/// What a command needs.
struct Step {
    talk: Talk,
    draft: Option<NewConversation>,
    skips_typing: bool,
    is_made: bool,
    after: u64,
}

impl Step {
    async fn carry_out(self, action: Action) -> Result<Vec<Input>, TalkError> {
        let talk = &self.talk;
        let input = match action {
            Action::Create => {
                if let Some(new) = &self.draft {
                    talk.create(new).await?;
                }
                Input::Created
            }
            Action::Post(text) => {
                let said = talk.say(&text).await?;
                if self.skips_typing {
                    talk.wait(LONGEST_TYPING).await?;
                }
                Input::Posted {
                    id: said.posted.id.to_string(),
                    sequence: said.posted.sequence,
                    held_up: said.held_up,
                }
            }
            Action::Advance(time) => {
                talk.wait(time).await?;
                Input::Done
            }
            Action::SetContext(fields) => {
                talk.set_context(&fields).await?;
                Input::Done
            }
            Action::SetState(state) => {
                talk.become_state(state).await?;
                Input::Done
            }
            Action::Hear => return news(talk, self.after).await,
            Action::Look => Input::Viewed(view(&talk.look().await?)),
            Action::Close => close(talk, self.is_made).await?,
        };
        Ok(vec![input])
    }
}

/// What came since, and that this was all.
async fn news(talk: &Talk, after: u64) -> Result<Vec<Input>, TalkError> {
    let interactions = talk.news(after).await?;
    let answers = interactions
        .iter()
        .filter(|interaction| interaction.direction == Direction::Outbound)
        .map(|interaction| Input::Heard(heard(interaction)));
    Ok(answers.chain([Input::Done]).collect())
}

async fn close(talk: &Talk, is_made: bool) -> Result<Input, TalkError> {
    let closed = match is_made {
        true => talk.close().await,
        false => talk.close_if_made().await,
    };
    match closed {
        Ok(conversation) => Ok(Input::Viewed(view(&conversation))),
        // It is gone: nothing is left open.
        Err(TalkError::Gone) => Ok(Input::Done),
        Err(error) => Err(error),
    }
}

/// What is under way, or nothing for ever.
async fn either<T>(under_way: &mut Option<Pending<T>>) -> T {
    match under_way {
        Some(future) => future.await,
        None => pending().await,
    }
}

async fn until(zero: Instant, moment: Moment) {
    match zero.checked_add(moment.since_start()) {
        Some(then) if moment < Moment::NEVER => sleep_until(then).await,
        _ => pending().await,
    }
}
