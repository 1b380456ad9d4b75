//! The platform that commands work on: a center in this process, or one that the environment names.

use crate::{
    cli::{CallerArgs, StoreArgs},
    commands::audit::readable,
    config::Config,
    environment,
};
use anyhow::{Context, Result, bail};
use center::{Center, Completions, Destination, Limits, Options, Tenant};
use client::{Admin, CallControl, Endpoint, Platform, Profiles, Transport};
use flow::retry::Policy;
use secrecy::{ExposeSecret, SecretString};
use service::Intake;
use std::{
    fs,
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};
use store::{Commit, EntryFilter, Location, Notary, Store};
use webhooks::Secret;
use wire::{
    calls::PlaceCall,
    ids::CallId,
    oauth::{Credentials, Scope},
    script::{MAX_SPEECH_BYTES, Sentence, SpokenAct, Step},
};

/// The folder of compiled prompts in the data folder.
pub(crate) const PROMPTS: &str = "prompts";
/// What the books of prompts call the center in this process, whatever its port is.
pub(crate) const OWN_CENTER: &str = "the centre of this data folder";
/// The bot of the demo tenant.
pub(crate) const DEMO_BOT: &str = "your-bot-instance-id";
/// The name of the SQLite database in the data folder.
const DATABASE: &str = "trunkline.db";
/// Most audit entries of one call that are told.
const MOST_ENTRIES: usize = 10_000;

/// The typed clients of one platform.
pub(crate) struct Clients {
    pub(crate) calls: CallControl,
    pub(crate) profiles: Profiles,
    pub(crate) admin: Admin,
}

impl Clients {
    /// The clients of a center in this process.
    pub(crate) fn of_center(center: &Center) -> Result<Self> {
        let value = |name| {
            center
                .environment()
                .get(name)
                .cloned()
                .with_context(|| format!("the center has no {name}"))
        };
        let url = value("TRUNKLINE_URL")?;
        let endpoint = Endpoint::new(url.expose_secret())?;
        Self::new(
            endpoint,
            &value("CLIENT_ID")?,
            value("CLIENT_SECRET")?,
            value("TRUNKLINE_ADMIN_TOKEN")?,
        )
    }

    /// The clients of a running center, with what the environment says.
    pub(crate) fn of_url(url: &str) -> Result<Self> {
        let secret = environment::secret;
        let (id, client_secret) = (secret("CLIENT_ID")?, secret("CLIENT_SECRET")?);
        Self::new(
            endpoint(url)?,
            &id,
            client_secret,
            secret("TRUNKLINE_ADMIN_TOKEN")?,
        )
    }

    fn new(
        endpoint: Endpoint,
        id: &SecretString,
        secret: SecretString,
        admin_token: SecretString,
    ) -> Result<Self> {
        let client_id = id.expose_secret().parse().context("CLIENT_ID")?;
        let credentials = Credentials {
            client_id,
            client_secret: secret,
        };
        let scopes = [
            Scope::ProfileRead,
            Scope::CallControlInbound,
            Scope::CallControlMedia,
        ]
        .into_iter()
        .collect();
        let transport = Transport::connect(Platform::new(endpoint.clone(), credentials).with_scopes(scopes))?;
        Ok(Self {
            calls: CallControl::new(transport.clone()),
            profiles: Profiles::new(transport),
            admin: Admin::connect(endpoint, admin_token)?,
        })
    }
}

/// The admin token that the environment names, for a center in this process.
pub(crate) fn admin_token() -> Option<SecretString> {
    let token = std::env::var("TRUNKLINE_ADMIN_TOKEN").ok();
    token.filter(|token| !token.is_empty()).map(Into::into)
}

/// How the platform is asked: what fails is tried again by whoever asks (the store's schedule, the next build), so nothing is held for
/// long.
const STEP_POLICY: Policy = Policy {
    attempts: 3,
    base: Duration::from_millis(200),
    cap: Duration::from_secs(5),
    total: Duration::from_secs(20),
};

/// The way to a center in this process, for this process.
pub(crate) fn transport_of_center(center: &Center) -> Result<Transport> {
    let endpoint = Endpoint::new(&center.addresses().base_url())?;
    transport(endpoint, center.house_credentials().clone())
}

/// The way to a platform, as the client that the environment names.
pub(crate) fn transport_of_url(url: &str) -> Result<Transport> {
    transport(endpoint(url)?, credentials()?)
}

