//! The platform that a bot is talked to on.

use super::source::Source;
use crate::{cli::BotPlaceArgs, config::Config};
use anyhow::Result;
use client::Conversations;
use jobs::{
    audit::{AuditLog as _, StoreLog},
    conversations::{Clock, Platform},
};
use std::sync::Arc;

/// A platform, as conversations are held on it.
pub(super) struct Place {
    pub(super) platform: Platform,
    /// Its name, for people.
    pub(super) name: String,
    source: Source,
    log: StoreLog,
}

impl Place {
    pub(super) async fn open(args: &BotPlaceArgs, config: &Config) -> Result<Self> {
        let source = Source::open(&args.source, config).await?;
        let log = StoreLog::new(source.store.clone());
        let clock = source.admin(&args.source)?;
        let platform = Platform {
            conversations: Conversations::new(&source.transport),
            clock: clock.map_or(Clock::Real, |admin| Clock::Virtual(Box::new(admin))),
            skips_typing: false,
            bot: args.instance.clone().or(source.only_bot.clone()),
            audit: Some(Arc::new(log.clone())),
            masks_personal: !args.no_mask,
            pinned: args.pin.clone().into(),
        };
        Ok(Self {
            platform,
            name: source.told_name(),
            source,
            log,
        })
    }

    /// Ends what is under way, signs what was noted, and stops the center.
    pub(super) async fn close(self) -> Result<()> {
        self.log.settle().await;
        self.source.close().await
    }
}
