//! Who is a member: founding, joining, removing, returning.

use haven_core::control::Command as Order;
use haven_core::event::{MemberKind, Standby};
use haven_core::state::Standing;
use haven_daemon::setup::{self, SetupError};
use haven_log::StoreFile;
use haven_net::TlsFolder;
use haven_tests::lab::until;

use crate::bench::{Machine, PATIENCE, cluster, leader, standing};

#[test]
fn one_machine_founds_a_cluster_and_answers_on_its_socket() {
    let mut m1 = Machine::new("m1");
    let error = m1.ask(async |client| client.metrics().await).unwrap_err();
    assert_eq!(error.code(), "HV-API-01");
    let card = m1.init().unwrap();
    let again = m1.init().unwrap_err();
    assert!(matches!(&again, SetupError::Member { node, .. } if *node == m1.name), "{again}");
    m1.start();
    let state = m1.online(&m1);
    assert_eq!(state.cluster.as_ref().map(|c| (c.id, c.name.as_str())), Some((card.cluster, "bench")));
    assert_eq!(state.voters(), [&m1.name]);
    assert!(matches!(setup::reset(&m1.folders), Err(SetupError::Folder(error)) if error.code() == "HV-DAEMON-03"));
    let mut second = std::process::Command::new(haven_tests::haven().unwrap());
    second.args(["daemon", "--state"]).arg(&m1.folders.state).arg("--run").arg(&m1.folders.run);
    let second = second.output().unwrap();
    let said = String::from_utf8_lossy(&second.stderr);
    assert!(said.contains("HV-DAEMON-03") && said.contains(&m1.pid().to_string()), "{said}");
}

#[test]
fn three_machines_join_one_after_the_other_and_vote_when_they_are_three() {
    let machines = cluster(3);
    for machine in &machines {
        let state = machine.until("all are online and vote", |state| {
            let online = state.members.values().filter(|m| m.standing == Standing::Online);
            online.count() == 3 && state.voters().len() == 3
        });
        assert!(state.tokens.values().all(|token| token.spent.is_some()), "a token admits one machine");
    }
}

#[test]
fn a_token_admits_one_machine_of_its_kind_and_a_refused_join_leaves_nothing_behind() {
    let machines = cluster(1);
    let token = machines[0].token(MemberKind::Full);
    let m2 = Machine::new("m2");
    m2.join(&token).unwrap();
    let m3 = Machine::new("m3");
    let refused = m3.join(&token).unwrap_err();
    assert_eq!(refused.code(), "HV-JOIN-05", "{refused}");
    assert!(!m3.folders.card().exists() && !m3.folders.store().exists() && !m3.folders.tls().exists());
    m3.join(&machines[0].token(MemberKind::Full)).unwrap();
    let garbage = Machine::new("m4").join("haven1-garbage").unwrap_err();
    assert_eq!(garbage.code(), "HV-JOIN-01", "{garbage}");
}

#[test]
fn a_refused_join_keeps_the_key_of_an_earlier_attempt_that_may_have_been_accepted() {
    let machines = cluster(1);
    let token = machines[0].token(MemberKind::Full);
    Machine::new("m2").join(&token).unwrap();
    let m3 = Machine::new("m3");
    // What an attempt leaves whose answer was lost.
    TlsFolder::new(m3.folders.tls()).node_key(&m3.name).unwrap();
    let key = || std::fs::read(m3.folders.tls().join("node.key")).unwrap();
    let kept = key();
    assert_eq!(m3.join(&token).unwrap_err().code(), "HV-JOIN-05");
    assert_eq!(key(), kept);
}

#[test]
fn a_witness_votes_and_runs_nothing() {
    let mut machines = cluster(2);
    let mut witness = Machine::new("w");
    witness.join(&machines[0].token(MemberKind::Witness)).unwrap();
    assert!(!witness.folders.tls().join("ca.key").exists(), "a witness does not get the authority's key");
    witness.start();
    let state = machines[0].until("the witness votes", |state| state.voters().contains(&&witness.name));
    assert_eq!(state.voters().len(), 3);
    assert!(!state.members[&witness.name].runs_resources());
    machines.push(witness);
}

#[test]
fn a_removed_node_says_so_and_ends_and_may_join_again_under_its_name() {
    let mut machines = cluster(3);
    let name = machines[2].name.clone();
    let busy = machines[0].order(&Order::Remove { node: name.clone() }).unwrap_err();
    assert_eq!(busy.code, "HV-NODE-02", "a node that is neither drained nor stopped stays");
    machines[0].insist(&Order::Standby { node: name.clone(), standby: Standby::On });
    machines[0].until("it is drained", |state| state.members[&name].standby == Standby::On);
    machines[0].insist(&Order::Remove { node: name.clone() });
    machines[0].until("it is gone", |state| !state.members.contains_key(&name));
    assert_eq!(machines[2].ended().code(), Some(78));
    assert!(machines[2].log().contains("this node was removed from the cluster"), "{}", machines[2].log());
    assert_eq!(setup::reset(&machines[2].folders).unwrap().len(), 3);
    machines[2].join(&machines[0].token(MemberKind::Full)).unwrap();
    machines[2].start();
    let state = machines[2].online(&machines[0]);
    assert!(state.members[&name].member.0 > 3, "a number is given out once");
}

