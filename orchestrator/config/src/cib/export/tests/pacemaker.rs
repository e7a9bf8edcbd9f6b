//! What Pacemaker itself says of exports, where its programs and schemas are installed.

#![allow(clippy::disallowed_methods, reason = "the programs read files")]

use std::collections::BTreeSet;
use std::path::Path;
use std::process::Command;

use proptest::strategy::{Strategy, ValueTree};
use proptest::test_runner::TestRunner;

use super::{any, cluster, export};

const SCHEMA: &str = "/usr/share/pacemaker/pacemaker-3.7.rng";
/// Configurations that are tried. Each costs a process or two.
const TRIED: usize = 20;

/// Runs a program on the text. What it says if it is not content; nothing if it is, or is not installed.
fn complaint(program: &str, arguments: &[&str], text: &str) -> Option<String> {
    let folder = std::env::temp_dir().join(format!("haven-export-{}-{program}", std::process::id()));
    std::fs::create_dir_all(&folder).unwrap();
    let file = folder.join("cib.xml");
    std::fs::write(&file, text).unwrap();
    let ran = Command::new(program).args(arguments).arg(&file).output();
    std::fs::remove_dir_all(&folder).unwrap();
    match ran {
        Ok(output) if output.status.success() => None,
        Ok(output) => Some(String::from_utf8_lossy(&output.stderr).into_owned() + text),
        Err(error) => {
            println!("skipped: {program} cannot be run: {error}");
            None
        }
    }
}

/// An export of what people have, and of some that nobody has.
fn exports() -> Vec<String> {
    let mut runner = TestRunner::deterministic();
    let drawn = (0..TRIED).map(|_| any::accepted().new_tree(&mut runner).unwrap().current());
    std::iter::once(cluster()).chain(drawn).map(|spec| export(&spec, &BTreeSet::new()).text).collect()
}

#[test]
fn the_schema_accepts_every_export() {
    if !Path::new(SCHEMA).exists() {
        println!("skipped: no schema at {SCHEMA}");
        return;
    }
    for text in exports() {
        assert_eq!(complaint("xmllint", &["--noout", "--relaxng", SCHEMA], &text), None);
    }
}

#[test]
fn crm_verify_is_content_with_what_people_have() {
    let text = export(&cluster(), &BTreeSet::new()).text;
    // It warns of nodes that it has not seen, too.
    let seen = ["m1", "m2"].map(|node| {
        format!("<node_state id=\"{node}\" uname=\"{node}\" in_ccm=\"true\" crmd=\"online\" join=\"member\" expected=\"member\"/>")
    });
    let text = text.replace("<status/>", &format!("<status>{}</status>", seen.concat()));
    let text = text.replace("<cib ", "<cib have-quorum=\"1\" ");
    assert_eq!(complaint("crm_verify", &["-V", "-x"], &text), None);
}
