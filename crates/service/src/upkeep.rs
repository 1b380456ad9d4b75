//! What is done now and then: removing what is too old.

use std::time::Duration;
use store::Store;
use tokio::time::{MissedTickBehavior, interval};

/// How often what is too old is removed.
const REMOVE_EVERY: Duration = Duration::from_secs(600);
const DAY: Duration = Duration::from_secs(86_400);

/// How long things are kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Retention {
    /// Events and finished effects, in days. Dead letters are kept until they are replayed.
    pub events_days: u16,
    /// The texts of audit entries, in days; for ever when `None`. Their hashes stay in any case.
    pub audit_days: Option<u16>,
}

impl Default for Retention {
    /// Events for 30 days, the audit log for ever.
    fn default() -> Self {
        Self {
            events_days: 30,
            audit_days: None,
        }
    }
}

/// Removes what is too old. Never returns.
pub(crate) async fn remove_old(store: Store, retention: Retention) {
    let mut ticks = interval(REMOVE_EVERY);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        ticks.tick().await;
        if let Err(error) = remove_once(&store, retention).await {
            tracing::warn!(
                error = &error as &dyn std::error::Error,
                "old data is not removed yet"
            );
        }
    }
}

async fn remove_once(store: &Store, retention: Retention) -> Result<(), store::Error> {
    let removed = store.purge(DAY * retention.events_days.into()).await?;
    let expired = match retention.audit_days {
        Some(days) => store.expire(DAY * days.into()).await?,
        None => 0,
    };
    if removed + expired > 0 {
        tracing::info!(removed, expired, "old events and audit texts are removed");
    }
    Ok(())
}
