//! The commands against a daemon: one member on a pretended machine, with the guest of the demo as a resource.

use crate::console::Machines;

/// One command after the other, and what each printed.
const TRANSCRIPT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/cli/one_member.txt");

#[test]
fn every_command_does_to_one_member_what_it_says() {
    Machines::new().replay(std::path::Path::new(TRANSCRIPT));
}
