//! The last step: tell the agent. However often it fails, the task stands.

use super::{
    Shared,
    entries::Entries,
    item::Told,
    key_of,
    settle::{Ended, settle},
};
use std::sync::Arc;
use store::Claim;
use wire::notification::{Channel, LONGEST_MESSAGE, NewNotification};

pub(super) async fn take(shared: Arc<Shared>, claim: Claim) {
    let ended = match serde_json::from_str::<Told>(&claim.body) {
        Ok(told) => tell(&shared, &claim, told).await,
        Err(why) => Ended::broken(&why),
    };
    settle(&shared, &claim, ended).await;
}

async fn tell(shared: &Shared, claim: &Claim, told: Told) -> Ended {
    let platform = shared.platform.with_correlation(told.correlation.clone());
    let notification = NewNotification {
        agent_id: told.agent_id.clone(),
        message: told.message.chars().take(LONGEST_MESSAGE).collect(),
        channel: Channel::Desktop,
        priority: told.priority,
    };
    match platform.notify(&notification, key_of(&claim.effect, "")).await {
        Ok(id) => Ended::Done {
            entry: Entries::of_effect(&claim.effect, Some(told.correlation.clone())).told(&told, &id),
            intents: Vec::new(),
            result: Some(id.to_string()),
        },
        Err(error) => Ended::failed(told.correlation, &error),
    }
}
