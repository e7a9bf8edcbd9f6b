//! Parameters of `haven:ip`, and where an address belongs.

use std::collections::BTreeMap;
use std::net::IpAddr;

use haven_core::units::Millis;

use crate::meta::{ActionAdvice, MetaData, Parameter};

/// Longest label that the kernel keeps, interface name and colon included.
const LABEL_MAX: usize = 15;
/// Announcements after a start: more than one, because a switch may be learning when the first one passes.
const ANNOUNCEMENTS: u32 = 5;
const ANNOUNCEMENTS_MAX: u32 = 100;
const LOOPBACK: &str = "lo";

const KNOWN: [(&str, &str); 7] = [
    ("ip", "The address, IPv4 or IPv6."),
    ("cidr_netmask", "Length of the network's prefix, or a dotted mask; default: that of the interface's network."),
    ("nic", "The interface; default: the one whose network contains the address."),
    ("broadcast", "Broadcast address; default: the last address of the network."),
    ("iflabel", "Label, shown as interface:label. IPv4 only."),
    ("collision_detection", "Whether the network is asked for the address before it is added; default: true."),
    ("arp_count", "How often the neighbours are told after a start, 1 to 100; default: 5."),
];

/// Whether the network is asked before the address is added.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Asking {
    /// It is.
    Yes,
    /// The operator does not want that.
    No,
}

/// One address of this machine.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Network {
    pub(super) interface: String,
    pub(super) address: IpAddr,
    pub(super) prefix: u8,
}

impl Network {
    /// Reads `10.0.0.5/24` on `interface`; `None` if that is no address.
    pub(super) fn read(interface: &str, text: &str) -> Option<Self> {
        let (address, prefix) = text.split_once('/')?;
        let address: IpAddr = address.parse().ok()?;
        let prefix: u8 = prefix.parse().ok()?;
        (prefix <= bits(&address)).then(|| Self { interface: interface.to_owned(), address, prefix })
    }

    fn contains(&self, other: &IpAddr) -> bool {
        match (self.address, other) {
            (IpAddr::V4(a), IpAddr::V4(b)) => {
                let shift = 32 - u32::from(self.prefix);
                a.to_bits().checked_shr(shift) == b.to_bits().checked_shr(shift)
            }
            (IpAddr::V6(a), IpAddr::V6(b)) => {
                let shift = 128 - u32::from(self.prefix);
                a.to_bits().checked_shr(shift) == b.to_bits().checked_shr(shift)
            }
            (IpAddr::V4(_), IpAddr::V6(_)) | (IpAddr::V6(_), IpAddr::V4(_)) => false,
        }
    }
}

fn bits(address: &IpAddr) -> u8 {
    if address.is_ipv4() { 32 } else { 128 }
}

/// The parameters, checked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Wanted {
    pub(super) address: IpAddr,
    prefix: Option<u8>,
    interface: Option<String>,
    pub(super) broadcast: Option<String>,
    pub(super) label: Option<String>,
    pub(super) asking: Asking,
    pub(super) announcements: u32,
}

impl Wanted {
    /// Reads the parameters. Errors: what is wrong with which one, for people.
    pub(super) fn read(params: &BTreeMap<String, String>) -> Result<Self, String> {
        if let Some(odd) = params.keys().find(|name| !KNOWN.iter().any(|(known, _)| known == name)) {
            return Err(format!("haven:ip has no parameter `{odd}`"));
        }
        let get = |name: &str| params.get(name).map(String::as_str).filter(|value| !value.is_empty());
        let text = get("ip").ok_or("haven:ip needs parameter `ip`")?;
        let address: IpAddr = text.parse().map_err(|_| format!("ip `{text}` is not an address"))?;
        if address.is_unspecified() || address.is_multicast() {
            return Err(format!("ip `{text}` is not an address that one machine can have"));
        }
        let prefix = get("cidr_netmask").map(|text| read_prefix(text, &address)).transpose()?;
        let wanted = Self {
            address,
            prefix,
            interface: get("nic").map(str::to_owned),
            broadcast: get("broadcast").map(|text| read_broadcast(text, &address)).transpose()?,
            label: get("iflabel").map(str::to_owned),
            asking: read_asking(get("collision_detection").unwrap_or("true"))?,
            announcements: read_count(get("arp_count"))?,
        };
        wanted.check_label()?;
        if wanted.interface.is_none() && is_link_local(&address) {
            return Err(format!("ip `{text}` is link-local, so parameter `nic` is needed"));
        }
        Ok(wanted)
    }

    fn check_label(&self) -> Result<(), String> {
        match &self.label {
            Some(label) if self.address.is_ipv6() => Err(format!("iflabel `{label}` is for IPv4 addresses only")),
            Some(label) => {
                let interface = self.interface.as_deref().map_or(1, str::len);
                if interface + 1 + label.len() > LABEL_MAX {
                    return Err(format!("iflabel `{label}` with its interface is longer than {LABEL_MAX} characters"));
                }
                Ok(())
            }
            None => Ok(()),
        }
    }

