//! What is read, what is written, and what is said of what is wrong.

use super::*;
use crate::cluster::ClusterOptions;
use crate::disk::DiskProfile;
use crate::scenario::{Expected, Never};
use crate::world::{Range, WatchdogModel};
use haven_core::ids::NodeId;
use haven_core::spec::Hold;

const SMALL: &str = r#"title = "A title"
why = """
A story.
"""

[script]
steps = [
    "+1s power-off n3",
]
"#;

/// A configuration with text in it that a file could stumble over.
fn configured() -> haven_core::spec::Spec {
    let mut spec = haven_core::spec::Spec::default();
    let mut db = crate::cluster::primitive("db").unwrap();
    db.description = Some("What \"they\" call C:\\ \"\"\"".to_owned());
    spec.resources.insert(db.id.clone(), db);
    spec
}

fn faults(text: &str) -> Vec<String> {
    read(text).unwrap_err().faults.iter().map(ToString::to_string).collect()
}

fn check_fault(with: &str, expected: &str) {
    let text = format!("title = \"t\"\nwhy = \"w\"\n{with}");
    assert_eq!(faults(&text), [expected], "{text}");
}

#[test]
fn what_is_not_said_is_as_usual() {
    let scenario = read(SMALL).unwrap();
    assert_eq!((scenario.title.as_str(), scenario.why.as_str(), scenario.seed), ("A title", "A story.", SEED));
    assert_eq!((&scenario.cluster, &scenario.expected), (&ClusterOptions::default(), &Expected::default()));
    assert_eq!(scenario.script, ["+1s power-off n3".parse().unwrap()]);
}

#[test]
fn what_is_written_is_what_is_read() {
    let mut scenario = read(SMALL).unwrap();
    let node = |name| NodeId::new(name).unwrap();
    scenario.title = "What \"they\" call C:\\".to_owned();
    scenario.why = "Three \"\"\" and a \\.\n\n\tAn end.".to_owned();
    scenario.seed = 17;
    scenario.cluster = ClusterOptions {
        machines: 4,
        witnesses: [node("n3")].into(),
        links: 2,
        properties: vec![("stonith-action".to_owned(), "off".to_owned()), ("a b".to_owned(), "\"".to_owned())],
        devices: crate::cluster::Devices::None,
        tested: None,
        watchdog: WatchdogModel::software(),
        watched: [node("n4")].into(),
        cgroups: crate::world::Cgroups::Missing,
        disk: DiskProfile { sync_min: 5, stall: 2_000_000, ..DiskProfile::default() },
        ballast: 9,
        boot: Range::ms(20, 4000),
        start: Range::fixed(70),
        stop: Range::ms(10, 20),
        switching: Range::fixed(900),
        spec: Some(configured()),
        begins: [("db".to_owned(), node("n2"))].into(),
        resources: vec![
            crate::cluster::ResourceOptions::new("db", Some((node("n2"), 7))),
            crate::cluster::ResourceOptions {
                agent: haven_core::spec::AgentName::parse("haven:ip").unwrap(),
                params: [("ip".to_owned(), "10.0.0.100".to_owned()), ("a b".to_owned(), "\"".to_owned())].into(),
                ..crate::cluster::ResourceOptions::new("web", None)
            },
        ],
        ..ClusterOptions::default()
    };
    scenario.cluster.timing.hold = Hold::Set(Millis::secs(60));
    scenario.cluster.timing.dead_after = Millis(1600);
    scenario.cluster.timing.replace_after = Millis::secs(9);
    scenario.expected.story = vec!["* \"x\"".to_owned(), "y".to_owned()];
    scenario.expected.never = vec![
        Never::Log("z".to_owned()),
        Never::LogBeyond(2, "b*".to_owned()),
        Never::LogBeyond(1, "a*".to_owned()),
        Never::Starts("db".to_owned(), node("n1")),
        Never::Stops("db".to_owned(), node("n2")),
        Never::Unreached("10.0.0.100".to_owned(), Millis::secs(2)),
    ];
    scenario.expected.converges = None;
    scenario.expected.plants = vec![Planted { plant: Plant::IgnoreOrphans, breaks: "S1" }];
    let text = write(&scenario);
    assert_eq!(read(&text).unwrap_or_else(|e| panic!("{e}\n{text}")), scenario, "{text}");
    scenario.expected.converges = Some(Millis::secs(20));
    scenario.expected.power_cycle = true;
    assert_eq!(read(&write(&scenario)).unwrap(), scenario);
}

