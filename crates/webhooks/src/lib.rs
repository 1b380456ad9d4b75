//! Webhooks out and in, signed by Standard Webhooks 1.0.0.
//!
//! Out: an [`Endpoint`] is where webhooks go. [`intents`] says which deliveries an event owes; they are committed with the event,
//! and [`Deliveries`] carries them out: signed, guarded, at least once, in the order of a subject, again by `flow::delivery`, and
//! with an audit entry each. A [`callback()`] is the same for an address that came with a request. In: [`receive`] says whether a request is genuine, bounded and an object, and which event it is.
//!
//! ```
//! use webhooks::{Secret, Source, TOLERANCE, receive, sign};
//!
//! let secret = Secret::generate(&[7; 32]); // Random bytes, in earnest.
//! let now = "2026-11-21T09:30:00Z".parse()?;
//! let body = r#"{"interactionId":"int-1001","agentId":"agent-1"}"#;
//! let headers = sign("msg_1", now, body, &[secret.clone()])?;
//!
//! let source = Source { name: "interactions".into(), secrets: vec![secret], tolerance: TOLERANCE };
//! let incoming = receive(&source, &headers, body.as_bytes(), now)?;
//! assert_eq!(incoming.event_id, "msg_1");
//! assert_eq!(incoming.body["agentId"], "agent-1");
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod callback;
mod delivery;
mod endpoint;
mod endpoints;
mod incoming;
mod outgoing;
mod secret;
mod signature;
mod subscribers;

pub use callback::{BadCallbackUrl, Callback, CallbackUrl, Signer, TooLarge, callback};
pub use delivery::{Deliveries, DeliveryOptions};
pub use endpoint::{
    BadEndpointId, Disabled, Endpoint, EndpointId, Events, NewEndpoint, OVERLAP, Previous, is_event_type,
};
pub use endpoints::{Endpoints, EndpointsError, MOST_ENDPOINTS};
pub use incoming::{DEEPEST, Incoming, LARGEST_INCOMING, Refused, Source, receive};
pub use outgoing::{LARGEST_BODY, OutEvent, endpoint_of, intents, message_id, queue_prefix};
pub use secret::{Secret, SecretFault};
pub use signature::{ID, SIGNATURE, SignError, SignatureError, TIMESTAMP, TOLERANCE, Verified, sign, verify};
pub use subscribers::Subscribers;
