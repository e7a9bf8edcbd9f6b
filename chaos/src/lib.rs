//! Chaos against real processes: the faults of the simulator, done to daemons in network namespaces, and checkers of
//! what has been written.
//!
//! For: `haven chaos run --live`, live tests and benchmarks; they share the lab.
//! Never: anything outside the namespaces, cgroups, mounts and folders that a lab has made.

pub mod aboard;
pub mod check;
pub mod history;
pub mod lab;
pub mod live;
pub mod schedule;
