//! Other people's CIBs: what the reader makes of them is the same after a way through the objects and their text.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::Command;

use haven_config::crm::{Configuration, Load, Secrets, parse};
use haven_config::{Source, cib, has_errors, render};
use haven_core::scheduler::engine::config::Config;

/// The path of `part` within the cases, unless it is not there.
fn cases(part: &str) -> Option<PathBuf> {
    let beside = || Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/conformance");
    let path = std::env::var_os("HAVEN_CONFORMANCE").map_or_else(beside, PathBuf::from).join(part);
    if path.exists() {
        return Some(path);
    }
    println!("skipped: no cases at {}", path.display());
    None
}

/// What is said of a text that cannot be read, and else nothing.
fn of_xml(name: &str, text: &str) -> Result<Configuration, String> {
    let source = Source::of_cib(name, text.as_bytes().to_vec());
    let (found, said) = Configuration::from_xml(&source);
    found.ok_or_else(|| render(&source, &said))
}

/// The configuration as the scheduler gets it. Levels of fencing are in the order of their targets.
fn config(name: &str, text: &str) -> Result<Config, String> {
    let source = Source::of_cib(name, text.as_bytes().to_vec());
    let (scene, said) = cib::read(&source);
    let mut config = scene.ok_or_else(|| render(&source, &said))?.config;
    config.topology.sort_by_key(|level| (format!("{:?}", level.target), level.index));
    Ok(config)
}

/// Compares a case with itself after a way through the objects, and after one through their text.
fn check(name: &str, text: &str, faults: &mut Vec<String>) {
    if let Err(fault) = check_one(name, text) {
        faults.push(format!("{name}: {fault}\n"));
    }
}

fn check_one(name: &str, text: &str) -> Result<(), String> {
    let found = of_xml(name, text)?;
    // What is the case if nothing is said need not be said.
    let unsaid = text.replace(" sequential=\"true\"", "").replace(" require-all=\"true\"", "");
    let before = config(name, &unsaid)?;
    differ("the objects", &before, &config(name, &found.to_cib())?)?;
    let shown = found.show(Secrets::Kept);
    let source = Source::of_crm(name, shown.as_bytes());
    let (draft, said) = parse(&source);
    if has_errors(&said) {
        return Err(render(&source, &said));
    }
    let (again, said) = Configuration::default().load(&draft, Load::Replace);
    if has_errors(&said) {
        return Err(render(&source, &said));
    }
    if again.show(Secrets::Kept) != shown {
        return Err(format!("the text is not the same again:\n{shown}\n---\n{}", again.show(Secrets::Kept)));
    }
    Ok(())
}

fn differ(what: &str, before: &Config, after: &Config) -> Result<(), String> {
    if before == after {
        return Ok(());
    }
    let (before, after) = (format!("{before:#?}"), format!("{after:#?}"));
    let lines = before.lines().zip(after.lines()).enumerate().filter(|(_, (a, b))| a != b);
    let lines: Vec<String> = lines.take(5).map(|(at, (a, b))| format!("{at}: {a} | {b}")).collect();
    Err(format!("{what} mean something else:\n{}", lines.join("\n")))
}

fn files(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            files(&path, found);
        } else if path.extension().is_some_and(|end| end == "xml") {
            found.push(path);
        }
    }
}

#[track_caller]
fn check_folder(part: &str) {
    let Some(folder) = cases(part) else { return };
    let (mut paths, mut faults) = (Vec::new(), Vec::new());
    files(&folder, &mut paths);
    for path in &paths {
        let name = path.file_name().unwrap().to_string_lossy();
        check(&name, &std::fs::read_to_string(path).unwrap(), &mut faults);
    }
    let shown = faults.len().min(10);
    assert!(faults.is_empty(), "{} of {}\n{}", faults.len(), paths.len(), faults[..shown].concat());
}

#[test]
fn the_regression_cases_of_pacemaker_mean_the_same() {
    check_folder("pacemaker/xml");
}

#[test]
fn the_experiments_mean_the_same() {
    check_folder("experiments");
}

#[test]
fn the_random_clusters_mean_the_same() {
    let Some(packed) = cases("differential/cases.jsonl.gz") else { return };
    let unpacked = Command::new("gzip").arg("-dc").arg(packed).output().unwrap();
    assert!(unpacked.status.success());
    let text = String::from_utf8(unpacked.stdout).unwrap();
    let (mut faults, mut seen) = (Vec::new(), BTreeSet::new());
    for line in text.lines() {
        let case: serde_json::Value = serde_json::from_str(line).unwrap();
        let cib = case["cib"].as_str().unwrap();
        let configuration = cib.split("<status").next().unwrap_or_default();
        // The cases of one chain differ in what has happened, and mostly not in what is configured.
        if seen.insert(configuration.split("<configuration").last().unwrap_or_default().to_owned()) {
            check(case["id"].as_str().unwrap(), cib, &mut faults);
        }
    }
    let shown = faults.len().min(10);
    println!("{} configurations", seen.len());
    assert!(faults.is_empty(), "{}\n{}", faults.len(), faults[..shown].concat());
}
