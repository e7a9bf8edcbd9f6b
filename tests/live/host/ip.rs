//! The built-in address, seen from a second machine on the same wire: another network namespace.

use std::process::Command;

use haven_agents::{Answer, Prepared, Verb};
use haven_core::event::Outcome;
use haven_core::units::Millis;
use haven_env::{Host, Reply, Request};

use crate::machine::{Background, Machine, block_on, in_namespaces, run_line, try_line, until};

/// The other machine: a namespace that lives as long as its only process.
struct Peer(Background);

impl Peer {
    /// `v0` here and `v1` there are the two ends of a wire.
    fn wire() -> Self {
        let peer = Self(Background::start(Command::new("unshare").args(["--net", "sleep", "1000"])));
        let pid = peer.0.0.id();
        let mine = std::fs::read_link("/proc/self/ns/net").unwrap();
        until("the other machine is there", || {
            std::fs::read_link(format!("/proc/{pid}/ns/net")).is_ok_and(|theirs| theirs != mine)
        });
        run_line("ip link add v0 type veth peer name v1");
        run_line(&format!("ip link set v1 netns {pid}"));
        run_line("ip addr add 10.99.0.1/24 dev v0");
        run_line("ip -6 addr add fd99::1/64 dev v0 nodad");
        run_line("ip link set v0 up");
        peer.does("ip addr add 10.99.0.2/24 dev v1");
        peer.does("ip -6 addr add fd99::2/64 dev v1 nodad");
        peer.does("ip link set v1 up");
        until("the wire carries IPv6", || !run_line("ip -6 addr show dev v0").contains("tentative"));
        until("the wire carries IPv6 there", || !peer.does("ip -6 addr show dev v1").contains("tentative"));
        peer
    }

    fn does(&self, line: &str) -> String {
        run_line(&format!("nsenter -t {} -n {line}", self.0.0.id()))
    }

    /// What its table says of an address.
    fn knows(&self, address: &str) -> String {
        self.does(&format!("ip neigh show {address} dev v1"))
    }
}

fn mac_of(shown: &str) -> String {
    shown.split_whitespace().skip_while(|word| *word != "link/ether").nth(1).unwrap().to_owned()
}

fn moves(address: &str) {
    block_on(async {
        let peer = Peer::wire();
        let machine = Machine::new();
        let mine = mac_of(&run_line("ip link show dev v0"));
        let params = [("ip", address)];
        // The other machine believes that the old owner has it.
        peer.does(&format!("ip neigh replace {address} lladdr 02:00:00:00:00:99 dev v1 nud stale"));
        assert_eq!(machine.run("haven:ip", Verb::Probe, &params).await.outcome, Outcome::Done);
        let answer = machine.run("haven:ip", Verb::Start, &params).await;
        assert_eq!((answer.outcome, answer.detail.as_str()), (Outcome::Done, ""));
        until("the other machine's table is right", || peer.knows(address).contains(&mine));
        assert_eq!(machine.run("haven:ip", Verb::Monitor, &params).await.outcome, Outcome::FoundRunning);
        let reached = try_line(&format!("nsenter -t {} -n ping -c 1 -W 2 {address}", peer.0.0.id()));
        assert!(reached.status.success(), "{reached:?}");
        // A switch was replaced, or the neighbour believes somebody else: the next monitor tells it again.
        peer.does(&format!("ip neigh replace {address} lladdr 02:00:00:00:00:99 dev v1 nud stale"));
        assert_eq!(machine.run("haven:ip", Verb::Monitor, &params).await.outcome, Outcome::FoundRunning);
        until("the other machine's table is right again", || peer.knows(address).contains(&mine));
        assert_eq!(
            machine.run("haven:ip", Verb::Start, &params).await,
            Answer { outcome: Outcome::Done, detail: String::new() }
        );
        for _ in 0..2 {
            assert_eq!(machine.run("haven:ip", Verb::Stop, &params).await.outcome, Outcome::Done);
        }
        assert_eq!(machine.run("haven:ip", Verb::Monitor, &params).await.outcome, Outcome::Done);
    });
}

#[test]
fn an_ipv4_address_moves_and_the_other_machine_notices_at_once() {
    in_namespaces("ip::an_ipv4_address_moves_and_the_other_machine_notices_at_once", || moves("10.99.0.200"));
}

#[test]
fn an_ipv6_address_moves_and_the_other_machine_notices_at_once() {
    in_namespaces("ip::an_ipv6_address_moves_and_the_other_machine_notices_at_once", || moves("fd99::200"));
}

#[test]
fn an_address_that_another_machine_has_is_refused_by_its_hardware_address() {
    in_namespaces("ip::an_address_that_another_machine_has_is_refused_by_its_hardware_address", || {
        block_on(async {
            let peer = Peer::wire();
            let machine = Machine::new();
            let theirs = mac_of(&peer.does("ip link show dev v1"));
            for address in ["10.99.0.2", "fd99::2"] {
                let answer = machine.run("haven:ip", Verb::Start, &[("ip", address)]).await;
                assert_eq!(answer.outcome, Outcome::Failed);
                assert_eq!(answer.detail, format!("{address} is in use by {theirs} on v0"));
                assert_eq!(machine.run("haven:ip", Verb::Probe, &[("ip", address)]).await.outcome, Outcome::Done);
            }
        });
    });
}

