//! Clients for a platform that speaks the v2 contract: tokens, requests that hold, profiles, prompts, playback, conversations,
//! follow-up, and call control.
//!
//! A [`Transport`] is the way to one platform. It fetches access tokens and keeps them, repeats what may be repeated,
//! obeys `Retry-After`, and bounds everything in attempts, time and size. The typed clients sit on it: [`Profiles`],
//! [`CallControl`], and [`Admin`] for the embedded center's test calls. All of it runs on the port [`Http`], so tests need
//! no sockets and no real time:
//!
//! ```
//! use client::{Endpoint, Platform, Profiles, Tokens, Transport, testing::{Reply, ScriptedHttp}};
//! use std::sync::Arc;
//! use wire::oauth::Credentials;
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! // With a network: Transport::connect(platform)?
//! let http = Arc::new(ScriptedHttp::new(|request| match request.uri().path() {
//!     "/oauth/token" => Reply::token("t-1", 3600),
//!     "/api/v2/profiles/external/CRM-1" => Reply::answer(200, r#"{
//!         "id": "p-1", "externalId": "CRM-1", "attributes": {"membership_level": "premium"},
//!         "dateModified": "2026-11-21T09:30:00.000Z"}"#),
//!     _ => Reply::answer(404, ""),
//! }));
//! let platform = Platform::new(
//!     Endpoint::new("https://platform.example")?,
//!     Credentials { client_id: "demo".parse()?, client_secret: "the secret".into() },
//! );
//! let profiles = Profiles::new(Transport::new(http.clone(), Tokens::new(http), platform));
//!
//! let profile = profiles.by_external_id(&"CRM-1".parse()?).await?.expect("a profile");
//! assert_eq!(profile.attributes["membership_level"], "premium");
//! assert!(profiles.by_external_id(&"nobody".parse()?).await?.is_none());
//! # Ok(())
//! # }
//! ```
//!
//! Secrets never reach logs, errors or `Debug`; where a platform repeats one in its own words, it is blotted out.

mod admin;
mod attempts;
mod call_control;
mod conversations;
mod endpoint;
mod error;
mod follow_up;
mod grant;
pub mod guard;
mod handshake;
mod http;
mod media;
mod multipart;
mod playback;
mod profiles;
mod request;
mod reqwest_http;
pub mod testing;
mod tls;
mod tokens;
mod transport;

pub use self::http::{
    AnswerLimit, AnswerPart, BoxStream, Duplex, Exchange, FailureKind, Http, HttpFailure, Upgraded,
};
pub use admin::Admin;
pub use attempts::retry_after;
pub use call_control::{CallControl, CallSession, Commands, LostReason, SessionClosed, SessionEvent};
pub use conversations::{Changes, Conversations, Said};
pub use endpoint::{Endpoint, Platform, SetupError};
pub use error::{Error, Refusal};
pub use follow_up::{CreatedTask, FollowUp};
pub use media::{Media, Uploaded};
pub use playback::Playback;
pub use profiles::Profiles;
pub use request::{Answer, Request};
pub use reqwest_http::ReqwestHttp;
pub use tls::{any_host_config, client_config};
pub use tokens::Tokens;
pub use transport::Transport;
