//! `haven chaos`: what it says without a run. Runs are live tests: `tests/live/chaos`.

use serde_json::Value;

use crate::run::{haven, program, said};

#[test]
fn a_seed_is_the_same_schedule_each_time_and_names_itself_if_nobody_has_chosen_it() {
    let of = |words: &str| {
        let said = haven(&format!("chaos schedule {words}"));
        assert_eq!(said.code, 0, "{said:?}");
        said.out
    };
    let text = of("--seed 7 --minutes 1 --nodes 5");
    assert_eq!(text, of("--seed 7 --minutes 1 --nodes 5"));
    assert!(text.starts_with("seed 7\n") && text.ends_with(" 60.000 s  heal-all\n"), "{text}");
    assert!(of("").starts_with("seed "));
    let told: Value = serde_json::from_str(&of("--seed 7 --minutes 1 --nodes 5 --json")).unwrap();
    assert_eq!(told["lines"].as_array().unwrap().len() + 1, text.lines().count());
}

fn scenario(name: &str) -> String {
    format!("{}/../../tests/scenarios/{name}.toml", env!("CARGO_MANIFEST_DIR"))
}

#[test]
fn a_scenario_and_a_seed_of_the_simulator_are_told_with_what_is_left_out() {
    let file = scenario("h-09-clocks-beyond-rho");
    let said = haven(&format!("chaos schedule {file}"));
    assert!(said.code == 0 && said.out.starts_with(&format!("{file}\nleft out: ")), "{said:?}");
    assert!(said.out.contains("\nleft out: 3 x clock-rate: all machines share one clock\n"), "{said:?}");
    assert!(said.out.contains("\n            partition n3 / n1 n2\n            wait log n3 lost*\n"), "{said:?}");
    let told: Value = serde_json::from_str(&haven(&format!("chaos schedule {file} --json")).out).unwrap();
    assert_eq!((&told["file"], &told["nodes"], &told["faults"]["partition"]), (&file.into(), &3.into(), &2.into()));
    assert_eq!((&told["left_out"][2]["what"], &told["left_out"][2]["count"]), (&"clock-rate".into(), &3.into()));
    let of = |words: &str| {
        let said = haven(&format!("chaos schedule --from-seed 3 {words}"));
        assert_eq!(said.code, 0, "{said:?}");
        said.out
    };
    assert_eq!(of(""), of("--profile all --faults 60s"));
    assert!(of("").starts_with("seed 3 of the simulator\n") && of("").ends_with(" 60.000 s  heal-all\n"));
    let power = of("--profile power --faults 20s");
    assert!(power.starts_with("seed 3 --profile power --faults 20s of the simulator\n"), "{power}");
    assert!(power.ends_with(" 20.000 s  heal-all\n"), "{power}");
}

#[test]
fn what_cannot_be_played_is_refused_with_one_remedy_before_anything_begins() {
    let said = haven(&format!("chaos run --live {}", scenario("incident-asym-16s")));
    assert!(said.code == 64 && said.err.contains("error HV-CHAOS-03: ") && said.err.contains("9 machines"), "{said:?}");
    assert!(said.err.ends_with("needed: name a scenario with 5 machines at most\n"), "{said:?}");
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("still.toml").display().to_string();
    let script = |steps: &str| {
        std::fs::write(&file, format!("title = \"t\"\nwhy = \"w\"\n[script]\nsteps = [{steps}]\n")).unwrap();
        haven(&format!("chaos run --live {file}"))
    };
    let said = script("\"stand-still n1\", \"+1s go-on n1\", \"wait well\"");
    assert!(said.code == 64 && said.err.contains("HV-CHAOS-03") && said.out.is_empty(), "{said:?}");
    assert!(said.err.contains("\n  left out: 1 x stand-still: all machines share one clock\n"), "{said:?}");
    assert!(
        said.err.ends_with(&format!("needed: run it in the simulator with `haven sim scenario {file}`\n")),
        "{said:?}"
    );
    let said = script("\"burn n1\"");
    assert!(said.code == 64 && said.err.contains("HV-SIM-01"), "{said:?}");
    let said = haven("chaos run --live /nonexistent.toml");
    assert!(said.code == 1 && said.err.starts_with("error HV-CLI-03: cannot read /nonexistent.toml"), "{said:?}");
}

#[test]
fn a_run_that_cannot_begin_says_what_is_missing_and_begins_nothing() {
    // Nobody has no right to make a namespace.
    let mut setpriv = std::process::Command::new("setpriv");
    let as_nobody = ["--reuid=65534", "--regid=65534", "--clear-groups", "--"];
    let known = setpriv.args(as_nobody).arg("true").status().is_ok_and(|status| status.success());
    let said = if known {
        // Where it was built may be closed to others.
        let folder = tempfile::tempdir().unwrap();
        let copy = folder.path().join("haven");
        std::fs::copy(program().get_program(), &copy).unwrap();
        open(folder.path());
        said(std::process::Command::new("setpriv").args(as_nobody).arg(copy).args(["chaos", "run", "--live"]))
    } else {
        haven("chaos run --live")
    };
    assert_eq!(said.code, 1, "{said:?}");
    assert!(said.err.contains("HV-CHAOS-01") && said.err.contains("needs root"), "{said:?}");
}

fn open(folder: &std::path::Path) {
    use std::os::unix::fs::PermissionsExt;
    std::fs::set_permissions(folder, std::fs::Permissions::from_mode(0o755)).unwrap();
}

#[test]
fn words_that_mean_no_run_are_wrong_usage() {
    let words = ["run", "run --live --minutes 0", "run --live --nodes 2", "schedule --minutes 1000"];
    let both = ["a.toml --seed 1", "a.toml --from-seed 1", "a.toml --nodes 3", "--from-seed 1 --minutes 1"];
    let both = both.map(|words| format!("schedule {words}"));
    let alone = ["schedule --profile all", "schedule a.toml --faults 20s", "schedule --from-seed 1 --profile calm"];
    for words in words.iter().chain(&alone).copied().chain(both.iter().map(String::as_str)) {
        let said = haven(&format!("chaos {words}"));
        assert_eq!(said.code, 64, "{words}: {said:?}");
    }
}
