//! Prompt assets and their compilation: `/api/v2/media/assets`, `/api/v2/media/compile`, `/api/v2/flows/{id}/prompts`
//! (contract section 6).

mod asset;
mod compile;
mod flow_prompts;
mod job;

pub use asset::{Asset, LARGEST_ASSET, LONGEST_NAME, sha256_hex};
pub use compile::{
    CompileOptions, Encoding, LONGEST_URL, MOST_MEDIA, MediaEntry, NamedInCompile, NewCompile, Rank,
};
pub use flow_prompts::{FlowPrompt, FlowPrompts};
pub use job::{CompileJob, JobStatus, NodeResult, NodeStatus};
