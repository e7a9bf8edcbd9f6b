//! What is read, what is written, what is said of what is wrong, and whether the page of scenarios tells all of it.

use super::*;
use crate::cluster::ClusterOptions;
use crate::disk::DiskProfile;
use crate::scenario::{Action, Condition, Expected, Never, Order};
use crate::world::{AgentOp, Ailment, DeviceAil, Fault, PathChange, Range, WatchdogModel};
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
        failure_timeout: Millis::secs(90),
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
        "line 4, column 1: there is no planted bug `Oops`, see docs/reference/scenarios.md",
    );
    check_fault(
        "[plants]\nIgnoreOrphan = \"S1\"",
        "line 4, column 1: there is no planted bug `IgnoreOrphan`; did you mean `IgnoreOrphans`? See \
         docs/reference/scenarios.md",
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

fn check_step(step: &str, expected: &str) {
    let with = format!("[cluster]\nlinks = 2\n[script]\nsteps = [\"{step}\"]");
    check_fault(&with, &format!("line 6, column 10: {expected}"));
}

#[test]
fn names_that_the_cluster_has_not_are_told_where_they_stand() {
    let machine = "there is no machine `n9`, they are called n1 to n3";
    for step in [
        "power-off n9",
        "5s crash n9 reboot 3s",
        "cut n1>n9",
        "heal n9-*",
        "path n9>n1 loss 30",
        "partition n1 n2 / n9",
        "agent n9 db start hang",
        "disk n9 stall",
        "bmc n3 wired n9",
        "bmc n3 unreachable from n9",
        "wait runs db n9",
        "+3s expect not leads n9",
        "do standby n9",
        "ask add web prefers n9",
        "do redefine n3 wired n9",
        "every 1s for 9s fence n1 / fence n9",
    ] {
        check_step(step, machine);
    }
    check_step("cut n1>n2 link 2", "there is no link 2, they are numbered 0 to 1");
    let devices = "they are called bmc-n1 to bmc-n3; with `devices = \"bmc, then pdu\"` there is `pdu`, too";
    check_step("bmc n9 lies", &format!("there is no device `bmc-n9`, {devices}"));
    check_step("device pdu refuses", &format!("there is no device `pdu`, {devices}"));
    check_step("device bmc-n1 wired 3 n2", "bmc-n1 has no outlets, and none is called `3`");
    check_fault(
        "[cluster]\ndevices = \"bmc, then pdu\"\n[script]\nsteps = [\"device pdu wired n4 n1\"]",
        "line 6, column 10: pdu has no outlet `n4`, they are called n1, n2, n3",
    );
    check_fault(
        "[cluster]\ndevices = \"bmc, then pdu\"\n[script]\nsteps = [\"device strip refuses\"]",
        "line 6, column 10: there is no device `strip`, they are called bmc-n1 to bmc-n3 and pdu",
    );
}

/// Orders add resources while the script is played, and a pattern may be of anything.
#[test]
fn names_of_resources_and_patterns_are_not_looked_at() {
    let steps =
        ["die n3 later", "agent * later start hang", "wait log n9 lost*", "expect runs later n1", "do add later"];
    let steps = steps.map(|step| format!("{step:?}")).join(", ");
    let text = format!("title = \"t\"\nwhy = \"w\"\n[script]\nsteps = [{steps}]");
    assert_eq!(read(&text).unwrap().script.len(), 5);
}

#[test]
fn a_mistyped_word_is_told_with_the_nearest_and_a_missing_one_with_the_form() {
    let see = "See docs/reference/scenarios.md";
    let fault = |text: &str, why: &str| check_step(text, &format!("fault `{text}` cannot be understood: {why}"));
    fault("poweroff n3", &format!("there is no fault `poweroff`; did you mean `power-off`? {see}"));
    fault("waits owned db", &format!("there is no fault `waits`; did you mean `wait`? {see}"));
    fault("crash", "a machine is missing; write `crash NODE` or `crash NODE reboot TIME`");
    fault("reset n1 n2", "`n2` is too much; write `reset NODE`");
    fault("bmc n1 lie", &format!("devices have no ailment `lie`; did you mean `lies`? {see}"));
    fault("agent n1 db strt hang", &format!("agents have no action `strt`; did you mean `start`? {see}"));
    check_step("expect run db n3", &format!("there is no condition `run`; did you mean `runs`? {see}"));
    check_step("expect runs db", "`runs db` is no condition; write `runs RES NODE`");
    check_step("wait owned", "`owned` is no condition; write `owned RES`");
    check_step("wait", "the condition is missing");
    check_step("do stand-by n1", &format!("there is no order `stand-by`; did you mean `standby`? {see}"));
    check_step("do confirm", "`confirm` is no order; write `confirm NODE` or `confirm NODE after TIME`");
    check_step("every 3s", "`every 3s` is no step; write `every TIME for TIME ORDER / ORDER`");
    check_step("disk n3 stal", &format!("there is no disk order `stal`; did you mean `stall`? {see}"));
    check_step("disk n3 full", "`full` is no disk order; write `full BYTES`");
    check_step(
        "expect alive n3",
        "there is no condition `alive`; one of log, runs, owned, stopped, began, reaches, leads, up, off, holds, acts, \
         frozen, well, not is needed, see docs/reference/scenarios.md",
    );
}

/// A form with something in the place of each word in capitals.
fn sample(form: &str) -> String {
    let word = |word: &str| match word {
        "PATHS" => "n1>n2".to_owned(),
        "NODES" | "NODE" => "n1".to_owned(),
        "RES" | "NAME" | "VALUE" | "WORD" | "PATTERN" => "db".to_owned(),
        "AGENT" => "ocf:haven:Sim".to_owned(),
        "ACTION" => "monitor".to_owned(),
        "AILMENT" | "CONDITION" => "well".to_owned(),
        "CHANGE" => "loss 30".to_owned(),
        "ORDER" => "fence n1".to_owned(),
        "DEVICE" => "bmc-n1".to_owned(),
        "ADDRESS" => "10.0.0.100".to_owned(),
        "N" | "CODE" | "PPM" | "BYTE" | "BYTES" | "OUTLET" => "3".to_owned(),
        other => other.replace("TIME", "3s"),
    };
    form.split(' ').map(word).collect::<Vec<_>>().join(" ")
}

#[test]
fn every_form_can_be_read() {
    let under =
        |head: &str, forms: &[&str]| forms.iter().map(|form| format!("{head}{}", sample(form))).collect::<Vec<_>>();
    let faults = [
        under("", Fault::FORMS),
        under("path n1>n2 ", PathChange::FORMS),
        under("agent n1 db monitor ", Ailment::FORMS),
        under("device bmc-n1 ", DeviceAil::FORMS),
        under("disk n1 ", Inventory::DISKS),
    ];
    for step in faults.concat() {
        assert!(step.parse::<Fault>().is_ok(), "{step}: {:?}", step.parse::<Fault>());
    }
    let steps = [
        under("", Action::FORMS),
        under("3s do ", Order::FORMS),
        under("do redefine n1 ", DeviceAil::FORMS),
        under("+3s wait ", Condition::FORMS),
    ];
    for step in steps.concat() {
        assert!(step.parse::<Step>().is_ok(), "{step}: {:?}", step.parse::<Step>());
    }
}

#[test]
fn the_disks_of_a_cluster_understand_what_the_reader_lets_pass() {
    crate::exec::run(1, async {
        let cluster = crate::cluster::Cluster::new(1, ClusterOptions::default());
        for order in Inventory::DISKS {
            let done = cluster.world.apply_text(&format!("disk n1 {}", sample(order)));
            // What cannot be done to an empty disk is understood all the same.
            assert!(!done.as_ref().is_err_and(|error| error.why.contains("know no order")), "{order}: {done:?}");
        }
    });
}

/// The page that explains all words to whoever writes scenarios.
const PAGE: &str = include_str!("../../../../docs/reference/scenarios.md");

/// What stands below a heading of the page.
fn part(heading: &str) -> &'static str {
    let (_, rest) = PAGE.split_once(&format!("\n## {heading}\n")).unwrap();
    rest.split("\n## ").next().unwrap()
}

