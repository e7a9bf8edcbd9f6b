//! Logs on standard error, for people or for machines.
//!
//! Never: a secret. Types that hold one print as `***`.

use std::io;

use tracing_subscriber::EnvFilter;
use tracing_subscriber::filter::LevelFilter;

use crate::settings::LogFormat;

/// The variable that says what is logged, such as `haven=debug,info`.
const VARIABLE: &str = "HAVEN_LOG";

/// Begins to log. Does nothing if this process logs already. Libraries below are heard from warnings on.
pub(crate) fn begin(format: LogFormat) {
    let filter = EnvFilter::try_from_env(VARIABLE).unwrap_or_else(|_| {
        let quiet = ["quinn", "rustls", "redb", "hyper", "zbus"].map(|name| format!("{name}=error"));
        // What Raft cannot do, the node says itself; Raft's own words also tell of every planned end.
        let quiet = quiet.into_iter().chain(["openraft=off".to_owned()]).collect::<Vec<_>>();
        let quiet = quiet.iter().filter_map(|text| text.parse().ok());
        let base = EnvFilter::builder().with_default_directive(LevelFilter::INFO.into()).parse_lossy("");
        quiet.fold(base, EnvFilter::add_directive)
    });
    let builder = tracing_subscriber::fmt().with_env_filter(filter).with_writer(io::stderr);
    let _ = match format {
        LogFormat::Human => builder.with_ansi(false).with_target(false).try_init(),
        LogFormat::Json => builder.json().flatten_event(true).try_init(),
    };
}
