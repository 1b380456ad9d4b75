//! Posting events to the platform's analytics.

use super::telling::Lost;
use client::Playback;
use std::sync::Arc;
use tokio::sync::mpsc;
use wire::playback::AnalyticsEvent;

/// Posts one event after the other; the client tries each again as it does with every request.
pub(super) async fn post(platform: Playback, mut events: mpsc::Receiver<AnalyticsEvent>, lost: Arc<Lost>) {
    while let Some(event) = events.recv().await {
        if let Err(error) = platform.analytics(&event).await {
            lost.analytics(event.session_id(), &error.to_string());
        }
    }
}
