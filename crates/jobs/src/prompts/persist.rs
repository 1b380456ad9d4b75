//! Asking again where the platform failed: everything that a build asks can be asked twice.

use client::Error;
use std::time::Duration;
use tokio::time::sleep;

/// How often something is asked at most.
const MOST_TIMES: u32 = 4;
/// The wait after the first failure; it doubles.
const FIRST_WAIT: Duration = Duration::from_millis(500);

/// Asks again when the platform says that it failed (5xx). Whoever can't be reached, or is busy, was asked often enough by the
/// client's own policy.
pub(super) async fn persist<T, F>(ask: impl Fn() -> F) -> Result<T, Error>
where
    F: Future<Output = Result<T, Error>>,
{
    for time in 1.. {
        match ask().await {
            Err(Error::Refused(refusal)) if refusal.status >= 500 && time < MOST_TIMES => {
                sleep(FIRST_WAIT * 2_u32.pow(time - 1)).await;
            }
            other => return other,
        }
    }
    ask().await
}
