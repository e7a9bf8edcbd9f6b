//! Whole clusters in network namespaces: machines that are killed, frozen, cut off and switched off for real.
//!
//! What cannot be had is skipped with its reason printed; in CI, where every test must run, it fails instead.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::print_stdout,
    reason = "all of it is tests, which the lints cannot see outside a test function"
)]

mod rack;
