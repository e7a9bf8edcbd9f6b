//! What a boot of this machine would start behind haven's back [S-12, H-28].
//!
//! For: the committed audit without which no exclusive resource runs here: a unit that is enabled, an init script
//! with a start link, a file system that the boot mounts.
//! Never: a clean answer when it could not look. Not covered: units that others pull in, the unit of a service that an
//! `ocf` agent runs (`postgresql` for `ocf:heartbeat:pgsql`: which unit that is, nobody says), autostart of guests,
//! automatic activation of volume groups, `become-primary-on` of DRBD.

use std::collections::BTreeSet;

use haven_core::event::AuditFinding;
use haven_core::ids::ResourceId;
use haven_core::spec::{AgentClass, AgentName, Body, Spec, find_value};
use haven_core::units::Millis;
use haven_env::{BoxFuture, Host, HostError, Reply, Request, UnitVerb};

use crate::detail::bounded;
use crate::fstab::{self, Entry};
use crate::systemd;

/// Longest wait for the service manager's answer about one unit.
const DEADLINE: Millis = Millis::secs(10);
/// Folders with start links of init scripts.
const START_LINKS: [&str; 5] = ["/etc/rc2.d", "/etc/rc3.d", "/etc/rc4.d", "/etc/rc5.d", "/etc/rcS.d"];
/// Kinds of units that start the service of the same name.
const TRIGGERS: [&str; 3] = ["socket", "timer", "path"];
const FSTAB: &str = "/etc/fstab";

/// Looks what a boot would start of these primitives; empty is clean. Changes nothing.
pub fn audit<'a>(host: &'a dyn Host, spec: &'a Spec, resources: &'a [ResourceId]) -> BoxFuture<'a, Vec<AuditFinding>> {
    Box::pin(async move {
        let mut findings = Vec::new();
        let machine = Machine::look(host).await;
        for id in resources {
            let Some(agent) = spec.agent(id) else { continue };
            let mut what = Vec::new();
            what.extend(file_system(&machine, spec, id, agent));
            match agent.class {
                AgentClass::Systemd => what.extend(units(host, &systemd::unit(&agent.kind)).await),
                AgentClass::Lsb | AgentClass::Heartbeat => {
                    what.extend(units(host, &format!("{}.service", agent.kind)).await);
                    what.extend(machine.start_link(&agent.kind));
                }
                AgentClass::Ocf | AgentClass::Haven => {}
            }
            findings.extend(what.iter().map(|what| AuditFinding { resource: id.clone(), what: bounded(what) }));
        }
        findings
    })
}

/// What is read once for all resources.
struct Machine {
    fstab: Result<Vec<Entry>, String>,
    /// Names of start links, and the folders that could not be read.
    links: Vec<(String, BTreeSet<String>)>,
    unreadable: Vec<String>,
}

impl Machine {
    async fn look(host: &dyn Host) -> Self {
        let fstab = match host.request(Request::ReadFile { path: FSTAB.to_owned() }).await {
            Ok(Reply::Bytes(bytes)) => Ok(fstab::read(&String::from_utf8_lossy(&bytes))),
            Err(HostError::NotFound(_)) => Ok(Vec::new()),
            Ok(_) => Err("an odd answer".to_owned()),
            Err(error) => Err(error.to_string()),
        };
        let mut machine = Self { fstab, links: Vec::new(), unreadable: Vec::new() };
        for folder in START_LINKS {
            match host.request(Request::ReadFolder { path: folder.to_owned() }).await {
                Ok(Reply::Names(names)) => machine.links.push((folder.to_owned(), names.into_iter().collect())),
                Err(HostError::NotFound(_)) => {}
                Ok(_) => machine.unreadable.push(format!("cannot tell what {folder} starts")),
                Err(error) => machine.unreadable.push(format!("cannot tell what {folder} starts: {error}")),
            }
        }
        machine
    }

    fn start_link(&self, script: &str) -> Option<String> {
        for (folder, names) in &self.links {
            // S20name, in any order of start.
            let mut starts = names.iter().filter_map(|name| name.strip_prefix('S'));
            if starts.any(|rest| rest.trim_start_matches(|c: char| c.is_ascii_digit()) == script) {
                return Some(format!("{folder} starts {script} at boot: run update-rc.d {script} disable"));
            }
        }
        self.unreadable.first().cloned()
    }
}

