//! Addresses: `IPaddr`, `IPaddr2`, `IPv6addr` and words that are an IPv4 address.
//!
//! `ip[/mask[/interface[:label]][/broadcast]]`; behind the mask, a part that begins with a digit is the broadcast
//! address. The parameters are named as those of ocf:heartbeat:IPaddr2.

use std::net::{IpAddr, Ipv4Addr};

use haven_core::spec::{AgentClass, AgentName};

use super::{Meaning, Misfit, Native, Storage, Thing, Times};
use crate::diagnostic::{Report, quoted};
use crate::heartbeat::haresources::{Word, without_double_colon};

const USAGE: &str = "ip[/mask[/interface][/broadcast]]";
/// Longest name of an interface that Linux knows.
const INTERFACE_MAX: usize = 15;

pub(super) fn read(
    script: &str,
    arguments: &[&str],
    word: &Word,
    report: &mut Report,
) -> Result<Option<Meaning>, Misfit> {
    let [argument] = arguments else {
        return Err(Misfit::usage(script, arguments, &format!("{script}::{USAGE}")));
    };
    let parts: Vec<&str> = argument.split('/').collect();
    let wrong = |what: String| Misfit { what, remedy: format!("write {}", quoted(&format!("{script}::{USAGE}"))) };
    if parts.iter().any(|part| part.is_empty()) {
        return Err(wrong(format!("{} has an empty part between slashes, which heartbeat skips", quoted(argument))));
    }
    let ip: IpAddr = parts.first().copied().unwrap_or_default().parse().map_err(|_| {
        let found = quoted(parts.first().copied().unwrap_or_default());
        wrong(format!("{found} is no IP address, though heartbeat gives it to {script}"))
    })?;
    one_machine_can_have(ip).map_err(wrong)?;
    let mut params = vec![("ip".to_owned(), ip.to_string())];
    if let Some(mask) = parts.get(1) {
        params.push(("cidr_netmask".to_owned(), prefix(mask, ip).map_err(wrong)?.to_string()));
    }
    let (nic, broadcast) = behind_the_mask(argument, parts.get(2..).unwrap_or_default()).map_err(wrong)?;
    if nic.is_none() && matches!(ip, IpAddr::V6(v6) if v6.is_unicast_link_local()) {
        let remedy = format!("name the interface: {}", quoted(&format!("{script}::ip/mask/interface")));
        let what = format!("{} is link-local, so it means nothing without an interface", quoted(&ip.to_string()));
        return Err(Misfit { what, remedy });
    }
    if let Some(nic) = nic {
        params.push(("nic".to_owned(), interface(nic, word, report).map_err(wrong)?.to_owned()));
    }
    if let Some(broadcast) = broadcast {
        let place = if nic.is_none() { " begins with a digit, but" } else { "" };
        let address: Ipv4Addr =
            broadcast.parse().map_err(|_| wrong(format!("{}{place} is no broadcast address", quoted(broadcast))))?;
        if ip.is_ipv6() {
            let what = format!("there is the broadcast address {address}, and IPv6 has none");
            return Err(Misfit { what, remedy: format!("remove `/{address}`") });
        }
        params.push(("broadcast".to_owned(), address.to_string()));
    }
    let agent = AgentName { class: AgentClass::Haven, provider: None, kind: "ip".to_owned() };
    let native = Native { agent, params, times: Times::secs(20, 20, 10, 20) };
    let label = match ip {
        IpAddr::V4(ip) => format!("ip_{ip}"),
        IpAddr::V6(ip) => format!("ip_{}", without_double_colon(ip).replace(':', "-")),
    };
    Ok(Some(Meaning {
        label,
        native: Some(native),
        claims: vec![Thing::new("address", ip.to_string())],
        storage: Storage::Other,
        ..Meaning::plain(script, arguments)
    }))
}

/// The interface and the broadcast address among the parts behind the mask, as heartbeat tells them apart.
fn behind_the_mask<'a>(argument: &str, parts: &[&'a str]) -> Result<(Option<&'a str>, Option<&'a str>), String> {
    let is_number = |part: &str| part.starts_with(|c: char| c.is_ascii_digit());
    match *parts {
        [] => Ok((None, None)),
        [part] if is_number(part) => Ok((None, Some(part))),
        [nic] => Ok((Some(nic), None)),
        [first, ..] if is_number(first) => Err(format!(
            "behind the mask, {} begins with a digit, so heartbeat takes it for the broadcast address and skips the rest",
            quoted(first)
        )),
        [nic, broadcast] => Ok((Some(nic), Some(broadcast))),
        _ => Err(format!("{} has too many parts", quoted(argument))),
    }
}

/// The agent `haven:ip` refuses the same, at the start, when the group has moved already.
pub(super) fn one_machine_can_have(ip: IpAddr) -> Result<(), String> {
    if ip.is_unspecified() || ip.is_multicast() {
        return Err(format!("{} is not an address that one machine can have", quoted(&ip.to_string())));
    }
    Ok(())
}

/// The length of the prefix, from a number of bits or a mask of four parts.
fn prefix(mask: &str, ip: IpAddr) -> Result<u32, String> {
    let most = if ip.is_ipv4() { 32 } else { 128 };
    if let Ok(bits) = mask.parse::<u32>() {
        // Without any bits the whole internet would be on this link.
        let wrong = format!("the netmask {} is out of range, 1 to {most} bits are allowed", quoted(mask));
        return if (1..=most).contains(&bits) { Ok(bits) } else { Err(wrong) };
    }
    let dotted = mask.parse::<Ipv4Addr>().ok().filter(|_| ip.is_ipv4()).map(u32::from);
    match dotted {
        Some(bits) if bits != 0 && bits.leading_ones() + bits.trailing_zeros() >= 32 => Ok(bits.leading_ones()),
        Some(_) | None => Err(format!("{} is no netmask", quoted(mask))),
    }
}

fn interface<'a>(nic: &'a str, word: &Word, report: &mut Report) -> Result<&'a str, String> {
    let (name, label) = nic.split_once(':').map_or((nic, None), |(name, label)| (name, Some(label)));
    if !is_interface(name) {
        return Err(format!("{} is no name of an interface", quoted(nic)));
    }
    if let Some(label) = label {
        let what = format!("the label {} is not kept: the address is shown under {name} itself", quoted(label));
        report.note(word.place(), what, "");
    }
    Ok(name)
}

/// Whether Linux could give an interface that name.
pub(super) fn is_interface(name: &str) -> bool {
    !name.is_empty() && name.len() <= INTERFACE_MAX && name.chars().all(|c| c.is_ascii_graphic() && c != '/')
}
