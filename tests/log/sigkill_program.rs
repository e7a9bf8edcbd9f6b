//! The SIGKILL loop: `sigkill-loop KILLS [SEED]`.
//!
//! A child of this program appends to a store on real files and acknowledges over a pipe; it is killed at random
//! moments, its start included, and each time all that it had acknowledged must be there. Ends with 1 and the seed at
//! the first loss.

use std::collections::BTreeMap;
use std::error::Error;
use std::io::{BufRead, BufReader, Write, stdout};
use std::path::Path;
use std::process::{Command, ExitCode, Stdio};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use futures_util::stream;
use haven_core::ids::{LogIndex, StoreId, Term};
use haven_daemon::FileVolume;
use haven_env::Runtime;
use haven_log::openraft::storage::{RaftLogStorage, RaftLogStorageExt, RaftSnapshotBuilder, RaftStateMachine};
use haven_log::{
    ArchivedPayload, Committed, Entry, EntryPayload, Halt, LeaderId, LogStore, Machine, Payload, Position,
    StateMachine, Store, StoreOptions, Types, Vote,
};
use openraft_rt_tokio::TokioRuntime;

/// Kills that one store lives through; then a new one is begun, so that a long loop does not grow.
const KILLS_PER_STORE: u64 = 10;
/// Longest life of a child, in milliseconds; opening takes some tens of them.
const LIFE_MAX: u64 = 120;
/// Appends between two snapshots of a child.
const SNAPSHOT_EVERY: u64 = 20;

type Outcome<T> = Result<T, Box<dyn Error + Send + Sync>>;

fn main() -> ExitCode {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let result = match args.iter().map(String::as_str).collect::<Vec<_>>().as_slice() {
        ["write", folder, life] => life.parse().map_err(Into::into).and_then(|life| write(Path::new(folder), life)),
        [kills] => kills.parse().map_err(Into::into).and_then(|kills| kill_again_and_again(kills, 1)),
        [kills, seed] => match (kills.parse(), seed.parse()) {
            (Ok(kills), Ok(seed)) => kill_again_and_again(kills, seed),
            _ => Err("KILLS and SEED are numbers".into()),
        },
        _ => Err("usage: sigkill-loop KILLS [SEED]".into()),
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            let _ = writeln!(std::io::stderr(), "sigkill-loop: {error}");
            ExitCode::FAILURE
        }
    }
}

/// What was acknowledged: the term of each entry by its index, and the last vote.
#[derive(Debug, Default)]
struct Acknowledged {
    terms: BTreeMap<u64, u64>,
    vote: u64,
}

fn kill_again_and_again(kills: u64, seed: u64) -> Outcome<()> {
    let (mut folder, mut acknowledged) = (tempfile::tempdir()?, Acknowledged::default());
    let (mut entries, mut random) = (0, seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1);
    for kill in 0..kills {
        if kill > 0 && kill % KILLS_PER_STORE == 0 {
            entries += acknowledged.terms.len();
            (folder, acknowledged) = (tempfile::tempdir()?, Acknowledged::default());
        }
        random ^= random << 13;
        random ^= random >> 7;
        random ^= random << 17;
        one_life(folder.path(), kill + 1, Duration::from_millis(1 + random % LIFE_MAX), &mut acknowledged)?;
        let checked = TokioRuntime::run(check(folder.path(), &acknowledged));
        checked.map_err(|error| format!("after kill {kill} of seed {seed}: {error}"))?;
    }
    entries += acknowledged.terms.len();
    writeln!(stdout(), "{kills} kills, {entries} acknowledged entries, none lost (seed {seed})")?;
    Ok(())
}

/// Lets a child write for `span` and kills it.
fn one_life(folder: &Path, life: u64, span: Duration, acknowledged: &mut Acknowledged) -> Outcome<()> {
    let mut command = Command::new(std::env::current_exe()?);
    command.arg("write").arg(folder).arg(life.to_string()).stdout(Stdio::piped());
    let mut child = command.spawn()?;
    let pipe = child.stdout.take().ok_or("the child has no pipe")?;
    let killer = std::thread::spawn(move || {
        std::thread::sleep(span);
        let _ = child.kill();
        child.wait()
    });
    for line in BufReader::new(pipe).lines() {
        let line = line?;
        // A line that the kill has cut off was not acknowledged.
        match line.split(' ').collect::<Vec<_>>().as_slice() {
            ["entry", index, term, "."] => {
                acknowledged.terms.insert(index.parse()?, term.parse()?);
            }
            ["vote", term, "."] => acknowledged.vote = term.parse()?,
            _ => {}
        }
    }
    let status = killer.join().map_err(|_| "the killer panicked")??;
    if status.code().is_some() {
        return Err(format!("the child ended by itself: {status}").into());
    }
    Ok(())
}

