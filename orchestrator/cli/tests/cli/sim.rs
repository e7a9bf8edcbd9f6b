//! `haven sim`: seeds and scenarios, as a person or a nightly job runs them.

use serde_json::Value;

use crate::run::haven;

fn scenario(name: &str) -> String {
    format!("{}/../../tests/scenarios/{name}", env!("CARGO_MANIFEST_DIR"))
}

#[test]
fn seeds_that_hold_are_summed_up_and_end_with_zero() {
    let said = haven("sim run --seeds 0..2 --jobs 2 --json");
    let swept: Value = serde_json::from_str(&said.out).unwrap();
    assert_eq!((said.code, &swept["seeds"], &swept["failed"]), (0, &Value::from(2), &Value::Array(Vec::new())));
    let again = haven("sim run --seeds 0..2 --jobs 1 --show");
    assert!(again.out.starts_with("2 seeds, "), "{again:?}");
    assert!(again.out.contains(swept["hash"].as_str().unwrap()), "{again:?}");
    assert!(again.out.ends_with("0 seeds failed\n"), "{again:?}");
    assert!(again.out.contains("\nreached: ") && swept["reached"]["leader changes"].is_u64(), "{again:?}");
    assert_eq!(swept["too_few"], Value::Array(Vec::new()), "two seeds are too few to say so");
}

#[test]
fn a_profile_draws_other_histories_and_one_that_is_none_is_wrong_usage() {
    let hash = |words: &str| {
        let said = haven(&format!("sim run --seeds 0..1 --json {words}"));
        assert_eq!(said.code, 0, "{said:?}");
        let swept: Value = serde_json::from_str(&said.out).unwrap();
        swept["hash"].as_str().unwrap().to_owned()
    };
    assert_eq!(hash(""), hash("--profile all"));
    assert_ne!(hash(""), hash("--profile network"));
    let said = haven("sim run --seeds 0..1 --profile calm");
    assert!(said.code == 64 && said.err.contains("all, safety, power, network, scale"), "{said:?}");
}

#[test]
fn a_build_without_planted_bugs_says_so() {
    let said = haven("sim plants");
    assert!(said.code == 64 && said.err.contains("--features plants"), "{said:?}");
}

#[test]
fn a_scenario_that_holds_ends_with_zero_and_one_that_does_not_with_one() {
    let said = haven(&format!("sim scenario {}", scenario("h-06-a-reboot-is-proof")));
    assert_eq!(said.code, 0, "{said:?}");
    assert!(said.out.ends_with(": holds\n"), "{said:?}");
    let folder = tempfile::tempdir().unwrap();
    for file in ["cluster", "script"] {
        let from = std::path::Path::new(&scenario("h-06-a-reboot-is-proof")).join(file);
        std::fs::copy(from, folder.path().join(file)).unwrap();
    }
    std::fs::write(folder.path().join("expected"), "log n3 proven off*\n").unwrap();
    let said = haven(&format!("sim scenario {} --show", folder.path().display()));
    assert!(said.code == 1 && said.out.contains("proven off"), "{said:?}");
}

#[test]
fn ranges_that_are_none_are_wrong_usage() {
    for words in ["sim run", "sim run --seeds 5", "sim run --seeds 7..7", "sim scenario"] {
        assert_eq!(haven(words).code, 64, "{words}");
    }
    let said = haven("sim scenario /nonexistent");
    assert_eq!(said.code, 1);
    assert!(said.err.starts_with("error HV-CLI-03: cannot read /nonexistent/cluster"), "{said:?}");
}
