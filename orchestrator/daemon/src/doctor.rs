//! What this machine itself tells a doctor: connections, helper programs, agents and fence programs of the
//! configuration, room for the log, cgroups, the watchdog, and what a boot would start behind haven's back.
//!
//! Never: a change of anything; a check from the state alone, which the API makes for every node alike.

use haven_agents::{audit, inventory};
use haven_api::model::Check;
use haven_core::ids::ResourceId;
use haven_core::spec::{AgentClass, Spec};
use haven_env::Host;

use crate::life::{LiveNode, Parts};

/// Where OCF agents are.
const OCF: &str = "/usr/lib/ocf/resource.d";
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
    let mut checks = vec![cgroups(host), watchdog(parts), ballast(node)];
    checks.extend(ports(parts));
    checks.extend(PROGRAMS.iter().map(|(path, package)| program(host, path, package)));
    checks.extend(agents(host, &spec));
    checks.extend(fence_programs(host, &spec).await);
    checks.extend(double_starts(host, &spec, &ids).await);
    checks
}

fn cgroups(host: &dyn Host) -> Check {
    match host.groups() {
        Ok(_) => Check::ok("cgroups", "every action runs in a cgroup of its own"),
        Err(error) => Check::warn(
            "cgroups",
            format!("{error}, so after a restart of the daemon no stop is proof until the next boot"),
            "run the daemon as root on a machine with cgroup v2",
        ),
    }
}

fn watchdog(parts: &Parts) -> Check {
    if parts.watchdog.is_armed() {
        return Check::ok("watchdog", "armed");
    }
    Check::warn(
        "watchdog",
        "none is armed, so a node that hangs is released by its fence devices alone",
        "load the driver of the machine's watchdog and name its device in node.toml",
    )
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

fn program(host: &dyn Host, path: &str, package: &str) -> Check {
    // Distributions with one folder for all programs link the other to it.
    let found = [path.to_owned(), path.replace("/usr/sbin", "/sbin"), path.replace("/bin", "/usr/bin")];
    if found.iter().any(|path| host.has_program(path)) {
        return Check::ok(path, "installed");
    }
    Check::warn(path, "not installed; stock agents call it", format!("install {package}"))
}

/// Agents of the configuration that this machine lacks.
fn agents(host: &dyn Host, spec: &Spec) -> Vec<Check> {
    let mut checks = Vec::new();
    for id in spec.resources.keys() {
        let Some(agent) = spec.agent(id).filter(|agent| agent.class == AgentClass::Ocf) else { continue };
        let provider = agent.provider.as_deref().unwrap_or("heartbeat");
        let path = format!("{OCF}/{provider}/{}", agent.kind);
        if !host.has_program(&path) && !host.has_program(crate::demo::AGENT_PATH) {
            checks.push(Check::fail(
                format!("agent of {id}"),
                format!("{path} is not installed"),
                "install the package that has it, such as resource-agents",
            ));
        }
    }
    checks
}

/// Fence programs of the configuration that this machine lacks.
async fn fence_programs(host: &dyn Host, spec: &Spec) -> Vec<Check> {
    let installed = inventory(host).await.fence;
    let mut checks = Vec::new();
    for device in spec.devices.values() {
        let path = format!("{FENCE}/{}", device.agent);
        if !installed.contains(&device.agent) && !host.has_program(&path) {
            checks.push(Check::fail(
                format!("fence device {}", device.id),
                format!("{} is not installed here", device.agent),
                "install the package that has it, such as fence-agents",
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
