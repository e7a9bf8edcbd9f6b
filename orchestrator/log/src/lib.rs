//! The replicated log: openraft and redb on a `Disk`, snapshots, and the archive of events.
//!
//! For: one durable, ordered, checksummed record of all that happened, the same on every node.
//! Never: an entry reported durable before its sync; a damaged record skipped or returned; tokio, whose `select!` and
//! `watch` draw on hidden randomness.
//!
//! A node opens a [`Store`] on its volume, wraps its own state in a [`StateMachine`], and hands both to openraft:
//!
//! ```text
//! let store = Store::open(volume, StoreOptions::new(identity)).await?;
//! let machine = StateMachine::new(store.clone(), Arc::new(Mutex::new(state)))?;
//! let config = Arc::new(raft_config(&timing, Snapshots::default()).validate()?);
//! let raft: Raft<R, State> = Raft::new(member.0, config, network, LogStore::new(store), machine).await?;
//! ```
//!
//! # What a store promises
//! - **Tickets.** redb is synchronous, so no virtual time can pass inside a commit. Every change is submitted to the
//!   disk, and its ticket completes when it is durable. openraft hears of an append, a vote and a snapshot only then.
//! - **One order.** Submissions become durable in their order, merged into as few commits as the disk can keep up
//!   with.
//! - **Memory ahead of the medium.** Entries are readable when `append` returns; they leave the memory with their
//!   ticket.
//! - **No shrinking.** A truncation is carried out together with what takes its place, and [`Durable`] counts what
//!   only a rollback of the store can take back, so that peers can tell one [S-18].

mod archive;
mod ballast;
mod config;
mod engine;
mod error;
mod layout;
mod log_store;
mod machine;
mod record;
mod store;
mod types;

/// The library underneath, for its own types: requests, metrics, errors.
pub use openraft;

pub use archive::{ArchiveHealth, ArchiveOptions, Archived, ArchivedPayload, HISTORY_MAX};
pub use ballast::BALLAST_BYTES;
pub use config::{Snapshots, raft_config};
pub use error::StoreError;
pub use layout::{decode_entry, encode_entry, snapshot_of};
pub use log_store::LogStore;
pub use machine::{Committed, Halt, Machine, MachineStatus, StateMachine};
pub use record::BadRecord;
pub use store::{CheckIn, Checker, Durable, Health, Store, StoreFile, StoreOptions, check};
pub use types::{
    Applied, Elected, Entry, EntryPayload, LeaderId, LogId, Membership, Payload, Position, Snapshot, SnapshotBytes,
    SnapshotMeta, StoredMembership, Types, Vote,
};

/// A member of a Raft group on the runtime `R` whose state is `M`.
pub type Raft<R, M> = openraft::Raft<Types<R>, StateMachine<M>>;
