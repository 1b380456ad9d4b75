//! HTTP: the routes, and what every request passes.

mod door;
mod routes;

pub(crate) use routes::router;
