//! The host and the agents on a real machine.
//!
//! What cannot be had is skipped with its reason printed: most of this needs root, and stock agents, IPMI and SNMP
//! need their packages. Network and mounts are namespaces that a test makes for itself.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::print_stdout,
    unreachable_pub,
    reason = "all of it is tests, which the lints cannot see outside a test function"
)]

mod claims;
mod demo;
mod fence;
mod ip;
mod launcher;
mod machine;
mod ocf;
mod program;
mod scripts;
mod units;
