use std::sync::Mutex;

use super::*;
use crate::fake::{FakeHost, call};
use crate::run::run_prepared;

const NETWORKS: [(&str, &str); 5] = [
    ("lo", "127.0.0.1/8"),
    ("eth0", "10.77.0.1/24"),
    ("eth1", "10.0.0.1/8"),
    ("eth1", "fd00::1/64"),
    ("eth0", "fe80::1/64"),
];

/// A machine with `more` addresses; `owners` are asked one after the other, `None` means that nobody answers.
fn machine(more: &[(&str, &str)], owners: &[Option<&str>]) -> FakeHost {
    let own = |pair: &(&str, &str)| (pair.0.to_owned(), pair.1.to_owned());
    let here: Mutex<Vec<(String, String)>> = Mutex::new(NETWORKS.iter().chain(more).map(own).collect());
    let owners: Mutex<Vec<Option<String>>> = Mutex::new(owners.iter().rev().map(|o| o.map(str::to_owned)).collect());
    FakeHost::new().with_answers(move |request| {
        let mut here = here.lock().unwrap();
        if let Request::AddressAdd { interface, address, .. } = request {
            here.push((interface.clone(), address.clone()));
        }
        if let Request::AddressRemove { interface, address } = request {
            here.retain(|pair| pair.0 != *interface || pair.1 != *address);
        }
        if let Request::AddressProbe { .. } = request {
            return Some(Ok(owners.lock().unwrap().pop().flatten().map_or(Reply::NoConflict, Reply::Conflict)));
        }
        Some(Ok(if *request == Request::Addresses { Reply::Addresses(here.clone()) } else { Reply::Done }))
    })
}

fn check(host: &FakeHost, verb: Verb, params: &[(&str, &str)]) -> (Outcome, String) {
    let answer = host.block_on(crate::run(host, &call("haven:ip", verb, params)));
    (answer.outcome, answer.detail)
}

fn added(host: &FakeHost) -> Vec<(String, String)> {
    let mut adds = Vec::new();
    for request in host.asked() {
        if let Request::AddressAdd { interface, address, .. } = request {
            adds.push((interface, address));
        }
    }
    adds
}

fn probes(host: &FakeHost) -> usize {
    listened(host).len()
}

/// How long each question was listened to.
fn listened(host: &FakeHost) -> Vec<Millis> {
    let wait = |request| if let Request::AddressProbe { wait, .. } = request { Some(wait) } else { None };
    host.asked().into_iter().filter_map(wait).collect()
}

#[test]
fn an_address_goes_where_its_network_is() {
    for (ip, interface, address) in [
        ("10.77.0.200", "eth0", "10.77.0.200/24"),
        ("10.9.9.9", "eth1", "10.9.9.9/8"),
        ("fd00::50", "eth1", "fd00::50/64"),
    ] {
        let host = machine(&[], &[]);
        assert_eq!(check(&host, Verb::Start, &[("ip", ip)]).0, Outcome::Done, "{ip}");
        assert_eq!(added(&host), [(interface.to_owned(), address.to_owned())]);
        assert_eq!(check(&host, Verb::Monitor, &[("ip", ip)]).0, Outcome::FoundRunning);
        assert_eq!(check(&host, Verb::Stop, &[("ip", ip)]).0, Outcome::Done);
        assert_eq!(check(&host, Verb::Probe, &[("ip", ip)]).0, Outcome::Done);
    }
}

#[test]
fn an_address_that_somebody_answers_for_is_not_added() {
    let host = machine(&[], &[Some("52:54:00:00:00:02")]);
    let (outcome, detail) = check(&host, Verb::Start, &[("ip", "10.77.0.200")]);
    assert_eq!(outcome, Outcome::Failed);
    assert_eq!(detail, "10.77.0.200 is in use by 52:54:00:00:00:02 on eth0");
    assert_eq!(added(&host), []);
}

#[test]
fn a_start_that_was_made_ready_only_takes_a_last_look() {
    let host = machine(&[], &[Some("52:54:00:00:00:02"), None]);
    let call = call("haven:ip", Verb::Start, &[("ip", "10.77.0.200")]);
    let prepared = host.block_on(crate::prepare(&host, &call));
    assert_ne!(prepared, Prepared::Nothing);
    assert_eq!(host.block_on(run_prepared(&host, &call, prepared)).outcome, Outcome::Done);
    assert_eq!(listened(&host), [LISTEN, LISTEN, LAST_LOOK]);
}

#[test]
fn who_answers_after_a_start_was_allowed_has_the_address_although_nobody_did_before() {
    let host = machine(&[], &[None, Some("52:54:00:00:00:02")]);
    let call = call("haven:ip", Verb::Start, &[("ip", "10.77.0.200")]);
    let prepared = host.block_on(crate::prepare(&host, &call));
    assert_ne!(prepared, Prepared::Nothing);
    let answer = host.block_on(run_prepared(&host, &call, prepared));
    assert_eq!(answer.outcome, Outcome::Failed);
    assert_eq!(answer.detail, "10.77.0.200 is in use by 52:54:00:00:00:02 on eth0");
    assert_eq!(added(&host), []);
}

