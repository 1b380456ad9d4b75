//! What only a server that others use too can do: go away, hang, cut a connection, serve several processes at once.

mod cut;
mod gone;
mod limits;
mod processes;
pub(crate) mod server;
mod slow;
