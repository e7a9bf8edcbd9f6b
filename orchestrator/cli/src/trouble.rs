//! What is said when a command does not do what it was asked for, and the exit codes.
//!
//! Never: an error without its code and one remedy.

use std::process::ExitCode;

use haven_api::ClientError;
use haven_config::words::WordFault;
use haven_daemon::DaemonError;
use haven_daemon::setup::SetupError;
use serde::Serialize;

/// How a command ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Exit {
    /// All is well.
    Fine,
    /// The cluster is degraded, or the command was refused.
    Refused,
    /// Nobody can decide, or nobody answers.
    NoQuorum,
    /// Wrong usage.
    Usage,
    /// As the daemon says.
    Daemon(u8),
}

impl Exit {
    /// The exit of that code.
    pub(crate) const fn of(code: u8) -> Self {
        match code {
            0 => Self::Fine,
            2 => Self::NoQuorum,
            64 => Self::Usage,
            _ => Self::Refused,
        }
    }

    pub(crate) const fn code(self) -> u8 {
        match self {
            Self::Fine => 0,
            Self::Refused => 1,
            Self::NoQuorum => 2,
            Self::Usage => 64,
            Self::Daemon(code) => code,
        }
    }
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit.code())
    }
}

/// Why a command did not do what it was asked for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(crate) struct Trouble {
    /// The page that explains it, `docs/errors/CODE.md`.
    pub(crate) code: String,
    /// What was tried, on what, and what was needed, one sentence without a full stop.
    pub(crate) message: String,
    /// One imperative sentence without a full stop.
    pub(crate) remedy: String,
    /// More lines, such as each fault of a configuration.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(crate) detail: Vec<String>,
    /// How the command ends.
    #[serde(skip)]
    pub(crate) exit: Exit,
}

impl Trouble {
    fn new(exit: Exit, code: &str, message: impl Into<String>, remedy: impl Into<String>) -> Self {
        let (code, message, remedy) = (code.to_owned(), message.into(), remedy.into());
        Self { code, message, remedy, detail: Vec::new(), exit }
    }

    /// The command line cannot mean anything. Page: docs/errors/HV-CLI-02.md.
    pub(crate) fn usage(message: impl Into<String>, remedy: impl Into<String>) -> Self {
        Self::new(Exit::Usage, "HV-CLI-02", message, remedy)
    }

    /// The words could not be read; `text` is what the parser says of them: the fault up to a blank line, then tips, the
    /// usage and where help is. Page: docs/errors/HV-CLI-02.md.
    pub(crate) fn words(text: &str) -> Self {
        let (fault, rest) = text.split_once("\n\n").unwrap_or((text, ""));
        let message = fault.split_whitespace().collect::<Vec<_>>().join(" ");
        let tip = rest.lines().find_map(|line| line.trim().strip_prefix("tip: a similar "));
        let meant = tip.and_then(|tip| tip.split('\'').nth(1));
        let remedy = meant.map_or_else(
            || "type what `haven COMMAND --help` says".to_owned(),
            |meant| format!("type `{meant}` if that is meant"),
        );
        let mut trouble = Self::usage(message.trim_start_matches("error: "), remedy);
        trouble.detail = rest.lines().map(str::trim).filter(|line| !line.is_empty()).map(str::to_owned).collect();
        trouble
    }

    /// A file or the terminal could not be used. Page: docs/errors/HV-CLI-03.md.
    pub(crate) fn file(what: &str, error: &std::io::Error) -> Self {
        Self::new(Exit::Refused, "HV-CLI-03", format!("cannot {what}: {error}"), "check the name and the permissions")
    }

    /// A Pacemaker configuration could not be read; its faults have been told. Page: docs/errors/HV-CONFIG-05.md.
    pub(crate) fn cib(name: &str) -> Self {
        let message = format!("cannot plan with {name}: it is no CIB that haven can read");
        Self::new(Exit::Refused, "HV-CONFIG-05", message, "mend what is named above, see docs/reference/cib.md")
    }

    /// Files are no scenarios of the simulator; `faults` says where and why. Page: docs/errors/HV-SIM-01.md.
    pub(crate) fn scenario(what: String, faults: Vec<String>) -> Self {
        let remedy = "mend what is named above, see docs/reference/scenarios.md";
        Self { detail: faults, ..Self::new(Exit::Usage, "HV-SIM-01", what, remedy) }
    }

    /// A seed or a scenario that is to be made small holds. Page: docs/errors/HV-SIM-02.md.
    pub(crate) fn nothing_to_shrink(name: &str, why: &str) -> Self {
        let message = format!("cannot shrink {name}: {why}");
        Self::new(
            Exit::Refused,
            "HV-SIM-02",
            message,
            "name a seed or a scenario that does not hold, see `haven sim run`",
        )
    }

    /// A sweep cannot be gone on with from a file. Page: docs/errors/HV-SIM-05.md.
    pub(crate) fn sweep(file: &str, why: &str) -> Self {
        let message = format!("cannot go on with the sweep in {file}: {why}");
        Self::new(Exit::Usage, "HV-SIM-05", message, "name another file, or remove this one to begin anew")
    }

    /// A file is no export of a log, or no configuration to replay it with; `fault` says where and why.
    /// Page: docs/errors/HV-SIM-03.md.
    pub(crate) fn recording(what: String, fault: String, remedy: &str) -> Self {
        Self { detail: vec![fault], ..Self::new(Exit::Usage, "HV-SIM-03", what, remedy) }
    }

    /// A recording cannot be replayed like this. Page: docs/errors/HV-SIM-04.md.
    pub(crate) fn cannot_replay(name: &str, why: &str) -> Self {
        let remedy = "export another part with `haven log export --from INDEX --to INDEX`, or name other settings";
        Self::new(Exit::Refused, "HV-SIM-04", format!("cannot replay {name}: {why}"), remedy)
    }

