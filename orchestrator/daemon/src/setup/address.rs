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
        if links.iter().any(|link| link.advertise == advertise || link.listen == listen) {
            return Err(bad(advertise.to_string(), "two links are the same"));
        }
        links.push(CardLink { listen, advertise });
    }
    Ok(links)
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
        assert!(links(&["10.0.0.1:5", "10.0.0.1:5"]).unwrap_err().ends_with("two links are the same"));
        assert!(links(&[]).is_err());
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
