//! The fence program: asks the pretended BMC of a machine to switch it, or how its power is.
//!
//! For: the same way to a device that every real fence program takes: `key=value` lines on standard input, the password
//! among them, a session of its own per run, and code 2 with a word for Off.
//! Never: the password in an argument or in what it prints; a wait without a bound.
//! Source: fence-agents 4.12, "FenceAgentAPI".

use std::collections::BTreeMap;
use std::io::{self, BufRead, BufReader, Read, Write};
use std::os::unix::net::UnixStream;
use std::time::Duration;

use haven_daemon::demo::fence::{OFF, ON, TAKEN};

use super::{complain, say, writer};

/// The name of the program, in `/usr/sbin`.
pub const PROGRAM: &str = "fence_chaos";

/// Longest input, in bytes.
const INPUT_MAX: u64 = 16 * 1024;
/// Longest wait for the device; the caller's deadline may be shorter.
const PATIENCE: Duration = Duration::from_secs(20);
const SUCCESS: i32 = 0;
const FAILED: i32 = 1;
const POWER_OFF: i32 = 2;

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
    let mut input = String::new();
    if let Err(error) = io::stdin().take(INPUT_MAX).read_to_string(&mut input) {
        return failed(&format!("cannot read what is asked: {error}"));
    }
    let asked: BTreeMap<&str, &str> = input.lines().filter_map(|line| line.split_once('=')).collect();
    let value = |name: &str| asked.get(name).copied().unwrap_or_default();
    if value("action") == "metadata" {
        say(META_DATA.trim_end());
        return SUCCESS;
    }
    let order = format!("{} {} {} {}", value("action"), value("port"), writer::node(), value("passwd"));
    match ask(value("address"), &order) {
        Ok(answer) => conclude(value("action"), &answer),
        Err(error) => failed(&format!("Unable to reach the BMC at {}: {error}", value("address"))),
    }
}

fn ask(address: &str, order: &str) -> io::Result<String> {
    let mut stream = UnixStream::connect(address)?;
    stream.set_read_timeout(Some(PATIENCE))?;
    stream.set_write_timeout(Some(PATIENCE))?;
    stream.write_all(format!("{order}\n").as_bytes())?;
    let mut answer = String::new();
    BufReader::new(stream.take(INPUT_MAX)).read_line(&mut answer)?;
    Ok(answer.trim().to_owned())
}

fn conclude(action: &str, answer: &str) -> i32 {
    let told = |what: &str, code| {
        say(what);
        code
    };
    match (action, answer) {
        ("status" | "monitor", ON) => told("Status: ON", SUCCESS),
        ("status", OFF) => told("Status: OFF", POWER_OFF),
        ("monitor", OFF) => told("Status: OFF", SUCCESS),
        ("on" | "off", TAKEN) => told("Success", SUCCESS),
        _ => failed(&format!("Failed: {answer}")),
    }
}

fn failed(what: &str) -> i32 {
    complain(what);
    FAILED
}
