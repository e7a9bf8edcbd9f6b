//! The programs that live tests of the host need, chosen by name or first argument.
//!
//! - under any other name: haven's launcher, as the one program `haven` acts;
//! - under the name of a face: that face, over attributes in the folder `$HAVEN_TEST_ATTRIBUTES`;
//! - `reset NODE FOLDER`: a daemon that starts a program and then ends its boot;
//! - `claim INTERFACE ADDRESS MILLISECONDS`: announces an address that this machine does not have, for so long;
//! - `demo-agent`, `demo-guest`, `demo-fence`: the parts of `haven demo`; `demo FOLDER`: a pretended machine with a guest;
//! - `measure RUNS`: how long the host takes to run programs that do nothing.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::{Duration, Instant};

use haven_agents::faces::{self, AttributeStore, Lifetime, Member, Place, Presence, Promoted, Quorum, StoreError};
use haven_agents::{Call, Verb};
use haven_core::event::Outcome;
use haven_core::ids::NodeId;
use haven_core::ids::{BootId, ResourceId};
use haven_core::spec::AgentName;
use haven_core::units::Millis;
use haven_daemon::demo;
use haven_daemon::host::{DemoHost, HostSettings, ProcessHost, ResetMode, launch};
use haven_env::{Ended, GroupState, Guard, Host, Program, Request};

type Fallible = Result<(), Box<dyn std::error::Error>>;

fn main() -> ExitCode {
    let mut words = std::env::args_os();
    let name = words.next().unwrap_or_default();
    let name = Path::new(&name).file_name().unwrap_or_default().to_string_lossy().into_owned();
    let rest: Vec<OsString> = words.collect();
    let text: Vec<String> = rest.iter().map(|word| word.to_string_lossy().into_owned()).collect();
    if faces::NAMES.contains(&name.as_str()) {
        return face(&name, &text);
    }
    let result = match text.iter().map(String::as_str).collect::<Vec<_>>().as_slice() {
        ["reset", node, folder] => runtime(reset(node, folder)),
        ["demo", folder] => runtime(demo(folder)),
        [demo::AGENT_WORD, ..] => return ended(demo::agent::main(rest.into_iter().skip(1))),
        [demo::GUEST_WORD, ..] => return ended(demo::guest::main(rest.into_iter().skip(1))),
        [demo::FENCE_WORD, ..] => return ended(demo::fence::main()),
        ["claim", interface, address, span] => runtime(claim(interface, address, span)),
        ["measure", runs] => runtime(measure(runs)),
        _ => return ended(launch::main(rest.into_iter())),
    };
    if let Err(error) = result {
        let _ = writeln!(std::io::stderr(), "{name}: {error}");
        return ExitCode::FAILURE;
    }
    ExitCode::SUCCESS
}

fn ended(code: i32) -> ExitCode {
    ExitCode::from(u8::try_from(code).unwrap_or(1))
}

fn runtime(work: impl Future<Output = Fallible>) -> Fallible {
    tokio::runtime::Builder::new_current_thread().enable_all().build()?.block_on(work)
}

fn settings(node: &str, folder: &Path) -> Result<HostSettings, Box<dyn std::error::Error>> {
    let mut settings = HostSettings::new(NodeId::new(node)?);
    settings.runtime = folder.to_owned();
    settings.reset = ResetMode::Exit;
    Ok(settings)
}

async fn reset(node: &str, folder: &str) -> Fallible {
    let host = ProcessHost::open(settings(node, Path::new(folder))?)?;
    let mut program = Program::new("/bin/sh", ["-c", "echo $$; exec sleep 1000"], Millis::secs(1000));
    program.group = Some("1.1".to_owned());
    let run = host.run(program);
    tokio::select! {
        _ = run => {}
        () = tokio::time::sleep(Duration::from_millis(300)) => {}
    }
    host.reset_now("a test asks for it");
    Ok(())
}

/// A guest on a pretended machine: started, found, heard, stopped; and then left for whoever pulls the plug.
async fn demo(folder: &str) -> Fallible {
    let host = DemoHost::open(settings("m1", Path::new(folder))?, BootId::from_bytes([7; 16]))?;
    let port = std::net::UdpSocket::bind("127.0.0.1:0")?.local_addr()?.port();
    let act = async |verb, number: u32| -> Result<Outcome, Box<dyn std::error::Error>> {
        let call = Call {
            resource: ResourceId::new("web1")?,
            agent: AgentName::parse(demo::AGENT).ok_or("no agent")?,
            params: BTreeMap::from([("port".to_owned(), port.to_string())]),
            verb,
            latest: None,
            timeout: Millis::secs(20),
            interval: Millis::ZERO,
            group: format!("web1:g1.a{number}"),
            node: NodeId::new("m1")?,
            nodes: Vec::new(),
        };
        let answer = haven_agents::run(&host, &call).await;
        print(&format!("{} {:?} {}\n", verb.word(), answer.outcome, answer.detail))?;
        Ok(answer.outcome)
    };
    let mut outcomes = vec![act(Verb::Probe, 1).await?, act(Verb::Start, 2).await?, act(Verb::Monitor, 3).await?];
    let left = host.groups()?;
    let answer = ask(port)?;
    outcomes.extend([act(Verb::Stop, 4).await?, act(Verb::Probe, 5).await?]);
    let expected = [Outcome::Done, Outcome::Done, Outcome::FoundRunning, Outcome::Done, Outcome::Done];
    let shell = host.run(Program::new("/bin/sh", ["-c", "exit 0"], Millis::secs(5))).await;
    let refused = matches!(shell.ended, Ended::NotStarted(_));
    if outcomes != expected || left != ["web1:g1.a2"] || answer != "1 m1" || !host.groups()?.is_empty() || !refused {
        return Err(format!("{outcomes:?} {left:?} {answer} {shell:?}").into());
    }
    act(Verb::Start, 6).await?;
    if host.kill_group("web1:g1.a6").await != GroupState::Empty || act(Verb::Probe, 7).await? != Outcome::Done {
        return Err("a group that was killed lives".into());
    }
    act(Verb::Start, 8).await?;
    print("up\n")?;
    std::future::pending().await
}

