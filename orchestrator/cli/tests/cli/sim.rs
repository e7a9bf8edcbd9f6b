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
fn a_sweep_goes_on_where_its_record_ends() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("sweep.jsonl").display().to_string();
    let swept = |words: &str| haven(&format!("sim run {words}"));
    assert_eq!(swept(&format!("--seeds 0..2 --record {file}")).code, 0);
    let two = std::fs::read_to_string(&file).unwrap();
    assert_eq!(two.lines().count(), 3, "{two}");
    let (recorded, at_once) = (swept(&format!("--seeds 0..3 --record {file}")), swept("--seeds 0..3"));
    assert_eq!((recorded.code, &recorded.out), (0, &at_once.out));
    let three = std::fs::read_to_string(&file).unwrap();
    assert!(three.starts_with(&two) && three.lines().count() == 4, "{three}");
    for words in ["--seeds 1..3", "--seeds 0..3 --faults 20s"] {
        let said = swept(&format!("{words} --record {file}"));
        assert!(said.code == 64 && said.err.starts_with("error HV-SIM-05: ") && said.out.is_empty(), "{said:?}");
    }
    assert_eq!(std::fs::read_to_string(&file).unwrap(), three);
}

#[test]
fn a_bench_tells_what_was_simulated_in_how_much_time_of_a_processor() {
    let said = haven("sim bench --nodes 3 --cpu 1s --json");
    let sizes: Value = serde_json::from_str(&said.out).unwrap();
    let size = &sizes[0];
    assert_eq!(
        (&size["nodes"], &size["floor"], &size["failed"]),
        (&Value::from(3), &Value::from(200), &Value::from(0))
    );
    assert!(size["cpu_ms"].as_u64().unwrap() >= 1000 && size["simulated_ms"].as_u64().unwrap() > 60_000, "{said:?}");
    assert_eq!(haven("sim bench --cpu 2h").code, 64);
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
fn a_file_that_is_no_text_or_is_not_there_hides_no_fault_of_the_others() {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name).display().to_string();
    std::fs::write(at("bytes.toml"), b"title = \"x\"\nwhy = \"\xc3\xa4\xff\"\n").unwrap();
    std::fs::write(at("key.toml"), "title = \"x\"\nwhy = \"y\"\nsed = 1\n").unwrap();
    let said = haven(&format!("sim scenario {} {} {}", at("bytes.toml"), at("none.toml"), at("key.toml")));
    assert_eq!(said.code, 64, "{said:?}");
    let place = format!("{}, line 2, column 9: this byte is no UTF-8", at("bytes.toml"));
    let none = format!("{}: it cannot be read: ", at("none.toml"));
    for want in [&place, &none, "line 3, column 1: unknown field `sed`", "3 of 3 files are no scenarios"] {
        assert!(said.err.contains(want), "{want}: {said:?}");
    }
}

#[test]
fn ranges_that_are_none_are_wrong_usage() {
    for words in ["sim run", "sim run --seeds 5", "sim run --seeds 7..7", "sim scenario"] {
        assert_eq!(haven(words).code, 64, "{words}");
    }
    let said = haven("sim run --seeds 7..7");
    assert!(said.err.contains("the second number must be the greater one"), "{said:?}");
    let said = haven("sim scenario /nonexistent.toml");
    assert_eq!(said.code, 1);
    assert!(said.err.starts_with("error HV-CLI-03: cannot read /nonexistent.toml"), "{said:?}");
}

/// A small scenario that does not hold: `db` stops on n3 although nobody wants that.
const BROKEN: &str = r#"
title = "n3 keeps db"
why = "It does not."
[[resources]]
id = "db"
prefers = "n3"
[[resources]]
id = "web"
[script]
steps = [
    "1s cut n1>n2 calls",
    "2s clock-rate n2 500",
    "2100ms heal n1>n2",
    "3s ask add mail",
    "4s ask standby n3",
    "20s pass",
]
[expected]
never-stops = ["db n3"]
"#;

#[test]
fn a_replay_tells_one_thing_a_line_and_ends_with_the_verdict() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("broken.toml");
    std::fs::write(&file, BROKEN).unwrap();
    let said = haven(&format!("sim replay {} --step", file.display()));
    assert!(said.code == 1 && said.out.starts_with("n3 keeps db\n"), "{said:?}");
    assert!(said.err.contains("note: standard input is no terminal"), "{said:?}");
    let has = |line: &str| said.out.lines().any(|said| said == line);
    assert!(
        has("    1.000  world      cut n1>n2 calls") && has("    4.000  people     ask standby n3"),
        "{}",
        said.out
    );
    assert!(
        said.out.contains("  log ") && said.out.contains("  checker    expected: db was stopped on n3"),
        "{}",
        said.out
    );
    assert!(said.out.lines().last().unwrap().contains("broken.toml does not hold, after "), "{}", said.out);
    assert!(!said.out.contains("daemon 1"), "{}", said.out);
    let said = haven("sim replay 3 --trace --json");
    let told: Value = serde_json::from_str(&said.out).unwrap();
    let moments = told["moments"].as_array().unwrap();
    assert!(said.code == 0 && moments.len() > 50, "{}", moments.len());
    assert!(moments.iter().all(|moment| moment["us"].is_u64() && moment["what"].is_string()));
    assert!(moments.iter().any(|moment| moment["place"] == "n2"), "programs run on n2");
    let said = haven("sim replay 3 --profile all");
    assert!(said.out.contains("seed 3 holds, after ") && said.out.contains(told["hash"].as_str().unwrap()), "{said:?}");
}

