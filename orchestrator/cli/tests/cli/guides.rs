//! The commands against daemons: what a guide or a transcript shows is what a person sees.

use std::path::{Path, PathBuf};

use crate::console::Machines;

fn guide(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/guide").join(name)
}

#[test]
fn every_command_does_to_one_member_what_it_says() {
    Machines::new().replay(&Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/cli/one_member.txt"));
}

#[test]
fn the_first_cluster_comes_up_as_written() {
    Machines::new().replay(&guide("first-cluster.md"));
}

#[test]
fn every_command_of_the_reference_prints_what_it_says() {
    Machines::new().replay(&guide("commands.md"));
}
