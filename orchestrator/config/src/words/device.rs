//! `fence add` and `fence remove`.

use std::collections::BTreeMap;

use haven_core::ids::{DeviceId, NodeId};
use haven_core::spec::{Device, FenceLevel, HostMap, SecretRef, Spec, SpecEdit, is_secret};

use super::{WordFault, duration, pair, put};

/// Most levels of a node: nobody has more ways to switch a machine off.
const LEVELS_MAX: usize = 9;

/// A fence device for one node, as it was typed.
#[derive(Debug, Clone, Default)]
pub struct NewDevice<'a> {
    /// The node that it switches.
    pub node: &'a str,
    /// The program; `ilo4` is `fence_ilo4`.
    pub agent: &'a str,
    /// Its name; `fence_NODE` if there is none. A device of that name learns to switch the node as well.
    pub name: Option<&'a str>,
    /// Its address.
    pub address: Option<&'a str>,
    /// The user that logs in.
    pub user: Option<&'a str>,
    /// Where the password is found: `file:/path` or `credential:NAME`.
    pub secret: Option<&'a str>,
    /// The node's outlets.
    pub outlets: &'a [String],
    /// When it is tried, counted from 1; devices of one level must all succeed.
    pub level: Option<usize>,
    /// Longest time for one call.
    pub timeout: Option<&'a str>,
    /// Other parameters as `name=value`, in the program's own words.
    pub words: &'a [String],
}

/// The edits that add a device, or a node to a device. Errors: a password instead of its place, a name that is taken
/// by another program, outlets of a device that has none.
pub fn add_device(spec: &Spec, new: &NewDevice) -> Result<Vec<SpecEdit>, WordFault> {
    let node = NodeId::new(new.node).map_err(|error| WordFault::name(&error))?;
    let name = new.name.map_or_else(|| format!("fence_{}", new.node), str::to_owned);
    let id = DeviceId::new(&name).map_err(|error| WordFault::name(&error))?;
    let agent = if new.agent == "ipmitool" || new.agent.starts_with("fence_") {
        new.agent.to_owned()
    } else {
        format!("fence_{}", new.agent)
    };
    let (params, secrets) = parameters(new)?;
    let timeout = new.timeout.map(duration).transpose()?;
    let device = match spec.devices.get(&id) {
        None => Device { id, agent, params, secrets, hosts: hosts(&node, new.outlets), timeout, delay: None },
        Some(old) => {
            let extended = extended(old, &agent, &node, new)?;
            let params = old.params.clone().into_iter().chain(params).collect();
            let secrets = old.secrets.clone().into_iter().chain(secrets).collect();
            Device { params, secrets, timeout: timeout.or(old.timeout), ..extended }
        }
    };
    let topology = level(spec, &node, &device.id, new.level)?;
    Ok(std::iter::once(SpecEdit::PutDevice(device)).chain(topology).collect())
}

/// The edits that remove a device and its place in every node's levels. Errors: it is not there.
pub fn remove_device(spec: &Spec, name: &str) -> Result<Vec<SpecEdit>, WordFault> {
    let found = spec.devices.keys().find(|id| id.as_str() == name);
    let unknown = || WordFault::unknown("fence device", name, spec.devices.keys().map(DeviceId::as_str));
    let id = found.ok_or_else(unknown)?;
    let named = spec.topology.iter().filter(|(_, levels)| levels.iter().any(|level| level.devices.contains(id)));
    let without = |level: &FenceLevel| {
        let devices: Vec<DeviceId> = level.devices.iter().filter(|device| *device != id).cloned().collect();
        (!devices.is_empty()).then_some(FenceLevel { devices })
    };
    let topology = named.map(|(node, levels)| SpecEdit::SetTopology {
        node: node.clone(),
        levels: levels.iter().filter_map(without).collect(),
    });
    Ok(topology.chain([SpecEdit::RemoveDevice(id.clone())]).collect())
}

fn hosts(node: &NodeId, outlets: &[String]) -> HostMap {
    if outlets.is_empty() {
        HostMap::Single(node.clone())
    } else {
        HostMap::Outlets(BTreeMap::from([(node.clone(), outlets.to_vec())]))
    }
}

