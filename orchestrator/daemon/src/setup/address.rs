//! Addresses as people give them.

use std::net::{IpAddr, SocketAddr};
use std::str::FromStr;

use super::SetupError;
use crate::folder::CardLink;

/// The port of link 0; each further link has the next one.
pub const PORT: u16 = 7741;
/// Links that a node can have: more would be heard of in no outage.
const LINKS_MAX: usize = 8;

/// An address with or without a port.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Advertise {
    ip: IpAddr,
    port: Option<u16>,
}

impl FromStr for Advertise {
    type Err = SetupError;

    /// Reads `10.0.0.1`, `10.0.0.1:7741`, `fd00::1` or `[fd00::1]:7741`.
    fn from_str(text: &str) -> Result<Self, SetupError> {
        let bad = |why| SetupError::Address { text: text.to_owned(), why };
        let read = match (text.parse::<IpAddr>(), text.parse::<SocketAddr>()) {
            (Ok(ip), _) => Self { ip, port: None },
            (Err(_), Ok(address)) => Self { ip: address.ip(), port: Some(address.port()) },
            (Err(_), Err(_)) => return Err(bad("it is neither an IP address nor one with a port")),
        };
        if read.ip.is_unspecified() || read.ip.is_multicast() {
            return Err(bad("the others cannot reach a node there"));
        }
        if read.port == Some(0) {
            return Err(bad("port 0 is none"));
        }
        Ok(read)
    }
}

/// The links of a node: the addresses in their order, and where it listens: there, unless `listen` says otherwise.
pub fn addresses(advertised: &[Advertise], listen: &[SocketAddr]) -> Result<Vec<CardLink>, SetupError> {
    let bad = |text: String, why| SetupError::Address { text, why };
    if advertised.is_empty() || advertised.len() > LINKS_MAX {
        return Err(bad(format!("{} addresses", advertised.len()), "1 to 8 are needed, one per link"));
    }
    if !listen.is_empty() && listen.len() != advertised.len() {
        return Err(bad(format!("{} places to listen", listen.len()), "one for each address is needed, or none"));
    }
    let mut links: Vec<CardLink> = Vec::new();
    for (number, (address, port)) in advertised.iter().zip(PORT..).enumerate() {
        let advertise = SocketAddr::new(address.ip, address.port.unwrap_or(port));
        let listen = listen.get(number).copied().unwrap_or(advertise);
        if links.iter().any(|link| fail_as_one(link.advertise, advertise) || link.listen == listen) {
            return Err(bad(advertise.to_string(), "another link is there already, and each is a network of its own"));
        }
        links.push(CardLink { listen, advertise });
    }
    Ok(links)
}

/// Whether two links would fail as one: they have the same address, whatever their ports. On loopback, where nothing but
/// tests and demos runs, several ports of one address are several links.
fn fail_as_one(one: SocketAddr, other: SocketAddr) -> bool {
    let (ip, same_ip) = (one.ip().to_canonical(), one.ip().to_canonical() == other.ip().to_canonical());
    same_ip && (one.port() == other.port() || !ip.is_loopback())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn links(texts: &[&str]) -> Result<Vec<String>, String> {
        let read: Result<Vec<Advertise>, SetupError> = texts.iter().map(|text| text.parse()).collect();
        let links = read.and_then(|read| addresses(&read, &[])).map_err(|error| error.to_string())?;
        assert!(links.iter().all(|link| link.listen == link.advertise));
        Ok(links.iter().map(|link| link.advertise.to_string()).collect())
    }

    #[test]
    fn every_link_has_a_port_of_its_own_unless_it_is_given() {
        assert_eq!(links(&["10.0.0.1", "10.1.0.1"]).unwrap(), ["10.0.0.1:7741", "10.1.0.1:7742"]);
        assert_eq!(links(&["fd00::1", "[fd00::2]:9"]).unwrap(), ["[fd00::1]:7741", "[fd00::2]:9"]);
    }

    #[test]
    fn what_nobody_could_reach_is_refused() {
        for bad in ["m1", "0.0.0.0", "10.0.0.1:0", "224.0.0.1", "10.0.0.1:99999", ""] {
            let error = links(&[bad]).unwrap_err();
            assert!(error.starts_with(&format!("`{bad}` is no address")), "{error}");
        }
        assert!(links(&[]).is_err());
    }

    #[test]
    fn two_links_are_two_addresses_but_on_loopback() {
        for [one, other] in [
            ["10.0.0.1", "10.0.0.1"],
            ["10.0.0.1:5", "10.0.0.1:5"],
            ["10.0.0.1:5", "10.0.0.1:6"],
            ["10.0.0.1", "::ffff:10.0.0.1"],
            ["127.0.0.1:5", "127.0.0.1:5"],
        ] {
            let error = links(&[one, other]).unwrap_err();
            assert!(error.contains("another link is there already"), "{one} and {other}: {error}");
        }
        assert_eq!(links(&["127.0.0.1", "127.0.0.1"]).unwrap(), ["127.0.0.1:7741", "127.0.0.1:7742"]);
        assert!(links(&["[::1]:5", "[::1]:6"]).is_ok());
    }

    #[test]
    fn a_node_may_listen_elsewhere_than_where_it_is_reached() {
        let advertised: Advertise = "192.0.2.7".parse().unwrap();
        let listen: SocketAddr = "10.0.0.7:7741".parse().unwrap();
        let links = addresses(&[advertised], &[listen]).unwrap();
        assert_eq!(links[0], CardLink { listen, advertise: "192.0.2.7:7741".parse().unwrap() });
        assert!(addresses(&[advertised], &[listen, listen]).is_err());
    }
}
