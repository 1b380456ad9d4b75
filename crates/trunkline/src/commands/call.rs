//! `trunkline call`: a test call for somebody else's controller.

use crate::{Done, cli::CallArgs, output::Output, platform, timeline};
use anyhow::Result;
use std::time::Duration;
use wire::calls::PlaceCall;

/// Longer than the longest call.
const PATIENCE: Duration = Duration::from_secs(2 * 3600);

pub(crate) async fn run(args: CallArgs, output: &Output) -> Result<Done> {
    let admin = platform::admin_of_url(&args.center)?;
    let call = PlaceCall {
        id: args.id,
        record: !args.no_recording,
        ..platform::placed_call(&args.caller)?
    };
    let mut record = admin.place_call(&call).await?;
    output.note(format!(
        "the call {} rings; connect a controller to it within 30 s",
        record.id
    ));
    if args.wait {
        record = admin.wait_for_end(&record.id, PATIENCE).await?;
        output.line(timeline::tell(&record, &[]).trim_end());
    } else {
        output.line(&record.id);
    }
    output.json(&record);
    Ok(Done::Well)
}
