//! `haven sim`: seeds and scenarios, as a person or a nightly job runs them.

use serde_json::Value;

use crate::run::haven;

fn scenario(name: &str) -> String {
    format!("{}/../../tests/scenarios/{name}.toml", env!("CARGO_MANIFEST_DIR"))
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
    let good = scenario("h-06-a-reboot-is-proof");
    let said = haven(&format!("sim scenario {good}"));
    assert_eq!(said.code, 0, "{said:?}");
    assert!(said.out.starts_with("[1/1] ") && said.out.contains("  holds  "), "{said:?}");
    assert!(said.out.ends_with("\n1 scenario holds\n"), "{said:?}");
    let folder = tempfile::tempdir().unwrap();
    let text = std::fs::read_to_string(&good).unwrap();
    let (text, _) = text.split_once("[expected]").unwrap();
    std::fs::write(folder.path().join("b.toml"), format!("{text}[expected]\nlog = [\"n3 proven off*\"]\n")).unwrap();
    std::fs::write(folder.path().join("a.toml"), text).unwrap();
    std::fs::write(folder.path().join("notes.txt"), "no scenario").unwrap();
    let said = haven(&format!("sim scenario {} --show --jobs 2", folder.path().display()));
    assert!(said.code == 1 && said.out.contains("proven off"), "{said:?}");
    assert!(said.out.ends_with("\n1 of 2 do not hold\n"), "{said:?}");
    let said = haven(&format!("sim scenario --json {good} {}", folder.path().display()));
    let played: Value = serde_json::from_str(&said.out).unwrap();
    assert_eq!((said.code, &played["failed"]), (1, &Value::from(1)));
    let files: Vec<&str> =
        played["scenarios"].as_array().unwrap().iter().map(|s| s["file"].as_str().unwrap()).collect();
    assert!(files.len() == 3 && files[0] == good && files[1].ends_with("a.toml"), "{files:?}");
    assert_eq!(played["scenarios"][1]["violations"], Value::Array(Vec::new()));
    assert_eq!(played["scenarios"][0]["hash"], played["scenarios"][1]["hash"], "what is expected changes nothing");
}

#[test]
fn files_that_are_no_scenarios_are_named_with_line_and_column_and_nothing_runs() {
    let folder = tempfile::tempdir().unwrap();
    let bad = folder.path().join("bad.toml");
    std::fs::write(&bad, "title = \"t\"\nwhy = \"w\"\n[script]\nsteps = [\n  \"burn n1\",\n]\n[cluster]\nboot = 1\n")
        .unwrap();
    let said = haven(&format!("sim scenario {} {}", scenario("h-06-a-reboot-is-proof"), bad.display()));
    assert!(said.code == 64 && said.out.is_empty(), "{said:?}");
    assert!(said.err.contains("error HV-SIM-01: 1 of 2 files are no scenarios; none was run\n"), "{said:?}");
    assert!(said.err.contains("bad.toml, line 8, column 8: invalid type: integer `1`"), "{said:?}");
    std::fs::write(&bad, "title = \"t\"\nwhy = \"w\"\n[script]\nsteps = [\n  \"burn n1\",\n]\n").unwrap();
    let said = haven(&format!("sim scenario {}", bad.display()));
    assert!(said.err.contains("bad.toml is no scenario\n"), "{said:?}");
    assert!(said.err.contains("bad.toml, line 5, column 3: fault `burn n1`"), "{said:?}");
    std::fs::remove_file(&bad).unwrap();
    let said = haven(&format!("sim scenario {}", folder.path().display()));
    assert!(said.code == 64 && said.err.contains("holds no scenario"), "{said:?}");
}

#[test]
fn ranges_that_are_none_are_wrong_usage() {
    for words in ["sim run", "sim run --seeds 5", "sim run --seeds 7..7", "sim scenario"] {
        assert_eq!(haven(words).code, 64, "{words}");
    }
    let said = haven("sim scenario /nonexistent.toml");
    assert_eq!(said.code, 1);
    assert!(said.err.starts_with("error HV-CLI-03: cannot read /nonexistent.toml"), "{said:?}");
}
