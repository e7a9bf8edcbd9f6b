//! The demo's one resource agent, `ocf:haven:Guest`: starts, stops and finds a guest, by the rules of the OCF.
//!
//! Never: a start that returns before the guest answers, or a stop that returns before it is gone.
//! Source: OCF resource agent API 1.1.

use std::ffi::OsString;
use std::io::{self, BufRead, BufReader, Write};
use std::os::unix::process::CommandExt;
use std::process::{Command, Stdio};

use super::marked::Mark;
use super::{GUEST_WORD, VARIABLE, guest};

const SUCCESS: i32 = 0;
const FAILED: i32 = 1;
const UNIMPLEMENTED: i32 = 3;
const NOT_CONFIGURED: i32 = 6;
const NOT_RUNNING: i32 = 7;
/// The variable that marks the processes of one guest.
const GUEST: &str = "HAVEN_DEMO_GUEST";
/// The variable with the address at which the guests of a machine answer.
pub const ADDRESS: &str = "HAVEN_DEMO_ADDRESS";

const META_DATA: &str = r#"<?xml version="1.0"?>
<resource-agent name="Guest">
<version>1.0</version>
<longdesc lang="en">A guest of `haven demo`: a process that answers datagrams with the name of its machine.</longdesc>
<shortdesc lang="en">guest of the demo</shortdesc>
<parameters>
<parameter name="port" required="1"><shortdesc lang="en">UDP port</shortdesc><content type="integer"/></parameter>
</parameters>
<actions>
<action name="start" timeout="20s"/>
<action name="stop" timeout="20s"/>
<action name="monitor" timeout="20s" interval="10s" depth="0"/>
<action name="meta-data" timeout="5s"/>
</actions>
</resource-agent>
"#;

/// Acts as the agent: the action is the first argument. Returns the OCF code.
pub fn main(mut arguments: impl Iterator<Item = OsString>) -> i32 {
    let action = arguments.next().unwrap_or_default().to_string_lossy().into_owned();
    if action == "meta-data" {
        let _ = io::stdout().write_all(META_DATA.as_bytes());
        return SUCCESS;
    }
    let result = match Guest::of_environment() {
        None => {
            complain("it runs only below `haven demo`, with the parameter port");
            return NOT_CONFIGURED;
        }
        Some(guest) => match action.as_str() {
            "start" => guest.start(),
            "stop" => guest.mark.kill().map(|()| SUCCESS),
            "monitor" | "status" => guest.mark.lives().map(|lives| if lives { SUCCESS } else { NOT_RUNNING }),
            "validate-all" => Ok(SUCCESS),
            _ => Ok(UNIMPLEMENTED),
        },
    };
    result.unwrap_or_else(|error| {
        complain(&error.to_string());
        FAILED
    })
}

fn complain(what: &str) {
    let _ = writeln!(io::stderr(), "ocf-exit-reason:{what}");
}

struct Guest {
    mark: Mark,
    address: String,
    node: String,
}

impl Guest {
    fn of_environment() -> Option<Self> {
        let variable = |name: &str| std::env::var(name).ok().filter(|value| !value.is_empty());
        let (machine, instance) = (variable(VARIABLE)?, variable("OCF_RESOURCE_INSTANCE")?);
        let port: u16 = variable("OCF_RESKEY_port")?.parse().ok()?;
        Some(Self {
            mark: Mark::named(GUEST, format!("{machine}/{instance}")),
            address: format!("{}:{port}", variable(ADDRESS)?),
            node: variable("OCF_RESKEY_CRM_meta_on_node")?,
        })
    }

    fn start(&self) -> io::Result<i32> {
        if self.mark.lives()? {
            return Ok(SUCCESS);
        }
        let mut child = Command::new("/proc/self/exe")
            .args([GUEST_WORD, &self.address, &self.node])
            .env(self.mark.variable(), self.mark.value())
            .process_group(0)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::inherit())
            .spawn()?;
        let mut line = String::new();
        if let Some(stdout) = child.stdout.take() {
            BufReader::new(stdout).read_line(&mut line)?;
        }
        Ok(if line.trim() == guest::READY { SUCCESS } else { FAILED })
    }
}
