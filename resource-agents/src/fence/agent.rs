//! The programs of `fence-agents`, over standard input.
//!
//! Source: fence-agents 4.12: `key=value` lines, code 0 for On and 2 for Off on `status`, 1 for every failure. Code 2
//! is also what Python and shells end with when they cannot even read the program, so Off needs the word as well.

use haven_core::event::PowerState;
use haven_core::plant::{self, Plant};
use haven_core::units::Millis;
use haven_env::{Ended, Host, Program, RunReport, Secret};

use super::{Action, FenceTrouble, Run, Target, bad, secrets_of};

const FOLDER: &str = "/usr/sbin";
/// Parameters that only haven decides.
const RESERVED: [&str; 3] = ["action", "option", "o"];
/// Names of the parameter that says which outlet.
const OUTLET: [&str; 2] = ["port", "plug"];

/// Where the program is; `None` if `agent` is no fence program's name.
pub(super) fn path(agent: &str) -> Option<String> {
    let rest = agent.strip_prefix("fence_")?;
    let clean = !rest.is_empty() && rest.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '_' | '-'));
    clean.then(|| format!("{FOLDER}/{agent}"))
}

/// The program with a clean environment.
pub(super) fn bare(path: &str, deadline: Millis) -> Program {
    let mut program = Program::new(path, Vec::<String>::new(), deadline);
    for (name, value) in [("PATH", "/usr/sbin:/usr/bin:/sbin:/bin"), ("LC_ALL", "C"), ("PYTHONWARNINGS", "ignore")] {
        program.env.insert(name.to_owned(), value.to_owned());
    }
    program
}

/// One run for one outlet.
pub(super) fn run(
    host: &dyn Host,
    target: &Target<'_>,
    action: Action,
    outlet: Option<&str>,
) -> Result<Run, FenceTrouble> {
    let device = target.device;
    let Some(path) = path(&device.agent) else {
        return Err(bad(target, format!("`{}` is not a fence program, fence_NAME or ipmitool is", device.agent)));
    };
    if !host.has_program(&path) {
        return Err(FenceTrouble::NotInstalled { device: device.id.clone(), program: path });
    }
    let secrets = secrets_of(target)?;
    let mut lines = vec![("action", action.word().as_bytes())];
    lines.extend(outlet.map(|outlet| ("port", outlet.as_bytes())));
    lines.extend(device.params.iter().map(|(name, value)| (name.as_str(), value.as_bytes())));
    lines.extend(secrets.iter().map(|(name, secret)| (name.as_str(), secret.reveal())));
    let mut stdin = Vec::new();
    for (place, (name, value)) in lines.iter().enumerate() {
        let given = place > usize::from(outlet.is_some());
        if given {
            check(target, name, value, outlet)?;
        } else if value.iter().any(u8::is_ascii_control) {
            return Err(bad(target, "an outlet's name has a control character".to_owned()));
        }
        stdin.extend_from_slice(name.as_bytes());
        stdin.push(b'=');
        stdin.extend_from_slice(value);
        stdin.push(b'\n');
    }
    let mut program = bare(&path, target.deadline);
    if plant::on(Plant::SecretsInArguments) {
        let shown =
            |(name, secret): &(String, Secret)| format!("--{name}={}", String::from_utf8_lossy(secret.reveal()));
        program.args.extend(secrets.iter().map(shown));
    }
    program.stdin = Secret::new(stdin);
    Ok(Run { program, secrets: secrets.into_iter().map(|(_, secret)| secret).collect() })
}

fn check(target: &Target<'_>, name: &str, value: &[u8], outlet: Option<&str>) -> Result<(), FenceTrouble> {
    let clean = !name.is_empty() && name.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '_' | '-'));
    if !clean {
        return Err(bad(target, format!("parameter name `{name}` is not allowed")));
    }
    if RESERVED.contains(&name) {
        return Err(bad(target, format!("parameter `{name}` is haven's to set")));
    }
    if name == "method" && value != b"onoff" {
        return Err(bad(target, "method must be onoff: others report success before the power is off".to_owned()));
    }
    if outlet.is_some() && OUTLET.contains(&name) {
        return Err(bad(target, format!("parameter `{name}` contradicts the outlets of the host map")));
    }
    // A second line would be a second parameter.
    if value.iter().any(|byte| matches!(byte, b'\n' | b'\r' | 0)) {
        return Err(bad(target, format!("parameter `{name}` has more than one line")));
    }
    Ok(())
}

/// What a `status` said; `None` if it said nothing about the power.
pub(super) fn state(report: &RunReport) -> Option<PowerState> {
    let says_off = String::from_utf8_lossy(&report.stdout).to_ascii_lowercase().contains("off");
    match report.ended {
        Ended::Exited(0) => Some(PowerState::On),
        Ended::Exited(2) if says_off => Some(PowerState::Off),
        Ended::Exited(_) | Ended::Signalled(_) | Ended::TimedOut | Ended::NotStarted(_) | Ended::TooLate => None,
    }
}
