//! What a caller's keys and silences do in a menu.

use super::{
    Action, AuditEvent, Because, Departure, Key, Line, MAX_BACK, MAX_OPENINGS, MAX_REPEATS, Meaning, Session,
    State, plays::protect_up_to_the_last,
};
use crate::{
    Moment,
    menu::model::{MenuOption, NodeId, OptionAction},
};
use wire::{
    ShownDigit,
    ids::{PromptId, TransferTarget},
};

impl Session {
    /// Opens a menu after `before`; `because` is left out when the caller never left it.
    pub(super) fn open(&mut self, now: Moment, id: NodeId, because: Option<Because>, before: Vec<Line>) {
        self.openings += 1;
        if self.openings > MAX_OPENINGS {
            return self.going_round(now);
        }
        let menu = self.menu.clone();
        let node = menu.node(id);
        self.node = id;
        if let Some(because) = because {
            self.audit(AuditEvent::MenuEntered {
                menu: node.name.clone(),
                because,
            });
        }
        let mut lines = before;
        for prompt in &node.prompts {
            let place = || format!("menu {:?}, prompt {}", node.name, prompt.id);
            if prompt.when.as_ref().is_none_or(|when| self.holds(when, place)) {
                lines.push(Line {
                    prompt: prompt.id.clone(),
                    protected: !node.interruptible,
                });
            }
        }
        self.shown = self.options_for_caller(&node.name, &node.options);
        let announced = self
            .shown
            .iter()
            .filter_map(|&at| node.options.get(at)?.prompt.as_ref());
        lines.extend(announced.map(Line::open));
        self.ask(now, State::Choosing, lines);
    }

    /// The places of the options that this caller has: one for each key, the first that holds.
    fn options_for_caller(&mut self, name: &str, options: &[MenuOption]) -> Vec<usize> {
        let mut shown: Vec<usize> = Vec::new();
        for (at, option) in options.iter().enumerate() {
            let taken = shown
                .iter()
                .any(|&other| options.get(other).is_some_and(|other| other.key == option.key));
            let place = || format!("menu {name:?}, option {} (key {})", at + 1, option.key);
            if !taken && option.when.as_ref().is_none_or(|when| self.holds(when, place)) {
                shown.push(at);
            }
        }
        shown
    }

    /// Waits for a key after `lines`. Whoever typed ahead only hears what cannot be cut off.
    fn ask(&mut self, now: Moment, state: State, mut lines: Vec<Line>) {
        let menu = self.menu.clone();
        let sensitive = |line: &Line| menu.is_sensitive(&line.prompt);
        self.secrecy
            .ask(menu.node(self.node).sensitive || lines.iter().any(sensitive));
        if !self.typed.is_empty() {
            // A sensitive prompt is begun all the same: it is how the platform knows that what follows is secret.
            lines.retain(|line| line.protected || sensitive(line));
        }
        self.play(now, state, lines);
    }

    fn play(&mut self, now: Moment, state: State, mut lines: Vec<Line>) {
        protect_up_to_the_last(&mut lines);
        self.state = state;
        self.stop();
        for line in lines {
            let (prompt, barge_in) = (line.prompt.clone(), line.barge_in());
            let play = self.queue.add(line);
            self.actions.push(Action::Play {
                play,
                prompt,
                barge_in,
            });
        }
        self.wait(now);
    }

    fn stop(&mut self) {
        if self.queue.clear().count() > 0 {
            self.actions.push(Action::Stop);
        }
    }

    /// A key, now that one is wanted.
    pub(super) fn key(&mut self, now: Moment, key: Key) {
        let digit = key.digit;
        let shown = ShownDigit::new(digit, key.secret || self.secrecy.holds());
        let menu = self.menu.clone();
        let node = menu.node(self.node);
        let option = |at: usize| node.options.get(at).map(|option| (at, option));
        let verify = |at| option(at).and_then(|(_, option)| option.verify.as_ref());
        if let State::Verifying(at) = self.state {
            return match (verify(at), option(at)) {
                (Some(verify), Some((_, option))) if digit == verify.yes => {
                    self.audit_key(shown, &node.name, Meaning::Yes);
                    self.choose(now, option);
                }
                (Some(verify), _) if digit == verify.no => {
                    self.audit_key(shown, &node.name, Meaning::No);
                    self.open(now, self.node, Some(Because::NotVerified), Vec::new());
                }
                _ => self.invalid(now, shown, &node.name),
            };
        }
        let chosen = self
            .shown
            .iter()
            .filter_map(|&at| option(at))
            .find(|(_, option)| option.key == digit);
        match chosen {
            None => self.invalid(now, shown, &node.name),
            Some((at, option)) => {
                self.audit_key(shown, &node.name, Meaning::Option);
                match &option.verify {
                    Some(verify) => self.ask(now, State::Verifying(at), vec![Line::open(&verify.prompt)]),
                    None => self.choose(now, option),
                }
            }
        }
    }

