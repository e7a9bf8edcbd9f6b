//! What the records hold.
//!
//! openraft's types are mirrored by our own records with numbered fields: openraft is an alpha whose own layout may
//! change with any release, while these bytes must be readable for ever. Fields are appended with new numbers, never
//! renumbered; a field that is added must be an `Option`.

use std::collections::{BTreeMap, BTreeSet};

use haven_core::ids::{ClusterId, StoreId};
use minicbor::{Decode, Encode};
use openraft::EmptyNode;

use crate::record::{self, BadRecord, Table};
use crate::types::{
    Entry, EntryPayload, LeaderId, LogId, Membership, Payload, Position, Snapshot, SnapshotMeta, StoredMembership, Vote,
};

/// Keys of the table `meta`.
pub(crate) mod meta {
    pub(crate) const VOTE: u64 = 1;
    pub(crate) const MARKS: u64 = 2;
    pub(crate) const PURGED: u64 = 3;
    pub(crate) const SNAPSHOT: u64 = 4;
    pub(crate) const IDENTITY: u64 = 5;
    pub(crate) const CLUSTER: u64 = 6;
    pub(crate) const START: u64 = 7;
    /// Of the archive.
    pub(crate) const TOTALS: u64 = 8;
}

#[derive(Debug, Clone, Copy, Encode, Decode)]
pub(crate) struct VoteRecord {
    #[n(0)]
    term: u64,
    #[n(1)]
    member: u64,
    #[n(2)]
    committed: bool,
}

impl From<&Vote> for VoteRecord {
    fn from(vote: &Vote) -> Self {
        Self { term: vote.leader_id.term, member: vote.leader_id.voted_for, committed: vote.committed }
    }
}

impl From<VoteRecord> for Vote {
    fn from(record: VoteRecord) -> Self {
        let leader_id = LeaderId { term: record.term, voted_for: record.member };
        Self { leader_id, committed: record.committed }
    }
}

/// What rides along with every commit.
#[derive(Debug, Clone, Copy, Default, Encode, Decode)]
pub(crate) struct Marks {
    /// How many commits were submitted in the life of this store.
    #[n(0)]
    pub(crate) commits: u64,
    #[n(1)]
    pub(crate) committed: Option<Position>,
    /// Entries `settled_from..settled_to` of this log are known to be committed as they are.
    #[n(2)]
    pub(crate) settled_from: u64,
    #[n(3)]
    pub(crate) settled_to: u64,
    /// The greatest position that this store has ever held.
    #[n(4)]
    pub(crate) highest: Option<Position>,
    /// How far the archive had come when entries were last dropped for being in it.
    #[n(5)]
    pub(crate) archived: Option<u64>,
}

#[derive(Debug, Clone, Copy, Encode, Decode)]
pub(crate) struct Identity {
    #[n(0)]
    pub(crate) store: StoreId,
}

#[derive(Debug, Clone, Copy, Encode, Decode)]
pub(crate) struct Cluster {
    #[n(0)]
    pub(crate) cluster: ClusterId,
}

/// The head of a stored snapshot.
#[derive(Debug, Clone, Copy, Encode, Decode)]
pub(crate) struct SnapshotHead {
    #[n(0)]
    pub(crate) bytes: u64,
    #[n(1)]
    pub(crate) last: Option<Position>,
}

#[derive(Debug, Clone, Encode, Decode)]
pub(crate) struct MembershipRecord {
    /// One set of voters, or two during a change.
    #[n(0)]
    voters: Vec<BTreeSet<u64>>,
    /// All members; those in no set of voters are learners.
    #[n(1)]
    members: BTreeSet<u64>,
}

impl From<&Membership> for MembershipRecord {
    fn from(membership: &Membership) -> Self {
        let members = membership.nodes().map(|(id, _)| *id).collect();
        Self { voters: membership.get_joint_config().clone(), members }
    }
}

impl MembershipRecord {
    fn into_membership(self) -> Result<Membership, String> {
        let members: BTreeMap<u64, EmptyNode> = self.members.into_iter().map(|id| (id, EmptyNode::new())).collect();
        Membership::new(self.voters, members).map_err(|e| e.to_string())
    }
}

