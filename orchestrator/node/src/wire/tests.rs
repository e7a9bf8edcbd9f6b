use haven_core::event::{Endpoint, KeyDigest, MemberKind};
use haven_core::ids::{BootId, Generation, NodeId, Term};
use haven_core::spec::{Profile, Timing};

use super::*;
use crate::admit::{Admission, JoinAsk};

fn position(term: u64, index: u64) -> Position {
    Position { term: Term(term), index: LogIndex(index) }
}

fn vote() -> VoteWire {
    VoteWire { term: 3, member: 1, committed: true }
}

fn framed<T>(body: T) -> Frame<T> {
    Frame {
        cluster: ClusterId::from_bytes([9; 16]),
        member: MemberId(1),
        store: StoreId::from_bytes([0x11; 16]),
        durable: Durable { term: Term(3), index: LogIndex(34), commits: 99 },
        life: Incarnation { boot: BootId::from_bytes([1; 16]), generation: Generation(2) },
        body,
    }
}

/// What every frame begins with, in hexadecimal: the sender's cluster, member, store, promise and life.
const HEAD: &str = "86500909090909090909090909090909090901501111111111111111111111111111111183031822186382500101010101010101010101010101010102";

/// The body's bytes are what they always were, and are read.
#[track_caller]
fn check<T: Encode<()> + for<'b> Decode<'b, ()>>(body: T, golden: &str) {
    let bytes = framed(body).encode();
    let hex: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
    assert_eq!(
        hex.strip_prefix(HEAD),
        Some(golden),
        "the encoding changed: nodes of the version before cannot read it"
    );
    let read = decode::<T>(&bytes).unwrap();
    assert_eq!(read.encode(), bytes);
}

fn join() -> JoinAsk {
    JoinAsk {
        node: NodeId::new("m2").unwrap(),
        store: StoreId::from_bytes([0x12; 16]),
        kind: MemberKind::Full,
        endpoints: vec![Endpoint("10.77.0.2:7741".to_owned())],
        product_uuid: None,
        serial: None,
        token: Some("ab".to_owned()),
        key: Some(KeyDigest::from_bytes([7; 32])),
    }
}

#[test]
fn every_question_between_nodes_keeps_its_bytes() {
    let (previous, commit) = (Some(position(3, 33)), Some(position(3, 32)));
    let entries = vec![EntryWire(vec![1, 2, 3])];
    check(Ask::Append { vote: vote(), previous, entries, commit }, "820084830301f58203182181814301020382031820");
    let ask = VoteAsk { vote: vote(), last: previous, transfer: false };
    check(Ask::Vote(ask), "82018183830301f582031821f4");
    check(Ask::PreVote(ask), "82028183830301f582031821f4");
    check(Ask::Transfer { from: vote(), to: 2, last: previous }, "820383830301f50282031821");
    check(Ask::Snapshot { vote: vote(), bytes: vec![1, 2] }, "820482830301f5420102");
    check(Ask::Propose { event: vec![1, 2] }, "820581420102");
    check(Ask::Command { by: "root".to_owned(), json: "{}".to_owned() }, "82068264726f6f74627b7d");
    check(
        Ask::Admit(join()),
        "82078187626d32501212121212121212121212121212121200816e31302e37372e302e323a373734\
        31f662616258200707070707070707070707070707070707070707070707070707070707070707",
    );
    check(
        Ask::Admit(JoinAsk { serial: Some("CZ3".to_owned()), ..join() }),
        "82078188626d32501212121212121212121212121212121200816e31302e37372e302e323a37373431f66261625820\
        070707070707070707070707070707070707070707070707070707070707070763435a33",
    );
}

#[test]
fn every_answer_between_nodes_keeps_its_bytes() {
    let at = Some(position(3, 33));
    check(Answer::Appended, "820080");
    check(Answer::AppendedTo(at), "82018182031821");
    check(Answer::Conflict, "820280");
    check(Answer::HigherVote(vote()), "820381830301f5");
    check(Answer::Voted { vote: vote(), granted: true, last: at }, "820483830301f5f582031821");
    check(Answer::Done, "820580");
    check(Answer::Installed(vote()), "820681830301f5");
    check(Answer::StoreRefused("shorter".to_owned()), "8207816773686f72746572");
    check(Answer::Failed("no".to_owned()), "820881626e6f");
    check(Answer::Committed { index: LogIndex(34), refusal: None }, "8209811822");
    check(Answer::NotLeader, "820a80");
    check(Answer::Commanded("{}".to_owned()), "820b81627b7d");
    let peers = vec![(NodeId::new("m1").unwrap(), vec![Endpoint("10.77.0.1:7741".to_owned())])];
    let timing = Timing::of(Profile::Lan);
    let keys = vec![(NodeId::new("m1").unwrap(), KeyDigest::from_bytes([7; 32]))];
    check(
        Answer::Admitted(Admission {
            cluster: ClusterId::from_bytes([9; 16]),
            member: MemberId(2),
            peers,
            timing,
            keys: Some(keys),
        }),
        "820c81855009090909090909090909090909090909028182626d31816e31302e37372e302e313a37\
        373431841905dc8200801913881a0036ee808182626d315820070707070707070707070707070707\
        0707070707070707070707070707070707",
    );
    check(Answer::NotAdmitted("spent".to_owned()), "820d81657370656e74");
}