#[test]
fn a_node_that_was_removed_while_it_was_down_is_let_in_by_nobody() {
    let mut machines = cluster(3);
    let name = machines[2].name.clone();
    machines[0].insist(&Order::Standby { node: name.clone(), standby: Standby::On });
    machines[2].kill();
    machines[0].insist(&Order::Remove { node: name.clone() });
    let gone = machines[1].until("it is no member", |state| !state.members.contains_key(&name));
    machines[2].start();
    // It does not know it yet, and nobody tells it: its doctor names the connections that it does not get.
    until("its doctor names the connections", PATIENCE, || {
        let doctor = machines[2].ask(async |client| client.doctor().await)?;
        let refused = doctor.checks.iter().filter(|check| check.name.starts_with("link 0 to"));
        Ok((refused.count() == 2).then_some(()))
    })
    .unwrap();
    let after = machines[1].state().unwrap();
    assert!(!after.members.contains_key(&name));
    assert_eq!((after.term, after.members.len(), after.fencing.orders.len()), (gone.term, 2, 0));
    machines[1].insist(&Order::Standby { node: machines[1].name.clone(), standby: Standby::On });
    // A person resets it, and it is a new machine.
    machines[2].terminate();
    setup::reset(&machines[2].folders).unwrap();
    machines[2].join(&machines[0].token(MemberKind::Full)).unwrap();
    machines[2].start();
    machines[2].online(&machines[0]);
}

#[test]
fn a_join_that_nobody_answers_leaves_nothing_behind_and_can_be_repeated() {
    let mut machines = cluster(1);
    let token = machines[0].token(MemberKind::Full);
    machines[0].terminate();
    let mut m2 = Machine::new("m2");
    let unheard = m2.join(&token).unwrap_err();
    assert_eq!(unheard.code(), "HV-JOIN-03", "{unheard}");
    assert!(!m2.folders.card().exists() && !m2.folders.store().exists() && !m2.folders.tls().exists());
    machines[0].start();
    machines[0].online(&machines[0]);
    leader(&machines);
    m2.join(&token).unwrap();
    m2.start();
    m2.online(&machines[0]);
}

#[test]
fn voters_that_keep_their_logs_on_one_disk_are_named_by_the_doctor() {
    let machines = cluster(3);
    let found = until("the doctor names them", PATIENCE, || {
        let doctor = machines[1].ask(async |client| client.doctor().await)?;
        let named = |text: &str| machines.iter().all(|machine| text.contains(machine.name.as_str()));
        let shared = |text: &str| text.contains("keep their logs on one device") && named(text);
        Ok(doctor.checks.into_iter().find(|check| shared(&check.found)))
    });
    found.unwrap();
}

#[test]
fn a_node_that_lost_its_store_returns_as_a_new_learner_and_votes_again() {
    let mut machines = cluster(3);
    let lost = (leader(&machines) + 1) % 3;
    let name = machines[lost].name.clone();
    let before = machines[lost].state().unwrap().members[&name].member;
    machines[lost].kill();
    std::fs::remove_dir_all(machines[lost].folders.store()).unwrap();
    machines[lost].start();
    let other = (lost + 1) % 3;
    let state = machines[other].until("it votes under a new number", |state| {
        let member = &state.members[&name];
        member.member > before && state.is_voter(member.member) && state.voting.sets.len() == 1
    });
    assert_eq!(state.voters().len(), 3);
    assert!(machines[lost].folders.store().join(StoreFile::Log.name()).exists());
}

#[test]
fn a_stopped_node_hands_over_its_leadership_and_is_not_lost() {
    let mut machines = cluster(3);
    let first = leader(&machines);
    let name = machines[first].name.clone();
    machines[first].ask(async |client| client.leave(haven_api::model::Leave::Stop).await).unwrap();
    assert_eq!(machines[first].ended().code(), Some(0));
    let other = (first + 1) % 3;
    let state = machines[other].until("it is stopped", |state| standing(state, &name) == Some(Standing::Stopped));
    assert!(state.handed_over.is_some());
    until("another leads", PATIENCE, || {
        Ok(machines.iter().enumerate().position(|(n, machine)| n != first && machine.leads()))
    })
    .unwrap();
    machines[first].start();
    let state = machines[other].until("it is back and runs resources", |state| {
        standing(state, &name) == Some(Standing::Online) && state.members[&name].standby == Standby::Off
    });
    assert!(state.members[&name].dead.is_empty(), "nobody took it for lost");
}