fn extended(old: &Device, agent: &str, node: &NodeId, new: &NewDevice) -> Result<Device, WordFault> {
    let id = &old.id;
    if old.agent != agent {
        let what = format!("fence device {id} is driven by {}, not by {agent}", old.agent);
        return Err(WordFault::new(what, "give another --name"));
    }
    let hosts = match (&old.hosts, new.outlets) {
        (HostMap::Single(only), []) if only == node => old.hosts.clone(),
        (HostMap::Outlets(map), [_, ..]) => {
            let mut map = map.clone();
            map.insert(node.clone(), new.outlets.to_vec());
            HostMap::Outlets(map)
        }
        (HostMap::Single(only), _) => {
            let what = format!("fence device {id} switches {only} alone");
            return Err(WordFault::new(what, "give another --name"));
        }
        (HostMap::Outlets(_), []) => {
            let what = format!("fence device {id} switches nodes by their outlets, and none is given for {node}");
            return Err(WordFault::new(what, "give --outlet N"));
        }
    };
    Ok(Device { hosts, ..old.clone() })
}

type Parameters = (BTreeMap<String, String>, BTreeMap<String, SecretRef>);

fn parameters(new: &NewDevice) -> Result<Parameters, WordFault> {
    let (mut params, mut secrets) = (BTreeMap::new(), BTreeMap::new());
    let given = [("ip", new.address), ("username", new.user)];
    for (name, value) in given.into_iter().filter_map(|(name, value)| Some((name, value?))) {
        put(&mut params, "parameter", name, value)?;
    }
    // SNMP programs call their secret otherwise, unless version 3 logs in a user.
    let secret = if new.agent.contains("snmp") && new.user.is_none() { "community" } else { "password" };
    if let Some(place) = new.secret {
        secrets.insert(secret.to_owned(), reference(secret, place)?);
    }
    for word in new.words {
        let (name, value) = pair("parameter", word)?;
        if is_secret(name) {
            secrets.insert(name.to_owned(), reference(name, value)?);
        } else {
            put(&mut params, "parameter", name, value)?;
        }
    }
    Ok((params, secrets))
}

/// The value is never quoted: it may be the password itself.
fn reference(name: &str, place: &str) -> Result<SecretRef, WordFault> {
    SecretRef::parse(place).ok_or_else(|| {
        let what = format!("{name} is a secret: it is given by its place, never by its value");
        let remedy = format!(
            "put it into a file of mode 0600 on every node and write {name}=file:/etc/haven/NAME, or \
             {name}=credential:NAME; what was typed may be in the shell's history"
        );
        WordFault::new(what, remedy)
    })
}

/// The node's levels with `device` at its place; `None` when the default does it: one level per device, by name.
fn level(spec: &Spec, node: &NodeId, device: &DeviceId, at: Option<usize>) -> Result<Option<SpecEdit>, WordFault> {
    if at.is_none() && !spec.topology.contains_key(node) {
        return Ok(None);
    }
    let without = |level: FenceLevel| {
        let devices: Vec<DeviceId> = level.devices.into_iter().filter(|id| id != device).collect();
        (!devices.is_empty()).then_some(FenceLevel { devices })
    };
    let mut levels: Vec<FenceLevel> = spec.fence_levels(node).into_iter().filter_map(without).collect();
    let place = at.unwrap_or(levels.len() + 1);
    if place == 0 || place > levels.len() + 1 || place > LEVELS_MAX {
        let what = format!("level {place} of {node} cannot be: it has {} so far", levels.len());
        return Err(WordFault::new(what, format!("give --level 1 to {}", (levels.len() + 1).min(LEVELS_MAX))));
    }
    match levels.get_mut(place - 1) {
        Some(level) => level.devices.push(device.clone()),
        None => levels.push(FenceLevel { devices: vec![device.clone()] }),
    }
    Ok(Some(SpecEdit::SetTopology { node: node.clone(), levels }))
}