#[test]
fn preparing_ends_when_the_old_owner_never_falls_silent() {
    let host = machine(&[], &[Some("52:54:00:00:00:02"); 1000]);
    let call = call("haven:ip", Verb::Start, &[("ip", "10.77.0.200")]);
    assert_eq!(host.block_on(crate::prepare(&host, &call)), Prepared::Nothing);
    let rounds = usize::try_from(call.timeout.0 / ASK_AGAIN.0).unwrap();
    assert_eq!(probes(&host), rounds + 1);
}

#[test]
fn what_was_prepared_for_another_address_does_not_count() {
    let host = machine(&[], &[]);
    let call = call("haven:ip", Verb::Start, &[("ip", "10.77.0.200")]);
    let other = Prepared::AddressFree { interface: "eth0".to_owned(), address: "10.77.0.201".to_owned() };
    host.block_on(run_prepared(&host, &call, other));
    assert_eq!(listened(&host), [LISTEN]);
}

#[test]
fn starting_what_runs_and_stopping_what_is_stopped_is_done() {
    let params = [("ip", "10.77.0.200")];
    let host = machine(&[("eth0", "10.77.0.200/24")], &[]);
    assert_eq!(check(&host, Verb::Start, &params).0, Outcome::Done);
    assert_eq!((added(&host), probes(&host)), (vec![], 0));
    assert_eq!(check(&machine(&[], &[]), Verb::Stop, &params).0, Outcome::Done);
}

#[test]
fn an_address_on_the_wrong_interface_is_failed_and_a_stop_removes_it() {
    let params = [("ip", "10.77.0.200"), ("nic", "eth0")];
    let host = machine(&[("eth1", "10.77.0.200/32")], &[]);
    let (outcome, detail) = check(&host, Verb::Monitor, &params);
    assert_eq!((outcome, detail.as_str()), (Outcome::Failed, "10.77.0.200 is on eth1, not on eth0"));
    assert_eq!(check(&host, Verb::Start, &params).0, Outcome::Failed);
    assert_eq!(check(&host, Verb::Stop, &params).0, Outcome::Done);
    assert_eq!(check(&host, Verb::Probe, &params).0, Outcome::Done);
}

#[test]
fn wrong_parameters_are_hopeless_and_say_why() {
    for (params, why) in [
        (vec![], "haven:ip needs parameter `ip`"),
        (vec![("ip", "10.0.0")], "ip `10.0.0` is not an address"),
        (vec![("ip", "224.0.0.1")], "ip `224.0.0.1` is not an address that one machine can have"),
        (vec![("ip", "10.0.0.5"), ("mac", "x")], "haven:ip has no parameter `mac`"),
        (vec![("ip", "10.0.0.5"), ("cidr_netmask", "33")], "cidr_netmask `33` is neither a prefix length nor a mask"),
        (
            vec![("ip", "10.0.0.5"), ("cidr_netmask", "255.0.255.0")],
            "cidr_netmask `255.0.255.0` is neither a prefix length nor a mask",
        ),
        (vec![("ip", "fe80::5")], "ip `fe80::5` is link-local, so parameter `nic` is needed"),
        (vec![("ip", "fd00::5"), ("iflabel", "x")], "iflabel `x` is for IPv4 addresses only"),
    ] {
        let (outcome, detail) = check(&machine(&[], &[]), Verb::Start, &params);
        assert_eq!((outcome, detail.as_str()), (Outcome::Hopeless, why));
    }
}

#[test]
fn a_mask_may_be_dotted() {
    let host = machine(&[], &[]);
    check(&host, Verb::Start, &[("ip", "192.168.9.9"), ("nic", "eth7"), ("cidr_netmask", "255.255.255.0")]);
    assert_eq!(added(&host), [("eth7".to_owned(), "192.168.9.9/24".to_owned())]);
}

#[test]
fn a_machine_that_cannot_tell_is_unknown_when_asked_and_failed_when_told() {
    let host = FakeHost::new().with_answers(|_| Some(Err(HostError::Failed("netlink: no buffer space".to_owned()))));
    assert_eq!(check(&host, Verb::Monitor, &[("ip", "10.0.0.5")]).0, Outcome::Unknown);
    assert_eq!(check(&host, Verb::Stop, &[("ip", "10.0.0.5")]).0, Outcome::Failed);
}

#[test]
fn neighbours_are_told_again_at_every_monitor_while_the_address_is_here() {
    let told = |host: &FakeHost| {
        check(host, Verb::Monitor, &[("ip", "10.77.0.200")]);
        host.asked().iter().filter(|request| matches!(request, Request::AddressAnnounce { .. })).count()
    };
    assert_eq!(told(&machine(&[("eth0", "10.77.0.200/24")], &[])), 1);
    assert_eq!(told(&machine(&[], &[])), 0);
}
