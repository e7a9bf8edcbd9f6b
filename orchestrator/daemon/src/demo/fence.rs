//! The demo's fence program: asks the pretended BMC to switch a machine, or how its power is.
//!
//! For: the same way to a device that every real fence program takes: `key=value` lines on standard input, a session
//! of its own per run, and code 2 with a word for Off.
//! Never: an order longer than the bounds below, or a wait without a bound.
//! Source: fence-agents 4.12, "FenceAgentAPI".

use std::collections::BTreeMap;
use std::io::{self, BufRead, BufReader, Read, Write};
use std::os::unix::net::UnixStream;
use std::time::Duration;

/// What the BMC answers to an order that it carries out.
pub const TAKEN: &str = "taken";
/// What it answers about a machine with power.
pub const ON: &str = "on";
/// What it answers about a machine without power.
pub const OFF: &str = "off";

/// Longest input, in bytes.
const INPUT_MAX: u64 = 16 * 1024;
/// Longest wait for the device.
const PATIENCE: Duration = Duration::from_secs(5);
const SUCCESS: i32 = 0;
const FAILED: i32 = 1;
const POWER_OFF: i32 = 2;

const META_DATA: &str = r#"<?xml version="1.0" ?>
<resource-agent name="fence_demo" shortdesc="the BMC of `haven demo`">
<longdesc>Asks the BMC that `haven demo` pretends to have; it kills every process of the machine.</longdesc>
<parameters>
<parameter name="action" required="1"><content type="string" default="off"/><shortdesc lang="en">action</shortdesc></parameter>
<parameter name="port" required="1"><content type="string"/><shortdesc lang="en">machine</shortdesc></parameter>
<parameter name="address" required="1"><content type="string"/><shortdesc lang="en">socket of the BMC</shortdesc></parameter>
</parameters>
<actions><action name="on"/><action name="off"/><action name="status"/><action name="monitor"/><action name="metadata"/></actions>
</resource-agent>
"#;

/// Acts as the fence program. Returns the code to end with.
pub fn main() -> i32 {
    serve(META_DATA, PATIENCE, |value| format!("{} {}", value("action"), value("port")))
}

/// Reads what a caller asks on standard input, has the BMC at `address` do the `order` that is made of it, and tells the
/// outcome; no single wait is longer than `patience`. Returns the code to end with.
pub fn serve(meta_data: &str, patience: Duration, order: impl Fn(&dyn Fn(&str) -> String) -> String) -> i32 {
    let mut input = String::new();
    if let Err(error) = io::stdin().take(INPUT_MAX).read_to_string(&mut input) {
        return complain(&format!("cannot read what is asked: {error}"));
    }
    let asked: BTreeMap<&str, &str> = input.lines().filter_map(|line| line.split_once('=')).collect();
    let value = |name: &str| asked.get(name).copied().unwrap_or_default().to_owned();
    if value("action") == "metadata" {
        let _ = io::stdout().write_all(meta_data.as_bytes());
        return SUCCESS;
    }
    match ask(&value("address"), &order(&value), patience) {
        Ok(answer) => conclude(&value("action"), &answer),
        Err(error) => complain(&format!("Unable to reach the BMC at {}: {error}", value("address"))),
    }
}

fn ask(address: &str, order: &str, patience: Duration) -> io::Result<String> {
    let mut stream = UnixStream::connect(address)?;
    stream.set_read_timeout(Some(patience))?;
    stream.set_write_timeout(Some(patience))?;
    stream.write_all(format!("{order}\n").as_bytes())?;
    let mut answer = String::new();
    BufReader::new(stream.take(INPUT_MAX)).read_line(&mut answer)?;
    Ok(answer.trim().to_owned())
}

fn conclude(action: &str, answer: &str) -> i32 {
    match (action, answer) {
        ("status" | "monitor", ON) => say("Status: ON", SUCCESS),
        ("status", OFF) => say("Status: OFF", POWER_OFF),
        ("monitor", OFF) => say("Status: OFF", SUCCESS),
        ("on" | "off", TAKEN) => say("Success", SUCCESS),
        _ => complain(&format!("Failed: {answer}")),
    }
}

fn say(what: &str, code: i32) -> i32 {
    let _ = writeln!(io::stdout(), "{what}");
    code
}

fn complain(what: &str) -> i32 {
    let _ = writeln!(io::stderr(), "{what}");
    FAILED
}
