//! HTTP: the routes, and what every request passes.

mod door;
mod routes;

pub(crate) use door::key_of;
pub(crate) use routes::router;
