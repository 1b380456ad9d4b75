//! A platform with a bot that does what it is told, on a virtual clock.

use super::*;
use std::collections::BTreeMap;

/// One answer to a message.
#[derive(Debug, Clone, Default)]
pub(super) struct Says {
    after: u64,
    text: String,
    place: Option<u64>,
    buttons: Vec<(&'static str, &'static str)>,
    is_twice: bool,
    cause: Cause,
}

#[derive(Debug, Clone, Default)]
enum Cause {
    #[default]
    Message,
    None,
    Other(&'static str),
}

impl Says {
    pub(super) fn after(ms: u64) -> Self {
        Self {
            after: ms,
            ..Self::default()
        }
    }
    pub(super) fn text(self, text: &str) -> Self {
        Self {
            text: text.into(),
            ..self
        }
    }
    /// Its sequence, whenever it comes.
    pub(super) fn place(self, sequence: u64) -> Self {
        Self {
            place: Some(sequence),
            ..self
        }
    }
    pub(super) fn buttons(self, buttons: &[(&'static str, &'static str)]) -> Self {
        Self {
            buttons: buttons.to_vec(),
            ..self
        }
    }
    pub(super) fn twice(self) -> Self {
        Self {
            is_twice: true,
            ..self
        }
    }
    pub(super) fn without_cause(self) -> Self {
        Self {
            cause: Cause::None,
            ..self
        }
    }
    pub(super) fn answering(self, id: &'static str) -> Self {
        Self {
            cause: Cause::Other(id),
            ..self
        }
    }
}

#[derive(Debug, Clone, Default)]
pub(super) struct Bot {
    answers: Vec<(String, Says)>,
    greeting: Option<String>,
    idle: Option<String>,
    context: Option<Value>,
    resolved_after: Option<u64>,
}

impl Bot {
    pub(super) fn on(mut self, message: &str, says: Says) -> Self {
        self.answers.push((message.into(), says));
        self
    }
    pub(super) fn greeting(self, text: &str) -> Self {
        Self {
            greeting: Some(text.into()),
            ..self
        }
    }
    pub(super) fn when_idle(self, text: &str) -> Self {
        Self {
            idle: Some(text.into()),
            ..self
        }
    }
    pub(super) fn with_context(self, context: Value) -> Self {
        Self {
            context: Some(context),
            ..self
        }
    }
    pub(super) fn resolved_after(self, ms: u64) -> Self {
        Self {
            resolved_after: Some(ms),
            ..self
        }
    }

    pub(super) fn run(self, scenario: Scenario) -> RunReport {
        self.run_with(scenario, Perturber::none())
    }

    pub(super) fn run_with(self, scenario: Scenario, perturber: Perturber) -> RunReport {
        let mut platform = Platform {
            bot: self,
            sequence: 0,
            state: State::Active,
            coming: BTreeMap::new(),
            numbered: 0,
        };
        let mut run = Run::new(Arc::new(scenario), perturber);
        let mut now = Moment::START;
        let mut inputs = vec![Input::Start];
        let mut steps = 0;
        while run.report().is_none() {
            steps += 1;
            assert!(steps < 100_000, "the run does not end");
            let input = match inputs.pop() {
                Some(input) => input,
                None => {
                    let next = platform.coming.keys().next().map(|(at, _)| *at);
                    let deadline = run.deadline();
                    match next.filter(|next| *next <= deadline) {
                        Some(next) => {
                            now = now.max(next);
                            let first = platform.coming.pop_first().unwrap().1;
                            Input::Heard(first)
                        }
                        None => {
                            assert!(deadline < Moment::NEVER, "the run waits for nothing");
                            now = now.max(deadline);
                            Input::Tick
                        }
                    }
                }
            };
            for action in run.handle(now, input) {
                if action == Action::Hear {
                    // They come before it is done.
                    let come = platform.coming.extract_if(..=(now, u64::MAX), |_, _| true);
                    come.for_each(|(_, heard)| inputs.insert(0, Input::Heard(heard)));
                }
                inputs.insert(0, platform.act(now, action));
            }
        }
        run.report().unwrap().clone()
    }
}

struct Platform {
    bot: Bot,
    sequence: u64,
    state: State,
    /// What comes when.
    coming: BTreeMap<(Moment, u64), Heard>,
    numbered: u64,
}

impl Platform {
    fn act(&mut self, now: Moment, action: Action) -> Input {
        match action {
            Action::Create => {
                if let Some(text) = self.bot.greeting.clone() {
                    self.say(now, &Says::after(1).text(&text), None);
                }
                Input::Created
            }
            Action::Post(_) if !self.state.takes_messages() => Input::Refused(Refusal {
                kind: RefusalKind::Over,
                reason: self.state.refused(State::Active),
            }),
            Action::Post(text) => {
                self.sequence += 1;
                let sequence = self.sequence;
                let id = format!("m-{sequence}");
                let answers = self.bot.answers.clone();
                for (_, says) in answers.iter().filter(|(message, _)| *message == text) {
                    self.say(now, says, Some(&id));
                }
                Input::Posted {
                    id,
                    sequence,
                    held_up: Duration::ZERO,
                }
            }
            Action::Advance(_) => {
                if let Some(text) = self.bot.idle.clone() {
                    self.say(now, &Says::after(2).text(&text), None);
                }
                Input::Done
            }
            Action::SetContext(_) | Action::Hear => Input::Done,
            Action::SetState(state) => {
                self.state = state;
                Input::Done
            }
            Action::Look | Action::Close => Input::Viewed(View {
                state: self.state,
                resolved: self
                    .bot
                    .resolved_after
                    .is_some_and(|after| now >= Moment::at(Duration::from_millis(after))),
                escalated: false,
                context_bytes: 2,
                context: self.bot.context.clone().unwrap_or_default(),
            }),
        }
    }

    fn say(&mut self, now: Moment, says: &Says, message: Option<&str>) {
        self.sequence += 1;
        let heard = Heard {
            id: format!("b-{}", self.numbered + 1),
            sequence: says.place.unwrap_or(self.sequence),
            in_reply_to: match says.cause {
                Cause::Message => message.map(String::from),
                Cause::None => None,
                Cause::Other(id) => Some(id.into()),
            },
            text: says.text.clone(),
            buttons: says
                .buttons
                .iter()
                .map(|(label, value)| crate::scenario::Button {
                    label: (*label).into(),
                    value: (*value).into(),
                })
                .collect(),
            ..Heard::default()
        };
        for _ in 0..=u8::from(says.is_twice) {
            self.numbered += 1;
            let at = now + Duration::from_millis(says.after);
            self.coming.insert((at, self.numbered), heard.clone());
        }
    }
}
