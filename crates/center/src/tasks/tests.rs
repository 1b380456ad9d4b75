use super::*;
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
