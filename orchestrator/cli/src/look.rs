//! This machine, to be looked at: which programs it has, and what they say of themselves.
//!
//! For: import and `resource add`, with or without a daemon.
//! Never: a change of the machine. Requests that would be one are refused, and the only programs that run are agents
//! asked for their description.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::process::Stdio;
use std::time::Duration;

use haven_core::ids::BootId;
use haven_core::units::Millis;
use haven_env::{
    BoxFuture, Ended, GroupState, Host, HostError, NAMES_MAX, OUTPUT_MAX, Program, Reply, Request, RunReport,
};
use tokio::io::AsyncReadExt;
use tokio::process::{Child, Command};

/// This machine, to be looked at.
#[derive(Debug, Clone, Copy)]
pub(crate) struct LookHost;

impl Host for LookHost {
    fn boot_id(&self) -> BootId {
        BootId::from_bytes([0; 16])
    }

    fn run(&self, program: Program) -> BoxFuture<'_, RunReport> {
        Box::pin(run(program))
    }

    fn has_program(&self, path: &str) -> bool {
        fs::metadata(path).is_ok_and(|found| found.is_file() && found.permissions().mode() & 0o111 != 0)
    }

    fn request(&self, request: Request) -> BoxFuture<'_, Result<Reply, HostError>> {
        Box::pin(async move {
            match request {
                Request::ReadFolder { path } => read_folder(&path),
                Request::ReadFile { .. }
                | Request::Addresses
                | Request::AddressAdd { .. }
                | Request::AddressRemove { .. }
                | Request::AddressProbe { .. }
                | Request::AddressAnnounce { .. }
                | Request::InterfaceFor { .. }
                | Request::Unit { .. } => Err(HostError::Unsupported("the command line only looks".to_owned())),
            }
        })
    }

    fn sleep(&self, span: Millis) -> BoxFuture<'_, ()> {
        Box::pin(tokio::time::sleep(Duration::from_millis(span.0)))
    }

    fn groups(&self) -> Result<Vec<String>, HostError> {
        Err(HostError::Unsupported("the command line has no cgroups".to_owned()))
    }

    fn kill_group(&self, _: &str) -> BoxFuture<'_, GroupState> {
        Box::pin(std::future::ready(GroupState::Unknown))
    }

    fn remember(&self, _: &str, _: &[u8]) {}

    fn recall(&self, _: &str) -> Option<Vec<u8>> {
        None
    }

    fn reset_now(&self, _: &str) {}
}

fn read_folder(path: &str) -> Result<Reply, HostError> {
    let entries = fs::read_dir(path).map_err(|_| HostError::NotFound(path.to_owned()))?;
    let mut names: Vec<String> = entries
        .take(NAMES_MAX)
        .filter_map(|entry| Some(entry.ok()?.file_name().to_string_lossy().into_owned()))
        .collect();
    names.sort();
    Ok(Reply::Names(names))
}

async fn run(program: Program) -> RunReport {
    let not_started = |why: String| report(Ended::NotStarted(why), Vec::new());
    let mut command = Command::new(&program.path);
    command
        .args(&program.args)
        .env_clear()
        .envs(&program.env)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .kill_on_drop(true);
    let mut child = match command.spawn() {
        Ok(child) => child,
        Err(error) => return not_started(error.to_string()),
    };
    // Killed at the deadline, by being dropped.
    match tokio::time::timeout(Duration::from_millis(program.deadline.0), finish(&mut child)).await {
        Ok(Ok((ended, stdout))) => report(ended, stdout),
        Ok(Err(error)) => not_started(error.to_string()),
        Err(_) => report(Ended::TimedOut, Vec::new()),
    }
}

async fn finish(child: &mut Child) -> std::io::Result<(Ended, Vec<u8>)> {
    let mut stdout = Vec::new();
    if let Some(pipe) = child.stdout.take() {
        pipe.take(u64::try_from(OUTPUT_MAX).unwrap_or(u64::MAX)).read_to_end(&mut stdout).await?;
    }
    let status = child.wait().await?;
    Ok((status.code().map_or(Ended::Signalled(0), Ended::Exited), stdout))
}

fn report(ended: Ended, stdout: Vec<u8>) -> RunReport {
    RunReport { ended, stdout, stderr: Vec::new(), group: GroupState::Unknown }
}