async fn units(host: &dyn Host, unit: &str) -> Vec<String> {
    let mut names = vec![unit.to_owned()];
    if let Some(stem) = unit.strip_suffix(".service") {
        names.extend(TRIGGERS.iter().map(|kind| format!("{stem}.{kind}")));
    }
    let mut found = Vec::new();
    for name in names {
        let ask = Request::Unit { verb: UnitVerb::IsEnabled, unit: name.clone(), deadline: DEADLINE, latest: None };
        match host.request(ask).await {
            Ok(Reply::Unit(state)) if matches!(state.enabled.as_str(), "enabled" | "enabled-runtime" | "alias") => {
                found.push(format!("{name} is {}: run systemctl disable {name}", state.enabled));
            }
            Ok(Reply::Unit(_)) => {}
            // Nothing by that name, or no service manager at all: then it starts nothing.
            Err(HostError::NotFound(_) | HostError::Unsupported(_)) => {}
            Ok(_) => found.push(format!("cannot tell whether {name} is enabled")),
            Err(error @ (HostError::TimedOut(_) | HostError::TooLate | HostError::Failed(_))) => {
                found.push(format!("cannot tell whether {name} is enabled: {error}"));
            }
        }
    }
    found
}

fn file_system(machine: &Machine, spec: &Spec, id: &ResourceId, agent: &AgentName) -> Vec<String> {
    if !agent.kind.eq_ignore_ascii_case("filesystem") {
        return Vec::new();
    }
    let (device, directory) = match agent.class {
        AgentClass::Heartbeat => ("1", "2"),
        AgentClass::Ocf | AgentClass::Lsb | AgentClass::Systemd | AgentClass::Haven => ("device", "directory"),
    };
    let device = parameter(spec, id, device).map(fstab::device);
    let directory = parameter(spec, id, directory).map(fstab::folder);
    let entries = match &machine.fstab {
        Ok(entries) => entries,
        Err(why) => return vec![format!("cannot tell what {FSTAB} mounts: {why}")],
    };
    let same =
        |entry: &&Entry| Some(fstab::device(&entry.device)) == device || Some(&entry.directory) == directory.as_ref();
    let automatic = entries.iter().filter(same).filter(|entry| entry.is_automatic());
    automatic
        .map(|entry| {
            let Entry { device, directory, .. } = entry;
            format!("{FSTAB} mounts {device} on {directory} at boot: remove the line or set noauto there")
        })
        .collect()
}

/// A parameter of a primitive: its own, or its template's.
fn parameter<'a>(spec: &'a Spec, id: &ResourceId, name: &str) -> Option<&'a str> {
    let resource = spec.resources.get(id)?;
    let own = find_value(&resource.params, name);
    own.or_else(|| match &resource.body {
        Body::Primitive { template: Some(template), .. } => find_value(&spec.resources.get(template)?.params, name),
        Body::Primitive { template: None, .. } | Body::Group { .. } | Body::Clone { .. } | Body::Template { .. } => {
            None
        }
    })
}

#[cfg(test)]
mod tests {
    use haven_core::spec::{AttrSet, Resource};
    use haven_env::{GroupState, JobQueued, UnitState};

    use super::*;
    use crate::fake::FakeHost;

