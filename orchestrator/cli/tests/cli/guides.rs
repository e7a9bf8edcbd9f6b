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

/// Machines with the scenarios of the simulator's page in files, each of the name behind which it stands on the page.
fn with_the_scenarios() -> Machines {
    let text = std::fs::read_to_string(guide("simulator.md")).unwrap();
    let machines = Machines::new();
    let mut before = "";
    for part in text.split("```toml\n") {
        if let Some(name) = before.trim_end().strip_suffix("`:").and_then(|said| said.rsplit('`').next()) {
            let file = machines.file("m1", name);
            std::fs::create_dir_all(file.parent().unwrap()).unwrap();
            std::fs::write(file, part.split("```").next().unwrap()).unwrap();
        }
        before = part;
    }
    machines
}

/// Who copies the scenarios of the page into files, and runs them, sees what the page shows.
#[test]
fn the_scenarios_of_the_simulators_page_happen_as_written() {
    with_the_scenarios().replay(&guide("simulator.md"));
}

#[test]
fn the_first_scenario_is_a_schedule_for_real_machines_as_written() {
    with_the_scenarios().replay(&guide("chaos.md"));
}

#[test]
fn every_command_of_the_reference_prints_what_it_says() {
    Machines::new().replay(&guide("commands.md"));
}

#[test]
fn who_knows_the_crm_shell_sees_what_the_guide_shows() {
    Machines::new().replay(&guide("crm.md"));
}
