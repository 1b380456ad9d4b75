use super::*;
use proptest::prelude::*;
use std::collections::{BTreeMap, HashSet};
use wire::task::Priority;

fn id(text: &str) -> AgentId {
    text.parse().unwrap()
}

fn agent(name: &str, active: bool, team: &str) -> Agent {
    Agent {
        id: id(name),
        name: name.into(),
        active,
        team: team.into(),
        skills: Vec::new(),
    }
}

/// Two who are there and one who is not in a team, and one of another.
fn roster() -> Roster {
    Roster::new(vec![
        agent("a", true, "care"),
        agent("off", false, "care"),
        agent("b", true, "care"),
        agent("z", true, "sales"),
    ])
}

fn start() -> UtcTime {
    "2026-11-21T09:30:00Z".parse().unwrap()
}

fn in_s(seconds: u64) -> UtcTime {
    start().after(Duration::from_secs(seconds))
}

/// A task, and all that its desktops and timers were told.
struct Rig {
    task: Task,
    roster: Roster,
    policy: Policy,
    timers: Vec<(Timer, UtcTime)>,
    /// What each agent's desktop shows, going by the events alone.
    desks: BTreeMap<AgentId, Task>,
    last: Outcome,
}

impl Rig {
    /// A task for `a`, due in a day.
    fn new() -> Self {
        Self::with(roster(), "a")
    }

    fn with(roster: Roster, assignee: &str) -> Self {
        let new = NewTask {
            subject: "Call back".into(),
            description: String::new(),
            due_date: in_s(86_400),
            priority: Priority::High,
            assignee_id: id(assignee),
            custom_fields: Vec::new(),
        };
        let policy = Policy::default();
        let (task, outcome) = create(new, "task-1".parse().unwrap(), start(), &policy, &roster).unwrap();
        let mut rig = Self {
            task,
            roster,
            policy,
            timers: Vec::new(),
            desks: BTreeMap::new(),
            last: Outcome::default(),
        };
        rig.note(outcome);
        rig
    }

    fn note(&mut self, outcome: Outcome) {
        self.timers.extend(outcome.timers.clone());
        for (agent, event) in outcome.told.clone() {
            match event {
                DeskEvent::Task { task, .. } => self.desks.insert(agent, *task),
                DeskEvent::Gone { .. } => self.desks.remove(&agent),
                other => panic!("a task tells no {other:?}"),
            };
        }
        self.last = outcome;
    }

    fn handle(&mut self, seconds: u64, input: Input) -> Result<(), Refused> {
        let before = self.task.clone();
        match handle(&mut self.task, in_s(seconds), input, &self.policy, &self.roster) {
            Ok(outcome) => {
                self.note(outcome);
                Ok(())
            }
            Err(refused) => {
                assert_eq!(self.task, before, "what is refused changes nothing");
                Err(refused)
            }
        }
    }

    fn deed(&mut self, seconds: u64, agent: &str, deed: Deed) -> Result<(), Refused> {
        self.handle(
            seconds,
            Input::Deed {
                agent: id(agent),
                deed,
            },
        )
    }

    fn accept(&mut self, seconds: u64, agent: &str) -> Result<(), Refused> {
        self.deed(seconds, agent, Deed::Accept)
    }

    fn snooze(&mut self, seconds: u64, agent: &str, until: u64) -> Result<(), Refused> {
        self.deed(seconds, agent, Deed::Snooze { until: in_s(until) })
    }

    fn timer(&mut self, seconds: u64, timer: Timer) {
        self.handle(seconds, Input::Timer(timer)).unwrap();
    }

    fn patch(&mut self, seconds: u64, text: &str) -> Result<(), Refused> {
        let patch = TaskPatch::parse_for(text, |_| Ok(())).unwrap();
        self.handle(seconds, Input::Patch(patch))
    }

    fn is(&self, state: TaskState, assignee: Option<&str>) {
        assert_eq!(
            (self.task.state, self.task.assignee_id.clone()),
            (state, assignee.map(id))
        );
    }

    fn words(&self) -> Vec<&str> {
        self.task.history.iter().map(|line| line.what.as_str()).collect()
    }

    fn shown_to(&self) -> Vec<&str> {
        self.desks.keys().map(AgentId::as_str).collect()
    }
}

