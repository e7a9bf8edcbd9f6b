//! Scripts of heartbeat that hand their arguments to an OCF agent one by one.
//!
//! Source: the scripts in heartbeat 3.0.6's resource.d; the names of the parameters and the times are those of
//! `meta-data` of resource-agents 4.12.

use super::address;
use super::device::{self, Device};
use super::{Meaning, Misfit, Native, Storage, Thing, Times, ocf};
use crate::diagnostic::quoted;

struct Row {
    script: &'static str,
    /// What each argument is called, first to last.
    params: &'static [&'static str],
    /// How many of them must be there.
    least: usize,
    usage: &'static str,
    times: Times,
    claim: Claim,
}

/// What a resource of this kind has for itself alone.
#[derive(Clone, Copy)]
enum Claim {
    /// This, by its first argument.
    First(&'static str),
    /// Itself, with all its arguments.
    Call,
    /// Nothing: any number of them get along.
    Nothing,
}

const ROWS: [Row; 14] = [
    Row {
        script: "IPsrcaddr",
        params: &["ipaddress"],
        least: 1,
        usage: "IPsrcaddr::ip",
        times: Times::secs(20, 20, 10, 20),
        claim: Claim::Call,
    },
    Row {
        script: "Filesystem",
        params: &["device", "directory", "fstype", "options"],
        least: 2,
        usage: "Filesystem::device::directory[::fstype[::options]]",
        times: Times::secs(60, 60, 20, 40),
        claim: Claim::Call,
    },
    Row {
        script: "LVM",
        params: &["volgrpname"],
        least: 1,
        usage: "LVM::volume-group",
        times: Times::secs(30, 30, 10, 30),
        claim: Claim::First("volume group"),
    },
    Row {
        script: "LinuxSCSI",
        params: &["scsi"],
        least: 1,
        usage: "LinuxSCSI::host:channel:target[:lun]",
        times: Times::secs(20, 20, 10, 20),
        claim: Claim::Call,
    },
    Row {
        script: "Raid1",
        params: &["raidconf", "raiddev"],
        least: 2,
        usage: "Raid1::configuration::md-device",
        times: Times::secs(20, 20, 10, 20),
        claim: Claim::Call,
    },
    Row {
        script: "MailTo",
        params: &["email", "subject"],
        least: 1,
        usage: "MailTo::address[,address][::subject]",
        times: Times::secs(10, 10, 10, 10),
        claim: Claim::Nothing,
    },
    Row {
        script: "apache",
        params: &["configfile"],
        least: 0,
        usage: "apache[::configuration-file]",
        times: Times::secs(40, 60, 10, 20),
        claim: Claim::Call,
    },
    Row {
        script: "Xinetd",
        params: &["service"],
        least: 1,
        usage: "Xinetd::service",
        times: Times::secs(20, 20, 10, 10),
        claim: Claim::Call,
    },
    Row {
        script: "portblock",
        params: &["protocol", "portno", "action"],
        least: 3,
        usage: "portblock::udp|tcp::port,port::block|unblock",
        times: Times::secs(20, 20, 10, 10),
        claim: Claim::Call,
    },
    Row {
        script: "ICP",
        params: &["driveid", "device"],
        least: 2,
        usage: "ICP::drive::device",
        times: Times::secs(20, 20, 10, 20),
        claim: Claim::Call,
    },
    Row {
        script: "ServeRAID",
        params: &["serveraid", "mergegroup"],
        least: 2,
        usage: "ServeRAID::adapter::merge-group",
        times: Times::secs(40, 40, 10, 20),
        claim: Claim::Call,
    },
    Row {
        script: "db2",
        params: &["instance"],
        least: 1,
        usage: "db2::instance",
        times: Times::secs(120, 120, 20, 60),
        claim: Claim::Call,
    },
    Row {
        script: "ids",
        params: &["informixdir", "informixserver", "onconfig"],
        least: 0,
        usage: "ids[::directory::server::onconfig]",
        times: Times::secs(120, 120, 10, 30),
        claim: Claim::Call,
    },
    Row {
        script: "WinPopup",
        params: &["hostfile"],
        least: 0,
        usage: "WinPopup[::file-of-hosts]",
        times: Times::secs(30, 30, 10, 10),
        claim: Claim::Nothing,
    },
];

/// `None` when the script is not of this kind.
pub(super) fn read(script: &str, arguments: &[&str]) -> Option<Result<Meaning, Misfit>> {
    let row = ROWS.iter().find(|row| row.script == script)?;
    let count = arguments.len();
    // `ids` takes all of its arguments or none.
    let partial = script == "ids" && count != 0 && count != row.params.len();
    if count < row.least || count > row.params.len() || partial {
        return Some(Err(Misfit::usage(script, arguments, row.usage)));
    }
    let params = row.params.iter().zip(arguments).map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
    let native = Native { agent: ocf(script), params: params.collect(), times: row.times };
    let mut meaning = Meaning { native: Some(native), ..Meaning::plain(script, arguments) };
    match row.claim {
        Claim::First(what) => {
            meaning.claims = arguments.first().map(|first| Thing::new(what, *first)).into_iter().collect();
        }
        Claim::Call => {}
        Claim::Nothing => meaning.claims.clear(),
    }
    Some(match script {
        "Filesystem" => filesystem(meaning, arguments),
        "IPsrcaddr" => source_address(arguments).map(|()| meaning),
        "portblock" => ports(arguments, row.usage).map(|()| meaning),
        _ => Ok(meaning),
    })
}

fn source_address(arguments: &[&str]) -> Result<(), Misfit> {
    let text = arguments.first().copied().unwrap_or_default();
    let wrong = |what| Misfit { what, remedy: "write the address alone, `IPsrcaddr::ip`".to_owned() };
    let ip = text.parse().map_err(|_| wrong(format!("{} is no IP address", quoted(text))))?;
    address::one_machine_can_have(ip).map_err(wrong)
}

/// What the agent accepts: `tcp` or `udp`, ports and ranges of them (`80,8000:8010`), and what is done with them.
fn ports(arguments: &[&str], usage: &str) -> Result<(), Misfit> {
    let [protocol, ports, action] = [0, 1, 2].map(|index| arguments.get(index).copied().unwrap_or_default());
    let port = |text: &str| text.parse::<u16>().is_ok_and(|port| port > 0) && text.bytes().all(|b| b.is_ascii_digit());
    let range = |text: &str| text.split_once(':').map_or(port(text), |(from, to)| port(from) && port(to));
    let what = if !matches!(protocol, "tcp" | "udp") {
        format!("{} is no protocol that portblock knows, tcp and udp are", quoted(protocol))
    } else if !ports.split(',').all(range) {
        format!("{} is no list of ports, 1 to 65535 each", quoted(ports))
    } else if !matches!(action, "block" | "unblock") {
        format!("{} is nothing that portblock does, block and unblock are", quoted(action))
    } else {
        return Ok(());
    };
    Err(Misfit { what, remedy: format!("write {}", quoted(usage)) })
}

/// A mount claims its directory, and what it mounts where only one machine may.
fn filesystem(mut meaning: Meaning, arguments: &[&str]) -> Result<Meaning, Misfit> {
    let [disk, directory, kind] = [0, 1, 2].map(|index| arguments.get(index).copied().unwrap_or_default());
    if !directory.starts_with('/') {
        return Err(Misfit {
            what: format!("the directory {} does not begin with `/`", quoted(directory)),
            remedy: "write `Filesystem::device::/directory::fstype`".to_owned(),
        });
    }
    let trimmed = directory.trim_end_matches('/');
    meaning.claims = vec![Thing::new("directory", if trimmed.is_empty() { "/" } else { trimmed })];
    match device::read(disk, kind) {
        Device::Disk(claim) => meaning.claims.push(claim),
        Device::Shared => {}
    }
    meaning.label = format!("fs_{}", if trimmed.is_empty() { "root" } else { trimmed.trim_start_matches('/') });
    let on_drbd = device::without_double_slashes(disk).starts_with("/dev/drbd");
    meaning.storage = if on_drbd { Storage::OnDrbd } else { Storage::Other };
    Ok(meaning)
}
