//! The platform that commands work on: a center in this process, or one that the environment names.

use crate::{cli::CallerArgs, environment};
use anyhow::{Context, Result, bail};
use center::{Center, Limits, Options, Tenant};
use client::{Admin, CallControl, Endpoint, Platform, Profiles, Transport};
use jobs::audit::{AuditLog, FileLog, MemoryLog};
use secrecy::{ExposeSecret, SecretString};
use std::{
    fs,
    path::{Path, PathBuf},
    sync::Arc,
};
use wire::{
    calls::PlaceCall,
    oauth::{Credentials, Scope},
    script::{MAX_SPEECH_BYTES, Sentence, SpokenAct, Step},
};

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
pub(crate) async fn local_center(tenant: Tenant, data_dir: PathBuf) -> Result<Center> {
    let options = Options {
        limits: Limits::OFF,
        ..Options::local(data_dir, tenant)
    };
    Ok(Center::start(options).await?)
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

/// An audit log that is kept in `audit.jsonl` of the data folder, and shown when the work is done.
pub(crate) fn audit_log(data_dir: &Path) -> Result<(Arc<MemoryLog>, Arc<dyn AuditLog>)> {
    let path = data_dir.join("audit.jsonl");
    let file = fs::create_dir_all(data_dir).and_then(|()| FileLog::open(&path));
    let file = file.with_context(|| format!("the audit log {} can't be written", path.display()))?;
    let shown = Arc::new(MemoryLog::default());
    Ok((shown.clone(), Arc::new((shown, file))))
}

/// Where data is kept unless something else is said.
pub(crate) fn data_dir(flag: Option<PathBuf>, config: Option<PathBuf>) -> PathBuf {
    flag.or(config).unwrap_or_else(|| "trunkline-data".into())
}
