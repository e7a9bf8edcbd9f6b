//! `haven chaos run --live` in its short form: real daemons, real faults, and the verdict of the checkers.
//!
//! What cannot be had is skipped with its reason printed; in CI, where every test must run, it fails instead.

#![allow(clippy::unwrap_used, clippy::print_stdout, reason = "all of it is a test")]

use std::path::Path;
use std::process::{Command, Stdio};

use serde_json::Value;

/// What a run makes that others can see.
fn left_behind(pid: u32) -> Vec<String> {
    let word = format!("hl{pid}x");
    let names = |folder: &Path| {
        let entries = std::fs::read_dir(folder).into_iter().flatten().flatten();
        entries.map(|entry| entry.file_name().to_string_lossy().into_owned()).collect::<Vec<_>>()
    };
    let mut found = names(Path::new("/run/netns"));
    found.extend(names(&std::env::temp_dir()));
    let mounts = std::fs::read_to_string("/proc/self/mountinfo").unwrap();
    found.extend(mounts.lines().map(str::to_owned));
    found.retain(|name| name.contains(&word));
    found
}

#[test]
fn a_short_run_holds_and_leaves_nothing_behind() {
    let missing = haven_chaos::live::missing();
    if !missing.is_empty() {
        haven_tests::skip::skip(missing.join("; "));
        return;
    }
    let child = Command::new(haven_tests::haven().unwrap())
        .args(["chaos", "run", "--live", "--seed", "11", "--minutes", "0.6", "--json"])
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let pid = child.id();
    let output = child.wait_with_output().unwrap();
    let story = String::from_utf8_lossy(&output.stderr);
    let told: Value = serde_json::from_slice(&output.stdout).unwrap_or(Value::Null);
    println!("{story}\n{told:#}");
    assert!(output.status.success(), "{}: {story}\n{told:#}", output.status);
    // Every fault was told in the words of scenarios, and the run was more than a quiet one.
    assert!(story.contains(" heal-all"), "{story}");
    assert!(told["acknowledged"].as_u64() > Some(5), "{told:#}");
    let owners = |resource: &Value| resource["owners"].as_u64().unwrap_or(0);
    assert!(told["resources"].as_object().unwrap().values().all(|resource| owners(resource) > 0), "{told:#}");
    assert_eq!(left_behind(pid), Vec::<String>::new());
}
