//! The file `cluster` of a scenario.
//!
//! | line | meaning |
//! | --- | --- |
//! | `machines 3`, `links 2` | how many; three and one |
//! | `witness n3` | this machine votes and runs nothing |
//! | `profile lan`, `dead-after 1500ms`, `hold 6s`, `watchdog-timeout 5s` | timings; `lan` |
//! | `resource db`, `resource db prefers n3` | a primitive of the simulated agent |
//! | `property NAME VALUE` | a property of the cluster |
//! | `no-devices` | the BMCs are not configured as fence devices |
//! | `tested 0s`, `tested never` | how stale `fence test --cycle` has found them; `0s` |
//! | `watchdog hardware`, `watchdog software` | the machines' watchdog; none |
//! | `watchdog hardware n4` | the same for this machine alone |
//! | `no-cgroups` | the machines have none |
//! | `boot 5s` | how long a machine boots; 3 to 6 s |
//! | `ballast 65536` | bytes of ballast beside each log |

use haven_core::ids::NodeId;
use haven_core::spec::{Hold, Profile, Timing, parse_span};
use haven_core::units::Millis;

use super::{BadScenario, lines};
use crate::cluster::{ClusterOptions, Devices, ResourceOptions};
use crate::world::{Cgroups, Range, WatchdogModel};

pub(super) fn parse(text: &str) -> Result<ClusterOptions, BadScenario> {
    let mut options = ClusterOptions::default();
    for (number, line) in lines(text) {
        read(&mut options, line).map_err(|why| BadScenario { file: "cluster", line: number, why })?;
    }
    options.timing.check().map_err(|e| BadScenario { file: "cluster", line: 0, why: e.to_string() })?;
    Ok(options)
}

fn read(options: &mut ClusterOptions, line: &str) -> Result<(), String> {
    let span = |word: &str| parse_span(word).ok_or_else(|| format!("`{word}` is no time"));
    let number = |word: &str| word.parse::<u8>().map_err(|_| format!("`{word}` is no number up to 255"));
    let words: Vec<&str> = line.split_whitespace().collect();
    match *words.as_slice() {
        ["machines", count] => options.machines = number(count)?,
        ["links", count] => options.links = number(count)?,
        ["witness", node] => drop(options.witnesses.insert(NodeId::new(node).map_err(|e| e.to_string())?)),
        ["profile", name] => {
            let profile = Profile::parse(name).ok_or_else(|| format!("there is no profile `{name}`"))?;
            options.timing = Timing { hold: options.timing.hold, ..Timing::of(profile) };
        }
        ["dead-after", word] => options.timing.dead_after = span(word)?,
        ["hold", word] => options.timing.hold = Hold::Set(span(word)?),
        ["watchdog-timeout", word] => options.timing.watchdog = span(word)?,
        ["resource", id] => options.resources.push(ResourceOptions { id: id.to_owned(), prefers: None }),
        ["resource", id, "prefers", node] => {
            let node = NodeId::new(node).map_err(|e| e.to_string())?;
            options.resources.push(ResourceOptions { id: id.to_owned(), prefers: Some((node, 100)) });
        }
        ["property", name, value] => options.properties.push((name.to_owned(), value.to_owned())),
        ["no-devices"] => options.devices = Devices::None,
        ["tested", "never"] => options.tested = None,
        ["tested", word] => options.tested = Some(span(word)?),
        ["watchdog", "hardware"] => options.watchdog = WatchdogModel::hardware(),
        ["watchdog", "hardware", node] => {
            options.watchdog = WatchdogModel::hardware();
            options.watched.insert(NodeId::new(node).map_err(|e| e.to_string())?);
        }
        ["watchdog", "software"] => options.watchdog = WatchdogModel::software(),
        ["no-cgroups"] => options.cgroups = Cgroups::Missing,
        ["boot", word] => {
            let Millis(ms) = span(word)?;
            options.boot = Range::fixed(ms);
        }
        ["ballast", bytes] => options.ballast = bytes.parse().map_err(|_| format!("`{bytes}` is no number"))?,
        _ => return Err(format!("`{line}` is no part of a cluster")),
    }
    Ok(())
}
