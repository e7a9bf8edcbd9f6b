use haven_core::control::Command;
use haven_core::event::{MemberKind, Standby};
use haven_core::ids::LinkId;
use haven_core::units::Millis;
use haven_env::CallClass;
use haven_net::NodeKey;
use haven_node::AdmitError;

use crate::machine::{Blank, cluster, name, now, until};

const HOUR: Millis = Millis::secs(3600);

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn machines_join_by_tokens_and_vote_as_soon_as_three_can() {
    let machines = cluster(&["m1", "m2", "m3"]).await;
    for machine in &machines {
        until("everybody knows all three, and three vote", || {
            machine.members() == ["m1", "m2", "m3"] && machine.voters() == 3
        })
        .await;
        // Each is known by the key that it has, on every node.
        for other in &machines {
            let state = machine.node.state();
            assert_eq!(state.members[&other.config.node].key, Some(other.transport.key()));
        }
    }
    // A command given to one that does not lead is in everybody's state, and each token was used up.
    let set = Command::Standby { node: name("m2"), standby: Standby::On };
    machines[2].insist(&set).await;
    for machine in &machines {
        until("everybody has applied it", || machine.node.state().members[&name("m2")].standby == Standby::On).await;
        assert!(machine.node.state().tokens.values().all(|token| token.spent.is_some()));
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_token_is_good_for_one_machine_of_its_kind_within_its_time() {
    let m1 = Blank::new("m1").await.found().await;
    let token = m1.token(MemberKind::Full, HOUR).await;
    let m2 = Blank::new("m2").await;
    let (_, first) = m2.apply(&token).await.unwrap();
    // The answer was lost: the same machine gets it again, and is no second member.
    let (_, again) = m2.apply(&token).await.unwrap();
    assert_eq!((first.member, m1.members()), (again.member, vec!["m1".to_owned(), "m2".to_owned()]));

    // Somebody who knows the token and the store, but has another key.
    let thief = NodeKey::create(&name("m2")).unwrap();
    let error = haven_net::enrol(&token, m2.ask(), &thief, now()).await.unwrap_err();
    assert!(error.to_string().contains("m2 is a member with another key"), "{error}");

    // Another machine with the spent token, an unknown one, one that is over by the log's time, one of another kind.
    let m3 = Blank::new("m3").await;
    let brief = m1.token(MemberKind::Full, Millis(1)).await;
    let other = m1.blank_token(MemberKind::Witness);
    let issue = Command::IssueToken { digest: other.digest().to_vec(), span: HOUR, kind: MemberKind::Full };
    m1.insist(&issue).await;
    let wrong = [
        (token, "unknown, spent or expired"),
        (m1.blank_token(MemberKind::Full), "unknown, spent or expired"),
        (brief, "unknown, spent or expired"),
        (other, "another kind of member"),
    ];
    for (token, why) in wrong {
        let error = m3.apply(&token).await.unwrap_err();
        assert_eq!(error.code(), "HV-JOIN-05", "{error}");
        assert!(error.to_string().contains(why), "{error}");
    }
    assert_eq!(m1.members(), ["m1", "m2"]);
    // None of that keeps it from joining with a good one.
    m3.apply(&m1.token(MemberKind::Full, HOUR).await).await.unwrap();
    assert_eq!(m1.members(), ["m1", "m2", "m3"]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_token_of_another_cluster_is_not_shown_to_this_one() {
    let ours = Blank::new("m1").await.found().await;
    let theirs = Blank::new("m1").await.found().await;
    let token = ours.token(MemberKind::Full, HOUR).await;
    let misled = haven_net::JoinToken::create(
        token.cluster(),
        token.name(),
        vec![theirs.address],
        token.ca(),
        token.kind(),
        token.expires(),
    );
    let error = Blank::new("m2").await.apply(&misled.unwrap()).await.unwrap_err();
    assert_eq!(error.code(), "HV-JOIN-04", "{error}");
    assert_eq!(theirs.members(), ["m1"]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_removed_machine_is_cut_off_and_stays_out() {
    let machines = cluster(&["m1", "m2", "m3"]).await;
    let [m1, m2, m3] = machines.as_slice() else { unreachable!() };
    until("three vote", || machines.iter().all(|machine| machine.voters() == 3)).await;
    m1.insist(&Command::Standby { node: name("m3"), standby: Standby::On }).await;
    m1.insist(&Command::Remove { node: name("m3") }).await;
    for machine in [m1, m2] {
        until("it is no member", || machine.members() == ["m1", "m2"]).await;
    }
    until("nobody talks to it", || m3.transport.link_facts().iter().all(|fact| !fact.is_up())).await;
    let call = m3.env.transport.call(&name("m1"), LinkId(0), CallClass::Forward, b"x".to_vec(), Millis(1000)).await;
    assert!(call.is_err(), "{call:?}");
    let back = haven_node::rejoin(&m3.env, &m3.config, m3.config.store_id).await;
    assert!(matches!(back, Err(AdmitError::Undecided(_))), "{back:?}");
    // The two that are left go on.
    m2.insist(&Command::Standby { node: name("m2"), standby: Standby::On }).await;
}

/// What arrives at the ports of a cluster from somebody who is nobody: noise, and what looks like the beginning of each
/// kind of connection, cut and with bits turned.
fn noise(seed: u32) -> Vec<u8> {
    let mut state = seed.wrapping_mul(2_654_435_761) | 1;
    let mut byte = || {
        state ^= state << 13;
        state ^= state >> 17;
        state ^= state << 5;
        state.to_le_bytes()[0]
    };
    let mark: &[u8] = match seed % 4 {
        0 => return (0..usize::from(byte()) * 6).map(|_| byte()).collect(),
        1 => b"hvnbeat1",
        2 => b"hvncall1",
        _ => b"hvnjoin1",
    };
    // A long header of QUIC version 1: an Initial packet to an id with the mark of a purpose.
    let mut packet = vec![0xc0 | byte() & 0x0f, 0, 0, 0, 1, 20];
    packet.extend(mark);
    packet.extend((0..12).map(|_| byte()));
    packet.extend([0, 0]);
    let length = 1200 - packet.len();
    packet.extend((0..length).map(|_| byte()));
    let turned = usize::from(byte()) * 4 % packet.len();
    packet[turned] ^= 1 << (byte() % 8);
    packet
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_nobody_sends_changes_nothing_in_a_working_cluster() {
    let machines = cluster(&["m1", "m2", "m3"]).await;
    until("three vote", || machines.iter().all(|machine| machine.voters() == 3)).await;
    let online = |machine: &crate::machine::Machine| {
        machine.node.state().members.values().all(|m| m.standing == haven_core::state::Standing::Online)
    };
    until("all are online", || machines.iter().all(online)).await;
    // The change of the voters has two steps, and each machine applies both.
    let settled = |machine: &crate::machine::Machine| machine.node.state().voting.sets.len() == 1;
    until("the change of the voters is over", || machines.iter().all(settled)).await;
    let facts = |machine: &crate::machine::Machine| {
        let state = machine.node.state();
        let members = state.members.values().map(|m| (m.node.clone(), m.standing.clone(), m.incarnation, m.key));
        (state.term, members.collect::<Vec<_>>(), state.voting.clone(), state.tokens.len(), state.revision)
    };
    let before = facts(&machines[0]);
    let socket = std::net::UdpSocket::bind("127.0.0.1:0").unwrap();
    for seed in 0..3000 {
        let packet = noise(seed);
        for machine in &machines {
            // A full buffer of the kernel drops it; that is what the network does, too.
            let _ = socket.send_to(&packet, machine.address);
        }
        if seed % 100 == 0 {
            // The cluster goes on in between, and the noise does not end before it has.
            let standby = if seed % 200 == 0 { Standby::On } else { Standby::Off };
            machines[1].insist(&Command::Standby { node: name("m2"), standby }).await;
        }
    }
    for machine in &machines {
        until("everybody has applied the last one", || {
            machine.node.state().members[&name("m2")].standby == Standby::Off
        })
        .await;
        assert_eq!(facts(machine), before);
    }
}
