//! The webhook that says that a job is over.

use super::{Media, job::Job};
use crate::faults::Sent;
use std::time::Duration;
use store::{EffectKey, Intent};
use tokio::time::{Instant, sleep};
use webhooks::{CallbackUrl, Signer, callback};
use wire::ids::CompileId;

/// The source of the keys.
const SOURCE: &str = "media-compile";
/// The steps of a callback, and of its double that a fault on demand adds.
const STEP: &str = "callback";
const DOUBLE: &str = "callback-again";
/// The longest that an answer is held back until its callback was delivered, and how often it is looked.
const LONGEST_HOLD: Duration = Duration::from_secs(10);
const LOOK_EVERY: Duration = Duration::from_millis(20);

fn key(job: &CompileId, step: &str) -> EffectKey {
    EffectKey {
        source: SOURCE.into(),
        event: job.to_string(),
        step: step.into(),
    }
}

impl Media {
    /// What becomes of the job's callback, which is due: it is sent once, unless an administrator asked for a fault.
    pub(super) fn strike_callback(&self, job: &Job) -> Sent {
        match job.webhook_url {
            Some(_) => self.faults.strike_callback().unwrap_or_default(),
            None => Sent::default(),
        }
    }

    /// What is owed to whoever asked for the job.
    pub(super) async fn callbacks(
        &self,
        job: &Job,
        body: &str,
        sent: Sent,
    ) -> Result<Vec<Intent>, store::Error> {
        let Some(url) = job.webhook_url.as_ref().and_then(|text| text.parse().ok()) else {
            return Ok(Vec::new());
        };
        // Kept in the store when it is needed first: a center starts over a store that is full, too.
        let keep = || Signer::keep(&self.store, &self.secret);
        let signer = self.signer.get_or_try_init(keep).await?;
        let steps = [STEP, DOUBLE].into_iter().take(sent.times);
        let owed = steps.filter_map(|step| owed(signer, job, step, &url, body));
        let after = sent.after;
        Ok(owed.map(|intent| Intent { after, ..intent }).collect())
    }

    /// Holds the answer to a request back until its callback was delivered, if an administrator asked for that.
    pub(super) async fn hold_back_answer(&self, job: &CompileId) {
        if !self.faults.strike_early_callback() {
            return;
        }
        let until = Instant::now() + LONGEST_HOLD;
        while Instant::now() < until {
            match self.store.effect(&key(job, STEP)).await {
                Ok(Some(item)) if item.finished_ms.is_some() => return,
                _ => sleep(LOOK_EVERY).await,
            }
        }
    }
}

fn owed(signer: &Signer, job: &Job, step: &str, url: &CallbackUrl, body: &str) -> Option<Intent> {
    let subject = Some(job.id.as_str());
    callback(signer, key(&job.id, step), subject, url, body.to_owned())
        // 200 results of bounded texts are far below that.
        .inspect_err(|error| tracing::error!(job = %job.id, %error, "a callback can't be sent"))
        .ok()
}
