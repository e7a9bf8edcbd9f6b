//! The crm shell as a judge.
//!
//! For: each configuration beside this file and in `docs/examples`. The crm shell reads our text of it and shows the same
//! as we do, and what it writes into its CIB is shown by us as the same, too.
//! Never: a cluster. The crm shell works on a file, so no daemon is asked.
//!
//! Skipped where `crm` and `cibadmin` are not installed (Debian 12: packages `crmsh` and `pacemaker-cli-utils`).

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use haven_config::crm::{Configuration, Secrets};
use haven_config::{Source, render};

use super::{examples, read, shared};

/// A CIB in which there is nothing.
const EMPTY: &str = "<cib validate-with=\"pacemaker-3.9\" admin_epoch=\"0\" epoch=\"0\" num_updates=\"0\" \
    crm_feature_set=\"3.16.1\"><configuration><crm_config/><nodes/><resources/><constraints/></configuration><status/></cib>";

/// Whether the crm shell is here in the version that is imitated.
fn is_installed() -> bool {
    let version = Command::new("crm").arg("--version").stderr(Stdio::null()).output();
    let version = version.map(|out| String::from_utf8_lossy(&out.stdout).into_owned()).unwrap_or_default();
    let tool = Command::new("cibadmin").arg("--version").stdout(Stdio::null()).stderr(Stdio::null()).status();
    if version.contains(" 4.4") && tool.is_ok() {
        return true;
    }
    println!("skipped: crmsh 4.4 and cibadmin are not both installed");
    false
}

/// Lets the crm shell load `text` into the CIB `cib`, commit and show it; what it prints, and what it says beside that.
/// It does not ask the agents, which are not all installed, and take seconds each to answer.
fn crm(cib: &Path, text: &Path, scratch: &Path) -> (String, String) {
    let settings = scratch.join("crm");
    std::fs::create_dir_all(&settings).unwrap();
    std::fs::write(settings.join("crm.conf"), "[core]\ncheck_frequency = never\ncheck_mode = relaxed\n").unwrap();
    let mut command = Command::new("crm");
    command.args(["-F", "configure"]).env("CIB_file", cib).env("XDG_CONFIG_HOME", scratch).env("HOME", scratch);
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().unwrap();
    let words = format!("load update {}\ncommit force\nshow\n", text.display());
    child.stdin.take().unwrap().write_all(words.as_bytes()).unwrap();
    let out = child.wait_with_output().unwrap();
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    // Warnings are in color and stand among what is shown.
    let shown =
        text(&out.stdout).lines().filter(|line| !line.starts_with('\u{1b}')).map(|line| format!("{line}\n")).collect();
    (shown, text(&out.stderr))
}

/// The configurations of the project.
fn own() -> Vec<PathBuf> {
    let beside = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/crm");
    let folders = [beside, examples::folder()].into_iter();
    let paths = folders.flat_map(|folder| std::fs::read_dir(folder).unwrap()).map(|entry| entry.unwrap().path());
    let mut found: Vec<PathBuf> = paths.filter(|path| path.extension().is_some_and(|end| end == "crm")).collect();
    found.sort();
    found
}

/// Compares what the crm shell shows with what we show.
fn check(path: &Path, scratch: &Path) -> Result<(), String> {
    let name = path.file_name().unwrap().to_string_lossy();
    let ours = read(&name, &std::fs::read_to_string(path).unwrap());
    let (text, cib) = (scratch.join(format!("{name}.txt")), scratch.join(format!("{name}.xml")));
    std::fs::write(&text, ours.show(Secrets::Kept)).unwrap();
    std::fs::write(&cib, EMPTY).unwrap();
    let (shown, said) = crm(&cib, &text, scratch);
    same("the crm shell shows", &ours.show(Secrets::Hidden), &shown, &said)?;
    let source = Source::of_cib(&name, std::fs::read(&cib).unwrap());
    let (theirs, said) = Configuration::from_xml(&source);
    let theirs = theirs.ok_or_else(|| render(&source, &said))?;
    // Comments are in the crm shell's CIB as comments of XML, which are not read.
    let without = |text: String| {
        text.lines().filter(|line| !line.starts_with('#')).map(|line| format!("{line}\n")).collect::<String>()
    };
    same("its CIB is shown as", &without(ours.show(Secrets::Kept)), &theirs.show(Secrets::Kept), "")
}

fn same(what: &str, ours: &str, theirs: &str, said: &str) -> Result<(), String> {
    if ours == theirs {
        return Ok(());
    }
    let lines = ours.lines().chain([""; 9]).zip(theirs.lines().chain([""; 9])).filter(|(ours, theirs)| ours != theirs);
    let lines: Vec<String> = lines.take(6).map(|(ours, theirs)| format!("- {ours}\n+ {theirs}")).collect();
    Err(format!("{what} something else:\n{}\n{said}", lines.join("\n")))
}

#[test]
fn the_crm_shell_reads_what_is_written_here_and_shows_the_same() {
    if !is_installed() {
        return;
    }
    let scratch = tempfile::tempdir().unwrap();
    let mut paths = own();
    paths.extend(shared("examples/crm").map(|folder| folder.join("oracle-checked.crm")));
    let check = |path: &PathBuf| check(path, scratch.path()).err().map(|fault| format!("{}: {fault}", path.display()));
    let faults: Vec<String> = paths.iter().filter_map(check).collect();
    assert!(paths.len() > 12 && faults.is_empty(), "{} of {}\n{}", faults.len(), paths.len(), faults.join("\n"));
}

#[test]
fn the_example_that_the_crm_shell_knows_is_shown_as_it_shows_it() {
    let Some(folder) = shared("examples/crm") else { return };
    let text = std::fs::read_to_string(folder.join("oracle-checked.crm")).unwrap();
    let want = std::fs::read_to_string(folder.join("oracle-show.txt")).unwrap();
    assert_eq!(read("oracle-checked.crm", &text).show(Secrets::Hidden), want);
}

#[test]
fn configurations_are_the_same_after_a_way_through_a_cib() {
    for path in own() {
        let name = path.file_name().unwrap().to_string_lossy();
        let found = read(&name, &std::fs::read_to_string(&path).unwrap());
        let shown = found.show(Secrets::Kept);
        let again = read(&name, &shown);
        assert_eq!(again.show(Secrets::Kept), shown, "{name}: as text");
        let source = Source::of_cib(&name, found.to_cib().into_bytes());
        let (again, said) = Configuration::from_xml(&source);
        let again = again.unwrap_or_else(|| panic!("{}", render(&source, &said)));
        let objects =
            |text: &str| text.lines().filter(|line| !line.starts_with('#')).map(str::to_owned).collect::<Vec<_>>();
        assert_eq!(objects(&again.show(Secrets::Kept)), objects(&shown), "{name}: as XML");
        assert_eq!(again.to_xml(), found.to_xml(), "{name}: the XML again");
    }
}
