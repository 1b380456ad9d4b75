//! The platform that conversations are read from: one that the environment names, or a center in this process.

use crate::{cli::BotSourceArgs, config::Config, platform};
use ::center::Center;
use anyhow::{Context, Result};
use client::Transport;
use store::{Notary, Store};

/// A platform, and the books of this machine.
pub(super) struct Source {
    pub(super) store: Store,
    notary: Notary,
    center: Option<Center>,
    pub(super) transport: Transport,
    /// The platform's name in the books.
    pub(super) name: String,
}

impl Source {
    pub(super) async fn open(args: &BotSourceArgs, config: &Config) -> Result<Self> {
        let data_dir = platform::data_dir(args.data_dir.clone(), config.data_dir.clone());
        let (store, notary) = platform::usual_store(&data_dir, config).await?;
        let (center, transport, name) = match &args.platform {
            Some(url) => {
                let transport = platform::transport_of_url(url)?;
                let name = transport.host();
                (None, transport, name)
            }
            None => {
                let tenant = args.tenant.as_deref().or(config.center.tenant.as_deref());
                let tenant = platform::tenant(tenant)?;
                let center = platform::local_center(tenant, data_dir, store.clone(), None, false).await?;
                let transport = platform::transport_of_center(&center)?;
                (Some(center), transport, platform::OWN_CENTER.to_owned())
            }
        };
        Ok(Self {
            store,
            notary,
            center,
            transport,
            name,
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
        self.store.close().await;
        Ok(())
    }
}
