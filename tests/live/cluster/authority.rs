//! The certificate authority is replaced while the cluster works.

use std::path::Path;

use haven_api::model::CaView;
use haven_core::event::MemberKind;
use haven_core::state::ClusterState;
use haven_core::units::WallTime;
use haven_daemon::SystemClock;
use haven_daemon::setup::SetupError;
use haven_env::Clock;
use haven_net::{Credentials, NodeIdentity, TlsFolder};
use haven_tests::lab::until;

use crate::bench::{Machine, PATIENCE, cluster};

fn credentials(machine: &Machine) -> Credentials {
    TlsFolder::new(machine.folders.tls()).load().unwrap()
}

fn view(machine: &Machine) -> CaView {
    machine.ask(async |client| client.ca().await).unwrap()
}

/// Copies the folder of keys, as a thief would.
fn stolen(from: &Path, to: &Path) -> Credentials {
    std::fs::create_dir(to).unwrap();
    for entry in std::fs::read_dir(from).unwrap() {
        let path = entry.unwrap().path();
        std::fs::copy(&path, to.join(path.file_name().unwrap())).unwrap();
    }
    TlsFolder::new(to).load().unwrap()
}

/// Waits until everybody has a certificate of the authority `ca`, and nobody believes another.
fn taken(machines: &[&Machine], ca: &str) {
    for machine in machines {
        let found = until("it has the new CA alone", PATIENCE, || {
            let view = machine.ask(async |client| client.ca().await)?;
            Ok((view.ca == ca && view.others.is_empty() && view.waiting.is_empty()).then_some(()))
        });
        found.unwrap_or_else(|error| panic!("{}: {error}; {:?}\n{}", machine.name, view(machine), machine.log()));
        let kept = credentials(machine);
        assert_eq!(kept.trust.fingerprints().iter().map(ToString::to_string).collect::<Vec<_>>(), [ca]);
    }
}

/// Who leads, how everybody stands and by which key each is known: what must not change.
fn order(state: &ClusterState) -> impl PartialEq + std::fmt::Debug {
    let members = state.members.values().map(|m| (m.node.clone(), m.standing.clone(), m.incarnation, m.key));
    (state.term, members.collect::<Vec<_>>(), state.voting.sets.clone())
}

#[test]
fn a_leaked_authority_is_replaced_in_a_working_cluster_and_is_worth_nothing_afterwards() {
    let mut machines = cluster(2);
    let mut witness = Machine::new("w");
    witness.join(&machines[0].token(MemberKind::Witness)).unwrap();
    witness.start();
    machines.push(witness);
    machines[2].online(&machines[0]);
    let before = machines[0].until("three vote", |state| state.voters().len() == 3 && state.voting.sets.len() == 1);
    let thief = stolen(&machines[0].folders.tls(), &machines[0].folder.join("stolen"));
    let old_token = machines[0].token(MemberKind::Full);

    // Asked of the one that does not lead as well as of the one that does; a witness has no key to give.
    let denied = machines[2].ask(async |client| client.change_ca().await).unwrap_err();
    assert_eq!(denied.code(), "HV-DAEMON-08", "{denied}");
    let made = machines[1].ask(async |client| client.change_ca().await).unwrap();
    let [m1, m2, w] = machines.as_slice() else { unreachable!() };
    taken(&[m1, m2, w], &made.ca);

    // Nobody was lost, nobody else leads, everybody has the key that it had, and the witness has none of the CA.
    let state = m1.state().unwrap();
    assert_eq!(order(&state), order(&before));
    for (machine, kind) in [(m1, MemberKind::Full), (m2, MemberKind::Full), (w, MemberKind::Witness)] {
        let kept = credentials(machine);
        assert_eq!(kept.ca.is_some(), kind == MemberKind::Full, "{}", machine.name);
        if let Some(ca) = &kept.ca {
            assert_ne!(ca.fingerprint(), thief.ca.as_ref().unwrap().fingerprint());
        }
    }

    // A token of before names the CA that the thief has, and is void.
    let late = Machine::new("m4");
    let refused = late.join(&old_token).unwrap_err();
    assert!(matches!(&refused, SetupError::Enrol(error) if error.code() == "HV-JOIN-04"), "{refused}");
    assert!(state.tokens.is_empty());

    // A token of the new one lets a machine in, which has the new CA and votes with the others' help.
    let mut late = late;
    late.join(&m2.token(MemberKind::Full)).unwrap();
    late.start();
    late.online(m1);
    taken(&[&late], &made.ca);
}

#[test]
fn a_member_that_was_down_takes_the_new_authority_when_it_is_back() {
    let mut machines = cluster(3);
    machines[2].terminate();
    let made = machines[0].ask(async |client| client.change_ca().await).unwrap();
    let [m1, m2, m3] = machines.as_mut_slice() else { unreachable!() };
    let name = m3.name.to_string();
    until("only the one that is down has no certificate", PATIENCE, || {
        let view = m2.ask(async |client| client.ca().await)?;
        Ok((view.ca == made.ca && view.waiting == [name.clone()]).then_some(()))
    })
    .unwrap();
    // Until then the one before is believed, too.
    assert_eq!((view(m1).others.len(), view(m2).others.len()), (1, 1));
    // The maker restarts in between: what it has made is on its disk.
    m1.terminate();
    m1.start();
    m3.start();
    taken(&[m1, m2, m3], &made.ca);
}

#[test]
fn a_certificate_that_has_ended_is_replaced_by_the_node_itself_or_by_a_full_member() {
    let mut machines = cluster(1);
    let witness = Machine::new("w");
    witness.join(&machines[0].token(MemberKind::Witness)).unwrap();
    let ca = credentials(&machines[0]).ca.unwrap();
    machines[0].terminate();
    machines.push(witness);
    let long_ago = WallTime(1_000_000_000_000);
    let now = || SystemClock.wall();
    for machine in &mut machines {
        let Credentials { identity, trust, .. } = credentials(machine);
        let ended = NodeIdentity::issue(&ca, identity.node(), identity.key().clone(), long_ago).unwrap();
        assert!(ended.is_due(now()));
        TlsFolder::new(machine.folders.tls()).save_certificates(&ended, &trust).unwrap();
        machine.start();
    }
    for machine in &machines {
        let name = &machine.name;
        machine.online(&machines[0]);
        let renewed = || Ok((!credentials(machine).identity.is_due(now())).then_some(()));
        until(&format!("{name} has another certificate"), PATIENCE, renewed)
            .unwrap_or_else(|error| panic!("{error}\n{}", machine.log()));
    }
}
