//! The simulated environment: virtual time, links, disks, power and device models, in one thread from one seed.
//!
//! For: running `haven-node` unchanged through faults that take years to happen by themselves.
//! Never: an OS thread, a clock, an entropy source, or a task of `tokio`.

pub mod check;
pub mod cluster;
pub mod coverage;
pub mod disk;
pub mod exec;
pub mod recorded;
pub mod scenario;
pub mod shrink;
pub mod sweep;
pub mod world;
