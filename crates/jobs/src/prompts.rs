//! Builds prompts: from audio files and texts to compiled prompts that serve the nodes of a flow (contract section 6).
//!
//! A build does again only what changed: a prompt is known by what it is made from and by its options, and by what the platform
//! says serves its node. Each step is written down before it is taken (in the books), so a build that was killed is taken up where it
//! was: nothing is uploaded twice, nothing is lost. One prompt that fails holds up no other.
//!
//! ```no_run
//! # async fn run(store: store::Store, platform: client::Transport) -> Result<(), Box<dyn std::error::Error>> {
//! use flow::prompts;
//! use jobs::prompts::{Build, Options, build};
//!
//! let manifest = prompts::parse(&std::fs::read_to_string("prompts/prompts.toml")?).map_err(|faults| faults[0].clone())?;
//! let work = Build {
//!     manifest,
//!     sources: "prompts".into(),
//!     folder: "trunkline-data/prompts".into(),
//!     books: platform.host(),
//!     transport: platform,
//!     store,
//! };
//! let report = build(work, Options::default(), |prompt, stage| println!("{prompt}: {stage:?}")).await?;
//! println!("{} failed", report.failures());
//! # Ok(()) }
//! ```

mod books;
mod build;
mod compiler;
mod earlier;
mod entries;
mod one;
mod persist;
mod prepare;
mod receiver;
mod report;
mod source;
mod speech;
mod status;
mod uploads;
mod verdict;
mod verify;

pub use books::{Built, BuiltPart};
pub use build::{Build, BuildError, Options, build};
pub use receiver::{CALLBACK_PATH, Receiver};
pub use report::{Counts, Outcome, PromptReport, Report, Stage};
pub use source::{LARGEST_SOURCE, SourceFault, Stamp, read, stamp};
pub use status::{Standing, Status, status};
pub use verdict::{
    Conversion, Heard, Hopeless, Judged, LIMITS, LONGEST_PIECE_MS, Plan, Shaped, Verdict, judge, shape,
};

use report::Tally;
use std::path::{Path, PathBuf};

/// Where a build keeps a compiled file, below its folder.
pub fn compiled_file(folder: &Path, sha256: &str) -> PathBuf {
    folder.join("compiled").join(format!("{sha256}.wav"))
}