/// What the center in this process signs webhooks with.
pub(crate) fn webhook_secret_of(center: &Center) -> Option<Secret> {
    let secret = center.environment().get("TRUNKLINE_WEBHOOK_SECRET")?;
    secret.expose_secret().parse().ok()
}

/// The client that the environment names.
fn credentials() -> Result<Credentials> {
    let client_id = environment::secret("CLIENT_ID")?;
    let client_id = client_id.expose_secret().parse().context("CLIENT_ID")?;
    let client_secret = environment::secret("CLIENT_SECRET")?;
    Ok(Credentials {
        client_id,
        client_secret,
    })
}

fn transport(endpoint: Endpoint, credentials: Credentials) -> Result<Transport> {
    let platform = Platform {
        policy: STEP_POLICY,
        ..Platform::new(endpoint, credentials)
    };
    Ok(Transport::connect(platform)?)
}

/// The admin client of a running center.
pub(crate) fn admin_of_url(url: &str) -> Result<Admin> {
    Ok(Admin::connect(
        endpoint(url)?,
        environment::secret("TRUNKLINE_ADMIN_TOKEN")?,
    )?)
}

/// The address, and the authority that `TRUNKLINE_CA` names.
fn endpoint(url: &str) -> Result<Endpoint> {
    let endpoint = Endpoint::new(url)?;
    match std::env::var_os("TRUNKLINE_CA") {
        Some(path) if !path.is_empty() => {
            let path = PathBuf::from(path);
            let pem =
                fs::read(&path).with_context(|| format!("TRUNKLINE_CA: {} can't be read", path.display()))?;
            Ok(endpoint.with_authority(&pem)?)
        }
        _ => Ok(endpoint),
    }
}

/// The demo tenant, or a tenant file.
pub(crate) fn tenant(file: Option<&Path>) -> Result<Tenant> {
    Ok(match file {
        Some(file) => Tenant::load(file)?,
        None => Tenant::demo()?,
    })
}

/// A center on a free port of loopback, without limits, for the calls of this process.
/// With an `intake`, it completes interactions there, and a service delivers webhooks; otherwise it does when it is to `deliver`.
pub(crate) async fn local_center(
    tenant: Tenant,
    data_dir: PathBuf,
    store: Store,
    intake: Option<&Intake>,
    deliver: bool,
) -> Result<Center> {
    let options = Options {
        limits: Limits::OFF,
        store: Some(store),
        completions: Completions {
            to: intake.map(|intake| Destination::Here(intake.completions_path())),
            deliver,
            ..Completions::default()
        },
        beside: intake.map(Intake::routes),
        ..Options::local(data_dir, tenant)
    };
    // Started once, and large.
    Ok(Box::pin(Center::start(options)).await?)
}

/// The test call that the caller's arguments describe; files to be said are read.
pub(crate) fn placed_call(caller: &CallerArgs) -> Result<PlaceCall> {
    let steps: Result<Vec<Step>> = caller.steps.iter().map(read_step).collect();
    Ok(PlaceCall {
        id: None,
        ani: caller.ani.clone(),
        dnis: caller.dnis.clone(),
        external_id: caller.external_id.clone(),
        codec: caller.codec,
        record: true,
        script: steps?,
        agent_id: caller.agent.clone(),
        form: (!caller.form.is_empty()).then(|| caller.form.clone()),
        flow: None,
    })
}

fn read_step(sentence: &Sentence) -> Result<Step> {
    let when = sentence.when.clone();
    let act = match &sentence.act {
        SpokenAct::Plain(act) => act.clone(),
        SpokenAct::SpeakFile(file) => {
            let bytes = fs::read(file).with_context(|| format!("{file} can't be read"))?;
            if bytes.len() > MAX_SPEECH_BYTES {
                bail!(
                    "{file} must be at most {MAX_SPEECH_BYTES} bytes, not {}",
                    bytes.len()
                );
            }
            audio::decode(bytes.clone()).with_context(|| format!("{file} can't be said"))?;
            wire::script::Act::Speak(Arc::from(bytes))
        }
    };
    Ok(Step { when, act })
}

/// The database that the arguments, the environment or the configuration name; SQLite in the data folder by default. Made
/// if it is not there.
pub(crate) async fn store(args: &StoreArgs, config: &Config) -> Result<Store> {
    if let Some(url) = database(args, config) {
        let location = Location::Postgres(url.to_owned());
        return Store::open(&location).await.context("the database can't be used");
    }
    let folder = data_dir(args.data_dir.clone(), config.data_dir.clone());
    let location = Location::Sqlite(folder.join(DATABASE));
    Store::open(&location).await.with_context(|| {
        format!(
            "the data folder {} can't be used; choose another with --data-dir",
            folder.display()
        )
    })
}

