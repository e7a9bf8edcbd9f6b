//! Scripts whose arguments need more than a name: DRBD, and those that take their arguments apart.
//!
//! Source: the scripts of heartbeat 3.0.6 and drbd-utils.

use std::net::Ipv4Addr;

use super::{Meaning, Misfit, Native, Storage, Thing, Times, address, ocf};
use crate::diagnostic::quoted;

/// Longest delay in seconds: longer ones are a mistake, and the timeout of the operation must exceed it.
const DELAY_MAX: u64 = 600;
/// What the agent waits at start and at stop when nothing is given, in seconds.
const DELAYS_OF_AGENT: (u64, u64) = (20, 30);

/// `None` when the script is not of this kind.
pub(super) fn read(script: &str, arguments: &[&str]) -> Option<Result<Meaning, Misfit>> {
    match script {
        "drbddisk" => Some(drbd(script, arguments, "drbddisk[::resource]", 0)),
        "drbdupper" => Some(drbd(script, arguments, "drbdupper::resource", 1)),
        "SendArp" => Some(send_arp(arguments)),
        "Delay" => Some(delay(arguments)),
        "ldirectord" => Some(ldirectord(arguments)),
        "WAS" => Some(was(arguments)),
        "AudibleAlarm" => Some(Ok(audible_alarm(arguments))),
        _ => None,
    }
}

fn drbd(script: &str, arguments: &[&str], usage: &str, least: usize) -> Result<Meaning, Misfit> {
    if arguments.len() < least || arguments.len() > 1 {
        return Err(Misfit::usage(script, arguments, usage));
    }
    let resource = arguments.first().copied().unwrap_or("all");
    Ok(Meaning {
        claims: vec![Thing::new("DRBD resource", resource)],
        storage: Storage::DrbdRole,
        ..Meaning::plain(script, arguments)
    })
}

fn native(kind: &str, params: &[(&str, String)], times: Times) -> Option<Native> {
    let params = params.iter().map(|(name, value)| ((*name).to_owned(), value.clone())).collect();
    Some(Native { agent: ocf(kind), params, times })
}

/// `ip/interface` in one argument.
fn send_arp(arguments: &[&str]) -> Result<Meaning, Misfit> {
    let usage = || Misfit::usage("SendArp", arguments, "SendArp::ip/interface");
    let [argument] = arguments else { return Err(usage()) };
    let (ip, nic) = argument.split_once('/').ok_or_else(usage)?;
    let wrong = |what| Misfit { what, remedy: "write `SendArp::ip/interface`".to_owned() };
    // ARP is of IPv4.
    let address: Ipv4Addr = ip.parse().map_err(|_| wrong(format!("{} is no IPv4 address", quoted(ip))))?;
    address::one_machine_can_have(address.into()).map_err(wrong)?;
    if !address::is_interface(nic.split(':').next().unwrap_or_default()) {
        return Err(wrong(format!("{} is no name of an interface", quoted(nic))));
    }
    let params = [("ip", ip.to_owned()), ("nic", nic.to_owned())];
    let native = native("SendArp", &params, Times::secs(20, 20, 10, 20));
    Ok(Meaning { native, claims: Vec::new(), ..Meaning::plain("SendArp", arguments) })
}

/// Seconds before the start and before the stop is done.
fn delay(arguments: &[&str]) -> Result<Meaning, Misfit> {
    let seconds = |argument: &&str| {
        argument.parse::<u64>().ok().filter(|seconds| *seconds <= DELAY_MAX).ok_or_else(|| Misfit {
            what: format!("{} is no number of seconds, 0 to {DELAY_MAX} is allowed", quoted(argument)),
            remedy: "write `Delay::seconds[::seconds-at-stop]`".to_owned(),
        })
    };
    let delays = arguments.iter().map(seconds).collect::<Result<Vec<u64>, Misfit>>()?;
    // The agent would sleep in every monitor, too, and longer than the monitor may take.
    let mut params = vec![("mondelay", "0".to_owned())];
    let (mut start, mut stop) = DELAYS_OF_AGENT;
    match delays.as_slice() {
        [] => {}
        [first] => start = *first,
        [first, second] => (start, stop) = (*first, *second),
        _ => return Err(Misfit::usage("Delay", arguments, "Delay[::seconds[::seconds-at-stop]]")),
    }
    params.extend(["startdelay", "stopdelay"].into_iter().zip(delays.iter().map(u64::to_string)));
    let native = native("Delay", &params, Times::secs(start + 30, stop + 30, 30, 30));
    Ok(Meaning { native, claims: Vec::new(), ..Meaning::plain("Delay", arguments) })
}

/// The script looks for a file without folder in /etc/ha.d, the agent does not.
fn ldirectord(arguments: &[&str]) -> Result<Meaning, Misfit> {
    let params = match arguments {
        [] => Vec::new(),
        [file] if file.starts_with('/') => vec![("configfile", (*file).to_owned())],
        [file] => vec![("configfile", format!("/etc/ha.d/{file}"))],
        _ => return Err(Misfit::usage("ldirectord", arguments, "ldirectord[::configuration-file]")),
    };
    let native = native("ldirectord", &params, Times::secs(15, 15, 20, 10));
    Ok(Meaning { native, ..Meaning::plain("ldirectord", arguments) })
}

/// A number is a port, anything else a file.
fn was(arguments: &[&str]) -> Result<Meaning, Misfit> {
    let params = match arguments {
        [] => Vec::new(),
        [port] if port.bytes().all(|b| b.is_ascii_digit()) => vec![("port", (*port).to_owned())],
        [file] => vec![("config", (*file).to_owned())],
        _ => return Err(Misfit::usage("WAS", arguments, "WAS[::configuration-file|port]")),
    };
    let native = native("WAS", &params, Times::secs(300, 300, 10, 30));
    Ok(Meaning { native, ..Meaning::plain("WAS", arguments) })
}

/// All arguments together are the list of nodes on which it sounds.
fn audible_alarm(arguments: &[&str]) -> Meaning {
    let params = [("nodelist", arguments.join(" "))];
    let native = native("AudibleAlarm", &params, Times::secs(10, 10, 10, 10));
    Meaning { native, claims: Vec::new(), ..Meaning::plain("AudibleAlarm", arguments) }
}
