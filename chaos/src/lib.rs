//! Chaos against real processes: machines in network namespaces, with real daemons on them.
//!
//! For: live tests and benchmarks; they share the lab.
//! Never: anything outside the namespaces, cgroups, mounts and folders that a lab has made.

pub mod lab;
