//! Which package may depend on which.
//!
//! Source: `docs/architecture.md`, "Packages". The arrows go downwards only; what decides knows nothing of tokio, whose
//! `select!` and `watch` draw on randomness that no simulator can see.

use std::process::Command;
use std::str;

use serde_json::Value;

use crate::{Fault, Tree};

/// Each package, and the packages it may depend on. Tests may depend on any.
const ALLOWED: [(&str, &[&str]); 13] = [
    ("haven-core", &[]),
    ("haven-config", &["haven-core"]),
    ("haven-env", &["haven-core"]),
    ("haven-log", &["haven-core", "haven-env"]),
    ("haven-agents", &["haven-core", "haven-env"]),
    ("haven-node", &["haven-agents", "haven-core", "haven-env", "haven-log"]),
    ("haven-net", &["haven-core", "haven-env"]),
    ("haven-api", &["haven-config", "haven-core"]),
    (
        "haven-daemon",
        &[
            "haven-agents",
            "haven-api",
            "haven-config",
            "haven-core",
            "haven-env",
            "haven-log",
            "haven-net",
            "haven-node",
        ],
    ),
    ("haven-simulator", &["haven-agents", "haven-config", "haven-core", "haven-env", "haven-log", "haven-node"]),
    ("haven-chaos", &["haven-api", "haven-core", "haven-daemon", "haven-simulator"]),
    (
        "haven-cli",
        &[
            "haven-agents",
            "haven-api",
            "haven-chaos",
            "haven-config",
            "haven-core",
            "haven-daemon",
            "haven-env",
            "haven-net",
            "haven-node",
            "haven-simulator",
        ],
    ),
    ("haven-tidy", &[]),
];
/// Packages that nothing checks by name: tests over all of them.
const FREE: [&str; 1] = ["haven-tests"];
/// Packages that must run in virtual time.
const WITHOUT_TOKIO: [&str; 6] = ["haven-agents", "haven-config", "haven-core", "haven-env", "haven-log", "haven-node"];

/// Why the packages could not be asked about.
#[derive(Debug, thiserror::Error)]
pub enum PackagesError {
    /// cargo could not be run.
    #[error("cannot run cargo {0}")]
    Run(String, #[source] std::io::Error),
    /// cargo ended with an error.
    #[error("cargo {0} failed: {1}")]
    Failed(String, String),
    /// What cargo printed is not what it documents.
    #[error("cargo metadata printed something else than JSON")]
    Json(#[from] serde_json::Error),
}

fn cargo(words: &[&str]) -> Result<Vec<u8>, PackagesError> {
    let line = words.join(" ");
    let output = Command::new(option_env!("CARGO").unwrap_or("cargo"))
        .args(words)
        .current_dir(Tree::root())
        .output()
        .map_err(|source| PackagesError::Run(line.clone(), source))?;
    if !output.status.success() {
        return Err(PackagesError::Failed(line, String::from_utf8_lossy(&output.stderr).into_owned()));
    }
    Ok(output.stdout)
}

/// Dependencies between our packages that are not allowed, tests' excepted.
///
/// # Errors
/// cargo cannot describe the workspace.
pub fn edges() -> Result<Vec<Fault>, PackagesError> {
    let json = cargo(&["metadata", "--format-version", "1", "--no-deps", "--locked"])?;
    Ok(judge(&serde_json::from_slice(&json)?))
}

fn judge(metadata: &Value) -> Vec<Fault> {
    let mut faults = Vec::new();
    for package in list(metadata, "packages") {
        let name = text(package, "name");
        if FREE.contains(&name) {
            continue;
        }
        let Some((_, allowed)) = ALLOWED.iter().find(|(known, _)| *known == name) else {
            faults.push(Fault::new(name, 0, "a package that the table of allowed dependencies does not name"));
            continue;
        };
        let normal = list(package, "dependencies").filter(|dependency| text(dependency, "kind") != "dev");
        let ours = normal.map(|dependency| text(dependency, "name")).filter(|name| name.starts_with("haven-"));
        let bad = ours.filter(|dependency| !allowed.contains(dependency));
        faults.extend(bad.map(|dependency| Fault::new(name, 0, format!("it may not depend on {dependency}"))));
    }
    faults
}

fn list<'a>(value: &'a Value, key: &str) -> impl Iterator<Item = &'a Value> {
    value.get(key).and_then(Value::as_array).into_iter().flatten()
}

fn text<'a>(value: &'a Value, key: &str) -> &'a str {
    value.get(key).and_then(Value::as_str).unwrap_or_default()
}

/// Packages that must run in virtual time and have tokio among their dependencies, however far down.
///
/// # Errors
/// cargo cannot describe the workspace.
pub fn forbidden_dependencies() -> Result<Vec<Fault>, PackagesError> {
    let mut faults = Vec::new();
    for package in WITHOUT_TOKIO {
        let tree = cargo(&["tree", "--locked", "-p", package, "-e", "normal,build", "--prefix", "none"])?;
        let tree = str::from_utf8(&tree).unwrap_or_default();
        if !tree.starts_with(package) {
            faults.push(Fault::new(package, 0, "cargo tree does not list it"));
        }
        faults.extend(tokio_in(tree).map(|found| Fault::new(package, 0, format!("it depends on {found}"))));
    }
    Ok(faults)
}

fn tokio_in(tree: &str) -> Option<&str> {
    tree.lines().find(|line| line.starts_with("tokio ") || line.starts_with("tokio-"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(package: &str, dependency: &str, kind: Option<&str>) -> usize {
        let dependency = serde_json::json!({"name": dependency, "kind": kind});
        judge(&serde_json::json!({"packages": [{"name": package, "dependencies": [dependency]}]})).len()
    }

    #[test]
    fn an_arrow_that_goes_up_is_found() {
        assert_eq!(check("haven-node", "haven-core", None), 0);
        assert_eq!(check("haven-node", "haven-daemon", None), 1);
        assert_eq!(check("haven-node", "haven-simulator", Some("dev")), 0);
        assert_eq!(check("haven-fresh", "serde", None), 1);
    }

    #[test]
    fn tokio_is_found_however_far_down() {
        assert_eq!(tokio_in("haven-core v0.1.0\nserde v1.0.0\ntokio v1.54.1\n"), Some("tokio v1.54.1"));
        assert_eq!(tokio_in("haven-core v0.1.0\nopenraft-rt v0.10.0\n"), None);
    }
}
