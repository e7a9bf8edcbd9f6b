//! A pretended machine of `haven demo`: its guests are found, stopped with proof, and gone when its plug is pulled.

use std::io::{BufRead, BufReader};
use std::process::{Command, Stdio};

use haven_daemon::demo::{Mark, VARIABLE, agent};

use crate::machine::{PROGRAM, until};

struct Pretended {
    mark: Mark,
    folder: tempfile::TempDir,
}

impl Pretended {
    fn new(name: &str) -> Self {
        let mark = Mark::machine(format!("live-{}-{name}/m1", std::process::id()));
        Self { mark, folder: tempfile::tempdir().unwrap() }
    }

    fn command(&self, program: &str, args: &[&str]) -> Command {
        let mut command = Command::new(program);
        command.args(args).env(VARIABLE, self.mark.value()).env(agent::ADDRESS, "127.0.0.1");
        command.stdout(Stdio::piped());
        command
    }

    fn folder(&self) -> &str {
        self.folder.path().to_str().unwrap()
    }
}

impl Drop for Pretended {
    fn drop(&mut self) {
        let _ = self.mark.kill();
    }
}

#[test]
fn a_pretended_machine_runs_its_guests_and_dies_with_them() {
    let machine = Pretended::new("plug");
    let mut child = machine.command(PROGRAM, &["demo", machine.folder()]).spawn().unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines().map_while(Result::ok);
    assert!(lines.any(|line| line == "up"), "it ended before its guest was up");
    machine.mark.kill().unwrap();
    child.wait().unwrap();
    assert!(!machine.mark.lives().unwrap());
}

#[test]
fn a_pretended_machine_does_not_outlive_the_demo() {
    let machine = Pretended::new("parent");
    let line = format!("{PROGRAM} demo {} & wait", machine.folder());
    // The shell is the demo here, and carries no mark, as the demo itself does not.
    let mut shell = Command::new("/bin/sh")
        .args(["-c", &format!("{VARIABLE}={} {}=127.0.0.1 {line}", machine.mark.value(), agent::ADDRESS)])
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(shell.stdout.take().unwrap()).lines().map_while(Result::ok);
    assert!(lines.any(|line| line == "up"), "it ended before its guest was up");
    shell.kill().unwrap();
    shell.wait().unwrap();
    until("everything of it has ended", || !machine.mark.lives().unwrap());
}
