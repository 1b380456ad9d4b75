//! Three calls at once: who calls, what they do, and what must come of it.

use super::judge;
use crate::{
    cli::CallerArgs,
    commands::menu_file::{Library, MenuFile},
    output::Output,
    platform::{self, Clients},
    timeline::tell,
};
use ::center::Tenant;
use anyhow::Result;
use comfy_table::{Table, presets::UTF8_FULL_CONDENSED};
use indicatif::{ProgressBar, ProgressStyle};
use jobs::{audit::StoreLog, menu::MenuJob};
use serde_json::{Value, json};
use std::{collections::BTreeMap, path::Path, sync::Arc, time::Duration};
use store::Store;
use wire::{
    Faults,
    callcontrol::{Codec, FinishReason},
    calls::{CallRecord, PlaceCall},
    form::Response,
    ids::PromptId,
    script::parse_sentence,
    task::Priority,
};

/// The journey takes half a minute; a call that takes longer is off.
const PATIENCE: Duration = Duration::from_secs(120);

/// A caller of the demo.
pub(super) struct Caller {
    pub(super) name: &'static str,
    external_id: &'static str,
    ani: &'static str,
    /// What the caller does, in the words of `menu call --do`.
    does: &'static [&'static str],
    /// What is heard, in order.
    pub(super) hears: &'static [(&'static str, FinishReason)],
    pub(super) transferred_to: &'static str,
    /// What the caller answers when asked how satisfied they are.
    pub(super) score: &'static str,
    /// The agent who leads the call.
    agent: &'static str,
    /// The task that this is to lead to.
    pub(super) wants: Option<Priority>,
}

use FinishReason::{Completed, Interrupted};

const CALLERS: [Caller; 3] = [
    Caller {
        name: "a premium customer, who barges in",
        external_id: "CRM-USER-98765",
        ani: "+15550123456",
        does: &["press 1 710ms into premium_priority"],
        hears: &[
            ("premium_priority", Interrupted),
            ("confirmed", Completed),
            ("agent_greeting", Completed),
        ],
        transferred_to: "ext:transfer_premium",
        score: "2",
        agent: "agent-1",
        wants: Some(Priority::High),
    },
    Caller {
        name: "somebody nobody knows",
        external_id: "CRM-USER-00000",
        ani: "+15550199999",
        does: &["press 1 1207ms into general_support"],
        hears: &[
            ("general_welcome", Completed),
            ("general_support", Interrupted),
            ("selection_confirmed", Completed),
            ("agent_greeting", Completed),
        ],
        transferred_to: "ext:transfer_support",
        score: "5",
        agent: "agent-2",
        wants: None,
    },
    Caller {
        name: "a wrong key, then silence, then 0",
        external_id: "CRM-USER-11111",
        ani: "+15550111111",
        does: &[
            "press 7 904ms into general_support",
            "press 0 601ms after no_input ends",
        ],
        hears: &[
            ("general_welcome", Completed),
            ("general_support", Interrupted),
            ("invalid_selection", Completed),
            ("general_welcome", Completed),
            ("general_support", Completed),
            ("option_hours", Completed),
            ("option_billing", Completed),
            ("option_repeat", Completed),
            ("general_operator", Completed),
            ("no_input", Completed),
            ("general_welcome", Interrupted),
            ("transferring", Completed),
            ("operator_greeting", Completed),
        ],
        transferred_to: "ext:operator",
        score: "3",
        agent: "agent-2",
        wants: Some(Priority::Medium),
    },
];

/// A call and what was found wrong with it.
pub(super) struct CallReport {
    pub(super) caller: &'static Caller,
    pub(super) record: CallRecord,
    audit: Vec<Value>,
    pub(super) faults: Vec<String>,
}

/// Places the three calls, leads them through the demo's menu, and judges them.
/// `compiled` are prompts that were built: they are heard in the place of the library's.
pub(super) async fn run(
    clients: &Clients,
    store: &Store,
    compiled: &BTreeMap<PromptId, Vec<f32>>,
    output: &Output,
) -> Result<Vec<CallReport>> {
    let tenant = Tenant::demo()?;
    let menu =
        MenuFile::read(None)?.parse_or_fail(&Library::of_tenant(&tenant, "the demo tenant").prompts)?;
    let job = MenuJob::new(
        Arc::new(menu),
        clients.calls.clone(),
        clients.profiles.clone(),
        Arc::new(StoreLog::new(store.clone())),
    );
    let mut sounds: BTreeMap<PromptId, Vec<f32>> = tenant.prompt_sounds().collect();
    sounds.extend(compiled.clone());

    let progress = progress(output);
    let calls = CALLERS.iter().map(|caller| {
        let (job, sounds, progress) = (&job, &sounds, &progress);
        async move {
            let report = call(caller, job, clients, store, sounds).await;
            progress.inc(1);
            report
        }
    });
    let reports = futures_util::future::join_all(calls).await;
    progress.finish_and_clear();
    reports.into_iter().collect()
}