/// The same, for commands that only look at what others wrote: a slip in the folder's name must not make a new one.
pub(crate) async fn existing_store(args: &StoreArgs, config: &Config) -> Result<Store> {
    let folder = data_dir(args.data_dir.clone(), config.data_dir.clone());
    if database(args, config).is_none() && !folder.join(DATABASE).exists() {
        bail!(
            "there is no database in {}\nhint: name the data folder with --data-dir, or a PostgreSQL database with --database",
            folder.display()
        );
    }
    store(args, config).await
}

/// The database of a command that has no choice of its own: what the environment or the configuration name.
pub(crate) async fn usual_store(data_dir: &Path, config: &Config) -> Result<(Store, Notary)> {
    let args = StoreArgs {
        data_dir: Some(data_dir.to_owned()),
        database: None,
    };
    let store = store(&args, config).await?;
    let notary = Notary::open(store.clone(), &audit_folder(&args, config)).await?;
    Ok((store, notary))
}

fn database<'a>(args: &'a StoreArgs, config: &'a Config) -> Option<&'a str> {
    let configured = config.database.as_ref().map(|url| url.expose_secret());
    args.database.as_deref().or(configured)
}

/// Where the key of the database's audit log is, and the copy of its newest checkpoint: each log has its own.
pub(crate) fn audit_folder(args: &StoreArgs, config: &Config) -> PathBuf {
    let folder = data_dir(args.data_dir.clone(), config.data_dir.clone());
    match database(args, config) {
        Some(url) => folder.join(format!("audit-{}", plain_name(url))),
        None => folder,
    }
}

/// Host, port and name of a database as the name of a folder; neither user nor password.
fn plain_name(url: &str) -> String {
    let url = url.split_once("://").map_or(url, |(_, rest)| rest);
    let url = url.split('?').next().unwrap_or_default();
    let name = url.rsplit('@').next().unwrap_or_default();
    let plain = |c: char| {
        if c.is_ascii_alphanumeric() || c == '.' {
            c
        } else {
            '-'
        }
    };
    name.chars().take(100).map(plain).collect()
}

/// Notes what a person did at the command line.
pub(crate) async fn note_in_audit(
    store: &Store,
    action: &str,
    subject: Option<String>,
    detail: serde_json::Value,
) -> Result<()> {
    let entry = audit::Entry {
        at: jiff::Timestamp::now().into(),
        actor: audit::Actor::Operator,
        action: action.to_owned(),
        subject,
        correlation: None,
        outcome: audit::Outcome::Success,
        detail: detail.as_object().cloned().unwrap_or_default(),
        personal: Vec::new(),
    };
    let commit = Commit {
        audit: vec![entry],
        ..Commit::default()
    };
    store
        .commit(commit)
        .await
        .context("the audit log can't be written")?;
    Ok(())
}

/// Signs what a command noted in the audit log, so that it can't be cut off unseen, and closes the store.
pub(crate) async fn close_signed(store: Store, args: &StoreArgs, config: &Config) -> Result<()> {
    let folder = audit_folder(args, config);
    // Without its key the log of a PostgreSQL database is signed elsewhere, by those who have it.
    if database(args, config).is_none() || Notary::is_in(&folder) {
        let notary = Notary::open(store.clone(), &folder).await?;
        notary
            .sign()
            .await
            .context("it is done, but the audit log can't be signed")?;
    }
    store.close().await;
    Ok(())
}

/// What the audit log has of a call, for people.
pub(crate) async fn audit_of(store: &Store, call: &CallId) -> Result<Vec<serde_json::Value>> {
    let filter = EntryFilter {
        subject: Some(call.to_string()),
        ..EntryFilter::default()
    };
    let entries = store.entries(&filter, MOST_ENTRIES).await?;
    Ok(entries.iter().map(readable).collect())
}

/// Where data is kept unless something else is said.
pub(crate) fn data_dir(flag: Option<PathBuf>, config: Option<PathBuf>) -> PathBuf {
    flag.or(config).unwrap_or_else(|| "trunkline-data".into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_database_has_a_folder_without_its_password() {
        let name = plain_name("postgres://crm:s3cret@db.example:5432/trunkline?sslmode=require");
        assert_eq!(name, "db.example-5432-trunkline");
        assert_eq!(plain_name("postgres://u:p@ss@h/../x"), "h-..-x");
    }
}
