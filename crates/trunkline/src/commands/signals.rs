//! Ctrl-C and SIGTERM.

/// Returns when the user or the system asks the process to end.
pub(super) async fn asked_to_end() {
    let interrupt = tokio::signal::ctrl_c();
    #[cfg(unix)]
    {
        use tokio::signal::unix::{SignalKind, signal};
        match signal(SignalKind::terminate()) {
            Ok(mut terminate) => {
                tokio::select! {
                    _ = interrupt => {}
                    _ = terminate.recv() => {}
                }
            }
            Err(_) => drop(interrupt.await),
        }
    }
    #[cfg(not(unix))]
    drop(interrupt.await);
}

/// A second Ctrl-C ends the process at once, whatever it is still doing.
pub(super) fn end_at_once_when_asked_again() {
    tokio::spawn(async {
        asked_to_end().await;
        std::process::exit(130);
    });
}
