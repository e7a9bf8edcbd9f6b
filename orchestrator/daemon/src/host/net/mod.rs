//! Addresses of this machine: reading, adding, removing, asking the network, telling the neighbours.

mod defence;
mod frame;
mod wire;

use std::net::{IpAddr, Ipv4Addr};
use std::time::Duration;

use haven_env::{HostError, Reply};
use nix::ifaddrs::{InterfaceAddress, getifaddrs};
use nix::sys::socket::LinkAddr;
use rtnetlink::packet_route::AddressFamily;
use rtnetlink::packet_route::address::{AddressAttribute, AddressHeaderFlags, AddressMessage};
use rtnetlink::{Error, new_connection};
use tracing::debug;

pub(super) use defence::Defenders;
use frame::Mac;
use wire::{Ear, Wire};

/// Time between two announcements: what `send_arp` of heartbeat and IPaddr2 take.
const BETWEEN: Duration = Duration::from_millis(200);
/// Probes that are sent within the wait; one may be lost.
const PROBES: u32 = 3;

/// An address with the length of its network's prefix.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Network {
    address: IpAddr,
    prefix: u8,
}

impl Network {
    fn read(text: &str) -> Result<Self, HostError> {
        let parsed = text.split_once('/').and_then(|(address, prefix)| {
            let (address, prefix): (IpAddr, u8) = (address.parse().ok()?, prefix.parse().ok()?);
            (prefix <= bits(&address)).then_some(Self { address, prefix })
        });
        parsed.ok_or_else(|| HostError::Failed(format!("`{text}` is no address with a prefix length")))
    }