async fn check(folder: &Path, acknowledged: &Acknowledged) -> Outcome<()> {
    let store = open(folder).await?;
    let mut found: Vec<(u64, u64, Vec<u8>)> = Vec::new();
    let end = LogIndex(u64::MAX - 1);
    loop {
        let next = found.last().map_or(0, |(index, ..)| index + 1);
        let more = store.history(LogIndex(next)..=end).await?;
        if more.is_empty() {
            break;
        }
        found.extend(more.into_iter().map(|past| match past.payload {
            ArchivedPayload::Event(bytes) => (past.index.0, past.term.0, bytes),
            ArchivedPayload::Voting { .. } | ArchivedPayload::Blank => (past.index.0, past.term.0, Vec::new()),
        }));
    }
    let next = found.last().map_or(0, |(index, ..)| index + 1);
    for live in store.read(next..)? {
        let EntryPayload::Normal(payload) = live.payload else { return Err("an entry of another kind".into()) };
        found.push((live.log_id.index, live.log_id.leader_id.term, payload.0));
    }
    for ((index, term, bytes), wanted) in found.iter().zip(0..) {
        if *index != wanted || *bytes != content(*term, *index) {
            return Err(format!("entry {wanted} of {} came back as {term}.{index}", found.len()).into());
        }
    }
    let found: BTreeMap<u64, u64> = found.into_iter().map(|(index, term, _)| (index, term)).collect();
    if let Some((index, term)) = acknowledged.terms.iter().find(|(index, term)| found.get(*index) != Some(*term)) {
        return Err(format!("entry {term}.{index} was acknowledged, {:?} is there", found.get(index)).into());
    }
    if store.vote().map_or(0, |vote| vote.leader_id.term) < acknowledged.vote {
        return Err(format!("the vote of term {} is lost", acknowledged.vote).into());
    }
    store.close().await?;
    Ok(())
}

async fn open(folder: &Path) -> Outcome<Arc<Store>> {
    let volume = FileVolume::open(&folder.join("store"))?;
    Ok(Store::open(volume, StoreOptions { ballast: 0, ..StoreOptions::new(StoreId::from_bytes([7; 16])) }).await?)
}

fn content(term: u64, index: u64) -> Vec<u8> {
    let len = usize::try_from(index * 37 % 700).unwrap_or(0);
    term.to_le_bytes().into_iter().chain(index.to_le_bytes()).cycle().take(len).collect()
}

/// The child: writes until it is killed.
fn write(folder: &Path, life: u64) -> Outcome<()> {
    TokioRuntime::run(async move {
        let store = open(folder).await?;
        let mut log = LogStore::<TokioRuntime>::new(store.clone());
        let mut machine = StateMachine::new(store.clone(), Arc::new(Mutex::new(Count(0))))?;
        let mut next = store.last_log().map_or(0, |last| last.index.0 + 1);
        let applied = machine.applied().map_or(0, |applied| applied.index.0 + 1);
        apply(&mut machine, store.read(applied..next)?).await?;
        let leader_id = LeaderId { term: life, voted_for: 1 };
        log.save_vote(&Vote { leader_id, committed: true }).await?;
        say(format!("vote {life} ."))?;
        for round in 1.. {
            let batch: Vec<Entry> = (next..next + 1 + round % 4).map(|index| entry(life, index)).collect();
            RaftLogStorageExt::<Types<TokioRuntime>>::blocking_append(&mut log, batch.clone()).await?;
            for _ in &batch {
                say(format!("entry {next} {life} ."))?;
                next += 1;
            }
            apply(&mut machine, batch).await?;
            if round % SNAPSHOT_EVERY == 0 {
                RaftSnapshotBuilder::<Types<TokioRuntime>>::build_snapshot(&mut machine).await?;
                log.purge(entry(life, next - 1).log_id).await?;
            }
        }
        Ok(())
    })
}

fn say(line: String) -> Outcome<()> {
    let mut out = stdout().lock();
    out.write_all((line + "\n").as_bytes())?;
    Ok(out.flush()?)
}

fn entry(term: u64, index: u64) -> Entry {
    let at = Position { term: Term(term), index: LogIndex(index) };
    Entry { log_id: at.into(), payload: EntryPayload::Normal(Payload(content(term, index))) }
}

async fn apply(machine: &mut StateMachine<Count>, entries: Vec<Entry>) -> Outcome<()> {
    let entries = stream::iter(entries.into_iter().map(|entry| Ok((entry, None))));
    Ok(RaftStateMachine::<Types<TokioRuntime>>::apply(machine, entries).await?)
}

/// Counts the entries.
#[derive(Debug)]
struct Count(u64);

impl Machine for Count {
    fn apply(&mut self, _: LogIndex, _: Term, _: Committed<'_>) -> Result<Vec<u8>, Halt> {
        self.0 += 1;
        Ok(Vec::new())
    }

    fn snapshot(&self) -> Vec<u8> {
        self.0.to_le_bytes().to_vec()
    }

    fn restore(&mut self, bytes: &[u8]) -> Result<(), String> {
        self.0 = u64::from_le_bytes(bytes.try_into().map_err(|_| "not a count")?);
        Ok(())
    }
}
