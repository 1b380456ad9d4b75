//! A prompts file, the platform that it is for, and the books of what was built.

use crate::{
    cli::{PromptsPlaceArgs, StoreArgs},
    config::Config,
    environment,
    files::read_text,
    platform,
};
use ::center::Center;
use anyhow::{Context, Result, anyhow};
use client::{Endpoint, Transport};
use flow::prompts::{self, MAX_FILE_BYTES, Manifest};
use secrecy::ExposeSecret as _;
use std::path::{Path, PathBuf};
use store::{Notary, Store};
use webhooks::Secret;

/// A prompts file that was read.
pub(super) struct ManifestFile {
    pub(super) manifest: Manifest,
    /// What its files are relative to.
    pub(super) sources: PathBuf,
}

impl ManifestFile {
    pub(super) fn read(path: &Path) -> Result<Self> {
        let text = read_text(path, MAX_FILE_BYTES).with_context(|| {
            format!(
                "the prompts file {} can't be read; name it, or write one (docs/prompts.md)",
                path.display()
            )
        })?;
        let name = path.display().to_string();
        let manifest = prompts::parse(&text).map_err(|faults| {
            let faults: Vec<String> = faults
                .iter()
                .map(|fault| fault.in_file(&name).to_string())
                .collect();
            anyhow!("the prompts file has faults:\n{}", faults.join("\n"))
        })?;
        let sources = path.parent().unwrap_or(Path::new("")).to_owned();
        Ok(Self { manifest, sources })
    }
}

/// What earlier builds for a platform left on this machine.
pub(super) struct Kept {
    pub(super) store: Store,
    /// The platform's name in the books.
    pub(super) name: String,
    /// The folder of compiled files.
    pub(super) folder: PathBuf,
}

impl Kept {
    /// For commands that only look: they ask no platform, and make no database.
    pub(super) async fn open(args: &PromptsPlaceArgs, config: &Config) -> Result<Self> {
        let data_dir = data_dir(args, config);
        let of_store = StoreArgs {
            data_dir: Some(data_dir.clone()),
            database: None,
        };
        let store = platform::existing_store(&of_store, config).await;
        Ok(Self {
            store: store.context("nothing is built here yet")?,
            name: match &args.platform {
                Some(url) => Endpoint::new(url)?.host(),
                None => platform::OWN_CENTER.to_owned(),
            },
            folder: data_dir.join(platform::PROMPTS),
        })
    }
}

/// Where prompts go: a platform, or a center in this process.
pub(super) struct Place {
    pub(super) kept: Kept,
    notary: Notary,
    center: Option<Center>,
    pub(super) transport: Transport,
    /// What the platform signs callbacks with, if that is known.
    pub(super) secret: Option<Secret>,
    /// Whether the platform is on this machine.
    pub(super) is_here: bool,
}

impl Place {
    /// `delivers`: whether a center in this process is to send callbacks.
    pub(super) async fn open(args: &PromptsPlaceArgs, config: &Config, delivers: bool) -> Result<Self> {
        let data_dir = data_dir(args, config);
        let (store, notary) = platform::usual_store(&data_dir, config).await?;
        let kept = |store, name| Kept {
            store,
            name,
            folder: data_dir.join(platform::PROMPTS),
        };
        if let Some(url) = &args.platform {
            let transport = platform::transport_of_url(url)?;
            return Ok(Self {
                kept: kept(store, transport.host()),
                secret: callback_secret()?,
                is_here: Endpoint::new(url).is_ok_and(|endpoint| endpoint.is_loopback()),
                center: None,
                notary,
                transport,
            });
        }
        let tenant = args.tenant.as_deref().or(config.center.tenant.as_deref());
        let tenant = platform::tenant(tenant)?;
        let center = platform::local_center(tenant, data_dir.clone(), store.clone(), None, delivers).await?;
        Ok(Self {
            kept: kept(store, platform::OWN_CENTER.to_owned()),
            transport: platform::transport_of_center(&center)?,
            secret: platform::webhook_secret_of(&center),
            is_here: true,
            center: Some(center),
            notary,
        })
    }

    /// Signs what was noted, and stops the center.
    pub(super) async fn close(self) -> Result<()> {
        if let Some(center) = self.center {
            center.close().await;
        }
        self.notary
            .sign()
            .await
            .context("the audit log can't be signed")?;
        self.kept.store.close().await;
        Ok(())
    }
}

fn data_dir(args: &PromptsPlaceArgs, config: &Config) -> PathBuf {
    platform::data_dir(args.data_dir.clone(), config.data_dir.clone())
}

/// What the environment says the platform signs with.
fn callback_secret() -> Result<Option<Secret>> {
    let Ok(secret) = environment::secret("TRUNKLINE_WEBHOOK_SECRET") else {
        return Ok(None);
    };
    let secret = secret.expose_secret().parse::<Secret>();
    secret.map(Some).context("TRUNKLINE_WEBHOOK_SECRET")
}
