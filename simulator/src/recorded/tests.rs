//! Scenarios are run, exported, turned and replayed: what came of both must be alike.

use haven_core::ids::{NodeId, ResourceId};
use haven_core::units::Millis;

use super::*;
use crate::cluster::Tracing;
use crate::scenario::{Ran, Scenario};

fn run(steps: &str, cluster: &str) -> Ran {
    let text = format!(
        "title = \"t\"\nwhy = \"w\"\n[cluster]\n{cluster}\n[[resources]]\nid = \"db\"\nprefers = \"n3\"\n\
         [[resources]]\nid = \"web\"\nprefers = \"n1\"\n[script]\nsteps = [{steps}]\n"
    );
    let ran = Scenario::parse(&text).unwrap_or_else(|e| panic!("{e}")).run(Tracing::Off);
    assert!(ran.violations.is_empty(), "{:?}", ran.violations);
    ran
}

/// Exports, reads, turns, writes, reads and replays.
fn replayed(ran: &Ran, settings: &Settings) -> (Turned, Compared) {
    let recording = Recording::parse(&ran.recording.to_lines()).unwrap_or_else(|e| panic!("{e}"));
    assert_eq!(recording, ran.recording);
    let turned = turn(&recording, settings).unwrap_or_else(|e| panic!("{e}"));
    let written = turned.scenario.to_toml();
    assert_eq!(Scenario::parse(&written).unwrap_or_else(|e| panic!("{e}\n{written}")), turned.scenario);
    let again = turned.scenario.run(Tracing::Off);
    let compared = compare(&turned, &again);
    (turned, compared)
}

fn lost(tale: &Tale) -> Vec<(&str, &str)> {
    let end = |end: &End| match end {
        End::Off { .. } => "off",
        End::Returned { .. } => "returned",
        End::Open => "open",
    };
    tale.losses.iter().map(|loss| (loss.node.as_str(), end(&loss.end))).collect()
}

fn script(turned: &Turned) -> Vec<String> {
    turned.scenario.script.iter().map(ToString::to_string).collect()
}

fn db() -> ResourceId {
    ResourceId::new("db").unwrap()
}

/// The same losses and failovers, and outages within a fifth.
fn check_same(steps: &str, cluster: &str) -> (Turned, Compared) {
    let (turned, compared) = replayed(&run(steps, cluster), &Settings::default());
    let told = format!("{:#?}\n{compared:#?}", script(&turned));
    assert!(compared.violations.is_empty(), "{told}");
    assert_eq!(lost(&compared.recorded), lost(&compared.replayed), "{told}");
    for resource in compared.resources() {
        let (recorded, replayed) = (&compared.recorded, &compared.replayed);
        assert_eq!(recorded.failovers(resource), replayed.failovers(resource), "{resource}: {told}");
        let (then, now) = (recorded.longest(resource), replayed.longest(resource));
        let apart = then.minus(now).max(now.minus(then));
        assert!(apart.0 * 5 <= then.0.max(now.0), "{resource}: {then} and {now}\n{told}");
    }
    (turned, compared)
}