#[test]
fn a_comment_does_not_hide_what_follows() {
    let text = SMALL.replace("steps = [\n", "steps = [\n    # At first.\n    \"pass\", # and then\n");
    assert_eq!(read(&text).unwrap().script.len(), 2);
}

#[test]
fn each_fault_has_its_line_and_column() {
    let text = SMALL.replace("n3\",", "n3\", \"+2s burn n1\",\n \"at noon pass\",") + "[cluster]\nboot = \"long\"\n";
    let said = faults(&text);
    assert_eq!(said.len(), 3, "{said:?}");
    assert!(said[0].starts_with("line 8, column 25: ") && said[0].contains("there is no fault `burn`"), "{said:?}");
    assert!(said[1].starts_with("line 9, column 2: "), "{said:?}");
    assert!(said[2].starts_with("line 12, column 8: `long` is no time, one such as 1500ms"), "{said:?}");
}

#[test]
fn what_is_wrong_is_said_with_what_was_expected() {
    check_fault("seed = \"x\"", "line 3, column 8: invalid type: string \"x\", expected u64");
    check_fault("[cluster]\nmachines = 0", "line 4, column 12: there are no machines, at least one is needed");
    check_fault(
        "[cluster]\nwitnesses = [\"n4\"]",
        "line 4, column 14: there is no machine `n4`, they are called n1 to n3",
    );
    check_fault("[cluster]\nwatchdog = \"soft\"", "line 4, column 12: `soft` is none of none, hardware, software");
    check_fault(
        "[cluster]\nhold = \"1s\"",
        "line 4, column 8: hold is 1s, at least twice dead-after (3s) is needed so that a leader change does not end it",
    );
    check_fault(
        "[cluster]\nspec = '{\"resources\": 3}'",
        "line 4, column 8: it is no configuration: invalid type: integer `3`, expected a map at line 1 column 15",
    );
    check_fault(
        "[cluster.begins]\ndb = \"n4\"",
        "line 4, column 6: there is no machine `n4`, they are called n1 to n3",
    );
    check_fault(
        "[[resources]]\nid = \"db\"\nscore = 3",
        "line 5, column 9: a score needs `prefers`, the machine that it is for",
    );
    check_fault(
        "[[resources]]\nid = \"vip\"\nagent = \"a:b:c:d\"",
        "line 5, column 9: `a:b:c:d` is no agent, such as haven:ip",
    );
    check_fault("[expected]\nlongest-gap = { vip = \"2s\" }", "line 4, column 17: `vip` is no address");
    check_fault(
        "[expected]\nnever-starts = [\"db\"]",
        "line 4, column 17: `db` is no resource and a machine, such as `db n3`",
    );
    check_fault(
        "[expected]\ngoes-on = true\nconverges-within = \"3s\"",
        "line 4, column 11: what goes on is never healed: it cannot converge within a time",
    );
    check_fault(
        "[plants]\nOops = \"S1\"",
        "line 4, column 1: there is no planted bug `Oops`, see orchestrator/core/src/plant.rs",
    );
    check_fault(
        "[plants]\nIgnoreOrphans = \"S9\"",
        "line 4, column 17: there is no property `S9`, one of S1, S2, S3, S4, S5, S7, L1, L2, expected is needed",
    );
    check_fault(
        "steps = [\"pass\"]",
        "line 3, column 1: unknown field `steps`, expected one of `title`, `why`, `seed`, `cluster`, `resources`, `script`, `expected`, `plants`",
    );
    assert_eq!(faults("title = \"t\""), ["line 1, column 1: missing field `why`"]);
    assert_eq!(faults("title = \"\"\nwhy = \" \""), ["line 1, column 9: it is empty", "line 2, column 7: it is empty"]);
    assert!(faults("title = ")[0].starts_with("line 1, column 9: "));
}