#[test]
fn an_offer_that_nobody_accepts_goes_round_the_team_and_is_then_everybodys() {
    let mut rig = Rig::new();
    rig.is(TaskState::Offered, Some("a"));
    assert_eq!(rig.shown_to(), ["a"]);
    rig.timer(120, Timer::Offer { number: 1 });
    rig.is(TaskState::Offered, Some("b"));
    assert_eq!(rig.shown_to(), ["b"]);
    rig.deed(130, "b", Deed::Decline).unwrap();
    rig.is(TaskState::Queued, None);
    assert_eq!(rig.shown_to(), ["a", "b"]);
    assert_eq!(
        rig.words(),
        [
            "created",
            "offered",
            "offer_expired",
            "offered",
            "declined",
            "queued"
        ]
    );
    rig.accept(140, "b").unwrap();
    assert_eq!(rig.shown_to(), ["b"]);
    let taken = rig.accept(140, "a").unwrap_err();
    assert_eq!(taken.to_string(), "b accepted it already");
}

#[test]
fn of_two_windows_of_one_agent_one_wins() {
    let mut rig = Rig::new();
    rig.accept(1, "a").unwrap();
    assert_eq!(
        rig.accept(1, "a").unwrap_err().to_string(),
        "a accepted it already"
    );
}

