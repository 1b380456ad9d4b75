//! The platform that a bot is talked to on.

use crate::{
    cli::BotPlaceArgs,
    config::Config,
    platform::{self, Clients},
};
use ::center::Center;
use anyhow::{Context as _, Result};
use client::{Conversations, Transport};
use jobs::{
    audit::{AuditLog as _, StoreLog},
    conversations::{Clock, Platform},
};
use std::sync::Arc;
use store::{Notary, Store};

/// A platform, or a center in this process.
pub(super) struct Place {
    pub(super) platform: Platform,
    /// Its name, for people.
    pub(super) name: String,
    store: Store,
    notary: Notary,
    log: StoreLog,
    center: Option<Center>,
}

impl Place {
    pub(super) async fn open(args: &BotPlaceArgs, config: &Config) -> Result<Self> {
        let data_dir = platform::data_dir(args.data_dir.clone(), config.data_dir.clone());
        let (store, notary) = platform::usual_store(&data_dir, config).await?;
        let log = StoreLog::new(store.clone());
        let (center, transport, clock, name, bot) = match &args.platform {
            Some(url) => {
                let transport = platform::transport_of_url(url)?;
                // Not every platform is a center, and not everybody has its token.
                let clock = match platform::admin_token() {
                    Some(_) => Clock::Virtual(Box::new(platform::admin_of_url(url)?)),
                    None => Clock::Real,
                };
                let name = transport.host();
                (None, transport, clock, name, None)
            }
            None => {
                let tenant = args.tenant.as_deref().or(config.center.tenant.as_deref());
                let tenant = platform::tenant(tenant)?;
                let bot = tenant.only_bot().map(str::to_owned);
                let center = platform::local_center(tenant, data_dir, store.clone(), None, false).await?;
                let transport = platform::transport_of_center(&center)?;
                let clock = Clock::Virtual(Box::new(Clients::of_center(&center)?.admin));
                (
                    Some(center),
                    transport,
                    clock,
                    "a centre in this process".to_owned(),
                    bot,
                )
            }
        };
        Ok(Self {
            platform: platform(args, &transport, clock, bot, &log),
            name,
            store,
            notary,
            log,
            center,
        })
    }

    /// Ends what is under way, signs what was noted, and stops the center.
    pub(super) async fn close(self) -> Result<()> {
        self.log.settle().await;
        if let Some(center) = self.center {
            center.close().await;
        }
        let signed = self.notary.sign().await;
        signed.context("the audit log can't be signed")?;
        self.store.close().await;
        Ok(())
    }
}

fn platform(
    args: &BotPlaceArgs,
    transport: &Transport,
    clock: Clock,
    bot: Option<String>,
    log: &StoreLog,
) -> Platform {
    Platform {
        conversations: Conversations::new(transport),
        clock,
        skips_typing: false,
        bot: args.instance.clone().or(bot),
        audit: Some(Arc::new(log.clone())),
        pinned: args.pin.clone().into(),
    }
}
