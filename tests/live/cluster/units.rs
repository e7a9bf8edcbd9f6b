//! The unit file: accepted by the service manager, and saying what the daemon needs of it.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use haven_tests::skip::installed;

fn unit() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../packaging/systemd/haven.service")
}

#[test]
fn the_unit_lets_resources_outlive_the_daemon_and_gives_it_what_it_takes() {
    let text = fs::read_to_string(unit()).unwrap();
    for line in [
        "Type=notify",
        "KillMode=process",
        "Delegate=yes",
        "Restart=on-failure",
        "RestartPreventExitStatus=78",
        "RuntimeDirectoryPreserve=yes",
        "OOMScoreAdjust=-1000",
        "LimitMEMLOCK=infinity",
        "LimitRTPRIO=infinity",
    ] {
        assert!(text.lines().any(|found| found == line), "{line}");
    }
}

#[test]
fn the_service_manager_finds_no_fault_with_the_unit() {
    if !installed(&["/usr/bin/systemd-analyze"]) {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let copy = folder.path().join("haven.service");
    // The program need not be installed where tests run.
    let text = fs::read_to_string(unit()).unwrap().replace("/usr/bin/haven", "/bin/true");
    fs::write(&copy, text).unwrap();
    let output = Command::new("/usr/bin/systemd-analyze").arg("verify").arg(&copy).output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(output.status.success() && !said.contains("haven.service"), "{said}");
}