    /// Id, agent and parameters.
    type Given<'a> = (&'a str, &'a str, &'a [(&'a str, &'a str)]);

    fn spec(resources: &[Given<'_>]) -> (Spec, Vec<ResourceId>) {
        let mut spec = Spec::default();
        for (id, agent, params) in resources {
            let id = ResourceId::new(id).unwrap();
            let body = Body::Primitive { agent: AgentName::parse(agent), template: None };
            let mut resource = Resource::new(id.clone(), body);
            resource.params = vec![AttrSet::of(params.iter().copied())];
            spec.resources.insert(id, resource);
        }
        let ids = spec.resources.keys().cloned().collect();
        (spec, ids)
    }

    fn enabled(host: FakeHost, units: &'static [(&'static str, &'static str)]) -> FakeHost {
        host.with_answers(move |request| {
            let Request::Unit { unit, .. } = request else { return None };
            let (_, enabled) = units.iter().find(|(name, _)| name == unit)?;
            Some(Ok(Reply::Unit(UnitState {
                active: String::new(),
                sub: String::new(),
                job_result: String::new(),
                job_queued: JobQueued::No,
                processes: GroupState::Unknown,
                enabled: (*enabled).to_owned(),
            })))
        })
    }

    fn check(host: &FakeHost, resources: &[Given<'_>]) -> Vec<String> {
        let (spec, ids) = spec(resources);
        let findings = host.block_on(audit(host, &spec, &ids));
        findings.into_iter().map(|finding| format!("{}: {}", finding.resource, finding.what)).collect()
    }

    #[test]
    fn an_enabled_unit_or_its_socket_is_found() {
        let units = &[("nginx.service", "enabled"), ("db.service", "disabled"), ("db.socket", "enabled")];
        let host = enabled(FakeHost::new(), units);
        assert_eq!(
            check(&host, &[("web", "systemd:nginx", &[]), ("db", "systemd:db", &[]), ("x", "systemd:static", &[])]),
            [
                "db: db.socket is enabled: run systemctl disable db.socket",
                "web: nginx.service is enabled: run systemctl disable nginx.service",
            ]
        );
    }

    #[test]
    fn an_init_script_with_a_start_link_is_found() {
        let host = FakeHost::new().with_folder("/etc/rc3.d", &["K01vz", "S20vz", "S02vzother"]);
        let found = check(&host, &[("a", "lsb:vz", &[]), ("b", "heartbeat:other", &[])]);
        assert_eq!(found, ["a: /etc/rc3.d starts vz at boot: run update-rc.d vz disable"]);
    }

    #[test]
    fn an_init_script_with_an_enabled_unit_of_its_name_is_found() {
        let host = enabled(FakeHost::new(), &[("vz.service", "enabled")]);
        assert_eq!(check(&host, &[("a", "heartbeat:vz", &[])]).len(), 1);
    }

    #[test]
    fn a_file_system_that_the_boot_mounts_is_found_by_device_or_folder() {
        let table = "/dev/drbd0 /d0 ext4 defaults 0 0\nUUID=ab /srv/x/ xfs noauto\n/dev/sdz /d9 ext4\n";
        let host = FakeHost::new().with_file("/etc/fstab", table);
        let found = check(
            &host,
            &[
                ("by-dev", "ocf:heartbeat:Filesystem", &[("device", "/dev/drbd0"), ("directory", "/elsewhere")]),
                ("by-dir", "heartbeat:Filesystem", &[("1", "/dev/drbd7"), ("2", "/d9/")]),
                ("noauto", "ocf:heartbeat:Filesystem", &[("device", "-U ab"), ("directory", "/srv/x")]),
                ("other", "ocf:heartbeat:Dummy", &[("device", "/dev/drbd0")]),
            ],
        );
        assert_eq!(
            found,
            [
                "by-dev: /etc/fstab mounts /dev/drbd0 on /d0 at boot: remove the line or set noauto there",
                "by-dir: /etc/fstab mounts /dev/sdz on /d9 at boot: remove the line or set noauto there",
            ]
        );
    }

    #[test]
    fn what_cannot_be_looked_up_is_no_clean_answer() {
        let host = FakeHost::new().with_answers(|_| Some(Err(HostError::Failed("no".to_owned()))));
        for (agent, what) in [
            ("systemd:nginx", "nginx.service is enabled"),
            ("lsb:vz", "vz.service is enabled"),
            ("lsb:vz", "what /etc/rc2.d starts"),
            ("ocf:heartbeat:Filesystem", "what /etc/fstab mounts"),
        ] {
            let found = check(&host, &[("r", agent, &[])]);
            assert!(found.iter().any(|line| line.contains(what)), "{agent}: {found:?}");
        }
    }

    #[test]
    fn a_machine_without_a_service_manager_starts_no_unit() {
        let none = HostError::Unsupported("no service manager".to_owned());
        let host = FakeHost::new()
            .with_answers(move |request| matches!(request, Request::Unit { .. }).then(|| Err(none.clone())));
        assert_eq!(check(&host, &[("r", "systemd:nginx", &[])]), Vec::<String>::new());
    }
}
