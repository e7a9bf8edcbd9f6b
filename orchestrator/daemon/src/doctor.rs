//! What this machine itself tells a doctor: connections, helper programs, agents and fence programs of the
//! configuration, room for the log, cgroups, the watchdog, and what a boot would start behind haven's back.
//!
//! Never: a change of anything; a check from the state alone, which the API makes for every node alike.

use std::collections::BTreeSet;
use std::time::Duration;

use haven_agents::{audit, inventory};
use haven_api::model::Check;
use haven_core::ids::{LogIndex, ResourceId};
use haven_core::spec::{AgentClass, Spec};
use haven_core::units::Millis;
use haven_env::{Host, Request, UnitVerb};

use crate::files::{Kind, Place, SyncFigures, measure_sync, place_of};
use crate::life::{LiveNode, Parts};

/// The longest sync of 100 may take this share of `dead-after`: 10 ms for `fast`, 30 ms for `lan`, 60 ms by default. A
/// vote waits for one on each side, and an election must be over well before a node counts as lost.
const SYNC_SHARE: u64 = 50;

/// The check of where the state folder lies.
const PLACE: &str = "place of the log";
/// Where OCF agents are.
const OCF: &str = "/usr/lib/ocf/resource.d";
/// Where init scripts are.
const INIT: &str = "/etc/init.d";
/// Where heartbeat's own scripts are.
const HEARTBEAT: &str = "/etc/ha.d/resource.d";
/// Longest wait for the service manager to say whether it knows a unit.
const UNIT_WITHIN: Millis = Millis::secs(5);
/// Where fence programs are.
const FENCE: &str = "/usr/sbin";
/// Programs that stock agents call for addresses and file systems.
const PROGRAMS: [(&str, &str); 2] = [("/usr/sbin/ip", "iproute2"), ("/bin/mount", "mount")];

/// Looks this machine over.
pub(crate) async fn examine(node: &LiveNode, parts: &Parts) -> Vec<Check> {
    let host = parts.env.host.as_ref();
    let (spec, ids) = node.look(|facts, _| {
        (facts.state.spec.clone(), facts.state.resources.keys().cloned().collect::<Vec<ResourceId>>())
    });
    let dead_after = node.look(|facts, _| facts.state.timing.current.dead_after);
    let mut checks =
        vec![cgroups(host), watchdog(parts), ballast(node), disk(parts, dead_after).await, place(parts).await];
    checks.extend(halted(node.halted()));
    checks.push(elections(node.elections_for(), dead_after));
    checks.extend(ports(parts));
    checks.extend(PROGRAMS.iter().map(|(path, package)| program(host, path, package)));
    let installed = inventory(host).await;
    let units = known_units(host, &spec, &installed.units).await;
    checks.extend(agents(&spec, |path| host.has_program(path), &units));
    checks.extend(fence_programs(host, &spec, &installed.fence));
    checks.extend(double_starts(host, &spec, &ids).await);
    checks
}

fn cgroups(host: &dyn Host) -> Check {
    match host.groups() {
        Ok(_) => Check::ok("cgroups", "every action runs in a cgroup of its own"),
        Err(error) => Check::warn(
            "cgroups",
            format!(
                "{error}, so what scripts leave behind is not known: their resources do not start here, and after a \
                 restart of the daemon no stop is proof until the next boot"
            ),
            "run the daemon as root on a machine with cgroup v2",
        ),
    }
}

fn watchdog(parts: &Parts) -> Check {
    let trouble = parts.watchdog.trouble();
    // A device that refused may be open all the same, if it ran before.
    if parts.watchdog.is_armed() && trouble.is_none() {
        return Check::ok("watchdog", "armed");
    }
    let why = trouble.map_or_else(String::new, |trouble| format!(" ({trouble})"));
    Check::warn(
        "watchdog",
        format!("none is armed{why}, so a node that hangs is released by its fence devices alone"),
        "load the driver of the machine's watchdog and name its device in node.toml",
    )
}

/// A node that understands the log as far as another build of haven wrote it, and no further [S-19].
fn halted(halted: Option<(LogIndex, String)>) -> Option<Check> {
    let (index, why) = halted?;
    let text = format!("nothing is applied from entry {index} on: {why}");
    Some(Check::fail("log", text, "upgrade haven on this node"))
}