    /// The demo ended early. Page: docs/errors/HV-DEMO-01.md.
    pub(crate) fn demo(error: crate::demo::DemoError) -> Self {
        let remedy = error.remedy();
        Self::new(Exit::Refused, "HV-DEMO-01", error.to_string(), remedy)
    }

    /// A chaos run cannot begin here. Page: docs/errors/HV-CHAOS-01.md.
    pub(crate) fn chaos_missing(missing: Vec<String>) -> Self {
        let remedy = "run it as root on a Linux with iproute2, nftables and util-linux, see docs/guide/chaos.md";
        let message = "a chaos run cannot begin here, and nothing was begun";
        let mut trouble = Self::new(Exit::Refused, "HV-CHAOS-01", message, remedy);
        trouble.detail = missing;
        trouble
    }

    /// A chaos run ended before its checkers looked. Page: docs/errors/HV-CHAOS-02.md.
    pub(crate) fn chaos(what: &str) -> Self {
        let mut lines = what.lines();
        let message = format!("the chaos run ended early: {}", lines.next().unwrap_or_default());
        let remedy = "mend what the message names, then run it again with the same seed";
        let mut trouble = Self::new(Exit::Refused, "HV-CHAOS-02", message, remedy);
        trouble.detail = lines.map(str::to_owned).collect();
        trouble
    }

    /// A scenario, or what the simulator draws from a seed, cannot be played on real processes.
    /// Page: docs/errors/HV-CHAOS-03.md.
    pub(crate) fn unplayable(why: &haven_chaos::schedule::Unplayable) -> Self {
        let mut trouble = Self::new(Exit::Usage, "HV-CHAOS-03", why.to_string(), why.remedy());
        let left_out = why.left_out().map(|left_out| left_out.kinds()).unwrap_or_default();
        trouble.detail = left_out.iter().map(|left| format!("left out: {left}")).collect();
        trouble
    }

    /// An import was refused; what is wrong was printed. Page: docs/errors/HV-CONFIG-04.md.
    pub(crate) fn import(refused: &impl std::fmt::Display) -> Self {
        let remedy = "mend what is named above and import again";
        Self::new(Exit::Refused, "HV-CONFIG-04", refused.to_string(), remedy)
    }

    /// The configuration cannot be written for another cluster manager; what keeps it from that has been told. Page:
    /// docs/errors/HV-CONFIG-06.md.
    pub(crate) fn export(errors: usize) -> Self {
        let message = format!("nothing was exported: {}", crate::plural::count(errors, "error"));
        Self::new(Exit::Refused, "HV-CONFIG-06", message, "change what is named above, see docs/reference/cib.md")
    }

    /// A line of the crm shell's words was not done. Page: docs/errors/HV-CRM-01.md.
    pub(crate) fn crm(message: impl Into<String>, remedy: impl Into<String>) -> Self {
        Self::new(Exit::Refused, "HV-CRM-01", message, remedy)
    }

    /// A word of the crm shell that is not here, and what to use. Page: docs/errors/HV-CRM-02.md.
    pub(crate) fn crm_lacks(message: impl Into<String>, remedy: impl Into<String>) -> Self {
        Self::new(Exit::Usage, "HV-CRM-02", message, remedy)
    }

    /// A name that is not there; the exit is that of a refusal, since the daemon would say the same.
    pub(crate) fn unknown(code: &str, fault: &WordFault) -> Self {
        Self::new(Exit::Refused, code, fault.what.clone(), fault.remedy.clone())
    }

    /// Something that must be typed or said by an option was not. Page: docs/errors/HV-CLI-04.md.
    pub(crate) fn not_sure(what: &str) -> Self {
        let message = format!("{what} was not confirmed, so nothing was done");
        Self::new(Exit::Refused, "HV-CLI-04", message, "type the name when asked, or add --yes")
    }

    /// Something is to be done on another node. Page: docs/errors/HV-CLI-05.md.
    pub(crate) fn elsewhere(what: &str, here: &str, there: &str) -> Self {
        let message = format!("cannot {what} {there} from {here}: a daemon ends on its own machine only");
        Self::new(Exit::Refused, "HV-CLI-05", message, format!("run the command on {there}"))
    }

    /// A drill would leave the others without a majority. Page: docs/errors/HV-CLI-06.md.
    pub(crate) fn no_quorum_left(node: &str, heard: usize, needed: usize) -> Self {
        let message = format!(
            "a drill of {node} would end with no quorum: {heard} voters are heard with it, and {needed} are needed \
             without it"
        );
        Self::new(Exit::Refused, "HV-CLI-06", message, "bring the other voters back first, see `haven status`")
    }

    /// This machine was not set up.
    pub(crate) fn setup(error: &SetupError) -> Self {
        Self::new(Exit::Refused, error.code(), chain(error), error.remedy())
    }

    /// The daemon cannot run.
    pub(crate) fn daemon(error: &DaemonError) -> Self {
        Self::new(Exit::Daemon(error.exit_code()), error.code(), chain(error), error.remedy())
    }
}

impl From<ClientError> for Trouble {
    fn from(error: ClientError) -> Self {
        let api = error.to_api();
        let exit = Exit::of(error.exit_code());
        Self { code: api.code, message: api.message, remedy: api.remedy, detail: api.detail, exit }
    }
}

impl From<WordFault> for Trouble {
    fn from(fault: WordFault) -> Self {
        Self::usage(fault.what, fault.remedy)
    }
}

/// An error with its causes, in one line.
fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        text = format!("{text}: {error}");
        cause = error.source();
    }
    text
}
