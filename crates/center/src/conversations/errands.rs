//! What others are asked for a bot, outside the conversation's lock.

use super::{Bot, Conversations, Sent, changing::Cause, live::Live, trouble::Trouble};
use std::{
    sync::{Arc, PoisonError},
    time::Duration,
};
use wire::ids::ConversationId;

/// When what came of an errand is handed over again, if the store failed.
const AGAIN_AFTER: Duration = Duration::from_secs(1);
const MOST_TRIES: usize = 10;

impl Conversations {
    pub(super) fn bot_of(&self, id: Option<&str>) -> Bot {
        id.map_or(Bot::None, |id| self.bots.of(id))
    }

    /// Does a conversation's errands that are not being done.
    pub(super) fn send_errands(self: &Arc<Self>, id: &ConversationId, live: &Live) {
        for errand in &live.kept.errands {
            if !self.running().insert((id.clone(), errand.number)) {
                continue;
            }
            let sent = Sent {
                conversation: id.clone(),
                bot_id: live.kept.bot_id.clone().unwrap_or_default(),
                context: live.kept.context(&live.facts).to_value(),
                errand: errand.clone(),
            };
            let conversations = self.clone();
            tokio::spawn(async move {
                let (id, number) = (sent.conversation.clone(), sent.errand.number);
                let closing = conversations.closing.clone();
                let _ = closing
                    .run_until_cancelled(Box::pin(conversations.run(sent)))
                    .await;
                conversations.running().remove(&(id, number));
            });
        }
    }

    async fn run(self: &Arc<Self>, sent: Sent) {
        let (id, number) = (sent.conversation.clone(), sent.errand.number);
        let outcome = self.bots.run(sent).await;
        for _ in 0..MOST_TRIES {
            let cause = Cause {
                received: self.clock.now(),
                correlation: None,
            };
            let handed = self.alter(&id, &cause, |draft, _| {
                draft.done(number, outcome.clone());
                Ok(())
            });
            match handed.await {
                Err(Trouble::Store(error)) => {
                    tracing::warn!(%id, error = &error as &dyn std::error::Error, "an answer of a bot waits for the store");
                    tokio::time::sleep(AGAIN_AFTER).await;
                }
                _ => return,
            }
        }
    }

    fn running(&self) -> std::sync::MutexGuard<'_, std::collections::HashSet<(ConversationId, u64)>> {
        self.running.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
