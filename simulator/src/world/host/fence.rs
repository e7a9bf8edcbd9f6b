//! Simulated fence programs: `fence_*` by `key=value` lines on standard input, and `ipmitool` by arguments.
//!
//! They are children of the machine that runs them: a machine that stands still switches nothing meanwhile, and what
//! it had begun goes on when the machine does [S-11]. What a device makes of an order is the device's model.
//!
//! Codes and times: measured against fence-agents 4.12 (`off` polls until the device reads Off, for 20 s at most;
//! `status` exits 0 for On and 2 for Off; every failure is 1).

use std::collections::BTreeMap;
use std::future::Future;
use std::pin::Pin;
use std::time::Duration;

use super::{Call, Output};
use crate::exec::{Machine, TrueTime, sleep};
use crate::world::World;
use crate::world::device::{Answer, Order};
use crate::world::power::Switch;

const FOLDER: &str = "/usr/sbin/fence_";
const IPMITOOL: &str = "/usr/bin/ipmitool";

const OK: i32 = 0;
const FAILED: i32 = 1;
const OFF: i32 = 2;

/// How long programs wait for a device that does not answer.
const NO_ANSWER: Duration = Duration::from_secs(20);
/// Between two looks at the power while it changes.
const LOOK: Duration = Duration::from_secs(1);
/// Looks at the power before a program gives up.
const LOOKS: u32 = 20;

pub(super) fn is_fence(path: &str) -> bool {
    path == IPMITOOL || path.strip_prefix(FOLDER).is_some_and(|name| !name.is_empty() && !name.contains('/'))
}

/// Nobody answered, or the device said no: what the program says then, after how long.
enum Failure {
    Silence,
    No(&'static str),
    /// It says with what it was called, as programs do that tell too much.
    Verbose(&'static str, String),
}

type Result<T> = std::result::Result<T, Failure>;

/// A session with a device.
struct Session<'a> {
    world: &'a World,
    from: Machine,
    begun: TrueTime,
    device: &'a str,
}

impl Session<'_> {
    async fn login(&self, password: Option<&str>) -> Result<()> {
        match self.world.login_time(self.from, self.device) {
            Some(time) => sleep(Duration::from_micros(time.0)).await,
            None => return Err(Failure::Silence),
        }
        if self.world.opens(password) {
            Ok(())
        } else {
            Err(Failure::No("Failed: Unable to connect/login to fencing device"))
        }
    }

    fn order(&self, outlet: &str, order: Order) -> Result<Option<Switch>> {
        match self.world.order_device((self.from, self.begun), self.device, outlet, order) {
            Answer::Taken => Ok(None),
            Answer::Lied => Ok(Some(match order {
                Order::Switch(switch) => switch,
                Order::Read => Switch::On,
            })),
            Answer::Reads(switch) => Ok(Some(switch)),
            Answer::Silence => Err(Failure::Silence),
            Answer::No(why) => Err(Failure::No(why)),
        }
    }

    /// On while any of the outlets is.
    fn read(&self, outlets: &[String]) -> Result<Switch> {
        let mut all = Switch::Off;
        for outlet in outlets {
            if self.order(outlet, Order::Read)? == Some(Switch::On) {
                all = Switch::On;
            }
        }
        Ok(all)
    }

    /// Switches all outlets, and looks until the device says that they are.
    async fn switch(&self, outlets: &[String], to: Switch) -> Result<()> {
        let mut believed = 0;
        for outlet in outlets {
            if self.order(outlet, Order::Switch(to))? == Some(to) {
                believed += 1;
            }
        }
        if believed == outlets.len() {
            return Ok(());
        }
        for _ in 0..LOOKS {
            sleep(LOOK).await;
            if self.read(outlets)? == to {
                return Ok(());
            }
        }
        Err(Failure::No("Failed: Timed out waiting to power off or on"))
    }
}

async fn fail(failure: Failure) -> Output {
    match failure {
        Failure::Silence => {
            sleep(NO_ANSWER).await;
            Output::complained(FAILED, "Connection timed out\n")
        }
        Failure::No(why) => Output::complained(FAILED, format!("{why}\n")),
        Failure::Verbose(why, call) => Output::complained(FAILED, format!("{why} (called with {call})\n")),
    }
}

pub(super) async fn run(call: Call) -> Output {
    let act: Pin<Box<dyn Future<Output = Result<Output>> + Send>> =
        if call.program.path == IPMITOOL { Box::pin(ipmitool(call)) } else { Box::pin(agent(call)) };
    match act.await {
        Ok(output) => output,
        Err(failure) => fail(failure).await,
    }
}