/// Elections are fitted to `dead-after` when a daemon starts. With one that was lowered since, a leader's death takes longer
/// to be over than a node's lease may wait [S-2].
fn elections(started_with: Option<Millis>, dead_after: Millis) -> Check {
    match started_with.filter(|started| *started != dead_after) {
        None => Check::ok("elections", format!("fitted to dead-after = {dead_after}")),
        Some(started) => Check::warn(
            "elections",
            format!("dead-after is {dead_after} by now, and the elections of this node are still fitted to {started}"),
            "restart the daemons one after the other with `systemctl restart haven`; what runs goes on",
        ),
    }
}

fn ballast(node: &LiveNode) -> Check {
    match node.store().health() {
        haven_log::Health::Fine => Check::ok("room for the log", "there is room"),
        haven_log::Health::Low { free, needed } => Check::warn(
            "room for the log",
            format!("{} MiB are free, {} MiB should be", free >> 20, needed >> 20),
            "make room on the file system of the state folder",
        ),
        haven_log::Health::Failed { reason } => Check::fail(
            "room for the log",
            format!("nothing is written any more: {reason}"),
            "mend the disk, and restart the daemon",
        ),
    }
}

/// Whether each member can be reached on each link, and why not.
fn ports(parts: &Parts) -> Vec<Check> {
    let mut checks = Vec::new();
    for fact in parts.network.transport.link_facts().into_iter().filter(|fact| !fact.is_up()) {
        let since = fact.since.as_secs();
        let why = fact.trouble.map_or_else(String::new, |why| format!(": {why}"));
        checks.push(Check::warn(
            format!("link {} to {}", fact.link.0, fact.node),
            format!("no connection for {since} s{why}"),
            "open its UDP port in both directions, and look whether the daemon runs there",
        ));
    }
    if checks.is_empty() {
        checks.push(Check::ok("ports", "every member is connected on every link"));
    }
    checks
}

/// How long a sync takes: an event is durable after one here and one on another voter.
async fn disk(parts: &Parts, dead_after: Millis) -> Check {
    const NAME: &str = "time to make an entry durable";
    let folder = parts.store.clone();
    let measured = tokio::task::spawn_blocking(move || measure_sync(&folder)).await;
    match measured.unwrap_or_else(|error| Err(std::io::Error::other(error))) {
        Ok(figures) => durable_within(NAME, &figures, Duration::from_millis(dead_after.0 / SYNC_SHARE)),
        Err(error) => Check::warn(NAME, format!("it cannot be measured: {error}"), "look at the state folder's disk"),
    }
}

/// Whether the log lies where it belongs.
async fn place(parts: &Parts) -> Check {
    let folder = parts.store.clone();
    let found = tokio::task::spawn_blocking(move || place_of(&folder)).await;
    match found.unwrap_or_else(|error| Err(std::io::Error::other(error))) {
        Ok(place) => place_for_a_log(&place),
        Err(error) => Check::warn(PLACE, format!("it cannot be told: {error}"), "look at the state folder"),
    }
}

fn place_for_a_log(place: &Place) -> Check {
    let device = &place.device;
    match place.kind {
        Kind::Disk => Check::ok(PLACE, format!("on a disk of this machine ({device})")),
        Kind::Memory => Check::fail(
            PLACE,
            "in memory: a power loss takes the log, and what this node has acknowledged",
            "put the state folder on a disk, then let the node join again",
        ),
        Kind::Network(kind) => Check::warn(
            PLACE,
            format!("on {kind}: when that server or the way to it stands still, so does this node, and all like it"),
            "put the state folder on a disk of this machine",
        ),
        Kind::Replicated => Check::warn(
            PLACE,
            "on DRBD: the log would wait for the peer that it is there to decide about",
            "put the state folder on a disk that is not replicated; haven replicates the log itself",
        ),
    }
}