    /// Where this machine has the address. The loopback interface counts only if it was asked for: behind a load
    /// balancer every machine has the address there.
    pub(super) fn owned<'a>(&'a self, networks: &'a [Network]) -> impl Iterator<Item = &'a Network> {
        let loopback_wanted = self.interface.as_deref() == Some(LOOPBACK);
        networks.iter().filter(move |n| n.address == self.address && (n.interface != LOOPBACK || loopback_wanted))
    }

    /// Whether the address is on the interface that was asked for.
    pub(super) fn fits(&self, network: &Network) -> bool {
        self.interface.as_ref().is_none_or(|wanted| *wanted == network.interface)
    }

    /// Says where the address is, for people.
    pub(super) fn misplaced(&self, networks: &[Network]) -> String {
        let places: Vec<&str> = self.owned(networks).map(|network| network.interface.as_str()).collect();
        let wanted = self.interface.as_deref().unwrap_or("any interface");
        format!("{} is on {}, not on {wanted}", self.address, places.join(" and "))
    }

    /// The interface and the prefix length for the address. Errors: what is missing, for people.
    pub(super) fn place(&self, networks: &[Network]) -> Result<(String, u8), String> {
        let around = networks
            .iter()
            .filter(|n| n.interface != LOOPBACK && self.fits(n) && n.contains(&self.address))
            .max_by(|a, b| a.prefix.cmp(&b.prefix).then_with(|| b.interface.cmp(&a.interface)));
        match (&self.interface, around, self.prefix) {
            (Some(interface), _, Some(prefix)) => Ok((interface.clone(), prefix)),
            (_, Some(network), prefix) => Ok((network.interface.clone(), prefix.unwrap_or(network.prefix))),
            (Some(interface), None, None) => {
                Err(format!("no network on {interface} contains {}: set cidr_netmask", self.address))
            }
            (None, None, _) => Err(format!("no interface has a network that contains {}: set nic", self.address)),
        }
    }
}

fn is_link_local(address: &IpAddr) -> bool {
    match address {
        IpAddr::V4(_) => false,
        IpAddr::V6(v6) => v6.is_unicast_link_local(),
    }
}

fn read_prefix(text: &str, address: &IpAddr) -> Result<u8, String> {
    let fault = || format!("cidr_netmask `{text}` is neither a prefix length nor a mask");
    if let Ok(prefix) = text.parse::<u8>() {
        return if (1..=bits(address)).contains(&prefix) { Ok(prefix) } else { Err(fault()) };
    }
    let mask: std::net::Ipv4Addr = text.parse().map_err(|_| fault())?;
    let ones = mask.to_bits().leading_ones();
    if address.is_ipv6() || mask.to_bits().count_ones() != ones || ones == 0 {
        return Err(fault());
    }
    u8::try_from(ones).map_err(|_| fault())
}

fn read_broadcast(text: &str, address: &IpAddr) -> Result<String, String> {
    let parsed: std::net::Ipv4Addr = text.parse().map_err(|_| format!("broadcast `{text}` is not an address"))?;
    if address.is_ipv6() {
        return Err(format!("broadcast `{text}` is for IPv4 addresses only"));
    }
    Ok(parsed.to_string())
}

fn read_asking(text: &str) -> Result<Asking, String> {
    match text.to_ascii_lowercase().as_str() {
        "true" | "on" | "yes" | "y" | "1" => Ok(Asking::Yes),
        "false" | "off" | "no" | "n" | "0" => Ok(Asking::No),
        _ => Err(format!("collision_detection `{text}` is neither true nor false")),
    }
}

fn read_count(text: Option<&str>) -> Result<u32, String> {
    let Some(text) = text else { return Ok(ANNOUNCEMENTS) };
    match text.parse() {
        Ok(count) if (1..=ANNOUNCEMENTS_MAX).contains(&count) => Ok(count),
        Ok(_) | Err(_) => Err(format!("arp_count `{text}` is not a number from 1 to {ANNOUNCEMENTS_MAX}")),
    }
}

/// What `haven:ip` says of itself.
pub(crate) fn meta_data() -> MetaData {
    let advice = |name: &str, timeout, interval| ActionAdvice {
        name: name.to_owned(),
        timeout: Some(timeout),
        interval,
        depth: None,
        role: None,
    };
    let parameter = |(name, text): &(&str, &str)| Parameter {
        name: (*name).to_owned(),
        required: *name == "ip",
        default: None,
        kind: "string".to_owned(),
        description: (*text).to_owned(),
    };
    MetaData {
        name: "ip".to_owned(),
        version: "1".to_owned(),
        description: "An address that moves between nodes.".to_owned(),
        parameters: KNOWN.iter().map(parameter).collect(),
        actions: vec![
            advice("start", Millis::secs(20), None),
            advice("stop", Millis::secs(20), None),
            advice("monitor", Millis::secs(20), Some(Millis::secs(10))),
        ],
        ..MetaData::default()
    }
}
