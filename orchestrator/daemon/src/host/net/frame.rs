//! Ethernet frames about who has an address: built and read as bytes.
//!
//! Source: RFC 826 and RFC 5227 (ARP), RFC 4861 and RFC 4862 (neighbour discovery), RFC 4443 (checksum).

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// A hardware address.
pub(super) type Mac = [u8; 6];

const EVERYBODY: Mac = [0xff; 6];
const NOBODY: Mac = [0; 6];
const ARP: [u8; 2] = [0x08, 0x06];
const IPV6: [u8; 2] = [0x86, 0xdd];
const REQUEST: u16 = 1;
const REPLY: u16 = 2;
const ICMPV6: u8 = 58;
const SOLICITATION: u8 = 135;
const ADVERTISEMENT: u8 = 136;
/// The advertisement replaces what the neighbour has cached.
const OVERRIDE: u8 = 0x20;
const ALL_NODES: Ipv6Addr = Ipv6Addr::new(0xff02, 0, 0, 0, 0, 0, 0, 1);

/// A machine that answered, by its hardware address.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Owner(Mac);

impl fmt::Display for Owner {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        let [a, b, c, d, e, g] = self.0;
        write!(f, "{a:02x}:{b:02x}:{c:02x}:{d:02x}:{e:02x}:{g:02x}")
    }
}

fn arp(mac: Mac, operation: u16, sender: Ipv4Addr, target_mac: Mac, target: Ipv4Addr) -> Vec<u8> {
    let mut frame = Vec::with_capacity(42);
    frame.extend(EVERYBODY);
    frame.extend(mac);
    frame.extend(ARP);
    // Ethernet, IPv4, and the lengths of their addresses.
    frame.extend([0, 1, 8, 0, 6, 4]);
    frame.extend(operation.to_be_bytes());
    frame.extend(mac);
    frame.extend(sender.octets());
    frame.extend(target_mac);
    frame.extend(target.octets());
    frame
}

/// "Who has it?", without a sender address, so that nobody's table changes.
pub(super) fn arp_probe(mac: Mac, address: Ipv4Addr) -> Vec<u8> {
    arp(mac, REQUEST, Ipv4Addr::UNSPECIFIED, NOBODY, address)
}

/// Gratuitous ARP as a request: updates tables that have the address.
pub(super) fn arp_request(mac: Mac, address: Ipv4Addr) -> Vec<u8> {
    arp(mac, REQUEST, address, NOBODY, address)
}

/// Gratuitous ARP as a reply: some systems listen to this form only.
pub(super) fn arp_reply(mac: Mac, address: Ipv4Addr) -> Vec<u8> {
    arp(mac, REPLY, address, EVERYBODY, address)
}

fn multicast_mac(group: Ipv6Addr) -> Mac {
    let [.., a, b, c, d] = group.octets();
    [0x33, 0x33, a, b, c, d]
}

/// The sum over the pseudo header and the message, whose own checksum field is zero.
fn checksum(source: Ipv6Addr, destination: Ipv6Addr, message: &[u8]) -> u16 {
    let length = u32::try_from(message.len()).unwrap_or(0);
    let mut bytes: Vec<u8> = Vec::new();
    bytes.extend(source.octets());
    bytes.extend(destination.octets());
    bytes.extend(length.to_be_bytes());
    bytes.extend([0, 0, 0, ICMPV6]);
    bytes.extend(message);
    let words = bytes.chunks(2).map(|pair| match *pair {
        [high, low] => u32::from(high) << 8 | u32::from(low),
        [high] => u32::from(high) << 8,
        _ => 0,
    });
    let mut sum: u32 = words.sum();
    while sum > 0xffff {
        sum = (sum & 0xffff) + (sum >> 16);
    }
    !u16::try_from(sum).unwrap_or(0)
}

fn icmpv6(mac: Mac, source: Ipv6Addr, destination: Ipv6Addr, mut message: Vec<u8>) -> Vec<u8> {
    let sum = checksum(source, destination, &message).to_be_bytes();
    for (byte, sum) in message.iter_mut().skip(2).zip(sum) {
        *byte = sum;
    }
    let mut frame = Vec::with_capacity(54 + message.len());
    frame.extend(multicast_mac(destination));
    frame.extend(mac);
    frame.extend(IPV6);
    frame.extend([0x60, 0, 0, 0]);
    frame.extend(u16::try_from(message.len()).unwrap_or(0).to_be_bytes());
    // A hop limit of 255 is how a receiver knows that no router passed it on.
    frame.extend([ICMPV6, 255]);
    frame.extend(source.octets());
    frame.extend(destination.octets());
    frame.extend(message);
    frame
}

