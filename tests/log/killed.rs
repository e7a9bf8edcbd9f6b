//! SIGKILL on real files, in a bounded form; `cargo run -p haven-tests --bin sigkill-loop -- KILLS [SEED]` is the long one.

use std::process::Command;

#[test]
fn what_was_acknowledged_survives_twenty_kills() {
    let run = Command::new(env!("CARGO_BIN_EXE_sigkill-loop")).args(["20", "1"]).output().unwrap();
    let (said, failed) = (String::from_utf8_lossy(&run.stdout), String::from_utf8_lossy(&run.stderr));
    assert!(run.status.success(), "{said}{failed}");
    assert!(said.starts_with("20 kills, "), "{said}");
    assert!(!said.contains(" 0 acknowledged entries"), "the children must live long enough to write: {said}");
}
