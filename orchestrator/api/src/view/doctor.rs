//! Checks that need no more than the state and what a node knows, joined with those of the machine.

use std::collections::{BTreeMap, BTreeSet};

use haven_core::event::Counted;
use haven_core::ids::{LogIndex, NodeId};
use haven_core::state::Member;
use haven_core::units::Millis;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::Scene;
use super::clock::Clock;
use super::fencing::FencePath;
use super::nodes::seconds;
use super::quorum::{QuorumWord, quorum};
use crate::model::{Check, CheckResult, STATE_DEVICE, StoreFact};

/// A fence test older than this is worth repeating: BMCs lose their passwords and their cables.
const TEST_OLD: Millis = Millis::secs(30 * 86_400);
/// Clocks that differ by more than this are named.
const SKEW: u64 = 500;

/// Everything that was checked.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Doctor {
    /// The node that answers.
    pub node: String,
    /// The checks, worst first.
    pub checks: Vec<Check>,
    /// What `haven doctor` exits with: 1 if anything failed.
    pub exit_code: u8,
}

/// Checks the scene, and adds what was found of the machine.
pub fn doctor(scene: &Scene, machine: Vec<Check>) -> Doctor {
    let mut checks = vec![majority(scene), voters(scene)];
    let clock = Clock::of(scene);
    for member in scene.state.members.values() {
        checks.extend(member_checks(scene, &clock, member));
    }
    checks.extend(peers(scene));
    checks.push(gaps(scene));
    checks.push(hashes(scene));
    checks.extend(store(scene));
    checks.extend(devices(scene));
    checks.extend(machine);
    // Stable: the order in which they were made, within each result.
    checks.sort_by_key(|c| std::cmp::Reverse(c.result));
    let failed = checks.iter().any(|c| c.result == CheckResult::Fail);
    Doctor { node: scene.local().map_or_else(String::new, |l| l.node.to_string()), checks, exit_code: u8::from(failed) }
}

fn majority(scene: &Scene) -> Check {
    let quorum = quorum(scene);
    let found = format!("{} of {} voters heard", quorum.heard, quorum.voters);
    match quorum.word {
        QuorumWord::Ok | QuorumWord::Past => Check::ok("quorum", found),
        QuorumWord::Electing => {
            Check::warn("quorum", format!("{found}, nobody leads yet"), "haven status again in a second")
        }
        QuorumWord::Lost => {
            let missing = quorum.missing.join(", ");
            Check::fail("quorum", format!("{found}; {missing} missing"), "bring a majority of the voters back")
        }
    }
}

fn voters(scene: &Scene) -> Check {
    let voters = scene.state.voters().len();
    let members = scene.state.members.len();
    match (voters, members) {
        (1, 1) => Check::warn(
            "voters",
            "one node alone: nobody takes over",
            "haven token create, then haven join on another machine",
        ),
        (_, 2) => {
            let fix = "haven token create --witness, then haven join on a third machine";
            Check::warn("voters", "two nodes: with one gone nothing can be decided", fix)
        }
        (2 | 4, _) => {
            let found = format!("{voters} voters survive no more failures than {}", voters - 1);
            Check::warn("voters", found, "add a member or a witness")
        }
        _ => Check::ok("voters", format!("{voters} voters survive the failure of {}", voters.saturating_sub(1) / 2)),
    }
}

