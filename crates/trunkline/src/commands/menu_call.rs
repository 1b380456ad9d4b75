//! `trunkline menu call`: one call against a menu.

use super::menu_file::{Library, MenuFile};
use crate::{
    Done,
    cli::MenuCallArgs,
    config::Config,
    output::Output,
    platform::{self, Clients},
    timeline,
};
use anyhow::{Context, Result};
use center::Tenant;
use flow::menu::Menu;
use jobs::{
    audit::{AuditLog, StoreLog},
    menu::MenuJob,
};
use serde_json::json;
use std::{
    fs,
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};
use store::Store;
use wire::calls::{CallRecord, PlaceCall};

/// Longer than the longest call.
const PATIENCE: Duration = Duration::from_secs(2 * 3600);

/// What is called, and how: read before anything is made.
struct Asked {
    file: MenuFile,
    call: PlaceCall,
    recording: Option<PathBuf>,
}

pub(crate) async fn run(args: MenuCallArgs, config: Config, output: &Output) -> Result<Done> {
    let asked = Asked {
        file: MenuFile::read(args.file.as_deref())?,
        call: platform::placed_call(&args.caller)?,
        recording: args.recording,
    };
    let data_dir = platform::data_dir(args.data_dir, config.data_dir.clone());
    let (store, notary) = platform::usual_store(&data_dir, &config).await?;
    let done = match args.center {
        Some(url) => on_running_center(&url, asked, &store, output).await,
        None => {
            let tenant = platform::tenant(args.tenant.or(config.center.tenant).as_deref())?;
            on_own_center(data_dir, tenant, asked, &store, output).await
        }
    };
    notary.sign().await?;
    store.close().await;
    done
}

async fn on_running_center(url: &str, asked: Asked, store: &Store, output: &Output) -> Result<Done> {
    let clients = Clients::of_url(url)?;
    let menu = asked.file.parse_or_fail(&clients.admin.prompts().await?)?;
    one_call(&clients, menu, store, asked, output).await
}

async fn on_own_center(
    data_dir: PathBuf,
    tenant: Tenant,
    asked: Asked,
    store: &Store,
    output: &Output,
) -> Result<Done> {
    let menu = asked
        .file
        .parse_or_fail(&Library::of_tenant(&tenant, "the tenant").prompts)?;
    let center = platform::local_center(tenant, data_dir, store.clone(), None, false).await?;
    let clients = Clients::of_center(&center)?;
    let done = one_call(&clients, menu, store, asked, output).await;
    center.close().await;
    done
}

/// Places the call and leads it through the menu; Ctrl-C hangs up.
async fn one_call(
    clients: &Clients,
    menu: Menu,
    store: &Store,
    asked: Asked,
    output: &Output,
) -> Result<Done> {
    let placed = clients.admin.place_call(&asked.call).await?;
    let log = Arc::new(StoreLog::new(store.clone()));
    let job = MenuJob::new(
        Arc::new(menu),
        clients.calls.clone(),
        clients.profiles.clone(),
        log.clone(),
    );
    let (left, record) = tokio::select! {
        ended = async { (job.run(&placed.id, None).await, clients.admin.wait_for_end(&placed.id, PATIENCE).await) } => ended,
        () = super::signals::asked_to_end() => {
            output.note("hanging up ...");
            let hung_up = clients.admin.end_call(&placed.id).await;
            // What was noted so far is signed, and the store closed, after this.
            log.settle().await;
            hung_up?;
            return Ok(Done::Failed);
        }
    };
    let record = record?;
    let audit = platform::audit_of(store, &record.id).await?;
    output.line(timeline::tell(&record, &audit).trim_end());
    tell_recording(clients, &record, asked.recording.as_deref(), output).await?;
    output.json(&json!({"call": record, "audit": audit}));
    left.map(|_| Done::Well).map_err(Into::into)
}

async fn tell_recording(
    clients: &Clients,
    record: &CallRecord,
    copy_to: Option<&Path>,
    output: &Output,
) -> Result<()> {
    let Some(recording) = &record.recording else {
        return Ok(());
    };
    let mut path = recording.path.clone();
    if let Some(file) = copy_to {
        let bytes = clients.admin.recording(&record.id).await?;
        fs::write(file, bytes)
            .with_context(|| format!("the recording can't be written to {}", file.display()))?;
        path = file.display().to_string();
    }
    output.line(format!(
        "\nrecording: {path} ({:.1} s)",
        recording.duration_ms as f64 / 1000.0
    ));
    if let Some(fault) = &recording.fault {
        output.note(format!("the recording is not complete: {fault}"));
    }
    Ok(())
}