fn durable_within(name: &str, figures: &SyncFigures, limit: Duration) -> Check {
    let ms = |span: Duration| format!("{:.1} ms", span.as_secs_f64() * 1e3);
    let (half, most, longest) = (ms(figures.median), ms(figures.p99), ms(figures.longest));
    let found = format!("half of {} syncs took {half} at most, 99 % {most}, the longest {longest}", figures.samples);
    if figures.p99 <= limit {
        return Check::ok(name, found);
    }
    let found = format!("{found}; for this dead-after {} is the limit", ms(limit));
    Check::warn(name, found, "give the state folder a faster disk, or one that it does not share, or raise dead-after")
}

fn program(host: &dyn Host, path: &str, package: &str) -> Check {
    // Distributions with one folder for all programs link the other to it.
    let found = [path.to_owned(), path.replace("/usr/sbin", "/sbin"), path.replace("/bin", "/usr/bin")];
    if found.iter().any(|path| host.has_program(path)) {
        return Check::ok(path, "installed");
    }
    Check::warn(path, "not installed; stock agents call it", format!("install {package}"))
}

/// The names under which `systemd:KIND` may be a unit: `nginx` is `nginx.service`.
fn unit_names(kind: &str) -> [String; 2] {
    [kind.to_owned(), format!("{kind}.service")]
}

/// Those units of the configuration that this machine has: there is a file, or the service manager says so, which also
/// knows units that were generated and instances of templates.
async fn known_units(host: &dyn Host, spec: &Spec, files: &BTreeSet<String>) -> BTreeSet<String> {
    let mut known = BTreeSet::new();
    let kinds = spec.resources.keys().filter_map(|id| spec.agent(id)).filter(|a| a.class == AgentClass::Systemd);
    for unit in kinds.flat_map(|agent| unit_names(&agent.kind)) {
        let ask = Request::Unit { verb: UnitVerb::Status, unit: unit.clone(), deadline: UNIT_WITHIN, latest: None };
        if files.contains(&unit) || host.request(ask).await.is_ok() {
            known.insert(unit);
        }
    }
    known
}

/// Agents of the configuration that this machine lacks: no program `has` a path, or no unit is among `units`.
fn agents(spec: &Spec, has: impl Fn(&str) -> bool, units: &BTreeSet<String>) -> Vec<Check> {
    // A pretended machine has its own agent under every name.
    if has(crate::demo::AGENT_PATH) {
        return Vec::new();
    }
    let mut checks = Vec::new();
    for (id, agent) in spec.resources.keys().filter_map(|id| Some((id, spec.agent(id)?))) {
        let kind = &agent.kind;
        let init = format!("{INIT}/{kind}");
        let (path, installed, fix) = match agent.class {
            AgentClass::Ocf => {
                let path = format!("{OCF}/{}/{kind}", agent.provider.as_deref().unwrap_or("heartbeat"));
                let installed = has(&path);
                (path, installed, "install the package that has it, such as resource-agents")
            }
            AgentClass::Lsb => {
                let installed = has(&init);
                (init, installed, "install the package that has it, or make it executable")
            }
            AgentClass::Heartbeat => {
                let own = format!("{HEARTBEAT}/{kind}");
                let installed = has(&own) || has(&init);
                (format!("{own} (or {init})"), installed, "copy it from a machine that has it, and make it executable")
            }
            AgentClass::Systemd => {
                let [_, service] = unit_names(kind);
                let installed = unit_names(kind).iter().any(|name| units.contains(name));
                let unit = if kind.contains('.') { kind.clone() } else { service };
                (format!("unit {unit}"), installed, "install the package that has it")
            }
            // Built in.
            AgentClass::Haven => continue,
        };
        if !installed {
            checks.push(Check::fail(format!("agent of {id}"), format!("{path} is not installed"), fix));
        }
    }
    checks
}

/// Fence programs of the configuration that this machine lacks.
fn fence_programs(host: &dyn Host, spec: &Spec, installed: &BTreeSet<String>) -> Vec<Check> {
    let mut checks = Vec::new();
    for device in spec.devices.values() {
        let path = format!("{FENCE}/{}", device.agent);
        if !installed.contains(&device.agent) && !host.has_program(&path) {
            let fix = match device.agent.as_str() {
                "ipmitool" => "install the package ipmitool",
                _ => "install the package that has it, such as fence-agents",
            };
            checks.push(Check::fail(
                format!("fence device {}", device.id),
                format!("{} is not installed here", device.agent),
                fix,
            ));
        }
    }
    checks
}

