//! The parameters that haven sets are parameters of the agents that Debian ships.

use std::collections::{BTreeMap, BTreeSet};
use std::process::Command;

use haven_config::Source;
use haven_config::haresources::{Target, parse, to_edits};
use haven_config::heartbeat::{Failback, Installed, Inventory};
use haven_core::ids::NodeId;
use haven_core::spec::{AgentClass, Body, Resource, Spec, SpecEdit};
use haven_core::units::Millis;
use haven_tests::skip::skip;

use super::oracle::root;

/// Every script of heartbeat that stands for an OCF agent, with all of its arguments.
const FILE: &str = "m1 Filesystem::/dev/sdb1::/d0::ext4::noatime LVM::vg IPsrcaddr::10.0.0.1 LinuxSCSI::0:0:11 \
    Raid1::/etc/md.conf::/dev/md0 MailTo::a::b apache::/etc/httpd.conf Xinetd::ftp portblock::tcp::80::block \
    ICP::c0h1::/dev/sdc ServeRAID::1::1 db2::inst ids::/i::s::o WinPopup::hosts SendArp::10.0.0.1/eth0 Delay::5::7 \
    ldirectord::l.cf WAS::8080 AudibleAlarm::m1::m2\n";

fn resources(installed: &BTreeSet<String>) -> Vec<Resource> {
    let members: BTreeSet<NodeId> = [NodeId::new("m1").unwrap()].into();
    let node = Installed { ocf: installed.clone(), ..Installed::default() };
    let inventory = Inventory { nodes: members.iter().map(|id| (id.clone(), node.clone())).collect() };
    let target = Target {
        members: &members,
        inventory: &inventory,
        spec: &Spec::default(),
        failback: Failback::Home,
        accept_data_loss: &BTreeSet::new(),
    };
    let (file, _) = parse(&Source::of_text("haresources", FILE));
    let edits = to_edits(&file, &target).0.into_iter();
    edits.filter_map(|edit| if let SpecEdit::PutResource(resource) = edit { Some(resource) } else { None }).collect()
}

/// The attributes of every `<tag ...>` of an agent's `meta-data`, by the value of `name`.
fn described(text: &str, tag: &str) -> BTreeMap<String, String> {
    let attribute = |text: &str, name: &str| {
        let rest = text.split_once(&format!("{name}=\""))?.1;
        Some(rest.split_once('"')?.0.to_owned())
    };
    let open = format!("<{tag} ");
    let tags = text.split(&open).skip(1).map(|rest| rest.split('>').next().unwrap_or_default());
    tags.filter_map(|tag| Some((attribute(tag, "name")?, tag.to_owned()))).collect()
}

fn seconds(attributes: &str) -> Option<u64> {
    let value = attributes.split_once("timeout=\"")?.1.split_once('"')?.0;
    value.trim_end_matches('s').parse().ok()
}

#[test]
fn parameters_and_times_of_ocf_agents_are_those_of_their_meta_data() {
    let folder = root().join("usr/lib/ocf");
    let agents = folder.join("resource.d/heartbeat");
    let Ok(entries) = std::fs::read_dir(&agents) else {
        return skip(format_args!("there is no {}; install Debian's package resource-agents", agents.display()));
    };
    let names = entries.map(|entry| format!("heartbeat:{}", entry.unwrap().file_name().to_string_lossy()));
    let mut checked = 0;
    for resource in resources(&names.collect()) {
        let Body::Primitive { agent: Some(agent), .. } = &resource.body else { continue };
        if agent.class != AgentClass::Ocf {
            eprintln!("not compared: {} is not among the agents installed here", resource.id);
            continue;
        }
        let output = Command::new(agents.join(&agent.kind))
            .arg("meta-data")
            .env("OCF_ROOT", &folder)
            .env("OCF_FUNCTIONS_DIR", folder.join("lib/heartbeat"))
            .output()
            .unwrap();
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        let params = described(&text, "parameter");
        let ours: BTreeSet<&String> = resource.params.iter().flat_map(|set| set.values.keys()).collect();
        for name in &ours {
            assert!(params.contains_key(*name), "{agent} has no parameter {name}, but {:?}", params.keys());
        }
        for (name, _) in params.iter().filter(|(_, attributes)| attributes.contains("required=\"1\"")) {
            assert!(ours.contains(name), "{agent} needs {name}");
        }
        let actions = described(&text, "action");
        for operation in &resource.operations {
            let least = actions.get(&operation.name).and_then(|attributes| seconds(attributes)).unwrap_or_default();
            let timeout = operation.timeout.unwrap_or_default();
            assert!(timeout >= Millis::secs(least), "{agent} {}: {timeout}, {least} s advised", operation.name);
        }
        checked += 1;
    }
    // Debian 12 has all 19; later releases of resource-agents drop the oldest ones.
    assert!(checked >= 12, "only {checked} agents were compared");
}