#[test]
fn asking_while_fencing_lasts_until_the_old_owner_is_gone_and_the_start_takes_it_over() {
    in_namespaces("ip::asking_while_fencing_lasts_until_the_old_owner_is_gone_and_the_start_takes_it_over", || {
        block_on(async {
            let peer = Peer::wire();
            peer.does("ip addr add 10.99.0.200/24 dev v1");
            let machine = Machine::new();
            let call = machine.call("haven:ip", Verb::Start, &[("ip", "10.99.0.200")]);
            let preparing = haven_agents::prepare(&machine.host, &call);
            // The old owner answers until it is fenced.
            let fenced = async {
                machine.host.sleep(Millis(700)).await;
                peer.does("ip addr del 10.99.0.200/24 dev v1");
            };
            let (prepared, ()) = tokio::join!(preparing, fenced);
            assert_ne!(prepared, Prepared::Nothing);
            let answer = haven_agents::run_prepared(&machine.host, &call, prepared).await;
            assert_eq!(answer.outcome, Outcome::Done);
        });
    });
}

#[test]
fn labels_broadcasts_and_prefixes_are_as_asked_for() {
    in_namespaces("ip::labels_broadcasts_and_prefixes_are_as_asked_for", || {
        block_on(async {
            let _peer = Peer::wire();
            let machine = Machine::new();
            let params = [
                ("ip", "10.99.0.201"),
                ("nic", "v0"),
                ("cidr_netmask", "32"),
                ("iflabel", "web"),
                ("collision_detection", "no"),
            ];
            assert_eq!(machine.run("haven:ip", Verb::Start, &params).await.outcome, Outcome::Done);
            assert!(run_line("ip addr show dev v0").contains("inet 10.99.0.201/32 scope global v0:web"));
            let params = [("ip", "10.99.0.202"), ("broadcast", "10.99.0.127"), ("collision_detection", "no")];
            assert_eq!(machine.run("haven:ip", Verb::Start, &params).await.outcome, Outcome::Done);
            let shown = run_line("ip addr show dev v0");
            assert!(shown.contains("inet 10.99.0.202/24 brd 10.99.0.127 scope global secondary v0"), "{shown}");
            for address in ["10.99.0.201", "10.99.0.202"] {
                assert_eq!(machine.run("haven:ip", Verb::Stop, &[("ip", address)]).await.outcome, Outcome::Done);
            }
            assert!(!run_line("ip addr show dev v0").contains("10.99.0.20"));
        });
    });
}

#[test]
fn an_address_that_leaves_does_not_take_others_of_its_network_with_it() {
    in_namespaces("ip::an_address_that_leaves_does_not_take_others_of_its_network_with_it", || {
        block_on(async {
            let _peer = Peer::wire();
            let machine = Machine::new();
            std::fs::write("/proc/sys/net/ipv4/conf/v0/promote_secondaries", "0").unwrap();
            let params = |ip| [("ip", ip), ("nic", "v0"), ("cidr_netmask", "24"), ("collision_detection", "no")];
            for ip in ["10.55.0.1", "10.55.0.2"] {
                assert_eq!(machine.run("haven:ip", Verb::Start, &params(ip)).await.outcome, Outcome::Done);
            }
            assert_eq!(machine.run("haven:ip", Verb::Stop, &params("10.55.0.1")).await.outcome, Outcome::Done);
            let second = machine.run("haven:ip", Verb::Monitor, &params("10.55.0.2")).await;
            assert_eq!(second.outcome, Outcome::FoundRunning);
        });
    });
}

#[test]
fn an_interface_that_is_down_or_missing_fails_with_its_name() {
    in_namespaces("ip::an_interface_that_is_down_or_missing_fails_with_its_name", || {
        block_on(async {
            let _peer = Peer::wire();
            let machine = Machine::new();
            run_line("ip link set v0 down");
            let answer = machine.run("haven:ip", Verb::Start, &[("ip", "10.99.0.200")]).await;
            assert_eq!((answer.outcome, answer.detail.as_str()), (Outcome::Failed, "interface v0 is down"));
            let params = [("ip", "10.5.0.1"), ("nic", "eth9"), ("cidr_netmask", "24")];
            let answer = machine.run("haven:ip", Verb::Start, &params).await;
            assert_eq!(
                (answer.outcome, answer.detail.as_str()),
                (Outcome::Failed, "interface eth9 does not exist here")
            );
        });
    });
}

#[test]
fn an_announcement_ends_when_the_address_leaves() {
    in_namespaces("ip::an_announcement_ends_when_the_address_leaves", || {
        block_on(async {
            let peer = Peer::wire();
            let machine = Machine::new();
            let params = [("ip", "10.99.0.200"), ("arp_count", "100"), ("collision_detection", "no")];
            assert_eq!(machine.run("haven:ip", Verb::Start, &params).await.outcome, Outcome::Done);
            assert_eq!(machine.run("haven:ip", Verb::Stop, &params).await.outcome, Outcome::Done);
            peer.does("ip neigh replace 10.99.0.200 lladdr 02:00:00:00:00:77 dev v1 nud stale");
            machine.host.sleep(Millis(700)).await;
            assert!(peer.knows("10.99.0.200").contains("02:00:00:00:00:77"), "{}", peer.knows("10.99.0.200"));
            let found = machine.host.request(Request::InterfaceFor { address: "10.99.0.9".to_owned() }).await;
            assert_eq!(found, Ok(Reply::Interface("v0".to_owned())));
        });
    });
}
