//! Which agents and fence programs a machine has: for import, for completion and for `doctor`.

use std::collections::{BTreeMap, BTreeSet};

use haven_core::spec::not_power;
use haven_env::{BoxFuture, Host, Reply, Request};

use crate::{fence, heartbeat, ip, lsb};

const OCF: &str = "/usr/lib/ocf/resource.d";
const FENCE: &str = "/usr/sbin";
/// Where units are, most specific first.
const UNITS: [&str; 5] = [
    "/etc/systemd/system",
    "/run/systemd/system",
    "/usr/local/lib/systemd/system",
    "/usr/lib/systemd/system",
    "/lib/systemd/system",
];

/// What a machine has. A folder that cannot be read counts as empty.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Inventory {
    /// OCF agents by provider.
    pub ocf: BTreeMap<String, BTreeSet<String>>,
    /// Scripts in heartbeat's `resource.d`.
    pub heartbeat: BTreeSet<String>,
    /// Init scripts.
    pub lsb: BTreeSet<String>,
    /// Services of the service manager, by full unit name.
    pub units: BTreeSet<String>,
    /// Fence programs that switch power, and that [`fence`] can drive.
    pub fence: BTreeSet<String>,
    /// Agents built into haven.
    pub haven: BTreeSet<String>,
}

/// Looks what is installed. Runs nothing.
pub fn inventory(host: &dyn Host) -> BoxFuture<'_, Inventory> {
    Box::pin(async move {
        let mut found = Inventory { haven: BTreeSet::from([ip::KIND.to_owned()]), ..Inventory::default() };
        for provider in names(host, OCF).await {
            let agents = programs(host, &format!("{OCF}/{provider}")).await;
            if !agents.is_empty() {
                found.ocf.insert(provider, agents);
            }
        }
        found.heartbeat = programs(host, heartbeat::FOLDER).await;
        found.lsb = programs(host, lsb::FOLDER).await;
        for folder in UNITS {
            found.units.extend(names(host, folder).await.into_iter().filter(|name| name.ends_with(".service")));
        }
        let fence = programs(host, FENCE).await;
        found.fence =
            fence.into_iter().filter(|name| name.starts_with("fence_") && not_power(name).is_none()).collect();
        if fence::ipmitool_path(host).is_some() {
            found.fence.insert(fence::IPMITOOL.to_owned());
        }
        found
    })
}

/// The names in a folder that are not hidden.
pub(crate) async fn names(host: &dyn Host, path: &str) -> BTreeSet<String> {
    match host.request(Request::ReadFolder { path: path.to_owned() }).await {
        Ok(Reply::Names(names)) => names.into_iter().filter(|name| !name.starts_with('.')).collect(),
        Ok(_) | Err(_) => BTreeSet::new(),
    }
}

async fn programs(host: &dyn Host, path: &str) -> BTreeSet<String> {
    let names = names(host, path).await;
    names.into_iter().filter(|name| host.has_program(&format!("{path}/{name}"))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fake::{FakeHost, exited};

    #[test]
    fn everything_that_could_be_an_agent_is_found() {
        let host = FakeHost::new()
            .with_folder("/usr/lib/ocf/resource.d", &["heartbeat", "linbit", ".hidden"])
            .with_folder("/usr/lib/ocf/resource.d/heartbeat", &[".ocf-shellfuncs", "Dummy", "README"])
            .with_program("/usr/lib/ocf/resource.d/heartbeat/Dummy", |_| exited(0))
            .with_folder("/etc/init.d", &["vz"])
            .with_program("/etc/init.d/vz", |_| exited(0))
            .with_folder("/lib/systemd/system", &["nginx.service", "nginx.service.d", "boot.target"])
            .with_folder("/usr/sbin", &["fence_ilo4", "fence_scsi", "visudo"])
            .with_program("/usr/sbin/fence_ilo4", |_| exited(0))
            .with_program("/usr/sbin/fence_scsi", |_| exited(0))
            .with_program("/usr/sbin/visudo", |_| exited(0))
            .with_program("/usr/bin/ipmitool", |_| exited(0));
        let set = |names: &[&str]| names.iter().map(|n| (*n).to_owned()).collect::<BTreeSet<_>>();
        let expected = Inventory {
            ocf: BTreeMap::from([("heartbeat".to_owned(), set(&["Dummy"]))]),
            heartbeat: set(&[]),
            lsb: set(&["vz"]),
            units: set(&["nginx.service"]),
            fence: set(&["fence_ilo4", "ipmitool"]),
            haven: set(&["ip"]),
        };
        assert_eq!(host.block_on(inventory(&host)), expected);
        assert!(host.ran().is_empty());
    }
}
