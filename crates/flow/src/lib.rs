//! Trunkline's decisions as pure state machines.

pub mod call;
pub mod moment;

pub use moment::Moment;
