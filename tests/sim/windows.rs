//! Scenarios whose moment matters, played at every moment.

use haven_simulator::cluster::Tracing;
use haven_simulator::scenario::Scenario;

/// The cut of `incident-rejoin-window` comes a second after the node lives again; here, every 50 ms from 0 to 3 s.
#[test]
fn a_cut_at_any_moment_of_a_return_leaves_one_owner() {
    crate::behind_others();
    let file = concat!(env!("CARGO_MANIFEST_DIR"), "/scenarios/incident-rejoin-window.toml");
    let text = std::fs::read_to_string(file).unwrap();
    for offset in (0..=3000).step_by(50) {
        let moved = text.replace("+1s partition", &format!("+{offset}ms partition"));
        assert!(offset == 1000 || moved != text, "the file has no cut to be moved");
        let ran = Scenario::parse(&moved).unwrap().run(Tracing::Off);
        assert!(ran.violations.is_empty(), "with the cut {offset} ms after the return:\n{ran}");
    }
}
