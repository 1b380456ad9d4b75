//! `trunkline audit erase`.

use crate::{Done, cli::AuditEraseArgs, config::Config, output::Output, platform};
use ::center::ErasedCalls;
use anyhow::Result;
use serde_json::json;

pub(super) async fn run(args: AuditEraseArgs, config: &Config, output: &Output) -> Result<Done> {
    let store = platform::existing_store(&args.store, config).await?;
    let folder = platform::data_dir(args.store.data_dir.clone(), config.data_dir.clone());
    let calls = ::center::erase_caller(&store, &folder, &args.person).await?;
    let erased = store.erase(&args.person).await?;
    let told = json!({"calls": calls.records, "recordings": calls.recordings, "live": calls.live, "tasks": calls.tasks,
        "notifications": calls.notifications, "conversations": calls.conversations,
        "openConversations": calls.open_conversations, "subjects": erased.subjects.len(), "texts": erased.texts + calls.texts});
    let found_nothing = calls == ErasedCalls::default() && erased.subjects.is_empty() && erased.texts == 0;
    // Not whom: that would be the next thing to erase.
    platform::note_in_audit(&store, "audit.erased", None, told.clone()).await?;
    output.line(format!(
        "erased: {} texts of {} calls and events in the audit log, {} records of calls, {} recordings, {} tasks, {} notifications, {} conversations",
        erased.texts + calls.texts,
        erased.subjects.len(),
        calls.records,
        calls.recordings,
        calls.tasks,
        calls.notifications,
        calls.conversations
    ));
    if calls.live > 0 {
        output.note(format!(
            "{} calls are live: erase again when they are over",
            calls.live
        ));
    }
    if calls.open_conversations > 0 {
        output.note(format!(
            "{} conversations are not over: erase again when they are closed",
            calls.open_conversations
        ));
    }
    if found_nothing {
        output.note(
            "nothing was found of this person; numbers and ids must be written as they were in the call",
        );
    }
    output.json(&told);
    platform::close_signed(store, &args.store, config).await?;
    Ok(if calls.live + calls.open_conversations > 0 {
        Done::Failed
    } else {
        Done::Well
    })
}