#[test]
fn a_crash_that_was_fenced_is_replayed_as_one() {
    let (turned, compared) = check_same(r#""5s crash n3", "60s pass""#, "");
    assert_eq!(lost(&compared.recorded), [("n3", "off")]);
    assert!(compared.recorded.longest(&db()) > Millis::secs(1), "{compared:?}");
    assert!(script(&turned).iter().any(|step| step.contains("crash n3")), "{:?}", script(&turned));
    let said = answer(&compared, &Settings::default());
    assert!(said.starts_with("Replayed with the same settings db was down for "), "{said}");
}

#[test]
fn a_leader_that_loses_its_power_is_the_leader_of_the_replay_and_names_are_told_back() {
    let (_, compared) = check_same(r#""5s crash n1", "60s pass""#, "");
    assert_eq!(lost(&compared.recorded), [("n1", "off")]);
}

#[test]
fn a_reboot_that_was_its_own_proof_is_replayed_as_one() {
    let cluster = "devices = \"none\"\ntested = \"never\"\nhold = \"20s\"";
    let (turned, compared) = check_same(r#""5s crash n3 reboot 4s", "60s pass""#, cluster);
    assert_eq!(lost(&compared.recorded), [("n3", "off")]);
    assert!(script(&turned).iter().any(|step| step.contains("crash n3 reboot")), "{:?}", script(&turned));
}

#[test]
fn a_partition_that_healed_is_replayed_as_one_and_a_longer_dead_after_spares_it() {
    let cluster = "devices = \"none\"\ntested = \"never\"\nhold = \"30s\"";
    let steps = r#""5s partition n3 / n1 n2", "7200ms heal-links", "60s pass""#;
    let (turned, compared) = check_same(steps, cluster);
    assert_eq!(lost(&compared.recorded), [("n3", "returned")], "{:?}", script(&turned));
    let settings = Settings { dead_after: Some(Millis::secs(3)), ..Settings::default() };
    let (turned, compared) = replayed(&run(steps, cluster), &settings);
    assert!(compared.replayed.losses.is_empty(), "{:?}\n{compared:?}", script(&turned));
    assert!(compared.violations.is_empty(), "{compared:?}");
    let said = answer(&compared, &settings);
    assert!(said.starts_with("With dead-after 3s nothing would have failed over"), "{said}");
}

#[test]
fn a_longer_dead_after_makes_the_outage_of_a_crash_longer() {
    let ran = run(r#""5s crash n3", "60s pass""#, "");
    let settings = Settings { dead_after: Some(Millis::secs(6)), ..Settings::default() };
    let (_, compared) = replayed(&ran, &settings);
    let (then, now) = (compared.recorded.longest(&db()), compared.replayed.longest(&db()));
    assert!(now > then + Millis::secs(3), "{then} and {now}");
    let said = answer(&compared, &settings);
    assert!(
        said.starts_with("With dead-after 6s db would have been down for ") && said.contains("(recorded: "),
        "{said}"
    );
}

#[test]
fn one_way_and_one_link_are_cut_as_they_were() {
    let steps = r#""5s cut n2>n3 link 1", "9s heal n2>n3", "12s cut n3>n2", "15s heal n3>n2", "40s pass""#;
    let (turned, compared) = check_same(steps, "links = 2");
    let script = script(&turned);
    assert!(script.iter().any(|step| step.ends_with("cut n2>n3 link 1")), "{script:?}");
    assert!(script.iter().any(|step| step.ends_with("cut n3>n2")), "{script:?}");
    assert!(compared.replayed.losses.is_empty());
}

#[test]
fn failures_of_agents_and_devices_and_peoples_orders_are_replayed() {
    let steps = r#""2s bmc n3 refuses", "3s agent n2 db start fail 1", "5s crash n3", "40s bmc n3 well",
        "45s agent n2 db start well", "80s ask standby n1", "90s ask online n1", "100s ask add mail prefers n2",
        "110s kill-daemon n2 restart 300ms", "140s pass""#;
    let (turned, _) = replayed(&run(steps, ""), &Settings::default());
    let script = script(&turned);
    for words in ["device bmc-n3 ", "ask standby ", "ask online ", "ask add mail prefers ", "kill-daemon "] {
        assert!(script.iter().any(|step| step.contains(words)), "no {words}: {script:#?}");
    }
}

#[test]
fn another_configuration_is_replayed_in_the_names_of_the_recording() {
    let ran = run(r#""5s crash n3", "60s pass""#, "");
    let mut spec = ran.recording.header.before.spec.clone();
    spec.resources.remove(&ResourceId::new("web").unwrap());
    spec.constraints.retain(|id, _| !id.as_str().contains("web"));
    let settings = Settings { spec: Some(spec.clone()), ..Settings::default() };
    let (_, compared) = replayed(&ran, &settings);
    assert!(compared.violations.is_empty(), "{compared:?}");
    assert!(!compared.replayed.resources.iter().any(|id| id.as_str() == "web"), "{:?}", compared.replayed);
    let node = NodeId::new("n3").unwrap();
    assert!(compared.replayed.losses.iter().all(|loss| loss.node == node));
    let group = haven_core::spec::Body::Group { members: Vec::new() };
    let id = ResourceId::new("g").unwrap();
    spec.resources.insert(id.clone(), haven_core::spec::Resource::new(id, group));
    let settings = Settings { spec: Some(spec), ..Settings::default() };
    assert!(matches!(turn(&ran.recording, &settings), Err(CannotTurn::Spec(_))));
    let short = Settings { dead_after: Some(Millis(5)), ..Settings::default() };
    assert!(matches!(turn(&ran.recording, &short), Err(CannotTurn::Timing(_))));
}

fn fault(text: &str) -> (usize, usize, String) {
    let BadRecording { line, column, why } = Recording::parse(text).unwrap_err();
    (line, column, why)
}

#[test]
fn a_file_that_is_no_whole_export_is_refused_with_line_and_column() {
    let ran = run(r#""20s pass""#, "");
    let text = ran.recording.to_lines();
    let lines: Vec<&str> = text.lines().collect();
    assert!(lines.len() > 4, "{text}");
    let with = |number: usize, line: &str| {
        let mut lines = lines.clone();
        lines[number - 1] = line;
        lines.join("\n")
    };
    let cut = &lines[2][..lines[2].len() - 3];
    assert_eq!(fault(&with(3, cut)), (3, cut.len() + 1, "the line ends too early: the file was cut off".to_owned()));
    let (line, column, why) = fault(&with(1, &lines[0].replace("\"version\":1", "\"version\":9")));
    assert_eq!((line, column), (1, lines[0].find("\"version\":").unwrap() + 11));
    assert_eq!(why, "it is of version 9, this haven reads version 1");
    let (line, _, why) = fault(&with(1, &lines[0].replace("haven-log", "other-log")));
    assert_eq!((line, why.as_str()), (1, "`other-log` is no log of haven, `haven-log` is"));
    let strange = r#"{"index":1,"term":1,"time":9,"event":{"event":"tea_made"}}"#;
    let (line, column, why) = fault(&with(2, strange));
    assert_eq!((line, why.as_str()), (2, "unknown variant `tea_made`: a newer haven may have written it"));
    assert!(column > 40, "{column}");
    let swapped = [&lines[..1], &[lines[2], lines[1]], &lines[3..]].concat().join("\n");
    let (line, column, why) = fault(&swapped);
    assert!((line, column) == (2, 10) && why.contains("the log has an order"), "{column} {why}");
    let (line, column, why) = fault(&lines[..lines.len() - 1].join("\n"));
    assert!((line, column) == (lines.len(), 1) && why.ends_with("the file was cut off"), "{line} {why}");
    assert_eq!(fault("").0, 1);
    assert!(fault("{}").2.contains("missing field `format`"));
    let more = format!("{text}{}\n", lines[lines.len() - 1]);
    assert_eq!(fault(&more).0, lines.len() + 1);
}

#[test]
fn no_secret_is_in_the_export_of_a_simulated_cluster() {
    let ran = run(r#""1s ask attribute n1 apikey hunter2", "20s pass""#, "");
    let text = ran.recording.to_lines();
    assert!(text.contains("attribute_set") && !text.contains("hunter2"), "{text}");
}