    fn choose(&mut self, now: Moment, option: &MenuOption) {
        self.tries = 0;
        if option.action != OptionAction::Repeat {
            self.repeats = 0;
        }
        let mut lines: Vec<Line> = option.confirmation.iter().map(Line::protected).collect();
        match &option.action {
            OptionAction::Transfer(target) => self.leave(now, lines, Departure::Transfer(target.clone())),
            OptionAction::Operator => self.call_operator(now, lines),
            OptionAction::Hangup(heard) => {
                lines.extend(heard.iter().map(Line::protected));
                self.leave(now, lines, Departure::Hangup);
            }
            OptionAction::Info(heard) => {
                lines.extend(heard.iter().map(Line::open));
                self.open(now, self.node, Some(Because::Info), lines);
            }
            OptionAction::Menu(submenu) => {
                if self.path.len() == MAX_BACK {
                    self.path.remove(0);
                }
                self.path.push(self.node);
                self.open(now, *submenu, Some(Because::Choice), lines);
            }
            OptionAction::Back => match self.path.pop() {
                Some(before) => self.open(now, before, Some(Because::Back), lines),
                None => self.open(now, self.node, Some(Because::Repeat), lines),
            },
            OptionAction::Repeat => {
                self.repeats += 1;
                match self.repeats > MAX_REPEATS {
                    true => self.going_round(now),
                    false => self.open(now, self.node, Some(Because::Repeat), lines),
                }
            }
        }
    }

    fn invalid(&mut self, now: Moment, digit: ShownDigit, name: &str) {
        self.audit_key(digit, name, Meaning::Invalid);
        // What was typed after a wrong key was meant for somewhere else.
        self.typed.clear();
        let prompt = self.menu.settings.invalid_prompt.clone();
        self.try_again(now, &prompt);
    }

    pub(super) fn silence(&mut self, now: Moment) {
        self.audit(AuditEvent::NoInput { menu: self.here() });
        let prompt = self.menu.settings.no_input_prompt.clone();
        self.try_again(now, &prompt);
    }

    fn try_again(&mut self, now: Moment, prompt: &PromptId) {
        let menu = self.menu.clone();
        let node = menu.node(self.node);
        self.tries += 1;
        if self.tries > node.retries {
            self.audit(AuditEvent::RetriesExhausted {
                menu: node.name.clone(),
            });
            return self.call_operator(now, Vec::new());
        }
        let before = Line::open(prompt);
        let verifying = match self.state {
            State::Verifying(at) => node.options.get(at).and_then(|option| option.verify.as_ref()),
            _ => None,
        };
        match verifying {
            Some(verify) => self.ask(now, self.state.clone(), vec![before, Line::open(&verify.prompt)]),
            None => self.open(now, self.node, None, vec![before]),
        }
    }

    fn going_round(&mut self, now: Moment) {
        self.audit(AuditEvent::GoingRound { menu: self.here() });
        self.call_operator(now, Vec::new());
    }

    fn call_operator(&mut self, now: Moment, mut lines: Vec<Line>) {
        lines.push(Line::protected(&self.menu.settings.operator_prompt));
        let operator = self.menu.operator.clone();
        self.leave(now, lines, Departure::Transfer(operator));
    }

    fn leave(&mut self, now: Moment, lines: Vec<Line>, departure: Departure) {
        self.typed.clear();
        self.play(now, State::Leaving(departure), lines);
    }

    pub(super) fn depart(&mut self, now: Moment, departure: Departure) {
        match departure {
            Departure::Transfer(target) => {
                self.audit(AuditEvent::Transferring {
                    target: target.clone(),
                });
                self.state = State::Transferring(target);
            }
            Departure::Hangup => {
                self.state = State::HangingUp;
            }
        }
        self.ask_to_end();
        self.wait(now);
    }

    /// Sends what ends the call. To ask twice does no harm: whatever is done first ends the session.
    pub(super) fn ask_to_end(&mut self) {
        match &self.state {
            State::Transferring(target) => self.actions.push(Action::Transfer(target.clone())),
            State::HangingUp => self.actions.push(Action::Hangup),
            _ => {}
        }
    }

    /// A transfer did not work: the operator, and if that was the operator, the end.
    pub(super) fn refused(&mut self, now: Moment, target: TransferTarget, reason: String) {
        let was_operator = target == self.menu.operator;
        self.audit(AuditEvent::TransferRefused { target, reason });
        if was_operator {
            let closing = self
                .menu
                .settings
                .closing_prompt
                .iter()
                .map(Line::protected)
                .collect();
            self.leave(now, closing, Departure::Hangup);
        } else {
            self.call_operator(now, Vec::new());
        }
    }

    fn audit_key(&mut self, digit: ShownDigit, name: &str, meaning: Meaning) {
        self.audit(AuditEvent::Key {
            digit,
            menu: name.to_owned(),
            meaning,
        });
    }

    fn here(&self) -> String {
        self.menu.node(self.node).name.clone()
    }
}