/// "Who has it?", from the unspecified address, to the group in which its owner must be.
pub(super) fn neighbour_solicitation(mac: Mac, address: Ipv6Addr) -> Vec<u8> {
    let [.., a, b, c] = address.octets();
    let group = Ipv6Addr::new(0xff02, 0, 0, 0, 0, 1, 0xff00 | u16::from(a), u16::from_be_bytes([b, c]));
    let mut message = vec![SOLICITATION, 0, 0, 0, 0, 0, 0, 0];
    message.extend(address.octets());
    icmpv6(mac, Ipv6Addr::UNSPECIFIED, group, message)
}

/// "I have it", to everybody, replacing what they have cached.
pub(super) fn neighbour_advertisement(mac: Mac, address: Ipv6Addr) -> Vec<u8> {
    let mut message = vec![ADVERTISEMENT, 0, 0, 0, OVERRIDE, 0, 0, 0];
    message.extend(address.octets());
    // Target link-layer address, one unit of eight bytes.
    message.extend([2, 1]);
    message.extend(mac);
    icmpv6(mac, address, ALL_NODES, message)
}

/// Who else has, or wants, the address, if this frame says so. Our own frames, which some interfaces hand back, do not.
pub(super) fn owner(frame: &[u8], mac: Mac, wanted: IpAddr) -> Option<Owner> {
    let ours = [mac];
    claimant(frame, &ours, wanted).or_else(|| not_ours(frame, &ours, prober(frame, wanted)?))
}

/// Who else says of itself that it has the address, if this frame does; `ours` are the hardware addresses of this
/// machine. A frame that only asks for the address is no claim: the kernel answers it.
pub(super) fn claimant(frame: &[u8], ours: &[Mac], wanted: IpAddr) -> Option<Owner> {
    let claimed = match wanted {
        IpAddr::V4(wanted) => sender(frame, wanted)?,
        IpAddr::V6(wanted) => advertiser(frame, wanted)?,
    };
    not_ours(frame, ours, claimed)
}

fn not_ours(frame: &[u8], ours: &[Mac], owner: Mac) -> Option<Owner> {
    let from = source(frame)?;
    (!ours.contains(&owner) && !ours.contains(&from)).then_some(Owner(owner))
}

/// Whose network card sent the frame.
fn source(frame: &[u8]) -> Option<Mac> {
    frame.get(6..12)?.try_into().ok()
}

/// The machine that an ARP frame comes from, with the address that it gives as its own and the one that it is about.
fn arp_parts(frame: &[u8]) -> Option<(Mac, &[u8], &[u8])> {
    if frame.get(12..14)? != ARP || frame.get(14..20)? != [0, 1, 8, 0, 6, 4] {
        return None;
    }
    Some((frame.get(22..28)?.try_into().ok()?, frame.get(28..32)?, frame.get(38..42)?))
}

/// Who sends ARP, whatever it is, as the machine that has the address.
fn sender(frame: &[u8], wanted: Ipv4Addr) -> Option<Mac> {
    let (mac, sender, _) = arp_parts(frame)?;
    (sender == wanted.octets()).then_some(mac)
}

/// Another machine that probes for the address at the same moment wants it, too (RFC 5227, 2.1.1).
fn prober(frame: &[u8], wanted: IpAddr) -> Option<Mac> {
    let IpAddr::V4(wanted) = wanted else { return None };
    let (mac, sender, target) = arp_parts(frame)?;
    let probes = frame.get(20..22)? == REQUEST.to_be_bytes() && sender == [0; 4] && target == wanted.octets();
    probes.then_some(mac)
}

