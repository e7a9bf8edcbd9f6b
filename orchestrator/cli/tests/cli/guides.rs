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

/// Machines with the first scenario of the simulator's page in a file.
fn with_the_first_scenario() -> Machines {
    let text = std::fs::read_to_string(guide("simulator.md")).unwrap();
    let (_, rest) = text.split_once("```toml\n").unwrap();
    let (scenario, _) = rest.split_once("```").unwrap();
    let machines = Machines::new();
    let file = machines.file("m1", "first.toml");
    std::fs::create_dir_all(file.parent().unwrap()).unwrap();
    std::fs::write(file, scenario).unwrap();
    machines
}

/// Who copies the first scenario of the page into a file, and runs it, sees what the page shows.
#[test]
fn the_first_scenario_of_the_simulator_happens_as_written() {
    with_the_first_scenario().replay(&guide("simulator.md"));
}

#[test]
fn the_first_scenario_is_a_schedule_for_real_machines_as_written() {
    with_the_first_scenario().replay(&guide("chaos.md"));
}

#[test]
fn every_command_of_the_reference_prints_what_it_says() {
    Machines::new().replay(&guide("commands.md"));
}
