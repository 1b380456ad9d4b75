//! The contract's fixed limits and times, by the names it gives them.

use std::time::Duration;

/// Largest WebSocket frame a controller may send, in bytes (section 4).
pub const MAX_CONTROL_FRAME_BYTES: usize = 64 * 1024;
/// How long a controller may take for its first frame (section 4).
pub const HELLO_TIMEOUT: Duration = Duration::from_secs(10);
/// How long a call waits for a controller that went away without hanging up (section 4).
pub const CONTROLLER_GRACE: Duration = Duration::from_secs(5);
/// How long an `Idempotency-Key` is honoured (section 2).
pub const IDEMPOTENCY_WINDOW: Duration = Duration::from_secs(24 * 3600);
/// How early a token is refreshed at the most (section 1).
pub const TOKEN_REFRESH_MARGIN: Duration = Duration::from_secs(60);
/// How long a caller may wait for the profile before the general menu starts.
pub const PROFILE_PATIENCE: Duration = Duration::from_millis(800);
/// Most plays that may wait in one call's queue.
pub const MAX_QUEUED_PLAYS: usize = 64;
