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

/// Most bots that are named.
const MOST_NAMED: usize = 20;

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
            bot: args.instance.clone().or(source.only_bot().map(str::to_owned)),
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

    /// Why nobody would answer for this bot instance, or without one for the usual bot, with the remedy. Which bots a platform
    /// elsewhere has is not known.
    pub(super) fn nobody(&self, instance: Option<&str>) -> Option<String> {
        let bots = self.source.bots.as_deref()?;
        nobody(instance.or(self.platform.bot.as_deref()), bots)
    }

    /// Ends what is under way, signs what was noted, and stops the center.
    pub(super) async fn close(self) -> Result<()> {
        self.log.settle().await;
        self.source.close().await
    }
}

fn nobody(instance: Option<&str>, bots: &[String]) -> Option<String> {
    match instance {
        Some(known) if bots.iter().any(|bot| bot == known) => None,
        _ if bots.is_empty() => {
            Some("the conversation has no bot: add a [[bot]] to the tenant, which has none".to_owned())
        }
        Some(unknown) => Some(format!(
            "the tenant has no bot {unknown:?}; its bots are: {}",
            shown(bots)
        )),
        None => Some(format!(
            "the conversation has no bot: name its instance with --instance ({})",
            shown(bots)
        )),
    }
}

/// The first bots, by name.
fn shown(bots: &[String]) -> String {
    let named: Vec<&str> = bots.iter().take(MOST_NAMED).map(String::as_str).collect();
    match bots.len().saturating_sub(MOST_NAMED) {
        0 => named.join(", "),
        more => format!("{}, and {more} more", named.join(", ")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_would_talk_to_nobody_is_told_which_bots_there_are() {
        let bots = ["hotel".to_owned(), "shop".to_owned()];
        assert_eq!(nobody(Some("hotel"), &bots), None);
        assert_eq!(
            nobody(None, &bots).unwrap(),
            "the conversation has no bot: name its instance with --instance (hotel, shop)"
        );
        assert_eq!(
            nobody(Some("hotell"), &bots).unwrap(),
            "the tenant has no bot \"hotell\"; its bots are: hotel, shop"
        );
        assert!(nobody(None, &[]).unwrap().contains("add a [[bot]]"));
        let many: Vec<String> = (0..25).map(|number| number.to_string()).collect();
        assert!(nobody(None, &many).unwrap().ends_with("18, 19, and 5 more)"));
    }
}