#[test]
fn others_are_refused_and_told_why() {
    let mut rig = Rig::new();
    let refused = rig.accept(1, "b").unwrap_err();
    assert_eq!(refused.to_string(), "it is offered and a's, not b's");
    let refused = rig.deed(1, "a", Deed::Complete { note: None }).unwrap_err();
    assert_eq!(
        refused.to_string(),
        "a task that is offered can't become completed"
    );
    rig.patch(2, r#"{"state":"queued"}"#).unwrap();
    for stranger in ["z", "off", "nobody"] {
        let refused = rig.accept(3, stranger).unwrap_err();
        let expected = format!("it waits for an active agent of the team \"care\", and {stranger} is none");
        assert_eq!(refused.to_string(), expected);
    }
    rig.accept(4, "b").unwrap();
    let refused = rig.deed(5, "b", Deed::Decline).unwrap_err();
    assert_eq!(
        refused.to_string(),
        "a task that is accepted can't be declined; only an offer can"
    );
}

#[test]
fn a_snoozed_task_wakes_as_what_it_was() {
    let mut rig = Rig::new();
    rig.snooze(1, "a", 100).unwrap();
    assert_eq!(rig.shown_to(), ["a"]);
    // The offer that was open is none any more.
    rig.timer(120, Timer::Offer { number: 1 });
    rig.is(TaskState::Snoozed, Some("a"));
    rig.timer(121, Timer::Wake { number: 1 });
    rig.is(TaskState::Offered, Some("a"));
    assert_eq!(rig.task.offer.as_ref().unwrap().number, 2);
    rig.accept(122, "a").unwrap();
    rig.snooze(123, "a", 200).unwrap();
    rig.snooze(124, "a", 300).unwrap();
    rig.timer(200, Timer::Wake { number: 2 });
    rig.is(TaskState::Snoozed, Some("a"));
    rig.timer(300, Timer::Wake { number: 3 });
    rig.is(TaskState::Accepted, Some("a"));
    // Or before its time, by hand.
    rig.snooze(300, "a", 400).unwrap();
    assert!(rig.accept(300, "b").is_err());
    rig.accept(300, "a").unwrap();
    rig.is(TaskState::Accepted, Some("a"));
    rig.deed(
        301,
        "a",
        Deed::Complete {
            note: Some("called".into()),
        },
    )
    .unwrap();
    assert_eq!(rig.shown_to(), Vec::<&str>::new());
    assert_eq!(rig.task.history.last().unwrap().note.as_deref(), Some("called"));
}

#[test]
fn a_task_is_put_off_into_the_future_and_not_for_ever() {
    let mut rig = Rig::new();
    let month = LONGEST_SNOOZE.as_secs();
    for until in [0, 10, 11 + month] {
        let refused = rig.snooze(10, "a", until).unwrap_err();
        assert!(refused.is_fault(), "{until}: {refused}");
    }
    rig.snooze(10, "a", 10 + month).unwrap();
}

#[test]
fn clocks_run_out_once_or_are_met() {
    let mut rig = Rig::new();
    let half_an_hour = 1800;
    assert_eq!(rig.task.sla.first_response.due_at, in_s(half_an_hour));
    rig.timer(half_an_hour, Timer::FirstResponse);
    assert!(rig.task.sla.first_response.breached);
    assert_eq!(rig.shown_to(), ["a"]);
    rig.timer(half_an_hour, Timer::FirstResponse);
    assert_eq!(rig.last, Outcome::default());
    rig.accept(2000, "a").unwrap();
    assert_eq!(rig.task.sla.first_response.met_at, Some(in_s(2000)));

    // Too late, though the timer did not say so yet.
    rig.deed(86_401, "a", Deed::Complete { note: None }).unwrap();
    assert!(rig.task.sla.resolution.breached);
    assert_eq!(
        rig.words()[2..],
        ["first_response_late", "accepted", "resolution_late", "completed"]
    );
    rig.timer(86_402, Timer::Resolution);
    assert_eq!(rig.last, Outcome::default());

    let mut rig = Rig::new();
    rig.accept(10, "a").unwrap();
    rig.timer(half_an_hour, Timer::FirstResponse);
    assert!(!rig.task.sla.first_response.breached);
}

#[test]
fn a_task_that_is_completed_late_is_gone_because_it_is_completed() {
    let mut rig = Rig::new();
    rig.accept(1, "a").unwrap();
    rig.deed(90_000, "a", Deed::Complete { note: None }).unwrap();
    let gone = DeskEvent::Gone {
        task_id: rig.task.id.clone(),
        what: "completed".into(),
    };
    assert_eq!(rig.last.told, [(id("a"), gone)]);
    assert!(rig.task.history.iter().any(|line| line.what == "resolution_late"));
}

#[test]
fn programs_reassign_cancel_and_queue() {
    let mut rig = Rig::new();
    rig.accept(1, "a").unwrap();
    rig.patch(2, r#"{"assigneeId":"z","note":"sells"}"#).unwrap();
    rig.is(TaskState::Offered, Some("z"));
    assert_eq!((rig.task.team.as_str(), rig.shown_to()), ("sales", vec!["z"]));
    let gone = &rig.last.told.last().unwrap().1;
    assert_eq!(
        *gone,
        DeskEvent::Gone {
            task_id: rig.task.id.clone(),
            what: "reassigned".into()
        }
    );
    // There is nobody else in sales.
    rig.timer(200, Timer::Offer { number: 2 });
    rig.is(TaskState::Queued, None);
    rig.patch(201, r#"{"note":"why does nobody take it?"}"#).unwrap();
    assert_eq!(rig.words().last(), Some(&"noted"));
    assert_eq!(rig.patch(202, r#"{"state":"accepted"}"#), Err(Refused::Nobody));
    let refused = rig.patch(202, r#"{"assigneeId":"off"}"#).unwrap_err();
    assert_eq!(
        (refused.to_string().as_str(), refused.is_fault()),
        ("assigneeId: off is not active", true)
    );
    rig.patch(203, r#"{"state":"accepted","assigneeId":"b"}"#)
        .unwrap();
    rig.is(TaskState::Accepted, Some("b"));
    assert_eq!(rig.task.team, "care");
    assert_eq!(
        rig.patch(204, r#"{"state":"accepted"}"#),
        Err(Refused::Taken(id("b")))
    );
    rig.patch(205, r#"{"state":"canceled"}"#).unwrap();
    assert!(rig.shown_to().is_empty());
    let refused = rig.patch(206, r#"{"state":"queued"}"#).unwrap_err();
    assert_eq!(refused.to_string(), "a task that is canceled can't become queued");
    assert_eq!(
        rig.patch(206, r#"{"note":"n"}"#),
        Err(Refused::Closed(TaskState::Canceled))
    );
}

#[test]
fn only_who_is_there_gets_a_task() {
    let new = |assignee: &str| {
        let text = format!(
            r#"{{"subject":"s","dueDate":"2026-11-21T09:30:00Z","priority":"Low","assigneeId":"{assignee}"}}"#
        );
        let new = NewTask::parse(&text).unwrap();
        create(
            new,
            "task-1".parse().unwrap(),
            start(),
            &Policy::default(),
            &roster(),
        )
        .map(drop)
    };
    assert_eq!(new("off").unwrap_err().to_string(), "off is not active");
    assert_eq!(new("who").unwrap_err().to_string(), "there is no agent \"who\"");
    assert_eq!(new("a"), Ok(()));
}

#[test]
fn the_next_one_is_asked_in_order_and_round_again() {
    let names = ["a", "b", "c", "d"];
    let roster = Roster::new(names.map(|name| agent(name, true, "care")).to_vec());
    let mut rig = Rig::with(roster, "c");
    let mut asked = vec!["c".to_owned()];
    for number in 1..4 {
        rig.timer(
            number,
            Timer::Offer {
                number: number as u32,
            },
        );
        asked.push(rig.task.assignee_id.clone().unwrap().to_string());
    }
    assert_eq!(asked, ["c", "d", "a", "b"]);
    rig.timer(5, Timer::Offer { number: 4 });
    rig.is(TaskState::Queued, None);
}

#[test]
fn a_long_history_keeps_both_ends() {
    let mut rig = Rig::new();
    let long = "n".repeat(4000);
    for second in 0..400 {
        let text = serde_json::json!({"note": if second % 2 == 0 { &long } else { "short" }}).to_string();
        rig.patch(second, &text).unwrap();
        let bytes = serde_json::to_string(&rig.task).unwrap().len();
        assert!(
            rig.task.history.len() <= MOST_HISTORY && bytes < MOST_NOTES + 40_000,
            "{bytes}"
        );
    }
    assert_eq!(rig.words()[0], "created");
    assert_eq!(rig.task.history.last().unwrap().note.as_deref(), Some("short"));
    assert!(rig.task.history.is_sorted_by_key(|line| line.at));
}

#[test]
fn desktops_get_the_end_of_a_long_history_and_of_what_is_everybodys_the_last_line() {
    let mut rig = Rig::new();
    for second in 0..40 {
        rig.patch(second, r#"{"note":"n"}"#).unwrap();
    }
    assert_eq!(rig.task.history.len(), 42);
    assert_eq!(rig.desks[&id("a")].history, rig.task.history[32..]);
    rig.patch(41, r#"{"state":"queued"}"#).unwrap();
    assert_eq!(rig.shown_to(), ["a", "b"]);
    assert!(
        rig.desks
            .values()
            .all(|task| task.history == rig.task.history[42..])
    );
    rig.accept(42, "b").unwrap();
    assert_eq!(rig.desks[&id("b")].history.len(), MOST_LINES_SHOWN);
}

#[test]
fn what_an_agent_who_is_gone_had_goes_to_the_next_one_or_to_all() {
    let mut rig = Rig::new();
    rig.accept(1, "a").unwrap();
    let before = rig.task.clone();
    rig.handle(2, Input::AgentLeft).unwrap();
    assert_eq!(rig.task, before, "a is there");
    rig.roster = Roster::new(vec![agent("a", false, "care"), agent("b", true, "care")]);
    rig.handle(3, Input::AgentLeft).unwrap();
    rig.is(TaskState::Offered, Some("b"));
    assert_eq!(rig.words()[2..], ["accepted", "agent_left", "offered"]);
    assert_eq!(rig.shown_to(), ["b"]);
    // Snoozed, and nobody is left whom it could be offered to.
    rig.snooze(4, "b", 100).unwrap();
    rig.roster = Roster::new(vec![agent("z", true, "sales")]);
    rig.handle(5, Input::AgentLeft).unwrap();
    rig.is(TaskState::Queued, None);
    rig.handle(6, Input::AgentLeft).unwrap();
    assert_eq!(rig.words().last(), Some(&"queued"));
}

#[test]
fn a_clock_that_goes_back_does_not_put_the_history_out_of_order() {
    let mut rig = Rig::new();
    rig.accept(100, "a").unwrap();
    rig.patch(50, r#"{"assigneeId":"b"}"#).unwrap();
    assert_eq!(rig.task.updated_at, in_s(100));
    assert_eq!(
        rig.task.offer.as_ref().unwrap().expires_at,
        in_s(100).after(rig.policy.accept_within)
    );
}

#[test]
fn timers_have_names() {
    for timer in [
        Timer::Offer { number: 3 },
        Timer::Wake { number: 1 },
        Timer::FirstResponse,
        Timer::Resolution,
    ] {
        assert_eq!(timer.to_string().parse(), Ok(timer));
    }
    for wrong in [
        "",
        "offer",
        "offer:",
        "offer:-1",
        "offer:1:2",
        "wake:99999999999",
        "lunch:1",
    ] {
        assert_eq!(wrong.parse::<Timer>(), Err(NoTimer), "{wrong}");
    }
}

/// What somebody does, `timer` being one of those that were set so far.
#[derive(Debug, Clone)]
enum Move {
    Deed(&'static str, Deed),
    Patch(TaskPatch),
    Timer(prop::sample::Index),
}

fn moves() -> impl Strategy<Value = Move> {
    let agents = prop::sample::select(vec!["a", "b", "off", "z", "nobody"]);
    let until = (0_u64..4000).prop_map(in_s);
    let deeds = prop_oneof![
        3 => Just(Deed::Accept),
        3 => Just(Deed::Decline),
        2 => until.clone().prop_map(|until| Deed::Snooze { until }),
        1 => Just(Deed::Complete { note: None }),
    ];
    let states = prop::option::of(prop::sample::select(TaskState::ALL.to_vec()));
    let patches = (states, prop::option::of(agents.clone()), prop::option::of(until));
    let patches = patches.prop_map(|(state, assignee, snoozed_until)| TaskPatch {
        state,
        assignee_id: assignee.map(id),
        note: None,
        snoozed_until,
    });
    prop_oneof![
        5 => (agents, deeds).prop_map(|(agent, deed)| Move::Deed(agent, deed)),
        1 => patches.prop_map(Move::Patch),
        4 => any::<prop::sample::Index>().prop_map(Move::Timer),
    ]
}

impl Rig {
    fn make(&mut self, seconds: u64, wanted: Move) {
        let input = match wanted {
            Move::Deed(agent, deed) => Input::Deed {
                agent: id(agent),
                deed,
            },
            Move::Patch(patch) => Input::Patch(patch),
            Move::Timer(index) => Input::Timer(index.get(&self.timers).0),
        };
        let before = self.task.clone();
        let refused = self.handle(seconds, input).is_err();
        if !before.state.is_open() {
            assert_eq!(self.task, before, "what is closed stays as it is");
        }
        assert!(!refused || self.task == before);
    }

    fn check(&self) {
        let task = &self.task;
        if task.state.is_open() {
            let waits_for_all = task.state == TaskState::Queued;
            assert_eq!(task.assignee_id.is_none(), waits_for_all, "{task:?}");
        }
        assert_eq!(task.offer.is_some(), task.state == TaskState::Offered, "{task:?}");
        assert_eq!(
            task.snoozed_until.is_some(),
            task.state == TaskState::Snoozed,
            "{task:?}"
        );
        assert_eq!(
            task.snoozed_from.is_some(),
            task.state == TaskState::Snoozed,
            "{task:?}"
        );
        // Who looks at a desktop sees the task as it is, or not at all.
        let having: Vec<AgentId> = self.desks.keys().cloned().collect();
        let mut have = holders(task, &self.roster);
        have.sort();
        assert_eq!(having, have);
        let is_shown =
            |seen: &Task| *seen == shown(task.clone(), if have.len() > 1 { 1 } else { MOST_LINES_SHOWN });
        assert!(self.desks.values().all(is_shown));
        // Somebody comes back to what waits.
        let waits_for = match task.state {
            TaskState::Offered => Some((
                Timer::Offer { number: task.offers },
                task.offer.clone().unwrap().expires_at,
            )),
            TaskState::Snoozed => Some((Timer::Wake { number: task.snoozes }, task.snoozed_until.unwrap())),
            _ => None,
        };
        assert!(
            waits_for.is_none_or(|timer| self.timers.contains(&timer)),
            "{task:?}"
        );
        // A timer is set once: its name is its identity.
        let names: HashSet<_> = self.timers.iter().map(|(timer, _)| timer).collect();
        assert_eq!(names.len(), self.timers.len());
        assert_eq!(
            serde_json::from_str::<Task>(&serde_json::to_string(task).unwrap()).unwrap(),
            *task
        );
    }
}

proptest! {
    #[test]
    fn an_open_task_is_always_somebodys_or_everybodys(moves in prop::collection::vec((0_u64..300, moves()), 0..40)) {
        let mut rig = Rig::new();
        let mut now = 0;
        rig.check();
        for (later, wanted) in moves {
            now += later;
            rig.make(now, wanted);
            rig.check();
        }
    }
}
