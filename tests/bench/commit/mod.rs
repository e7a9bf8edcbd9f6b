//! What one committed event costs: three haven nodes against three members of etcd, and the least that the disk allows.
//!
//! All of it on loopback and on the disk of `$TMPDIR`, interleaved, one commit after the other, since that is what a
//! failover waits for. haven's nodes run in this process, on QUIC with certificates and on real files; etcd runs as
//! packaged and is asked over gRPC on one connection.

mod etcd;
mod floor;
mod haven;

use std::time::{Duration, Instant};

use clap::Args;
use haven_tests::lab::Fallible;
use serde::Serialize;
use serde_json::{Value, json};

use crate::table::load;

/// The ratio to etcd that haven must not exceed.
const RATIO_MAX: f64 = 1.25;
/// Commits before each measured round, so that no connection and no page is cold.
const WARM_UP: u32 = 20;

/// What is asked for.
#[derive(Debug, Args)]
pub(crate) struct Asked {
    /// Interleaved rounds.
    #[arg(long, default_value_t = 7)]
    rounds: u32,
    /// Commits in each round, of each.
    #[arg(long, default_value_t = 300)]
    commits: u32,
}

/// Medians of one round, in microseconds.
#[derive(Debug, Serialize)]
struct Row {
    fdatasync_us: f64,
    etcd_us: f64,
    haven_us: f64,
    to_etcd: f64,
    to_fdatasync: f64,
    load: String,
}

pub(crate) fn run(asked: &Asked) -> Fallible<Value> {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    runtime.block_on(compare(asked))
}

async fn compare(asked: &Asked) -> Fallible<Value> {
    let folder = tempfile::tempdir()?;
    let mut floor = floor::Floor::open(&folder.path().join("floor"))?;
    let mut etcd = etcd::Etcd::start(folder.path()).await?;
    let haven = haven::Cluster::start(folder.path()).await?;
    println!("round  fdatasync       etcd      haven  to etcd  to fdatasync   (medians, us)");
    let mut rows = Vec::new();
    for round in 1..=asked.rounds {
        let bare = median(timed(asked.commits, async |n| floor.write(n)).await?);
        // Whoever comes second finds a busier or a quieter disk: they take turns.
        let (other, ours) = if round % 2 == 0 {
            let ours = median(timed(asked.commits, async |n| haven.commit(n).await).await?);
            (median(timed(asked.commits, async |n| etcd.put(n).await).await?), ours)
        } else {
            let other = median(timed(asked.commits, async |n| etcd.put(n).await).await?);
            (other, median(timed(asked.commits, async |n| haven.commit(n).await).await?))
        };
        let (to_etcd, to_fdatasync) = (ours / other, ours / bare);
        println!("{round:5}  {bare:9.0}  {other:9.0}  {ours:9.0}  {to_etcd:7.2}  {to_fdatasync:12.2}");
        rows.push(Row { fdatasync_us: bare, etcd_us: other, haven_us: ours, to_etcd, to_fdatasync, load: load() });
    }
    let to_etcd = median_of(rows.iter().map(|row| row.to_etcd));
    let to_fdatasync = median_of(rows.iter().map(|row| row.to_fdatasync));
    println!("median ratio: {to_etcd:.2} to etcd (at most {RATIO_MAX}), {to_fdatasync:.2} to a bare fdatasync");
    haven.stop().await;
    Ok(json!({ "commits": asked.commits, "to_etcd": to_etcd, "to_fdatasync": to_fdatasync, "rows": rows }))
}

/// How long each commit took.
async fn timed(commits: u32, mut commit: impl AsyncFnMut(u32) -> Fallible<()>) -> Fallible<Vec<Duration>> {
    let mut spans = Vec::new();
    for n in 0..WARM_UP + commits {
        let from = Instant::now();
        commit(n).await?;
        if n >= WARM_UP {
            spans.push(from.elapsed());
        }
    }
    Ok(spans)
}

/// In microseconds.
fn median(spans: Vec<Duration>) -> f64 {
    median_of(spans.into_iter().map(|span| span.as_secs_f64() * 1e6))
}

fn median_of(values: impl Iterator<Item = f64>) -> f64 {
    let mut sorted: Vec<f64> = values.collect();
    sorted.sort_by(f64::total_cmp);
    sorted.get(sorted.len() / 2).copied().unwrap_or(f64::INFINITY)
}
