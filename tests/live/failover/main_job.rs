//! The main job on real input: one line of haresources, a machine that dies, and everything answers from the next.

use std::fs;
use std::os::unix::fs::PermissionsExt;

use haven_core::ids::{DeviceId, NodeId};
use haven_core::spec::{Device, HostMap, SecretRef, SpecEdit};
use haven_tests::lab::{
    self, ADDRESS, Cluster, IPMI_PROGRAMS, IpmiBmc, MACHINES, PASSWORD, PATIENCE, SERVICE_PORT, USER,
};

use crate::programs;

/// The line of the project's own brief.
const HARESOURCES: &str = "m1 IPaddr2::10.77.0.200/24/eth0 some-service\n";

/// Without it, heartbeat moves everything back to m1 as soon as it can.
const HA_CF: &str = "node m1 m2 m3\nauto_failback off\n";

/// The file with the password of every BMC.
fn secret_file(cluster: &Cluster) -> String {
    let secret = cluster.lab.folder().join("bmc-password");
    fs::write(&secret, format!("{PASSWORD}\n")).unwrap();
    fs::set_permissions(&secret, fs::Permissions::from_mode(0o600)).unwrap();
    secret.display().to_string()
}

/// A BMC per machine.
fn bmcs_alone(cluster: &Cluster) -> Vec<IpmiBmc> {
    let bmc = |(name, last): (&&str, u8)| IpmiBmc::new(&cluster.lab, &cluster.switch, &programs(), name, last).unwrap();
    MACHINES.iter().zip(111..).map(bmc).collect()
}

/// A BMC per machine, reached by this agent with the password in a file.
pub(crate) fn bmcs(cluster: &Cluster, agent: &str, more: &[(&str, &str)]) -> (Vec<IpmiBmc>, Vec<SpecEdit>) {
    let secret = secret_file(cluster);
    let mut made = (Vec::new(), Vec::new());
    for (name, bmc) in MACHINES.iter().zip(bmcs_alone(cluster)) {
        let params = [&[("ip", bmc.address()), ("username", USER), ("cipher", "3")], more].concat();
        made.1.push(SpecEdit::PutDevice(Device {
            id: DeviceId::new(&format!("bmc-{name}")).unwrap(),
            agent: agent.to_owned(),
            params: params.into_iter().map(|(key, value)| (key.to_owned(), value.to_owned())).collect(),
            secrets: [("password".to_owned(), SecretRef::File(secret.clone()))].into(),
            hosts: HostMap::Single(NodeId::new(name).unwrap()),
            timeout: None,
            delay: None,
        }));
        made.0.push(bmc);
    }
    made
}

#[test]
fn a_haresources_line_survives_the_death_of_its_machine() {
    if !lab::able(&IPMI_PROGRAMS) {
        return;
    }
    let cluster = Cluster::new("lan", &programs()).unwrap();
    let bmcs = bmcs_alone(&cluster);
    let secret = format!("file:{}", secret_file(&cluster));
    for (name, bmc) in MACHINES.into_iter().zip(&bmcs) {
        let device = format!("bmc-{name}");
        let add = ["fence", "add", name, "ipmitool", "--name", &device, "--addr", bmc.address(), "--user", USER];
        cluster.haven("m1", &[&add[..], &["--secret", &secret, "cipher=3"]].concat()).unwrap();
    }
    let tested = cluster.haven("m1", &["fence", "test"]).unwrap();
    assert_eq!(tested.lines().filter(|line| line.contains(" On ")).count(), 3, "{tested}");
    // The staleness of the BMC that matters here; without it the reads are three seconds apart.
    cluster.cycle("m2", "m1").unwrap();
    let [file, ha_cf] = ["haresources", "ha.cf"].map(|name| cluster.lab.folder().join(name).display().to_string());
    fs::write(&file, HARESOURCES).unwrap();
    fs::write(&ha_cf, HA_CF).unwrap();
    cluster.haven("m1", &["import", "haresources", &file, "--ha-cf", &ha_cf]).unwrap();

    let service = cluster.probe(ADDRESS, SERVICE_PORT).unwrap();
    assert_eq!(service.answers("", PATIENCE).unwrap(), "m1");
    let network = cluster.lab.network();
    assert_eq!(network.neighbour(ADDRESS).unwrap(), network.hardware("m1").unwrap());
    let before = cluster.status("m2").unwrap().index;

    let killed = cluster.crash("m1").unwrap();
    assert_eq!(service.answers("m1", PATIENCE).unwrap(), "m2");
    let outage = service.outage("m1", killed).unwrap();
    println!("outage {:.3} s with profile lan and a BMC of ipmi_sim by ipmitool", outage.span.as_secs_f64());
    assert_eq!(network.neighbour(ADDRESS).unwrap(), network.hardware("m2").unwrap(), "nobody told the client");

    // The story, from the log, in its order.
    let mut from = before;
    for (kind, text) in [
        ("node_lost", "m1 lost: silent towards m2"),
        ("fence_ordered", "fence m1 ordered of"),
        ("fence_sent", "power off sent to bmc-m1"),
        ("fence_confirmed", "m1 proven off: bmc-m1 read Off twice"),
    ] {
        from = cluster.logged("m2", from, kind, text).unwrap().index;
    }
    let why = cluster.look("m2", &["why", "m1"]).unwrap();
    println!("{why}");
    assert!(why.contains("bmc-m1 read Off twice"), "{why}");

    // Its BMC is told to switch it on again; it is readmitted, and nothing moves back.
    cluster.logged("m2", from, "node_readmitted", "m1 readmitted").unwrap();
    cluster.healthy("m2").unwrap();
    assert_eq!(cluster.settled("m2", "some-service").unwrap(), "m2");
    assert_eq!(service.answers("", PATIENCE).unwrap(), "m2");
    assert_eq!(service.doubled(), None);
    let why = cluster.look("m2", &["why", "some-service"]).unwrap();
    println!("{why}");
    assert!(why.contains("some-service on m2 after"), "{why}");
    assert!(cluster.haven("m2", &["plan"]).unwrap().contains("nothing"), "something is to move back");
    let off: Vec<_> = cluster.switch.orders().into_iter().filter(|order| order.action == "off").collect();
    assert_eq!(off.iter().map(|order| order.machine.as_str()).collect::<Vec<_>>(), ["m1", "m1"], "cycle and fence");
}
