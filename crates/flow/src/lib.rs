//! Trunkline's decisions as pure state machines.

pub mod moment;

pub use moment::Moment;
