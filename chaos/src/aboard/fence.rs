//! The fence program: asks the pretended BMC of a machine to switch it, or how its power is.
//!
//! For: the same way to a device that every real fence program takes: `key=value` lines on standard input, the password
//! among them, a session of its own per run, and code 2 with a word for Off.
//! Never: the password in an argument or in what it prints; a wait without a bound.
//! Source: fence-agents 4.12, "FenceAgentAPI".

use std::time::Duration;

use haven_daemon::demo::fence::serve;

use super::writer;

/// The name of the program, in `/usr/sbin`.
pub const PROGRAM: &str = "fence_chaos";

/// Longest wait for the device; the caller's deadline may be shorter.
const PATIENCE: Duration = Duration::from_secs(20);

const META_DATA: &str = r#"<?xml version="1.0" ?>
<resource-agent name="fence_chaos" shortdesc="the BMCs of `haven chaos run`">
<longdesc>Asks the BMC of a machine of `haven chaos run`; it kills every process of the machine.</longdesc>
<parameters>
<parameter name="action" required="1"><content type="string" default="off"/><shortdesc lang="en">action</shortdesc></parameter>
<parameter name="port" required="1"><content type="string"/><shortdesc lang="en">machine</shortdesc></parameter>
<parameter name="address" required="1"><content type="string"/><shortdesc lang="en">socket of the BMC</shortdesc></parameter>
<parameter name="passwd" required="1"><content type="string"/><shortdesc lang="en">password</shortdesc></parameter>
</parameters>
<actions><action name="on"/><action name="off"/><action name="status"/><action name="monitor"/><action name="metadata"/></actions>
</resource-agent>
"#;

/// Acts as the fence program. Returns the code to end with.
pub fn main() -> i32 {
    serve(META_DATA, PATIENCE, |value| {
        format!("{} {} {} {}", value("action"), value("port"), writer::node(), value("passwd"))
    })
}
