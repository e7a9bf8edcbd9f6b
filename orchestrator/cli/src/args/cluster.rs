//! The cluster as a whole: `status`, `log`, `why`, `maintenance`, `token`, `ca`, `drill`,
//! `unfreeze`.

use std::path::PathBuf;

use clap::{Args, Subcommand};

use super::{Doing, Sure, Trial};

/// The state of everything on one page.
#[derive(Debug, Args)]
pub(crate) struct Status {
    /// Show it again whenever something changes, until interrupted.
    #[arg(long, short, conflicts_with = "at")]
    pub(crate) watch: bool,
    /// As it was after this entry of the log.
    #[arg(long, value_name = "INDEX")]
    pub(crate) at: Option<u64>,
}

/// What happened.
#[derive(Debug, Args)]
#[command(args_conflicts_with_subcommands = true)]
pub(crate) struct Log {
    /// What is done with it; it is shown if nothing is said.
    #[command(subcommand)]
    pub(crate) verb: Option<LogVerb>,
    /// Go on with what happens, until interrupted.
    #[arg(long, short, conflicts_with_all = ["to", "at"])]
    pub(crate) follow: bool,
    /// First entry.
    #[arg(long, value_name = "INDEX", conflicts_with = "at")]
    pub(crate) from: Option<u64>,
    /// Last entry.
    #[arg(long, value_name = "INDEX", conflicts_with = "at")]
    pub(crate) to: Option<u64>,
    /// The entries that led to this one.
    #[arg(long, value_name = "INDEX")]
    pub(crate) at: Option<u64>,
}

/// What is done with the log.
#[derive(Debug, Subcommand)]
pub(crate) enum LogVerb {
    /// Write it as a file that `haven sim from-log` replays; there are no secrets in it.
    Export(LogExport),
}

/// What is exported, and where it goes.
#[derive(Debug, Args)]
pub(crate) struct LogExport {
    /// First entry; the first of which everything is kept, if nothing is said.
    #[arg(long, value_name = "INDEX")]
    pub(crate) from: Option<u64>,
    /// Last entry; the last one, if nothing is said.
    #[arg(long, value_name = "INDEX")]
    pub(crate) to: Option<u64>,
    /// Write it into this file, which must not be there, and not to standard output.
    #[arg(long, value_name = "NEW")]
    pub(crate) out: Option<PathBuf>,
}

/// Tokens by which machines join.
#[derive(Debug, Subcommand)]
pub(crate) enum Token {
    /// Make a token for one machine; it is shown once.
    Create {
        /// For a machine that votes and runs nothing.
        #[arg(long)]
        witness: bool,
        /// How long it can be used.
        #[arg(long = "for", value_name = "TIME", default_value = "1h")]
        span: String,
    },
}

/// The certificate authority that lets machines in.
#[derive(Debug, Subcommand)]
pub(crate) enum Ca {
    /// Show its fingerprint, and who has no certificate of it yet.
    Show,
    /// Make another one, as when its key may have been copied; join tokens become void.
    Rotate {
        /// Do not ask.
        #[command(flatten)]
        sure: Sure,
        /// Longest wait until every member has a certificate of it.
        #[arg(long, value_name = "TIME", default_value = "1m")]
        timeout: String,
    },
}

/// Leave everything as it is: nothing is started, stopped or moved.
#[derive(Debug, Subcommand)]
pub(crate) enum Maintenance {
    /// Begin maintenance; it ends by itself.
    On {
        /// How long at most.
        #[arg(long = "for", value_name = "TIME", default_value = "2h")]
        span: String,
        /// What for.
        #[arg(long, value_name = "TEXT")]
        reason: String,
        /// How it is done.
        #[command(flatten)]
        doing: Doing,
    },
    /// End maintenance; shows first what will move.
    Off {
        /// Do not ask.
        #[command(flatten)]
        sure: Sure,
        /// How it is done.
        #[command(flatten)]
        doing: Doing,
    },
}

/// End a freeze after a broken invariant or a contradiction.
#[derive(Debug, Args)]
pub(crate) struct Unfreeze {
    /// The entry that froze, as `haven status` names it.
    pub(crate) index: u64,
    /// Why that is safe.
    #[arg(long, value_name = "TEXT")]
    pub(crate) reason: String,
    /// Do not ask.
    #[command(flatten)]
    pub(crate) sure: Sure,
    /// Only try it out.
    #[command(flatten)]
    pub(crate) trial: Trial,
}

/// What will be done next.
#[derive(Debug, Args)]
pub(crate) struct Plan {
    /// A Pacemaker CIB with its status section; no daemon is asked.
    #[arg(long, value_name = "FILE")]
    pub(crate) cib: Option<std::path::PathBuf>,
    /// The moment for which it is planned, instead of the one in the file.
    #[arg(long, value_name = "DATE", requires = "cib")]
    pub(crate) now: Option<String>,
    /// As which Pacemaker it is decided, instead of the one that wrote the file.
    #[arg(long = "as", value_name = "RELEASE", value_parser = ["2.1.5", "newest"], requires = "cib")]
    pub(crate) release: Option<String>,
    /// Why a resource is placed where it is, with the scores of all nodes, and why it does not run if it should.
    #[arg(long, value_name = "RESOURCE", requires = "cib", group = "question")]
    pub(crate) why: Option<String>,
    /// Why a resource is not placed on a node.
    #[arg(long, value_names = ["RESOURCE", "NODE"], num_args = 2, requires = "cib", group = "question")]
    pub(crate) why_not: Option<Vec<String>>,
    /// What would change in the plan, as `kill n2; standby n1; stop web; fail db on n3`.
    #[arg(long, value_name = "CHANGES", requires = "cib", group = "question")]
    pub(crate) what_if: Option<String>,
    /// What would not run, and what would move, for every node that could be lost.
    #[arg(long, requires = "cib", group = "question")]
    pub(crate) survive: bool,
    /// For every two nodes, too.
    #[arg(long, requires = "survive")]
    pub(crate) pairs: bool,
}

/// Why a resource or a node is as it is.
#[derive(Debug, Args)]
pub(crate) struct Why {
    /// A resource, a group or a node.
    pub(crate) name: String,
    /// As it was after this entry of the log.
    #[arg(long, value_name = "INDEX")]
    pub(crate) at: Option<u64>,
}

/// Switch a node off to see what happens, and measure the outage.
#[derive(Debug, Args)]
pub(crate) struct Drill {
    /// The node that dies.
    pub(crate) node: String,
    /// What a client would notice: ping:ADDRESS or tcp:HOST:PORT; may be repeated.
    #[arg(long, value_name = "PROBE")]
    pub(crate) probe: Vec<String>,
    /// Longest wait for the end of the failover.
    #[arg(long, value_name = "TIME", default_value = "3m")]
    pub(crate) timeout: String,
    /// Do not ask.
    #[command(flatten)]
    pub(crate) sure: Sure,
    /// Only try it out.
    #[command(flatten)]
    pub(crate) trial: Trial,
}
