use super::{
    closed::{CLOSED_KEPT, remove_closed},
    *,
};
use crate::{Center, Options, Tenant};
use flow::task::Timer;
use wire::{desk::Deed, task::TaskState};

fn correlation() -> CorrelationId {
    "c-1".parse().unwrap()
}

/// A task of one interaction and rule.
async fn create(tasks: &Tasks) -> Created {
    let body = r#"{"subject":"Call back","dueDate":"2030-01-01T09:00:00Z","priority":"High","assigneeId":"agent-1",
        "customFields":[{"id":"interaction_id_link","value":"int-1"},{"id":"rule","value":"unhappy"}]}"#;
    let new = NewTask::parse(body).unwrap();
    tasks.create(new, None, &correlation()).await.unwrap()
}

async fn complete(tasks: &Tasks, task: &TaskId) {
    let agent: AgentId = "agent-1".parse().unwrap();
    for deed in [Deed::Accept, Deed::Complete { note: None }] {
        let agent = agent.clone();
        tasks
            .change(task, Input::Deed { agent, deed }, None, None)
            .await
            .unwrap();
    }
}

#[tokio::test]
async fn what_was_closed_a_month_ago_is_removed_with_all_that_finds_it() {
    let folder = tempfile::tempdir().unwrap();
    let options = Options::local(folder.path().to_owned(), Tenant::demo().unwrap());
    let center = Center::start(options).await.unwrap();
    let tasks = &center.app.tasks;
    let closed = create(tasks).await.task;
    complete(tasks, &closed.id).await;
    let open = create(tasks).await.task;
    let month = Clock::utc_ms().after(CLOSED_KEPT);
    assert_eq!(remove_closed(tasks, Clock::utc_ms()).await.unwrap(), 0);
    let later = month.after(std::time::Duration::from_secs(60));
    assert_eq!(remove_closed(tasks, later).await.unwrap(), 1);
    assert!(tasks.read(&closed.id).await.unwrap().is_none());
    assert!(tasks.read(&open.id).await.unwrap().is_some());
    let everything = listed::Filter::default().term();
    assert_eq!(tasks.store.count(books::TASK, &everything).await.unwrap(), 1);
    assert_eq!(create(tasks).await.task.id, open.id);
    center.close().await;
}

#[tokio::test]
async fn a_desk_says_that_it_does_not_show_everything() {
    let folder = tempfile::tempdir().unwrap();
    let options = Options::local(folder.path().to_owned(), Tenant::demo().unwrap());
    let center = Center::start(options).await.unwrap();
    let tasks = &center.app.tasks;
    let body = r#"{"subject":"s","dueDate":"2030-01-01T09:00:00Z","priority":"Low","assigneeId":"agent-1"}"#;
    let agent = "agent-1".parse().unwrap();
    for _ in 0..MOST_SHOWN {
        let new = NewTask::parse(body).unwrap();
        tasks.create(new, None, &correlation()).await.unwrap();
    }
    let (shown, more) = tasks.shown_to(&agent).await.unwrap();
    assert_eq!((shown.len(), more), (MOST_SHOWN, false));
    let new = NewTask::parse(body).unwrap();
    tasks.create(new, None, &correlation()).await.unwrap();
    let (shown, more) = tasks.shown_to(&agent).await.unwrap();
    assert_eq!((shown.len(), more), (MOST_SHOWN, true));
    center.close().await;
}

#[tokio::test]
async fn a_timer_of_a_completed_task_leaves_the_open_one_alone() {
    let folder = tempfile::tempdir().unwrap();
    let options = Options::local(folder.path().to_owned(), Tenant::demo().unwrap());
    let center = Center::start(options).await.unwrap();
    let tasks = &center.app.tasks;
    let first = create(tasks).await.task;
    complete(tasks, &first.id).await;
    let second = create(tasks).await.task;
    assert_ne!(first.id, second.id);

    let late = Input::Timer(Timer::Resolution);
    let first = tasks.change(&first.id, late, None, None).await.unwrap();
    assert_eq!(first.state, TaskState::Completed);
    let third = create(tasks).await;
    assert_eq!((third.task.id, third.is_new), (second.id, false));
    center.close().await;
}
