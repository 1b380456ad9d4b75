//! A prompts file, the platform that it is for, and the books of what was built.

use crate::{cli::PromptsPlaceArgs, config::Config, environment, files::read_text, platform};
use ::center::Center;
use anyhow::{Context, Result, anyhow};
use client::{Endpoint, Media, Transport};
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

/// Where prompts go: a platform, or a center in this process.
pub(super) struct Place {
    pub(super) store: Store,
    notary: Notary,
    center: Option<Center>,
    pub(super) transport: Transport,
    /// The platform's name in the books.
    pub(super) name: String,
    /// The folder of compiled files.
    pub(super) folder: PathBuf,
    /// What the platform signs callbacks with, if that is known.
    pub(super) secret: Option<Secret>,
    /// Whether the platform is on this machine.
    pub(super) is_here: bool,
}

impl Place {
    pub(super) async fn open(args: &PromptsPlaceArgs, config: &Config) -> Result<Self> {
        let data_dir = platform::data_dir(args.data_dir.clone(), config.data_dir.clone());
        let (store, notary) = platform::usual_store(&data_dir, config).await?;
        let folder = data_dir.join(platform::PROMPTS);
        if let Some(url) = &args.platform {
            let transport = platform::patient_transport_of_url(url)?;
            return Ok(Self {
                name: transport.host(),
                secret: callback_secret()?,
                is_here: Endpoint::new(url).is_ok_and(|endpoint| endpoint.is_loopback()),
                center: None,
                store,
                notary,
                transport,
                folder,
            });
        }
        let tenant = args.tenant.as_deref().or(config.center.tenant.as_deref());
        let tenant = platform::tenant(tenant)?;
        let center = platform::local_center(tenant, data_dir, store.clone(), None, true).await?;
        Ok(Self {
            name: platform::OWN_CENTER.to_owned(),
            transport: platform::patient_transport_of_center(&center)?,
            secret: platform::webhook_secret_of(&center),
            is_here: true,
            center: Some(center),
            store,
            notary,
            folder,
        })
    }

    pub(super) fn media(&self) -> Media {
        Media::new(&self.transport)
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
        self.store.close().await;
        Ok(())
    }
}

/// What the environment says the platform signs with.
fn callback_secret() -> Result<Option<Secret>> {
    let Ok(secret) = environment::secret("TRUNKLINE_WEBHOOK_SECRET") else {
        return Ok(None);
    };
    let secret = secret.expose_secret().parse::<Secret>();
    secret.map(Some).context("TRUNKLINE_WEBHOOK_SECRET")
}