fn member_checks(scene: &Scene, clock: &Clock, member: &Member) -> Vec<Check> {
    if !member.runs_resources() {
        return Vec::new();
    }
    let (state, name) = (scene.state, &member.node);
    let mut checks = Vec::new();
    let path = FencePath::of(state, clock, name);
    let about = format!("fencing of {name}");
    let test = format!("haven fence test {name}");
    let oldest = path.devices.iter().filter_map(|d| d.tested.as_ref()).map(|t| t.ago_ms).max();
    let failed = path.devices.iter().find(|d| !d.failed.is_empty());
    let alone = state.members.len() == 1;
    if path.devices.is_empty() && !alone {
        let found = "nothing can switch it off: what it holds when it fails may wait for a person";
        checks.push(Check::fail(about, found, format!("haven fence add, then {test}")));
    } else if let Some(device) = failed {
        checks.push(Check::fail(about, format!("{} failed its test: {}", device.device, device.failed), test));
    } else if path.devices.iter().any(|d| d.distrusted) {
        checks.push(Check::fail(about, "its device contradicted itself and is not believed", test));
    } else if path.devices.iter().any(|d| d.tested.is_none()) {
        checks.push(Check::warn(about, format!("{} was never tested", path.words()), test));
    } else if oldest.is_some_and(|ms| ms > TEST_OLD.0) {
        let age = seconds(Millis(oldest.unwrap_or(0)));
        checks.push(Check::warn(about, format!("{} was tested {age} ago", path.words()), test));
    } else if path.devices.iter().any(|d| d.off_time_ms.is_none()) && !alone {
        let found = format!("{} passed; off time and staleness not measured, so 3 s are waited", path.words());
        checks.push(Check::warn(about, found, format!("{test} --cycle")));
    } else if !alone {
        checks.push(Check::ok(about, format!("{} passed its test", path.words())));
    }
    checks.push(watchdog(member));
    for finding in member.audit.iter().flat_map(|a| &a.findings) {
        let found = format!("{name} starts {} at boot, and haven does too", finding.resource);
        checks.push(Check::fail(format!("boot of {name}"), found, finding.what.clone()));
    }
    if let Some(reason) = &member.distrusted {
        checks.push(Check::fail(
            format!("store of {name}"),
            format!("it may not vote: {reason}"),
            "haven reset there, then haven join",
        ));
    }
    checks
}

fn watchdog(member: &Member) -> Check {
    let about = format!("watchdog of {}", member.node);
    match &member.watchdog {
        None => Check::ok(about, "none armed; a fence device has to prove that it is off"),
        Some(watchdog) => match &watchdog.report.counted {
            Counted::Hardware => Check::ok(about, format!("{} counts as proof", watchdog.report.identity)),
            Counted::TrustedByName => {
                let found = format!(
                    "{} counts by an operator's word; if it does not fire, data is lost",
                    watchdog.report.identity
                );
                Check::warn(about, found, "add a fence device and end the trust")
            }
            Counted::No(why) => Check::ok(about, format!("{} armed, no proof: {why}", watchdog.report.identity)),
        },
    }
}

fn peers(scene: &Scene) -> Vec<Check> {
    let Some(local) = scene.local() else { return Vec::new() };
    let limit = scene.state.timing.silence();
    let mut checks = Vec::new();
    for peer in &local.peers {
        let about = format!("link to {}", peer.node);
        match peer.silence {
            None => {
                let fix = format!("open UDP {} both ways", ports(scene, &peer.node));
                checks.push(Check::fail(about, "never heard in this daemon's life", fix));
            }
            Some(silence) if silence >= limit => {
                let found = format!("silent for {}", seconds(silence));
                checks.push(Check::fail(about, found, format!("haven why {}", peer.node)));
            }
            Some(_) => checks.push(round_trip(about, peer.round_trip_us, limit)),
        }
        if let Some(ahead) = peer.clock_ahead {
            let about = format!("clock of {}", peer.node);
            let found = format!("{ahead} ms from this node's");
            checks.push(if ahead.unsigned_abs() > SKEW {
                Check::warn(about, format!("{found}; decisions do not depend on it"), "start chrony or ntpd on both")
            } else {
                Check::ok(about, found)
            });
        }
    }
    checks
}

/// The ports at which a member says that it can be reached.
fn ports(scene: &Scene, node: &NodeId) -> String {
    let endpoints = scene.state.members.get(node).map_or(&[][..], |member| member.endpoints.as_slice());
    let ports: BTreeSet<&str> = endpoints.iter().filter_map(|at| Some(at.0.rsplit_once(':')?.1)).collect();
    match ports.into_iter().collect::<Vec<_>>().as_slice() {
        [] => format!("port of {node}"),
        [port] => format!("port {port} of {node}"),
        [first @ .., last] => format!("ports {} and {last} of {node}", first.join(", ")),
    }
}

fn round_trip(about: String, round_trip_us: Option<u32>, limit: Millis) -> Check {
    let Some(us) = round_trip_us else { return Check::ok(about, "heard; round trip not measured yet") };
    let found = format!("round trip {}.{:03} ms", us / 1000, us % 1000);
    if u64::from(us) > limit.0 * 100 {
        return Check::warn(
            about,
            format!("{found} is much for dead-after {limit}"),
            "use profile wan, or raise dead-after",
        );
    }
    Check::ok(about, found)
}