    fn contains(&self, other: IpAddr) -> bool {
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

fn parse(address: &str) -> Result<IpAddr, HostError> {
    address.parse().map_err(|_| HostError::Failed(format!("`{address}` is no address")))
}

fn ip_of(found: &InterfaceAddress) -> Option<(IpAddr, u8)> {
    let (address, mask) = (found.address.as_ref()?, found.netmask.as_ref());
    if let Some(v4) = address.as_sockaddr_in() {
        let mask = mask.and_then(|mask| mask.as_sockaddr_in()).map_or(u32::MAX, |mask| mask.ip().to_bits());
        return Some((v4.ip().into(), u8::try_from(mask.count_ones()).unwrap_or(32)));
    }
    let v6 = address.as_sockaddr_in6()?;
    let mask = mask.and_then(|mask| mask.as_sockaddr_in6()).map_or(u128::MAX, |mask| mask.ip().to_bits());
    Some((v6.ip().into(), u8::try_from(mask.count_ones()).unwrap_or(128)))
}

fn all() -> Result<Vec<(String, Network)>, HostError> {
    let list = getifaddrs().map_err(|error| HostError::Failed(format!("cannot read addresses: {error}")))?;
    let pairs = list.filter_map(|found| {
        let (address, prefix) = ip_of(&found)?;
        // An address with a label is listed under it: `eth0:web` is on eth0.
        let interface = found.interface_name.split(':').next().unwrap_or_default().to_owned();
        Some((interface, Network { address, prefix }))
    });
    Ok(pairs.collect())
}

/// Answers `Addresses`.
pub(super) fn addresses() -> Result<Reply, HostError> {
    let pairs =
        all()?.into_iter().map(|(interface, network)| (interface, format!("{}/{}", network.address, network.prefix)));
    Ok(Reply::Addresses(pairs.collect()))
}

/// Answers `InterfaceFor`: the smallest network that contains the address, except the loopback's.
pub(super) fn interface_for(address: &str) -> Result<Reply, HostError> {
    let wanted = parse(address)?;
    let around = all()?.into_iter().filter(|(name, network)| name != "lo" && network.contains(wanted));
    match around.max_by(|(a, x), (b, y)| x.prefix.cmp(&y.prefix).then_with(|| b.cmp(a))) {
        Some((interface, _)) => Ok(Reply::Interface(interface)),
        None => Err(HostError::NotFound(format!("an interface with a network that contains {address}"))),
    }
}

/// An interface's index and, if it is an Ethernet one, its hardware address.
pub(super) struct Interface {
    link: LinkAddr,
}

impl Interface {
    fn find(name: &str) -> Result<Self, HostError> {
        let list = getifaddrs().map_err(|error| HostError::Failed(format!("cannot read interfaces: {error}")))?;
        let mut links = list
            .filter(|found| found.interface_name == name)
            .filter_map(|found| found.address.and_then(|address| address.as_link_addr().copied()));
        links.next().map(|link| Self { link }).ok_or_else(|| HostError::NotFound(format!("interface {name}")))
    }

    fn index(&self) -> Result<u32, HostError> {
        u32::try_from(self.link.ifindex()).map_err(|error| HostError::Failed(error.to_string()))
    }

    /// Its hardware address. Errors: it has none that anybody on a network could be told.
    fn ethernet(&self, name: &str) -> Result<Mac, HostError> {
        ethernet(&self.link).ok_or_else(|| HostError::Unsupported(format!("{name} is no Ethernet interface")))
    }
}

fn ethernet(link: &LinkAddr) -> Option<Mac> {
    (link.hatype() == libc::ARPHRD_ETHER && link.halen() == 6).then(|| link.addr())?
}

/// The hardware addresses of this machine.
fn macs() -> Result<Vec<Mac>, HostError> {
    let list = getifaddrs().map_err(|error| HostError::Failed(format!("cannot read interfaces: {error}")))?;
    Ok(list.filter_map(|found| found.address.as_ref().and_then(|address| ethernet(address.as_link_addr()?))).collect())
}

/// Whether an interface of this machine has the address.
fn is_here(interface: &str, address: IpAddr) -> Result<bool, HostError> {
    Ok(all()?.iter().any(|(name, network)| name == interface && network.address == address))
}

/// The frames that tell the neighbours who has an address.
fn news(mac: Mac, address: IpAddr) -> Vec<Vec<u8>> {
    match address {
        IpAddr::V4(v4) => vec![frame::arp_request(mac, v4), frame::arp_reply(mac, v4)],
        IpAddr::V6(v6) => vec![frame::neighbour_advertisement(mac, v6)],
    }
}

fn message(
    index: u32,
    network: Network,
    broadcast: Option<&str>,
    label: Option<&str>,
) -> Result<AddressMessage, HostError> {
    let mut message = AddressMessage::default();
    message.header.index = index;
    message.header.prefix_len = network.prefix;
    message.header.family = if network.address.is_ipv4() { AddressFamily::Inet } else { AddressFamily::Inet6 };
    let attributes = &mut message.attributes;
    attributes.push(AddressAttribute::Address(network.address));
    attributes.push(AddressAttribute::Local(network.address));
    match network.address {
        IpAddr::V4(address) => {
            let last = || {
                let host = u32::MAX.checked_shr(u32::from(network.prefix)).unwrap_or(0);
                // A network of one or two addresses has no broadcast.
                (network.prefix < 31).then(|| Ipv4Addr::from_bits(address.to_bits() | host))
            };
            let given = broadcast.map(|text| text.parse::<Ipv4Addr>()).transpose();
            let given = given.map_err(|_| HostError::Failed("the broadcast address is none".to_owned()))?;
            attributes.extend(given.or_else(last).map(AddressAttribute::Broadcast));
            attributes.extend(label.map(|label| AddressAttribute::Label(label.to_owned())));
        }
        // The network was asked by `AddressProbe`; the kernel would ask again and keep the address unusable meanwhile.
        IpAddr::V6(_) => message.header.flags |= AddressHeaderFlags::Nodad,
    }
    Ok(message)
}

/// Answers `AddressAdd`.
pub(super) async fn add(
    interface: &str,
    address: &str,
    broadcast: Option<&str>,
    label: Option<&str>,
) -> Result<Reply, HostError> {
    let network = Network::read(address)?;
    let index = Interface::find(interface)?.index()?;
    let (connection, handle, _) = new_connection().map_err(|error| no_netlink(&error))?;
    let task = tokio::spawn(connection);
    let mut request = handle.address().add(index, network.address, network.prefix);
    *request.message_mut() = message(index, network, broadcast, label)?;
    let result = request.execute().await;
    task.abort();
    settled(result, libc::EEXIST, &format!("cannot add {address} to {interface}"))
}

/// Answers `AddressRemove`.
pub(super) async fn remove(interface: &str, address: &str) -> Result<Reply, HostError> {
    let network = Network::read(address)?;
    let index = match Interface::find(interface) {
        Ok(found) => found.index()?,
        // No interface, hence no address.
        Err(HostError::NotFound(_)) => return Ok(Reply::Done),
        Err(error) => return Err(error),
    };
    if network.address.is_ipv4() {
        keep_secondaries(interface);
    }
    let (connection, handle, _) = new_connection().map_err(|error| no_netlink(&error))?;
    let task = tokio::spawn(connection);
    let mut message = AddressMessage::default();
    message.header.index = index;
    message.header.prefix_len = network.prefix;
    message.header.family = if network.address.is_ipv4() { AddressFamily::Inet } else { AddressFamily::Inet6 };
    message.attributes.push(AddressAttribute::Local(network.address));
    let result = handle.address().del(message).execute().await;
    task.abort();
    settled(result, libc::EADDRNOTAVAIL, &format!("cannot remove {address} from {interface}"))
}

/// The kernel removes all other addresses of a network with the first one, those of other resources among them,
/// unless it is told to keep them. Most distributions tell it at boot; where that cannot be done, it is as it was.
fn keep_secondaries(interface: &str) {
    let setting = format!("/proc/sys/net/ipv4/conf/{interface}/promote_secondaries");
    if let Err(error) = std::fs::write(setting, "1") {
        debug!(%interface, %error, "other addresses of the network may go with the one that is removed");
    }
}

/// `fine` is the kernel's word for what was there already, or gone already.
fn settled(result: Result<(), Error>, fine: i32, what: &str) -> Result<Reply, HostError> {
    let Err(error) = result else { return Ok(Reply::Done) };
    let code = if let Error::NetlinkError(message) = &error { -message.raw_code() } else { 0 };
    match code {
        code if code == fine => Ok(Reply::Done),
        libc::EPERM | libc::EACCES => Err(HostError::Unsupported(format!("{what}: {error}; run the daemon as root"))),
        _ => Err(HostError::Failed(format!("{what}: {error}"))),
    }
}

fn no_netlink(error: &std::io::Error) -> HostError {
    HostError::Failed(format!("cannot talk to the kernel about addresses: {error}"))
}

/// Answers `AddressProbe`.
pub(super) async fn probe(interface: &str, address: &str, wait: Duration) -> Result<Reply, HostError> {
    let wanted = parse(address)?;
    let (wire, mac) = open(interface, &wanted)?;
    let question = match wanted {
        IpAddr::V4(v4) => frame::arp_probe(mac, v4),
        IpAddr::V6(v6) => frame::neighbour_solicitation(mac, v6),
    };
    let each = wait / PROBES;
    for _ in 0..PROBES {
        wire.send(&question).await?;
        if let Some(owner) = wire.hear(each, |bytes| frame::owner(bytes, mac, wanted)).await? {
            return Ok(Reply::Conflict(owner.to_string()));
        }
    }
    Ok(Reply::NoConflict)
}

/// Answers `AddressAnnounce`.
pub(super) async fn announce(interface: &str, address: &str, count: u32) -> Result<Reply, HostError> {
    let wanted = parse(address)?;
    let (wire, mac) = open(interface, &wanted)?;
    let news = news(mac, wanted);
    for frame in &news {
        wire.send(frame).await?;
    }
    let interface = interface.to_owned();
    tokio::spawn(async move {
        for _ in 1..count {
            tokio::time::sleep(BETWEEN).await;
            // Once the address has left, announcing it would take it from its next owner.
            if !is_here(&interface, wanted).unwrap_or(false) {
                return;
            }
            for frame in &news {
                if let Err(error) = wire.send(frame).await {
                    debug!(%interface, address = %wanted, %error, "an announcement was not sent");
                    return;
                }
            }
        }
    });
    Ok(Reply::Done)
}

fn open(interface: &str, address: &IpAddr) -> Result<(Wire, Mac), HostError> {
    let found = Interface::find(interface)?;
    let mac = found.ethernet(interface)?;
    Ok((Wire::open(interface, &found.link, address, Ear::Everybody)?, mac))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_loopback_address_is_listed_with_its_prefix() {
        let Reply::Addresses(pairs) = addresses().unwrap() else { panic!("no addresses") };
        assert!(pairs.contains(&("lo".to_owned(), "127.0.0.1/8".to_owned())), "{pairs:?}");
    }

    #[test]
    fn a_network_contains_what_shares_its_prefix() {
        let network = Network::read("10.77.0.1/24").unwrap();
        assert!(network.contains("10.77.0.200".parse().unwrap()));
        assert!(!network.contains("10.77.1.1".parse().unwrap()));
        assert!(!network.contains("fd00::1".parse().unwrap()));
        assert!(Network::read("0.0.0.0/0").unwrap().contains("8.8.8.8".parse().unwrap()));
        assert!(Network::read("10.0.0.1/33").is_err());
    }
}
