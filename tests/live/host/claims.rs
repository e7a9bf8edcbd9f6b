//! A stranger takes an address on the wire and falls silent: an owner, a client and the stranger are three network
//! namespaces, and the client's neighbour table says whom it would send to.

use std::process::{Child, Command};
use std::time::{Duration, Instant};

use haven_agents::Verb;
use haven_core::event::Outcome;
use haven_core::units::Millis;
use haven_env::Host;

use crate::machine::{Background, Machine, PROGRAM, block_on, in_namespaces, run_line, until};

/// How long the stranger claims the address, in milliseconds.
const CLAIMED: u64 = 300;
/// In which time the owner has announced it again once the stranger is silent.
const ANNOUNCED_WITHIN: Duration = Duration::from_secs(1);
/// How long the client may send elsewhere at most, from the first claim on.
const GAP_MAX: Duration = Duration::from_secs(2);

/// A namespace that lives as long as its only process.
struct Namespace(Background);

impl Namespace {
    fn new() -> Self {
        let there = Self(Background::start(Command::new("unshare").args(["--net", "sleep", "1000"])));
        let mine = std::fs::read_link("/proc/self/ns/net").unwrap();
        until("the other machine is there", || {
            std::fs::read_link(format!("/proc/{}/ns/net", there.pid())).is_ok_and(|theirs| theirs != mine)
        });
        there
    }

    fn pid(&self) -> u32 {
        self.0.0.id()
    }

    fn does(&self, line: &str) -> String {
        run_line(&format!("nsenter -t {} -n {line}", self.pid()))
    }

    fn mac(&self, interface: &str) -> String {
        mac_of(&self.does(&format!("ip link show dev {interface}")))
    }
}

fn mac_of(shown: &str) -> String {
    shown.split_whitespace().skip_while(|word| *word != "link/ether").nth(1).unwrap().to_owned()
}

/// The owner is this namespace, with the interface `v0`; the client is a switch as well, `sw`, which all hang on.
struct Lan {
    client: Namespace,
    stranger: Namespace,
    owner: String,
}

impl Lan {
    fn new() -> Self {
        let (client, stranger) = (Namespace::new(), Namespace::new());
        client.does("ip link add sw type bridge");
        client.does("ip addr add 10.99.0.2/24 dev sw");
        client.does("ip -6 addr add fd99::2/64 dev sw nodad");
        client.does("ip link set sw up");
        run_line("ip link add v0 type veth peer name p0");
        run_line("ip link add s0 type veth peer name p1");
        run_line(&format!("ip link set s0 netns {}", stranger.pid()));
        for port in ["p0", "p1"] {
            run_line(&format!("ip link set {port} netns {}", client.pid()));
            client.does(&format!("ip link set {port} master sw"));
            client.does(&format!("ip link set {port} up"));
        }
        run_line("ip addr add 10.99.0.1/24 dev v0");
        run_line("ip -6 addr add fd99::1/64 dev v0 nodad");
        run_line("ip link set v0 up");
        stranger.does("ip link set s0 up");
        for (what, shown) in [("here", "v0"), ("there", "sw")] {
            until(&format!("IPv6 is carried {what}"), || {
                let line = format!("ip -6 addr show dev {shown}");
                !(if shown == "v0" { run_line(&line) } else { client.does(&line) }).contains("tentative")
            });
        }
        let owner = mac_of(&run_line("ip link show dev v0"));
        Self { client, stranger, owner }
    }

    /// Whom the client takes for the owner of an address.
    fn believed(&self, address: &str) -> String {
        self.client.does(&format!("ip neigh show {address} dev sw"))
    }

    /// The stranger begins to announce an address.
    fn claim(&self, address: &str) -> Child {
        let mut command = Command::new("nsenter");
        command.args(["-t", &self.stranger.pid().to_string(), "-n", PROGRAM, "claim", "s0", address]);
        command.arg(CLAIMED.to_string()).spawn().unwrap()
    }
}

