//! HTTP: the routes, and what every request passes.

pub(crate) mod answer;
pub(crate) mod door;
mod routes;

pub(crate) use routes::router;