fn ask(port: u16) -> Result<String, Box<dyn std::error::Error>> {
    let socket = std::net::UdpSocket::bind("127.0.0.1:0")?;
    socket.set_read_timeout(Some(Duration::from_secs(5)))?;
    socket.send_to(b"1", ("127.0.0.1", port))?;
    let mut answer = [0; 64];
    let (length, _) = socket.recv_from(&mut answer)?;
    Ok(String::from_utf8_lossy(answer.get(..length).unwrap_or_default()).into_owned())
}

fn print(text: &str) -> Fallible {
    Ok(std::io::stdout().write_all(text.as_bytes())?)
}

/// Every 50 ms, and once at the end.
async fn claim(interface: &str, address: &str, span: &str) -> Fallible {
    let folder = std::env::temp_dir().join(format!("haven-claim-{}", std::process::id()));
    let host = ProcessHost::open(settings("claim", &folder)?)?;
    let (began, span) = (Instant::now(), Duration::from_millis(span.parse()?));
    loop {
        let last = began.elapsed() >= span;
        let (interface, address) = (interface.to_owned(), address.to_owned());
        host.request(Request::AddressAnnounce { interface, address, count: 1 }).await?;
        if last {
            break;
        }
        host.sleep(Millis(50)).await;
    }
    let _ = fs::remove_dir_all(folder);
    Ok(())
}

async fn measure(runs: &str) -> Fallible {
    let runs: u32 = runs.parse()?;
    let folder = std::env::temp_dir().join(format!("haven-measure-{}", std::process::id()));
    let host = ProcessHost::open(settings("measure", &folder)?)?;
    let mut lines = String::new();
    for (what, group, guard) in [
        ("without a cgroup", None, Guard::Daemon),
        ("in a cgroup", Some("1.1"), Guard::Daemon),
        ("in a cgroup, watched", Some("1.1"), Guard::Kernel),
    ] {
        let mut took: Vec<Duration> = Vec::new();
        for _ in 0..runs {
            let mut program = Program::new("/bin/true", Vec::<String>::new(), Millis::secs(10));
            program.group = group.map(str::to_owned);
            program.guard = guard;
            let began = Instant::now();
            host.run(program).await;
            took.push(began.elapsed());
        }
        lines.push_str(&summary(what, took));
    }
    let mut took: Vec<Duration> = Vec::new();
    for _ in 0..runs {
        let began = Instant::now();
        std::process::Command::new("/bin/true").output()?;
        took.push(began.elapsed());
    }
    lines.push_str(&summary("by the standard library", took));
    let _ = fs::remove_dir_all(folder);
    std::io::stdout().write_all(lines.as_bytes())?;
    Ok(())
}

fn summary(what: &str, mut took: Vec<Duration>) -> String {
    took.sort();
    let at = |part: usize| took.get(took.len() * part / 100).copied().unwrap_or_default().as_micros();
    format!("{what:24} median {:6} us, 95th of 100 {:6} us\n", at(50), at(95))
}

fn face(name: &str, args: &[String]) -> ExitCode {
    let env: BTreeMap<String, String> = std::env::vars().collect();
    let folder = env.get("HAVEN_TEST_ATTRIBUTES").map_or_else(|| PathBuf::from("/nonexistent"), PathBuf::from);
    let mut store = Files { folder, node: env.get("HAVEN_TEST_NODE").cloned().unwrap_or_default() };
    let spoken = faces::speak(name, args, &env, &mut store);
    let _ = std::io::stdout().write_all(spoken.stdout.as_bytes());
    let _ = std::io::stderr().write_all(spoken.stderr.as_bytes());
    ExitCode::from(u8::try_from(spoken.code).unwrap_or(1))
}

/// Attributes as files named after node, lifetime and attribute.
struct Files {
    folder: PathBuf,
    node: String,
}

impl Files {
    fn path(&self, node: &str, name: &str, lifetime: Lifetime) -> PathBuf {
        self.folder.join(format!("{node} {lifetime:?} {name}"))
    }
}

impl AttributeStore for Files {
    fn get(&mut self, node: &str, name: &str, lifetime: Lifetime) -> Result<Option<String>, StoreError> {
        Ok(fs::read_to_string(self.path(node, name, lifetime)).ok())
    }

    fn set(&mut self, node: &str, name: &str, lifetime: Lifetime, value: &str) -> Result<(), StoreError> {
        fs::write(self.path(node, name, lifetime), value).map_err(|error| StoreError(error.to_string()))
    }

    fn delete(&mut self, node: &str, name: &str, lifetime: Lifetime) -> Result<(), StoreError> {
        let _ = fs::remove_file(self.path(node, name, lifetime));
        Ok(())
    }

    fn my_name(&mut self) -> Result<String, StoreError> {
        Ok(self.node.clone())
    }

    fn members(&mut self) -> Result<Vec<Member>, StoreError> {
        Ok(vec![Member { number: 1, name: self.node.clone(), present: Presence::Member }])
    }

    fn quorum(&mut self) -> Result<Quorum, StoreError> {
        Ok(Quorum::Held)
    }

    fn locate(&mut self, _: &str) -> Result<Vec<Place>, StoreError> {
        Ok(vec![Place { node: self.node.clone(), promoted: Promoted::No }])
    }
}
