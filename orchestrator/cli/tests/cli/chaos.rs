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
    for words in ["run", "run --live --minutes 0", "run --live --nodes 2", "schedule --minutes 1000"] {
        let said = haven(&format!("chaos {words}"));
        assert_eq!(said.code, 64, "{words}: {said:?}");
    }
}