#[derive(Debug, Clone, Encode, Decode)]
pub(crate) struct StoredMembershipRecord {
    #[n(0)]
    at: Option<Position>,
    #[n(1)]
    membership: MembershipRecord,
}

impl From<&StoredMembership> for StoredMembershipRecord {
    fn from(stored: &StoredMembership) -> Self {
        Self { at: stored.log_id().map(Position::from), membership: stored.membership().into() }
    }
}

impl StoredMembershipRecord {
    fn into_stored(self) -> Result<StoredMembership, String> {
        Ok(StoredMembership::new(self.at.map(LogId::from), self.membership.into_membership()?))
    }
}

#[derive(Debug, Encode, Decode)]
enum PayloadRecord {
    #[n(0)]
    Blank,
    #[n(1)]
    Normal(#[cbor(n(0), with = "minicbor::bytes")] Vec<u8>),
    #[n(2)]
    Membership(#[n(0)] MembershipRecord),
}

#[derive(Debug, Encode, Decode)]
pub(crate) struct EntryRecord {
    /// Its index is the key, too: an entry says itself where it belongs.
    #[n(0)]
    at: Position,
    #[n(1)]
    payload: PayloadRecord,
}

impl From<&Entry> for EntryRecord {
    fn from(entry: &Entry) -> Self {
        let payload = match &entry.payload {
            EntryPayload::Blank => PayloadRecord::Blank,
            EntryPayload::Normal(payload) => PayloadRecord::Normal(payload.0.clone()),
            EntryPayload::Membership(membership) => PayloadRecord::Membership(membership.into()),
        };
        Self { at: entry.log_id.into(), payload }
    }
}

impl EntryRecord {
    fn into_entry(self) -> Result<Entry, String> {
        let payload = match self.payload {
            PayloadRecord::Blank => EntryPayload::Blank,
            PayloadRecord::Normal(bytes) => EntryPayload::Normal(Payload(bytes)),
            PayloadRecord::Membership(record) => EntryPayload::Membership(record.into_membership()?),
        };
        Ok(Entry { log_id: self.at.into(), payload })
    }
}

/// The sealed bytes of an entry.
pub fn encode_entry(entry: &Entry) -> Vec<u8> {
    record::encode(Table::Log, entry.log_id.index, &EntryRecord::from(entry))
}

/// The entry in the sealed bytes that were found under `index`.
pub fn decode_entry(index: u64, bytes: &[u8]) -> Result<Entry, BadRecord> {
    let entry = record::decode::<EntryRecord>(Table::Log, index, bytes)?.into_entry();
    let entry = entry.map_err(|cause| BadRecord::decode(Table::Log, index, cause))?;
    if entry.log_id.index != index {
        return Err(BadRecord::decode(Table::Log, index, format!("it says that its index is {}", entry.log_id.index)));
    }
    Ok(entry)
}

/// An entry in the archive.
#[derive(Debug, Encode, Decode)]
pub(crate) struct ArchiveRecord {
    #[n(0)]
    entry: EntryRecord,
    /// LogTime in milliseconds: its own, or that of the last entry before it that has one.
    #[n(1)]
    pub(crate) time: u64,
}

impl ArchiveRecord {
    pub(crate) fn new(entry: &Entry, time: u64) -> Self {
        Self { entry: entry.into(), time }
    }

    pub(crate) fn decode(index: u64, bytes: &[u8]) -> Result<(Entry, u64), BadRecord> {
        let record: Self = record::decode(Table::Archive, index, bytes)?;
        let time = record.time;
        let entry = record.entry.into_entry().map_err(|cause| BadRecord::decode(Table::Archive, index, cause))?;
        Ok((entry, time))
    }
}

/// What the archive holds.
#[derive(Debug, Clone, Copy, Default, Encode, Decode)]
pub(crate) struct Totals {
    /// The last index that was ever archived; in a new archive, the last that was lost with the one before.
    #[n(0)]
    pub(crate) last: Option<u64>,
    /// Bytes of all records.
    #[n(1)]
    pub(crate) bytes: u64,
    /// The latest LogTime.
    #[n(2)]
    pub(crate) newest: u64,
}

#[derive(Debug, Encode, Decode)]
struct SnapshotRecord {
    #[n(0)]
    applied: Option<Position>,
    #[n(1)]
    membership: StoredMembershipRecord,
    #[cbor(n(2), with = "minicbor::bytes")]
    machine: Vec<u8>,
}

/// The key under which a whole snapshot is sealed for its journey; chunks have their own.
const WHOLE: u64 = u64::MAX;

/// A snapshot's bytes: what openraft must know beside the machine's own.
pub(crate) fn encode_snapshot(applied: Option<LogId>, membership: &StoredMembership, machine: Vec<u8>) -> Vec<u8> {
    let record = SnapshotRecord { applied: applied.map(Position::from), membership: membership.into(), machine };
    record::encode(Table::Snapshot, WHOLE, &record)
}

/// The reverse of [`encode_snapshot`].
pub(crate) fn decode_snapshot(bytes: &[u8]) -> Result<(Option<LogId>, StoredMembership, Vec<u8>), BadRecord> {
    let record: SnapshotRecord = record::decode(Table::Snapshot, WHOLE, bytes)?;
    let membership = record.membership.into_stored().map_err(|e| BadRecord::decode(Table::Snapshot, WHOLE, e))?;
    Ok((record.applied.map(LogId::from), membership, record.machine))
}

/// The snapshot in `bytes`, as it came from a peer, with what it says of itself. Errors: bytes that are none.
pub fn snapshot_of(bytes: Vec<u8>) -> Result<Snapshot, BadRecord> {
    let (last_log_id, last_membership, _) = decode_snapshot(&bytes)?;
    Ok(Snapshot { meta: SnapshotMeta { last_log_id, last_membership }, snapshot: bytes })
}

#[cfg(test)]
mod tests {
    use haven_core::ids::{LogIndex, Term};

    use super::*;

    fn position(term: u64, index: u64) -> Position {
        Position { term: Term(term), index: LogIndex(index) }
    }

    #[test]
    fn released_bytes_decode_for_ever() {
        // Format 1, CRC32C, then CBOR: [[term, index], [1 (normal), [bytes]]].
        let golden = b"\x01\x51\x48\x3c\x9d\x82\x82\x03\x18\x2a\x82\x01\x81\x42hi";
        let entry = Entry { log_id: position(3, 42).into(), payload: EntryPayload::Normal(Payload(b"hi".to_vec())) };
        assert_eq!(encode_entry(&entry), golden);
        assert_eq!(decode_entry(42, golden).unwrap(), entry);
    }

    #[test]
    fn a_field_added_later_is_readable_both_ways() {
        #[derive(Encode, Decode)]
        struct Later {
            #[n(0)]
            term: u64,
            #[n(1)]
            member: u64,
            #[n(2)]
            committed: bool,
            #[n(3)]
            added: Option<u64>,
        }
        let new = Later { term: 1, member: 2, committed: true, added: Some(4) };
        let new = record::encode(Table::Meta, meta::VOTE, &new);
        assert_eq!(record::decode::<VoteRecord>(Table::Meta, meta::VOTE, &new).unwrap().member, 2);
        let old = record::encode(Table::Meta, meta::VOTE, &VoteRecord { term: 1, member: 2, committed: true });
        assert_eq!(record::decode::<Later>(Table::Meta, meta::VOTE, &old).unwrap().added, None);
    }

    #[test]
    fn memberships_with_learners_and_during_a_change_come_back() {
        let nodes = [1, 2, 3, 4].map(|id| (id, EmptyNode::new()));
        let voters = vec![[1, 2].into(), [2, 3].into()];
        for membership in [Membership::new(voters, BTreeMap::from(nodes)).unwrap(), Membership::default()] {
            let stored = StoredMembership::new(Some(position(1, 2).into()), membership);
            let (applied, found, machine) =
                decode_snapshot(&encode_snapshot(Some(position(2, 7).into()), &stored, b"state".to_vec())).unwrap();
            assert_eq!((applied, found, machine), (Some(position(2, 7).into()), stored, b"state".to_vec()));
        }
    }

    #[test]
    fn an_entry_that_names_another_index_is_refused() {
        let entry = Entry { log_id: position(3, 42).into(), payload: EntryPayload::Blank };
        let bytes = record::encode(Table::Log, 41, &EntryRecord::from(&entry));
        assert!(decode_entry(41, &bytes).unwrap_err().to_string().contains("its index is 42"));
    }
}