/// The longest gaps between heartbeats that the leader saw, against D.
fn gaps(scene: &Scene) -> Check {
    let limit = scene.state.timing.silence();
    let digests = scene.recent.iter().filter_map(|e| match e.event() {
        Some((_, haven_core::event::Event::HeartbeatDigest(digest))) => Some(digest),
        Some(_) | None => None,
    });
    let mut lines = digests.flat_map(|d| &d.lines).chain(&scene.state.digest.lines).peekable();
    if lines.peek().is_none() {
        return Check::ok("heartbeat gaps", "no digest yet");
    }
    let worst = lines.max_by_key(|l| l.worst_gap).map(|l| (l.node.clone(), l.worst_gap));
    let Some((node, gap)) = worst else { return Check::ok("heartbeat gaps", "no digest yet") };
    let found = format!("worst {gap} (from {node}), dead-after is {limit}");
    if gap.times(3) > limit {
        return Check::warn("heartbeat gaps", found, "look for load or loss on that node, or raise dead-after");
    }
    // The timings of profile lan, D = 1.5 s, want gaps below a fifth of that.
    if limit >= Millis::secs(3) && gap.times(5) < Millis(1500) && scene.recent.len() > 100 {
        return Check::ok("heartbeat gaps", format!("{found}; small enough for dead-after 1500ms (profile lan)"));
    }
    Check::ok("heartbeat gaps", found)
}

/// Equal index, equal state: the hashes that the nodes send with their heartbeats.
fn hashes(scene: &Scene) -> Check {
    let mut by_index: BTreeMap<LogIndex, BTreeMap<u32, Vec<String>>> = BTreeMap::new();
    for line in &scene.state.digest.lines {
        if let Some((index, hash)) = line.hash {
            by_index.entry(index).or_default().entry(hash).or_default().push(line.node.to_string());
        }
    }
    for (index, hashes) in &by_index {
        if hashes.len() > 1 {
            let groups: Vec<String> = hashes.values().map(|nodes| nodes.join(",")).collect();
            let found = format!("states differ at {index}: {}", groups.join(" against "));
            return Check::fail(
                "state hash",
                found,
                "haven reset on the minority, then haven join; keep its store for a report",
            );
        }
    }
    Check::ok(
        "state hash",
        format!("{} nodes compared", by_index.values().flat_map(BTreeMap::values).map(Vec::len).sum::<usize>()),
    )
}

/// Voters whose logs lie on one device all stand still when it does [H-26].
fn devices(scene: &Scene) -> Vec<Check> {
    const NAME: &str = "devices of the logs";
    let mut by_device: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for member in scene.state.members.values().filter(|m| scene.state.is_voter(m.member)) {
        if let Some(device) = member.attributes.get(STATE_DEVICE) {
            by_device.entry(device).or_default().push(member.node.as_str());
        }
    }
    let shared = |(device, nodes): (&&str, &Vec<&str>)| {
        let found = format!("{} vote, and keep their logs on one device ({device})", nodes.join(" and "));
        Check::warn(NAME, found, "give the state folder of each voter a disk that no other voter uses")
    };
    let found: Vec<Check> = by_device.iter().filter(|(_, nodes)| nodes.len() > 1).map(shared).collect();
    if found.is_empty() && by_device.len() > 1 {
        return vec![Check::ok(NAME, format!("{} voters, as many devices", by_device.len()))];
    }
    found
}

fn store(scene: &Scene) -> Vec<Check> {
    let Some(local) = scene.local() else { return Vec::new() };
    let mut checks = vec![match &local.store {
        StoreFact::Fine => Check::ok("store", "writable, with room"),
        StoreFact::Low { free, needed } => {
            let found = format!("{} MiB free, {} MiB needed; changes are refused", free >> 20, needed >> 20);
            Check::warn("store", found, "free space on the disk of the state folder")
        }
        StoreFact::Failed { reason } => {
            Check::fail("store", format!("nothing is written: {reason}"), "mend the disk, then restart the daemon")
        }
    }];
    for (voter, why) in &local.refused_by {
        let found = format!("{voter} does not listen to this node: {why}");
        checks.push(Check::fail("store", found, "haven reset, then haven join"));
    }
    checks
}

#[cfg(test)]
mod tests {
    use expect_test::expect;
    use haven_core::event::Endpoint;

    use super::*;
    use crate::model::{HoldFact, LocalFacts};
    use crate::view::bench::Bench;

    #[test]
    fn a_healthy_cluster_has_nothing_to_fix() {
        let bench = Bench::healthy();
        let local = bench.local();
        let doctor = doctor(&bench.scene(&local), vec![Check::ok("udp port 7741", "open")]);
        assert_eq!(doctor.exit_code, 0);
        assert!(doctor.checks.iter().all(|c| c.result == CheckResult::Ok), "{:?}", doctor.checks);
    }