fn advertiser(frame: &[u8], wanted: Ipv6Addr) -> Option<Mac> {
    let advertises = frame.get(12..14)? == IPV6
        && frame.get(20)? == &ICMPV6
        && frame.get(21)? == &255
        && frame.get(54)? == &ADVERTISEMENT;
    if !advertises || frame.get(62..78)? != wanted.octets() {
        return None;
    }
    // The option says for whom; without it, whoever sent the frame.
    match frame.get(78..86) {
        Some([2, 1, mac @ ..]) => mac.try_into().ok(),
        Some(_) | None => source(frame),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ME: Mac = [2, 0, 0, 0, 0, 1];
    const OTHER: Mac = [2, 0, 0, 0, 0, 2];
    const V4: Ipv4Addr = Ipv4Addr::new(10, 77, 0, 200);

    fn v6() -> Ipv6Addr {
        "fd00::12:3456".parse().unwrap()
    }

    #[test]
    fn an_answer_is_a_conflict_and_our_own_frames_are_none() {
        let answer = arp(OTHER, REPLY, V4, ME, Ipv4Addr::UNSPECIFIED);
        assert_eq!(owner(&answer, ME, V4.into()).unwrap().to_string(), "02:00:00:00:00:02");
        assert_eq!(owner(&arp_probe(ME, V4), ME, V4.into()), None);
        assert_eq!(owner(&arp_request(ME, V4), ME, V4.into()), None);
    }

    #[test]
    fn another_machine_that_probes_or_announces_the_address_is_a_conflict() {
        for frame in [arp_probe(OTHER, V4), arp_request(OTHER, V4), arp_reply(OTHER, V4)] {
            assert_eq!(owner(&frame, ME, V4.into()), Some(Owner(OTHER)));
        }
    }

    #[test]
    fn who_announces_the_address_claims_it_and_who_asks_for_it_does_not() {
        let ours = [ME, [2, 0, 0, 0, 0, 9]];
        for frame in
            [arp_request(OTHER, V4), arp_reply(OTHER, V4), arp(OTHER, REQUEST, V4, NOBODY, [10, 77, 0, 9].into())]
        {
            assert_eq!(claimant(&frame, &ours, V4.into()), Some(Owner(OTHER)));
        }
        assert_eq!(claimant(&arp_probe(OTHER, V4), &ours, V4.into()), None);
        assert_eq!(claimant(&arp(OTHER, REQUEST, [10, 77, 0, 9].into(), NOBODY, V4), &ours, V4.into()), None);
        assert_eq!(claimant(&neighbour_advertisement(OTHER, v6()), &ours, v6().into()), Some(Owner(OTHER)));
        assert_eq!(claimant(&neighbour_solicitation(OTHER, v6()), &ours, v6().into()), None);
    }

    #[test]
    fn another_interface_of_this_machine_claims_nothing() {
        let ours = [ME, OTHER];
        assert_eq!(claimant(&arp_request(OTHER, V4), &ours, V4.into()), None);
        assert_eq!(claimant(&neighbour_advertisement(OTHER, v6()), &ours, v6().into()), None);
    }

    #[test]
    fn frames_about_other_addresses_or_cut_short_are_no_conflict() {
        let other = Ipv4Addr::new(10, 77, 0, 201);
        assert_eq!(owner(&arp_request(OTHER, other), ME, V4.into()), None);
        let asks = arp(OTHER, REQUEST, other, NOBODY, V4);
        assert_eq!(owner(&asks, ME, V4.into()), None);
        let whole = arp_reply(OTHER, V4);
        let wide = neighbour_advertisement(OTHER, v6());
        for length in 0..42 {
            assert_eq!(owner(&whole[..length], ME, V4.into()), None);
            assert_eq!(owner(&wide[..length], ME, v6().into()), None);
            assert_eq!(claimant(&whole[..length], &[ME], V4.into()), None);
            assert_eq!(claimant(&wide[..length], &[ME], v6().into()), None);
        }
    }

    #[test]
    fn an_advertisement_names_its_owner() {
        let frame = neighbour_advertisement(OTHER, v6());
        assert_eq!(owner(&frame, ME, v6().into()), Some(Owner(OTHER)));
        assert_eq!(owner(&frame, OTHER, v6().into()), None);
        assert_eq!(owner(&neighbour_solicitation(OTHER, v6()), ME, v6().into()), None);
    }

    #[test]
    fn a_checksum_makes_the_whole_sum_zero() {
        let frame = neighbour_advertisement(ME, v6());
        assert_eq!(checksum(v6(), ALL_NODES, &frame[54..]), 0);
        let frame = neighbour_solicitation(ME, v6());
        let group: Ipv6Addr = "ff02::1:ff12:3456".parse().unwrap();
        assert_eq!(checksum(Ipv6Addr::UNSPECIFIED, group, &frame[54..]), 0);
        assert_eq!(&frame[..6], [0x33, 0x33, 0xff, 0x12, 0x34, 0x56]);
    }
}
