//! BMCs over IPMI, by `ipmitool`.
//!
//! The password goes by environment, which only its owner can read, never by argument.
//! Source: ipmitool(1); IPMI 2.0, "Chassis Control".

use haven_core::event::PowerState;
use haven_env::{Ended, Host, Program, RunReport};

use super::{Action, FenceTrouble, Run, Target, bad, secrets_of};

/// The agent's name.
pub(crate) const NAME: &str = "ipmitool";
const PATHS: [&str; 3] = ["/usr/bin/ipmitool", "/usr/sbin/ipmitool", "/usr/local/bin/ipmitool"];
/// What ipmitool calls each parameter. The first name is haven's, the others are those of `fence_ipmilan`.
const OPTIONS: [(&str, &[&str]); 7] = [
    ("-H", &["ip", "ipaddr", "host"]),
    ("-p", &["ipport"]),
    ("-U", &["username", "login"]),
    ("-C", &["cipher"]),
    ("-L", &["privlvl"]),
    ("-N", &["ipmitool_timeout"]),
    ("-R", &["retries"]),
];
/// Seconds per try and tries, where they are not set: a dead BMC is known within ten seconds, not twenty.
const DEFAULTS: [(&str, &str); 3] = [("-L", "ADMINISTRATOR"), ("-N", "2"), ("-R", "2")];
/// Parameters of `fence_ipmilan` that say what is so anyway.
const IMPLIED: [(&str, &str); 2] = [("lanplus", "1"), ("method", "onoff")];
const PASSWORD: [&str; 2] = ["password", "passwd"];

/// Where the program is on this machine.
pub(crate) fn path(host: &dyn Host) -> Option<&'static str> {
    PATHS.into_iter().find(|path| host.has_program(path))
}

/// One run.
pub(super) fn run(
    host: &dyn Host,
    target: &Target<'_>,
    action: Action,
    outlet: Option<&str>,
) -> Result<Run, FenceTrouble> {
    if outlet.is_some() {
        return Err(bad(target, "a BMC has no outlets: map it to one node".to_owned()));
    }
    let Some(path) = path(host) else {
        return Err(FenceTrouble::NotInstalled { device: target.device.id.clone(), program: PATHS[0].to_owned() });
    };
    let mut args = vec!["-I".to_owned(), "lanplus".to_owned()];
    args.extend(options(target)?);
    let mut program = Program::new(path, Vec::<String>::new(), target.deadline);
    for (name, value) in [("PATH", "/usr/sbin:/usr/bin:/sbin:/bin"), ("LC_ALL", "C")] {
        program.env.insert(name.to_owned(), value.to_owned());
    }
    let mut secrets = Vec::new();
    for (name, secret) in secrets_of(target)? {
        if !PASSWORD.contains(&name.as_str()) {
            return Err(bad(target, format!("ipmitool takes no secret `{name}`, only password")));
        }
        if secret.reveal().contains(&0) {
            return Err(bad(target, "the password holds a zero byte".to_owned()));
        }
        program.secret_env.insert("IPMI_PASSWORD".to_owned(), secret.clone());
        secrets.push(secret);
    }
    args.push("-E".to_owned());
    args.extend(["chassis", "power", action.word()].map(str::to_owned));
    program.args = args;
    Ok(Run { program, secrets })
}

fn options(target: &Target<'_>) -> Result<Vec<String>, FenceTrouble> {
    let mut given: Vec<(&str, &str)> = Vec::new();
    for (name, value) in &target.device.params {
        let known = OPTIONS.iter().find(|(_, names)| names.contains(&name.as_str()));
        match known {
            Some((option, _)) if given.iter().any(|(other, _)| other == option) => {
                return Err(bad(target, format!("parameter `{name}` is given twice under different names")));
            }
            Some((option, _)) => given.push((option, value)),
            None if IMPLIED.contains(&(name.as_str(), value.as_str())) => {}
            None if PASSWORD.contains(&name.as_str()) => {
                return Err(bad(target, "the password must be a secret, in a file or credential".to_owned()));
            }
            None => return Err(bad(target, format!("ipmitool takes no parameter `{name}`"))),
        }
    }
    if !given.iter().any(|(option, _)| *option == "-H") {
        return Err(bad(target, "parameter `ip` is needed".to_owned()));
    }
    // A value that begins with a dash would be an option.
    if let Some((option, _)) = given.iter().find(|(_, value)| value.starts_with('-') || value.is_empty()) {
        return Err(bad(target, format!("the value for {option} is empty or begins with a dash")));
    }
    for (option, value) in DEFAULTS {
        if !given.iter().any(|(other, _)| *other == option) {
            given.push((option, value));
        }
    }
    Ok(given.into_iter().flat_map(|(option, value)| [option.to_owned(), value.to_owned()]).collect())
}

/// What a `status` said; `None` if it said nothing about the power.
pub(super) fn state(report: &RunReport) -> Option<PowerState> {
    if report.ended != Ended::Exited(0) {
        return None;
    }
    let text = String::from_utf8_lossy(&report.stdout).to_ascii_lowercase();
    let line = text.lines().find_map(|line| line.trim().strip_prefix("chassis power is "))?;
    match line.trim() {
        "on" => Some(PowerState::On),
        "off" => Some(PowerState::Off),
        _ => None,
    }
}