    #[test]
    fn voters_whose_logs_are_on_one_device_are_named() {
        let mut bench = Bench::healthy();
        let told = |bench: &mut Bench, node: &str, device: &str| {
            let attributes = &mut bench.state.members.get_mut(&crate::view::bench::node(node)).unwrap().attributes;
            attributes.insert(STATE_DEVICE.to_owned(), device.to_owned());
        };
        let found =
            |bench: &Bench| devices(&bench.scene(&bench.local())).into_iter().map(|check| check.found).collect();
        let none: Vec<String> = found(&bench);
        assert_eq!(none, [""; 0], "nobody has told");
        for (node, device) in [("a", "naa.1"), ("b", "naa.2"), ("c", "naa.3")] {
            told(&mut bench, node, device);
        }
        let apart: Vec<String> = found(&bench);
        assert_eq!(apart, ["3 voters, as many devices"]);
        told(&mut bench, "c", "naa.1");
        let shared: Vec<String> = found(&bench);
        assert_eq!(shared, ["a and c vote, and keep their logs on one device (naa.1)"]);
    }

    #[test]
    fn a_member_that_was_never_heard_is_named_with_the_ports_that_it_has() {
        let mut bench = Bench::three();
        let mut local = bench.local();
        local.peers.iter_mut().for_each(|peer| peer.silence = None);
        let at = |texts: &[&str]| texts.iter().map(|text| Endpoint((*text).to_owned())).collect::<Vec<_>>();
        let told = |bench: &Bench, local: &LocalFacts| -> Vec<String> {
            peers(&bench.scene(local)).into_iter().filter(|c| c.result == CheckResult::Fail).map(|c| c.fix).collect()
        };
        for (name, endpoints) in [("a", at(&["10.0.0.1:9001"])), ("c", at(&["10.0.0.3:7741", "[fd00::3]:7742"]))] {
            bench.state.members.get_mut(&crate::view::bench::node(name)).unwrap().endpoints = endpoints;
        }
        assert_eq!(
            told(&bench, &local),
            ["open UDP port 9001 of a both ways", "open UDP ports 7741 and 7742 of c both ways"]
        );
        bench.state.members.get_mut(&crate::view::bench::node("a")).unwrap().endpoints = Vec::new();
        local.peers.truncate(1);
        assert_eq!(told(&bench, &local), ["open UDP port of a both ways"]);
    }

    #[test]
    fn what_fails_comes_first_and_has_a_fix() {
        let bench = Bench::three();
        let mut local = bench.local();
        local.hold = HoldFact::Never;
        local.peers[0].silence = Some(Millis::secs(9));
        local.peers[1].clock_ahead = Some(-90_000);
        let machine = vec![Check::fail("program", "fence_ilo4 is not installed", "apt install fence-agents")];
        let view = doctor(&bench.scene(&local), machine);
        let text = crate::screen::doctor(&view, crate::screen::Paint::plain());
        expect![[r#"
            FAIL  link to a       silent for 9.0s
                                  fix: haven why a
            FAIL  program         fence_ilo4 is not installed
                                  fix: apt install fence-agents
            WARN  fencing of a    ilo-a was never tested
                                  fix: haven fence test a
            WARN  fencing of b    ilo-b was never tested
                                  fix: haven fence test b
            WARN  fencing of c    ilo-c was never tested
                                  fix: haven fence test c
            WARN  clock of c      -90000 ms from this node's; decisions do not depend on it
                                  fix: start chrony or ntpd on both
            ok    quorum          2 of 3 voters heard
            ok    voters          3 voters survive the failure of 1
            ok    watchdog of a   none armed; a fence device has to prove that it is off
            ok    watchdog of b   none armed; a fence device has to prove that it is off
            ok    watchdog of c   none armed; a fence device has to prove that it is off
            ok    clock of a      3 ms from this node's
            ok    link to c       round trip 0.240 ms
            ok    heartbeat gaps  no digest yet
            ok    state hash      0 nodes compared
            ok    store           writable, with room
            10 ok, 4 to look at, 2 failed    (on b, each node has its own)
        "#]]
        .assert_eq(&text);
        assert!(view.checks.iter().all(|c| (c.result == CheckResult::Ok) == c.fix.is_empty()), "{text}");
        assert_eq!(view.exit_code, 1);
    }
}
