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

mod access;
mod devices;
mod disks;
mod faults;
mod life;
mod links;
mod main_job;
mod process;
mod rack;
mod succession;

use haven_tests::lab::{Aboard, Disk, Programs};

/// The real `haven`, and the lab's own program.
fn programs() -> Programs {
    Programs {
        haven: haven_tests::haven().unwrap(),
        aboard: Aboard::Echo(env!("CARGO_BIN_EXE_lab-program").into()),
        disk: Disk::Folder,
    }
}