#[test]
fn what_is_shrunk_still_fails_and_what_holds_is_not_shrunk() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("broken.toml");
    let small = folder.path().join("small.toml");
    std::fs::write(&file, BROKEN).unwrap();
    let said = haven(&format!("sim shrink {} --out {} --runs 60", file.display(), small.display()));
    assert!(said.code == 0 && said.out == format!("{}\n", small.display()), "{said:?}");
    let text = std::fs::read_to_string(&small).unwrap();
    assert!(text.contains("ask standby n3") && !text.contains("clock-rate") && !text.contains("mail"), "{text}");
    let said = haven(&format!("sim scenario {}", small.display()));
    assert!(said.code == 1 && said.out.contains("expected: db was stopped on n3"), "{said:?}\n{text}");
    let said = haven(&format!("sim shrink {} --out {}", file.display(), small.display()));
    assert!(said.code == 64 && said.err.contains("it is there already"), "{said:?}");
    let said = haven("sim shrink 3");
    assert!(
        said.code == 1 && said.err.starts_with("error HV-SIM-02: cannot shrink seed 3: everything holds"),
        "{said:?}"
    );
}

/// The machine of db crashes, and is switched off.
const OUTAGE: &str = r#"
title = "n3 crashes"
why = "It does."
[[resources]]
id = "db"
prefers = "n3"
[script]
steps = ["5s crash n3", "60s pass"]
"#;

#[test]
fn a_log_is_replayed_as_it_was_and_with_other_settings() {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name).display().to_string();
    std::fs::write(at("outage.toml"), OUTAGE).unwrap();
    let said = haven(&format!("sim replay {} --export {}", at("outage.toml"), at("log.jsonl")));
    assert_eq!(said.code, 0, "{said:?}");
    let said = haven(&format!("sim replay {} --export {}", at("outage.toml"), at("log.jsonl")));
    assert!(said.code == 64 && said.err.contains("it is there already") && said.out.is_empty(), "{said:?}");
    let said = haven(&format!("sim from-log {} --write {}", at("log.jsonl"), at("turned.toml")));
    assert_eq!(said.code, 0, "{said:?}");
    let last = said.out.lines().last().unwrap();
    assert!(
        last.starts_with("Replayed with the same settings db was down for ") && last.contains("(recorded: "),
        "{last}"
    );
    for words in ["recorded  n3", "replayed  n3", "bmc-n3 read Off twice", ", n3 to n"] {
        assert!(said.out.contains(words), "no {words}: {}", said.out);
    }
    assert_eq!(haven(&format!("sim scenario {}", at("turned.toml"))).code, 0);
    let said = haven(&format!("sim from-log {} --with dead_after=6s --with hold=30s --json", at("log.jsonl")));
    let told: Value = serde_json::from_str(&said.out).unwrap();
    let longest = |side: &str| told[side]["resources"][0]["longest_ms"].as_u64().unwrap();
    assert!(said.code == 0 && longest("replayed") > longest("recorded") + 3000, "{said:?}");
    assert!(
        told["answer"].as_str().unwrap().starts_with("With dead-after 6s and hold 30s db would have been down for ")
    );
    assert_eq!(told["replayed"]["losses"][0]["end"], "off");
    let log = std::fs::read_to_string(at("log.jsonl")).unwrap();
    std::fs::write(at("cut.jsonl"), &log[..log.len() - 9]).unwrap();
    let said = haven(&format!("sim from-log {}", at("cut.jsonl")));
    assert!(said.code == 64 && said.err.starts_with("error HV-SIM-03: ") && said.out.is_empty(), "{said:?}");
    let line = log.lines().count();
    assert!(said.err.contains(&format!("cut.jsonl, line {line}, column ")), "{said:?}");
    std::fs::write(at("spec.json"), "{\"spec\": {}}").unwrap();
    let said = haven(&format!("sim from-log {} --with spec={}", at("log.jsonl"), at("spec.json")));
    assert!(said.code == 64 && said.err.contains("missing field `resources` at line 1 column 11"), "{said:?}");
    let said = haven(&format!("sim from-log {} --with dead_after=5ms", at("log.jsonl")));
    assert!(
        said.code == 1 && said.err.starts_with("error HV-SIM-04: ") && said.err.contains("300ms to 5min"),
        "{said:?}"
    );
    for words in ["sim from-log", "sim from-log x --with tea=3s", "sim from-log x --with dead_after=soon"] {
        assert_eq!(haven(words).code, 64, "{words}");
    }
}

#[test]
fn a_subject_that_is_none_is_wrong_usage() {
    for words in
        ["sim replay", "sim shrink", "sim shrink 3 --runs 0", "sim replay 3 --profile calm", "sim replay 3 --faults 2h"]
    {
        assert_eq!(haven(words).code, 64, "{words}");
    }
    let said = haven("sim replay a.toml --profile power");
    assert!(
        said.code == 64 && said.err.contains("--profile and --faults are about seeds, and a.toml is a file"),
        "{said:?}"
    );
    for words in ["sim replay /nonexistent.toml", "sim shrink 17x"] {
        let said = haven(words);
        assert!(said.code == 64 && said.err.contains("a seed, which is a whole number"), "{said:?}");
    }
}