/// What both haven and the boot would start.
async fn double_starts(host: &dyn Host, spec: &Spec, ids: &[ResourceId]) -> Vec<Check> {
    let findings = audit(host, spec, ids).await;
    if findings.is_empty() {
        return vec![Check::ok("started at boot", "nothing that haven manages is started by the boot")];
    }
    let check = |finding: haven_core::event::AuditFinding| {
        Check::fail(
            format!("started at boot: {}", finding.resource),
            finding.what,
            "disable it in the boot; haven alone must start it",
        )
    };
    findings.into_iter().map(check).collect()
}

#[cfg(test)]
mod tests {
    use haven_core::spec::{AgentName, Body, Resource};

    use super::*;

    #[test]
    fn agents_of_every_class_that_this_machine_lacks_are_named() {
        let mut spec = Spec::default();
        for (id, agent) in [
            ("ip", "haven:ip"),
            ("mail", "heartbeat:MailTo"),
            ("disk", "heartbeat:drbddisk"),
            ("old", "heartbeat:vz"),
            ("guest", "lsb:vz"),
            ("gone", "lsb:xend"),
            ("web", "systemd:nginx"),
            ("vpn", "systemd:openvpn@office"),
            ("wiki", "systemd:wiki"),
            ("clean", "systemd:clean.timer"),
            ("db", "ocf:heartbeat:pgsql"),
            ("fs", "ocf:heartbeat:Filesystem"),
        ] {
            let id = ResourceId::new(id).unwrap();
            let agent = AgentName::parse(agent);
            spec.resources.insert(id.clone(), Resource::new(id, Body::Primitive { agent, template: None }));
        }
        let paths = ["/etc/ha.d/resource.d/MailTo", "/etc/init.d/vz", "/usr/lib/ocf/resource.d/heartbeat/Filesystem"];
        let units = ["nginx.service", "openvpn@office.service"].map(str::to_owned).into();
        let told = |has: &dyn Fn(&str) -> bool| -> Vec<String> {
            let line = |check: Check| format!("{:?} {}: {}", check.result, check.name, check.found);
            agents(&spec, has, &units).into_iter().map(line).collect()
        };
        assert_eq!(
            told(&|path| paths.contains(&path)),
            [
                "Fail agent of clean: unit clean.timer is not installed",
                "Fail agent of db: /usr/lib/ocf/resource.d/heartbeat/pgsql is not installed",
                "Fail agent of disk: /etc/ha.d/resource.d/drbddisk (or /etc/init.d/drbddisk) is not installed",
                "Fail agent of gone: /etc/init.d/xend is not installed",
                "Fail agent of wiki: unit wiki.service is not installed",
            ]
        );
        assert!(told(&|path| path == crate::demo::AGENT_PATH).is_empty(), "a pretended machine needs no other agent");
    }

    #[test]
    fn a_log_that_is_not_on_a_disk_of_this_machine_is_named() {
        let said = |kind| {
            let check = place_for_a_log(&Place { kind, device: "naa.1".to_owned() });
            format!("{:?} {}", check.result, check.found.split(':').next().unwrap())
        };
        assert_eq!(said(Kind::Disk), "Ok on a disk of this machine (naa.1)");
        assert_eq!(said(Kind::Memory), "Fail in memory");
        assert_eq!(said(Kind::Network("NFS")), "Warn on NFS");
        assert_eq!(said(Kind::Replicated), "Warn on DRBD");
    }

    #[test]
    fn a_disk_that_holds_up_elections_is_warned_of() {
        let figures = |p99: u64| SyncFigures {
            samples: 200,
            median: Duration::from_micros(400),
            p99: Duration::from_millis(p99),
            longest: Duration::from_millis(p99 + 1),
        };
        let limit = Duration::from_millis(60);
        let (fine, slow) = (durable_within("disk", &figures(60), limit), durable_within("disk", &figures(61), limit));
        assert_eq!(fine, Check::ok("disk", "half of 200 syncs took 0.4 ms at most, 99 % 60.0 ms, the longest 61.0 ms"));
        assert_ne!(slow.result, fine.result);
    }
}
