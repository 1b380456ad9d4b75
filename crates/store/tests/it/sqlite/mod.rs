//! What only a file can go through.

mod crash;
mod file;
mod full;
mod upgrade;
mod work;