/// The options of a call: lines on standard input, or `--key=value` arguments.
fn options(call: &Call) -> BTreeMap<String, String> {
    let stdin = String::from_utf8_lossy(call.program.stdin.reveal()).into_owned();
    let args = call.program.args.iter().filter_map(|arg| arg.strip_prefix("--"));
    let lines = stdin.lines().map(str::trim).filter(|line| !line.starts_with('#'));
    let pairs = lines.chain(args).filter_map(|line| line.split_once('='));
    pairs.map(|(key, value)| (key.trim().to_owned(), value.trim().to_owned())).collect()
}

async fn agent(call: Call) -> Result<Output> {
    let options = options(&call);
    let password = options.get("password").cloned();
    match (act(call, options).await, password) {
        (Err(Failure::No(why)), Some(password)) => Err(Failure::Verbose(why, format!("password={password}"))),
        (other, _) => other,
    }
}

async fn act(call: Call, options: BTreeMap<String, String>) -> Result<Output> {
    let option = |names: &[&str]| names.iter().find_map(|name| options.get(*name)).cloned();
    let action = option(&["action", "option"]).unwrap_or_else(|| "reboot".to_owned());
    if action == "metadata" {
        return Ok(Output::printed(OK, META_DATA));
    }
    let Some(device) = option(&["ip", "ipaddr"]) else {
        return Err(Failure::No("Failed: You have to enter fence address"));
    };
    // Several outlets of one machine are named together, as in `1,2`.
    let outlets: Vec<String> =
        option(&["plug", "port"]).unwrap_or_default().split(',').map(|outlet| outlet.trim().to_owned()).collect();
    let session = Session { world: &call.world, from: call.machine, begun: call.begun, device: &device };
    session.login(option(&["password", "passwd"]).as_deref()).await?;
    match action.as_str() {
        "off" => session.switch(&outlets, Switch::Off).await.map(|()| Output::printed(OK, "Success: Powered OFF\n")),
        "on" => session.switch(&outlets, Switch::On).await.map(|()| Output::printed(OK, "Success: Powered ON\n")),
        "reboot" => {
            session.switch(&outlets, Switch::Off).await?;
            session.switch(&outlets, Switch::On).await?;
            Ok(Output::printed(OK, "Success: Rebooted\n"))
        }
        "status" => Ok(match session.read(&outlets)? {
            Switch::On => Output::printed(OK, "Status: ON\n"),
            Switch::Off => Output::printed(OFF, "Status: OFF\n"),
        }),
        "monitor" | "list" | "list-status" | "validate-all" => Ok(Output::code(OK)),
        _ => Err(Failure::No("Failed: Unrecognised action")),
    }
}

/// `ipmitool` returns when the controller has taken the order, not when it has carried it out.
async fn ipmitool(call: Call) -> Result<Output> {
    let args = &call.program.args;
    let device = args.iter().skip_while(|arg| *arg != "-H").nth(1).cloned().unwrap_or_default();
    let command: Vec<&str> =
        args.iter().map(String::as_str).skip_while(|arg| !matches!(*arg, "chassis" | "power" | "mc")).collect();
    let session = Session { world: &call.world, from: call.machine, begun: call.begun, device: &device };
    let command = command.strip_prefix(&["chassis"]).unwrap_or(&command);
    let password = call.program.secret_env.get("IPMI_PASSWORD").map(|secret| String::from_utf8_lossy(secret.reveal()));
    session.login(password.as_deref()).await?;
    match command {
        ["power", "status"] => Ok(match session.read(&[String::new()])? {
            Switch::On => Output::printed(OK, "Chassis Power is on\n"),
            Switch::Off => Output::printed(OK, "Chassis Power is off\n"),
        }),
        ["power", "off"] => {
            session.order("", Order::Switch(Switch::Off))?;
            Ok(Output::printed(OK, "Chassis Power Control: Down/Off\n"))
        }
        ["power", "on"] => {
            session.order("", Order::Switch(Switch::On))?;
            Ok(Output::printed(OK, "Chassis Power Control: Up/On\n"))
        }
        ["mc", "guid"] => Ok(match call.world.uuid_behind(&device) {
            Some(uuid) => Output::printed(OK, format!("System GUID  : {uuid}\n")),
            None => Output::complained(FAILED, "Get GUID command failed\n"),
        }),
        _ => Ok(Output::complained(FAILED, "Invalid command\n")),
    }
}

const META_DATA: &str = r#"<?xml version="1.0"?>
<resource-agent name="fence_simulated" shortdesc="A fence device of the simulator">
<parameters>
<parameter name="ip" required="1"><content type="string"/></parameter>
<parameter name="plug" required="0"><content type="string"/></parameter>
<parameter name="username" required="0"><content type="string"/></parameter>
<parameter name="password" required="0"><content type="string"/></parameter>
</parameters>
<actions>
<action name="on" automatic="0"/>
<action name="off"/>
<action name="reboot"/>
<action name="status"/>
<action name="monitor"/>
<action name="metadata"/>
</actions>
</resource-agent>
"#;
