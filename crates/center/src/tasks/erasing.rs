//! Taking a customer out of the follow-up of interactions: tasks, notifications, what desktops were told, and the audit log's texts.

use super::{MOST_TRIES, Trouble, books, listed::Filter};
use crate::{desk, erase::ERASED, notifications::NOTIFICATION};
use std::collections::HashSet;
use store::{Commit, Committed, Expect, Find, Put, Record, Store};
use wire::{
    desk::{DeskEvent, Notification},
    ids::{InteractionId, NotificationId, TaskId},
    task::{INTERACTION_FIELD, RULE_FIELD, Task},
};

/// Most records that are read at a time.
const PORTION: usize = 500;
/// Most agents whose desktops are looked at, and most notifications.
const MOST_RECORDS: usize = 100_000;

/// What was erased.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Erased {
    /// Tasks.
    pub(crate) tasks: u64,
    /// Notifications.
    pub(crate) notifications: u64,
    /// Texts of the audit log.
    pub(crate) texts: u64,
}

/// By what notifications and events are known to be about erased tasks.
#[derive(Default)]
struct Marks {
    tasks: HashSet<TaskId>,
    notifications: HashSet<NotificationId>,
    /// Ids and subjects: a message that has one of these is about one of the tasks.
    words: Vec<String>,
}

/// Erases what says something of the customers of interactions. Can be repeated when it failed half-way: tasks, by whose subjects
/// notifications are known, go after these.
pub(crate) async fn erase(store: &Store, interactions: &[InteractionId]) -> Result<Erased, Trouble> {
    let mut marks = Marks::default();
    for interaction in interactions {
        marks.words.push(interaction.to_string());
        for task in tasks_of(store, interaction).await? {
            marks.words.extend([task.id.to_string(), task.subject]);
            marks.tasks.insert(task.id);
        }
    }
    marks.words.retain(|word| word != ERASED);
    let mut erased = Erased {
        notifications: erase_notifications(store, &mut marks).await?,
        tasks: marks.tasks.len() as u64,
        texts: 0,
    };
    for task in &marks.tasks {
        rewrite(store, books::TASK, task.as_str(), erased_task).await?;
    }
    erase_events(store, &marks).await?;
    let ids = interactions.iter().map(InteractionId::as_str);
    let ids = ids.chain(marks.tasks.iter().map(TaskId::as_str));
    for id in ids.chain(marks.notifications.iter().map(NotificationId::as_str)) {
        erased.texts += store.erase_subject(id).await?;
    }
    Ok(erased)
}

async fn tasks_of(store: &Store, interaction: &InteractionId) -> Result<Vec<Task>, store::Error> {
    let filter = Filter {
        interaction: Some(interaction),
        ..Filter::default()
    };
    let mut find = Find {
        kind: books::TASK.into(),
        term: filter.term(),
        ..Find::default()
    };
    let mut tasks = Vec::new();
    loop {
        let found = store.find(&find, PORTION).await?;
        tasks.extend(found.iter().filter_map(|found| books::read(&found.record.body)));
        if found.len() < PORTION {
            return Ok(tasks);
        }
        find.skip += found.len();
    }
}

/// Gives how many; also notes those that were erased before.
async fn erase_notifications(store: &Store, marks: &mut Marks) -> Result<u64, Trouble> {
    let mut erased = 0;
    for record in store.records(NOTIFICATION, MOST_RECORDS).await? {
        let Ok(notification) = serde_json::from_str::<Notification>(&record.body) else {
            continue;
        };
        let is_meant = marks.are_in(&notification.message);
        if is_meant {
            rewrite(store, NOTIFICATION, &record.id, erased_notification).await?;
            erased += 1;
        }
        if is_meant || notification.message == ERASED {
            marks.notifications.insert(notification.id);
        }
    }
    Ok(erased)
}

/// Desktop by desktop: each has its events under its agent's id.
async fn erase_events(store: &Store, marks: &Marks) -> Result<(), Trouble> {
    for desk in store.records(desk::DESK, MOST_RECORDS).await? {
        let mut find = Find {
            kind: desk::EVENT.into(),
            term: desk.id,
            ..Find::default()
        };
        loop {
            let found = store.find(&find, PORTION).await?;
            for found in found.iter().filter(|found| marks.are_of(&found.record)) {
                rewrite(store, desk::EVENT, &found.record.id, erased_event).await?;
            }
            match found.last() {
                Some(last) => find.after = Some(last.place),
                None => break,
            }
        }
    }
    Ok(())
}

impl Marks {
    fn are_in(&self, message: &str) -> bool {
        self.words.iter().any(|word| message.contains(word.as_str()))
    }

    fn are_of(&self, event: &Record) -> bool {
        match serde_json::from_str(&event.body) {
            Ok(DeskEvent::Task { task, .. }) => self.tasks.contains(&task.id),
            Ok(DeskEvent::Notification { notification }) => self.notifications.contains(&notification.id),
            _ => false,
        }
    }
}

/// Writes a record anew, if it is there; what others write meanwhile is not lost.
async fn rewrite(
    store: &Store,
    kind: &str,
    id: &str,
    change: impl Fn(&str) -> Option<String>,
) -> Result<(), Trouble> {
    for _ in 0..MOST_TRIES {
        let Some(record) = store.record(kind, id).await? else {
            return Ok(());
        };
        let Some(body) = change(&record.body) else {
            return Ok(());
        };
        let put = Put {
            kind: kind.to_owned(),
            id: id.to_owned(),
            body: Some(body),
            expect: Expect::Version(record.version),
        };
        let commit = Commit {
            records: vec![put],
            ..Commit::default()
        };
        if store.commit(commit).await? == Committed::Done {
            return Ok(());
        }
    }
    Err(Trouble::Busy)
}

fn erased_task(body: &str) -> Option<String> {
    let mut task = books::read(body)?;
    blot(&mut task);
    serde_json::to_string(&task).ok()
}

fn erased_notification(body: &str) -> Option<String> {
    let mut notification: Notification = serde_json::from_str(body).ok()?;
    ERASED.clone_into(&mut notification.message);
    serde_json::to_string(&notification).ok()
}

fn erased_event(body: &str) -> Option<String> {
    let mut event: DeskEvent = serde_json::from_str(body).ok()?;
    match &mut event {
        DeskEvent::Task { task, .. } => blot(task),
        DeskEvent::Notification { notification } => ERASED.clone_into(&mut notification.message),
        DeskEvent::Gone { .. } | DeskEvent::Reset { .. } => {}
    }
    serde_json::to_string(&event).ok()
}

/// What people or forms wrote goes; ids, times and states stay.
fn blot(task: &mut Task) {
    ERASED.clone_into(&mut task.subject);
    if !task.description.is_empty() {
        ERASED.clone_into(&mut task.description);
    }
    let is_id = |id: &str| [INTERACTION_FIELD, RULE_FIELD].contains(&id);
    for field in task.custom_fields.iter_mut().filter(|field| !is_id(&field.id)) {
        ERASED.clone_into(&mut field.value);
    }
    for note in task.history.iter_mut().filter_map(|line| line.note.as_mut()) {
        ERASED.clone_into(note);
    }
}
