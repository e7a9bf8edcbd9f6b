//! Fence devices and their levels.
//!
//! Never: a secret. Where it is found is no secret; it is written under a name that no fence program reads, so that none of them
//! tries a path as a password.

use std::collections::BTreeMap;

use haven_core::spec::{AttrSet, Device, HostMap};

use super::super::import::devices::REFERENCE;
use super::super::import::hosts;
use super::{Work, span};
use crate::diagnostic::quoted;

/// Levels that Pacemaker tries.
const LEVELS_MAX: usize = 9;

impl Work<'_> {
    pub(super) fn devices(&mut self) {
        let spec = self.spec;
        spec.devices.values().for_each(|device| self.device(device));
    }

    fn device(&mut self, device: &Device) {
        let Device { id, agent, params, secrets, hosts, timeout, delay } = device;
        let mut values: BTreeMap<String, String> = BTreeMap::new();
        for (name, value) in params {
            let of_pacemaker = matches!(name.as_str(), "priority" | "stonith-timeout") || name.starts_with("pcmk_");
            if of_pacemaker || name.starts_with(REFERENCE) {
                let what = format!("{} of fence device {id} means something else in a CIB", quoted(name));
                self.error(what, "remove it first");
            } else {
                values.insert(name.clone(), value.clone());
            }
        }
        let mut put = |name: &str, value: String| drop(values.insert(name.to_owned(), value));
        match hosts {
            HostMap::Single(node) => {
                put("pcmk_host_list", node.to_string());
                if !hosts::is_of_one_machine(agent) {
                    put("pcmk_host_argument", "none".to_owned());
                }
            }
            HostMap::Outlets(map) => {
                put(
                    "pcmk_host_map",
                    hosts::written(map.iter().map(|(node, outlets)| (node.as_str(), outlets.as_slice()))),
                );
                if hosts::is_of_one_machine(agent) {
                    put("pcmk_host_argument", "port".to_owned());
                }
            }
        }
        if let Some(timeout) = timeout {
            put("pcmk_off_timeout", span(*timeout));
        }
        if let Some(delay) = delay {
            put("pcmk_delay_base", span(*delay));
        }
        if agent == "ipmitool" {
            let what = format!("fence device {id}: Pacemaker cannot run ipmitool itself");
            self.note(what, "use fence_ipmilan with the same parameters, if Pacemaker is to run this");
        }
        self.xml.begin("primitive", &[("id", id.as_str()), ("class", "stonith"), ("type", agent)]);
        for name in secrets.keys() {
            self.xml.comment(&format!("the {name} of {id} is not written here"));
            let what = format!("the {name} of fence device {id} is not written, only where haven finds it");
            self.note(what, "give Pacemaker the secret itself, by `cibsecret`, if it is to run this");
        }
        // These have names that say what they are, and are places.
        let places: BTreeMap<String, String> =
            secrets.iter().map(|(name, place)| (format!("{REFERENCE}{name}"), place.to_string())).collect();
        self.with_places(device, &AttrSet::of(values), &places);
        self.xml.end();
    }

    fn with_places(&mut self, device: &Device, values: &AttrSet, places: &BTreeMap<String, String>) {
        let id = self.ids.make(&super::usual::set(device.id.as_str(), "instance_attributes", 0));
        self.xml.begin("instance_attributes", &[("id", &id)]);
        values.values.iter().for_each(|(name, value)| self.pair(&id, name, value));
        for (name, place) in places {
            let pair = self.ids.make(&format!("{id}-{name}"));
            if super::xml::can_be_written(place) && super::xml::can_be_written(name) {
                self.xml.leaf("nvpair", &[("id", &pair), ("name", name), ("value", place)]);
            } else {
                self.error(format!("the place of a secret of {} has control characters", device.id), "move it first");
            }
        }
        self.xml.end();
    }

    pub(super) fn topology(&mut self) {
        let spec = self.spec;
        if spec.topology.is_empty() {
            return;
        }
        self.xml.begin("fencing-topology", &[]);
        for (node, levels) in &spec.topology {
            if levels.len() > LEVELS_MAX {
                let what = format!("{node} has {} fence levels, and Pacemaker tries {LEVELS_MAX}", levels.len());
                self.error(what, "remove some first");
            }
            for (index, level) in levels.iter().enumerate() {
                let index = (index + 1).to_string();
                let id = self.ids.make(&format!("fl-{node}-{index}"));
                let devices: Vec<&str> = level.devices.iter().map(haven_core::ids::DeviceId::as_str).collect();
                let attributes =
                    [("id", &*id), ("target", node.as_str()), ("index", &*index), ("devices", &*devices.join(","))];
                self.xml.leaf("fencing-level", &attributes);
            }
        }
        self.xml.end();
    }
}