fn progress(output: &Output) -> ProgressBar {
    if !output.shows_progress() {
        output.note("three calls are under way; this takes about 30 s ...");
        return ProgressBar::hidden();
    }
    let style = ProgressStyle::with_template("{spinner} {msg} {pos}/{len}  {elapsed}");
    let bar = ProgressBar::new(CALLERS.len() as u64).with_message("three calls at once; over:");
    bar.set_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()));
    bar.enable_steady_tick(Duration::from_millis(100));
    bar
}

async fn call(
    caller: &'static Caller,
    job: &MenuJob,
    clients: &Clients,
    store: &Store,
    sounds: &BTreeMap<PromptId, Vec<f32>>,
) -> Result<CallReport> {
    let placed = clients.admin.place_call(&caller.dials()?).await?;
    let left = job.run(&placed.id, None).await;
    let record = clients.admin.wait_for_end(&placed.id, PATIENCE).await?;
    let recording = clients.admin.recording(&record.id).await;
    let mut faults = judge::story(caller, &record);
    faults.extend(left.err().map(|error| error.to_string()));
    faults.extend(match &recording {
        Ok(bytes) => judge::recording(&record, bytes, sounds),
        Err(error) => vec![format!("there is no recording: {error}")],
    });
    let audit = platform::audit_of(store, &record.id).await?;
    Ok(CallReport {
        caller,
        record,
        audit,
        faults,
    })
}

impl Caller {
    fn dials(&self) -> Result<PlaceCall> {
        let steps: Result<Vec<_>, Faults> = self.does.iter().map(|step| parse_sentence(step)).collect();
        let caller = CallerArgs {
            ani: self.ani.parse()?,
            dnis: "+18005550100".parse()?,
            external_id: Some(self.external_id.parse()?),
            codec: Codec::Pcmu,
            steps: steps?,
            form: vec![Response {
                field_name: "overall_satisfaction".into(),
                value: self.score.into(),
            }],
            agent: Some(self.agent.parse()?),
        };
        platform::placed_call(&caller)
    }
}

impl CallReport {
    /// The call's story for people.
    pub(super) fn story(&self) -> String {
        let bold = anstyle::Style::new().bold();
        let red = anstyle::Style::new().fg_color(Some(anstyle::AnsiColor::Red.into()));
        let mut story = format!("{bold}{} calls: {}{bold:#}\n", self.record.ani, self.caller.name);
        story.push_str(&tell(&self.record, &self.audit));
        for fault in &self.faults {
            story.push_str(&format!("  {red}off:{red:#} {fault}\n"));
        }
        story
    }

    fn recording_path(&self) -> &str {
        self.record
            .recording
            .as_ref()
            .map_or("none", |recording| recording.path.as_str())
    }

    /// The same for programs.
    pub(super) fn to_json(&self) -> Value {
        json!({
            "caller": self.caller.name,
            "call": self.record,
            "audit": self.audit,
            "answerToFirstSoundMs": self.record.answer_to_sound_ms(),
            "keyToCutOffMs": self.record.cut_offs_ms().collect::<Vec<_>>(),
            "faults": self.faults,
        })
    }
}

/// One row per call: where it went, the timings, the recording.
pub(super) fn table(calls: &[CallReport]) -> String {
    let mut table = Table::new();
    table.load_style(UTF8_FULL_CONDENSED);
    table.set_header([
        "caller",
        "went to",
        "answer to sound",
        "key to silence",
        "recording",
    ]);
    for call in calls {
        let cuts: Vec<String> = call
            .record
            .cut_offs_ms()
            .map(|ms| format!("{ms:.1} ms"))
            .collect();
        let sound = call
            .record
            .answer_to_sound_ms()
            .map_or("-".into(), |ms| format!("{ms:.1} ms"));
        let file = Path::new(call.recording_path())
            .file_name()
            .map_or("none".into(), |name| name.to_string_lossy());
        let target = call
            .record
            .transferred_to
            .as_ref()
            .map_or("nowhere", |target| target.as_str());
        table.add_row([call.caller.name, target, &sound, &cuts.join(", "), &file]);
    }
    let folder = calls
        .first()
        .and_then(|call| Path::new(call.recording_path()).parent());
    let folder = folder.map_or_else(String::new, |folder| {
        format!("\nThe recordings are in {}", folder.display())
    });
    format!("{table}{folder}\n")
}