/// Each of `words` stands there, in one of the ways in which a key or a form is written.
fn check_told<'a>(heading: &str, words: impl IntoIterator<Item = &'a str>) {
    let part = part(heading);
    let told = |word: &str| {
        let ways = [format!("`{word}`"), format!("`[{word}]`"), format!("`[[{word}]]`"), format!("`[cluster.{word}]`")];
        ways.iter().any(|way| part.contains(way))
    };
    let missing: Vec<&str> = words.into_iter().filter(|word| !told(word)).collect();
    assert!(missing.is_empty(), "docs/reference/scenarios.md does not tell, in \"{heading}\": {missing:?}");
}

/// What the reader names to whoever writes something else into a table: its keys, or the words for one of them.
fn named(table: &str) -> String {
    faults(&format!("title = \"t\"\nwhy = \"w\"\n{table}\n")).remove(0)
}

#[test]
fn the_page_tells_every_key_and_every_value() {
    for table in ["", "[cluster]\n", "[cluster.disk]\n", "[[resources]]\nid = \"db\"\n", "[script]\n", "[expected]\n"] {
        let said = named(&format!("{table}none-such = 1"));
        // Between every second pair of ticks stands a key; the first is the one that is not known.
        let keys: Vec<&str> = said.split('`').skip(3).step_by(2).collect();
        assert!(!keys.is_empty(), "{said}");
        check_told("The file", keys);
    }
    for key in ["watchdog", "bmc-supply"] {
        let said = named(&format!("[cluster]\n{key} = \"none-such\""));
        let (_, words) = said.split_once(" is none of ").unwrap();
        let words: Vec<String> = words.split(", ").map(|word| format!("\"{word}\"")).collect();
        check_told("The file", words.iter().map(String::as_str));
    }
    let devices = cluster::DEVICES.map(|(word, _)| format!("\"{word}\""));
    check_told("The file", devices.iter().map(String::as_str));
}

#[test]
fn the_page_tells_every_form_of_every_step() {
    check_told("Steps", Action::FORMS.iter().copied());
    check_told("Conditions", Condition::FORMS.iter().copied());
    check_told("Orders", Order::FORMS.iter().copied());
    let ops = [AgentOp::Start, AgentOp::Stop, AgentOp::Monitor, AgentOp::Promote, AgentOp::Demote, AgentOp::Migrate];
    check_told("Faults", ops.map(AgentOp::word));
    for forms in [Fault::FORMS, PathChange::FORMS, Ailment::FORMS, DeviceAil::FORMS, Inventory::DISKS] {
        check_told("Faults", forms.iter().copied());
    }
}

#[test]
fn the_page_tells_every_planted_bug_and_what_it_can_break() {
    check_told("Planted bugs", PROPERTIES);
    check_told("Planted bugs", Plant::ALL.iter().map(|plant| plant.name()));
}
