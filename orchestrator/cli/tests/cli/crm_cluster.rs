//! `haven crm` against a cluster, and its shell on a terminal.

use std::os::unix::fs::PermissionsExt;
use std::process::{Command, Stdio};

use crate::console::Machines;
use crate::crm::Place;

#[test]
fn what_is_edited_is_committed_and_nothing_else() {
    let mut machines = Machines::new();
    machines.does("m1$ haven init --name prod --node m1 --advertise 10.0.0.1");
    machines.does("m1$ systemctl start haven");
    machines.does("m1$ haven resource add kept ocf:haven:Guest port=7801");
    machines.does("m1$ haven config set dead-after=3s");
    let before = machines.does("m1$ haven config show");
    let shown = machines.does("m1$ haven crm configure show");
    assert!(shown.contains("primitive kept ocf:haven:Guest") && shown.contains("node "), "{shown}");
    machines.does("m1$ haven crm configure primitive web ocf:haven:Guest params port=7802 meta priority=5");
    machines.does("m1$ haven crm configure location l web 100: m1");
    machines.does("m1$ haven crm configure property no-quorum-policy=stop");
    machines.does("m1$ haven crm configure rsc_defaults resource-stickiness=7");
    machines.does("m1$ haven crm resource param web set port 7803");
    machines.does("m1$ haven crm resource stop web");
    let stopped = machines.does("m1$ haven crm resource locate web");
    assert_eq!(stopped, "resource web is NOT running\n");
    let plan = machines.run("m1$ haven crm configure delete l web --plan");
    assert!(plan.code == 0 && plan.out.contains("- location l web"), "{plan:?}");
    let refused = machines.run("m1$ haven crm configure clone webs web");
    assert!(refused.code == 1 && refused.err.contains("error: resource webs: "), "{refused:?}");
    assert!(
        refused.err.contains(" | clone webs web") && refused.err.contains("nothing was committed: 1 error"),
        "{refused:?}"
    );
    machines.does("m1$ haven crm configure delete l web");
    let file = machines.file("m1", "undo.crm");
    std::fs::write(file, "configure\nset cib-bootstrap-options.no-quorum-policy freeze\n").unwrap();
    let freeze = machines.run("m1$ haven crm -f undo.crm");
    assert!(freeze.code == 1 && freeze.err.contains("--no-quorum-stop-accepted"), "{freeze:?}");
    let history = machines.does("m1$ haven config history");
    assert!(history.contains("crm: l, web"), "{history}");
    machines.does("m1$ haven crm configure set rsc-options.resource-stickiness 1");
    let file = machines.file("m1", "undo.crm");
    std::fs::write(file, "configure\nedit cib-bootstrap-options\n").unwrap();
    machines.does("m1$ EDITOR='sed -i /no-quorum/d' haven crm -f undo.crm");
    assert_eq!(machines.does("m1$ haven config show"), before);
    machines.does("m1$ haven crm status full");
    machines.does("m1$ haven crm node status");
    machines.does("m1$ haven crm node attribute m1 set rack a1");
    assert_eq!(machines.does("m1$ haven crm node attribute m1 show rack"), "a1\n");
    assert!(machines.does("m1$ haven crm history resource web").contains("web"));
    assert!(machines.does("m1$ haven crm history latest").contains("crm: "));
    assert_eq!(machines.run("m1$ haven crm cluster stop").code, 64);
    assert_eq!(machines.run("m1$ haven crm resource promote web").code, 64);
}

/// Types lines into a shell on a terminal; what was to be seen.
fn at_a_terminal(place: &Place, lines: &str) -> String {
    let line = format!("{} crm --cib cib.xml", env!("CARGO_BIN_EXE_haven"));
    let mut command = Command::new("script");
    command.args(["--quiet", "--return", "--command", &line, "/dev/null"]).current_dir(place.path(""));
    command.env("TERM", "dumb").env("NO_COLOR", "1").env("XDG_STATE_HOME", place.path("state")).env_remove("CIB_file");
    let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    std::io::Write::write_all(&mut child.stdin.take().unwrap(), lines.as_bytes()).unwrap();
    String::from_utf8_lossy(&child.wait_with_output().unwrap().stdout).into_owned()
}

#[test]
fn a_person_at_a_terminal_has_a_prompt_and_is_asked_before_edits_are_lost() {
    let place = Place::new();
    let seen = at_a_terminal(
        &place,
        "configure\nprimitive a Dummy params \\\n  passwd=geheim\nprimitve b Dummy\nshow changed\nup\nstay\nup\nno\nconfigure show\nquit\n",
    );
    for words in [
        "crm(cib.xml)# ",
        "crm(cib.xml)configure# ",
        "write `primitive` if that is meant",
        "not committed",
        "the level was not left",
    ] {
        assert!(seen.contains(words), "no `{words}` in {seen}");
    }
    assert!(!place.read("cib.xml").contains("geheim"));
    at_a_terminal(&place, "configure\nprimitive a Dummy\nquit\nyes\n");
    assert!(place.read("cib.xml").contains("id=\"a\""));
    let kept = place.read("state/haven/crm_history");
    assert!(kept.contains("show changed") && !kept.contains("geheim"), "{kept}");
    let mode = std::fs::metadata(place.path("state/haven/crm_history")).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
}