/// Waits, and lets the tasks of the host go on meanwhile. Panics if it is not so within ten seconds.
async fn comes(machine: &Machine, what: &str, mut is: impl FnMut() -> bool) {
    let end = Instant::now() + Duration::from_secs(10);
    while !is() {
        assert!(Instant::now() < end, "never came: {what}");
        machine.host.sleep(Millis(5)).await;
    }
}

/// The stranger claims the address and falls silent. The client must have believed it, or nothing was tested.
async fn claimed(lan: &Lan, machine: &Machine, address: &str) -> (Instant, Instant) {
    let theirs = lan.stranger.mac("s0");
    let begun = Instant::now();
    let mut stranger = lan.claim(address);
    comes(machine, "the client believes the stranger", || lan.believed(address).contains(&theirs)).await;
    comes(machine, "the stranger is silent", || stranger.try_wait().unwrap().is_some()).await;
    (begun, Instant::now())
}

/// The client knows the owner, and a stranger takes the address from it for a moment.
fn recovers(address: &str) {
    block_on(async {
        let lan = Lan::new();
        let machine = Machine::new();
        // One announcement at the start: what comes later is the defence.
        let params = [("ip", address), ("arp_count", "1")];
        lan.client.does(&format!("ip neigh replace {address} lladdr 02:00:00:00:00:99 dev sw nud stale"));
        assert_eq!(machine.run("haven:ip", Verb::Start, &params).await.outcome, Outcome::Done);
        comes(&machine, "the client knows the owner", || lan.believed(address).contains(&lan.owner)).await;
        let (begun, silent) = claimed(&lan, &machine, address).await;
        comes(&machine, "the client knows the owner again", || lan.believed(address).contains(&lan.owner)).await;
        assert!(silent.elapsed() < ANNOUNCED_WITHIN, "{:?}", silent.elapsed());
        assert!(begun.elapsed() < GAP_MAX, "{:?}", begun.elapsed());
        assert_eq!(machine.run("haven:ip", Verb::Monitor, &params).await.outcome, Outcome::FoundRunning);
        // Who gives the address up says nothing of it any more.
        assert_eq!(machine.run("haven:ip", Verb::Stop, &params).await.outcome, Outcome::Done);
        claimed(&lan, &machine, address).await;
        machine.host.sleep(Millis(1500)).await;
        assert!(lan.believed(address).contains(&lan.stranger.mac("s0")), "{}", lan.believed(address));
    });
}

#[test]
fn an_ipv4_address_that_a_stranger_claims_for_a_moment_is_announced_again_at_once() {
    in_namespaces("claims::an_ipv4_address_that_a_stranger_claims_for_a_moment_is_announced_again_at_once", || {
        recovers("10.99.0.200");
    });
}

#[test]
fn an_ipv6_address_that_a_stranger_claims_for_a_moment_is_announced_again_at_once() {
    in_namespaces("claims::an_ipv6_address_that_a_stranger_claims_for_a_moment_is_announced_again_at_once", || {
        recovers("fd99::200");
    });
}

#[test]
fn another_life_of_the_daemon_defends_an_address_from_its_next_monitor_on() {
    in_namespaces("claims::another_life_of_the_daemon_defends_an_address_from_its_next_monitor_on", || {
        let lan = Lan::new();
        let params = [("ip", "10.99.0.200")];
        let (machine, call) = block_on(async {
            let machine = Machine::new();
            assert_eq!(machine.run("haven:ip", Verb::Start, &params).await.outcome, Outcome::Done);
            let call = machine.call("haven:ip", Verb::Monitor, &params);
            (machine, call)
        });
        // The runtime of the first life is gone, and its tasks with it.
        block_on(async {
            let life = machine.next_life();
            assert_eq!(haven_agents::run(&life, &call).await.outcome, Outcome::FoundRunning);
            let believed = || lan.believed("10.99.0.200");
            lan.client.does("ip neigh replace 10.99.0.200 lladdr 02:00:00:00:00:99 dev sw nud stale");
            claimed(&lan, &machine, "10.99.0.200").await;
            comes(&machine, "the client knows the owner again", || believed().contains(&lan.owner)).await;
        });
    });
}
