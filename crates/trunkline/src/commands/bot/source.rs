//! The platform that conversations are on: one that the environment names, or a center in this process.

use crate::{
    cli::BotSourceArgs,
    config::Config,
    platform::{self, Clients},
};
use ::center::Center;
use anyhow::{Context, Result};
use client::{Admin, Transport};
use std::path::PathBuf;
use store::{Notary, Store};

/// A platform, and the books of this machine.
pub(super) struct Source {
    pub(super) store: Store,
    /// The folder with what belongs to the store.
    pub(super) data_dir: PathBuf,
    notary: Notary,
    center: Option<Center>,
    pub(super) transport: Transport,
    /// The platform's name in the books.
    pub(super) name: String,
    /// The bots of the center in this process; those of another platform are not known.
    pub(super) bots: Option<Vec<String>>,
}

impl Source {
    pub(super) async fn open(args: &BotSourceArgs, config: &Config) -> Result<Self> {
        let data_dir = platform::data_dir(args.data_dir.clone(), config.data_dir.clone());
        let (store, notary) = platform::usual_store(&data_dir, config).await?;
        let (center, transport, name, bots) = match &args.platform {
            Some(url) => {
                let transport = platform::transport_of_url(url)?;
                let name = transport.host();
                (None, transport, name, None)
            }
            None => {
                let tenant = args.tenant.as_deref().or(config.center.tenant.as_deref());
                let tenant = platform::tenant(tenant)?;
                let bots = Some(tenant.bot_ids());
                let center =
                    platform::local_center(tenant, data_dir.clone(), store.clone(), None, false).await?;
                let transport = platform::transport_of_center(&center)?;
                (Some(center), transport, platform::OWN_CENTER.to_owned(), bots)
            }
        };
        Ok(Self {
            store,
            data_dir,
            notary,
            center,
            transport,
            name,
            bots,
        })
    }

    /// Who moves the platform's clocks, if this machine may: not every platform is a center, and not everybody has its token.
    pub(super) fn admin(&self, args: &BotSourceArgs) -> Result<Option<Admin>> {
        Ok(match (&self.center, &args.platform) {
            (Some(center), _) => Some(Clients::of_center(center)?.admin),
            (None, Some(url)) if platform::admin_token().is_some() => Some(platform::admin_of_url(url)?),
            (None, _) => None,
        })
    }

    /// The bot of the center in this process, when it has one and no other.
    pub(super) fn only_bot(&self) -> Option<&str> {
        match self.bots.as_deref()? {
            [only] => Some(only),
            _ => None,
        }
    }

    /// The platform's name for people.
    pub(super) fn told_name(&self) -> String {
        match self.center {
            Some(_) => "a centre in this process".to_owned(),
            None => self.name.clone(),
        }
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
