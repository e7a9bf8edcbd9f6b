//! Work that may wait for something outside the daemon, apart from the node's own tasks.
//!
//! For: heartbeats, leases and Raft on a thread that no agent, no file system and no question of a person holds up;
//! that one thread is woken less often than two would be.
//! Never: a change of what is asked or answered.

use std::sync::Arc;

use haven_core::ids::BootId;
use haven_core::spec::SecretRef;
use haven_core::units::Millis;
use haven_env::{
    BoxFuture, GroupState, Host, HostError, Program, Reply, Request, RunReport, Secret, SecretError, Secrets,
};
use tokio::runtime::{Handle, RuntimeFlavor};
use tokio::task::{JoinHandle, block_in_place};

/// A host whose programs, requests and reads are served by another runtime than the caller's.
#[derive(Debug, Clone)]
pub struct Apart {
    host: Arc<dyn Host>,
    work: Handle,
}

impl Apart {
    /// `host`, served by `work`, which needs IO and time.
    pub fn new(host: Arc<dyn Host>, work: Handle) -> Self {
        Self { host, work }
    }
}

impl Host for Apart {
    fn boot_id(&self) -> BootId {
        self.host.boot_id()
    }

    fn run(&self, program: Program) -> BoxFuture<'_, RunReport> {
        // A program is run in a task of its own, which begins here.
        let _within = self.work.enter();
        self.host.run(program)
    }

    fn has_program(&self, path: &str) -> bool {
        aside(|| self.host.has_program(path))
    }

    fn faces(&self) -> String {
        self.host.faces()
    }

    fn request(&self, request: Request) -> BoxFuture<'_, Result<Reply, HostError>> {
        let (host, work) = (self.host.clone(), self.work.clone());
        Box::pin(async move {
            let mut task = EndsWithCaller(work.spawn(async move { host.request(request).await }));
            (&mut task.0).await.unwrap_or_else(|error| Err(HostError::Failed(error.to_string())))
        })
    }

    fn sleep(&self, span: Millis) -> BoxFuture<'_, ()> {
        self.host.sleep(span)
    }

    fn groups(&self) -> Result<Vec<String>, HostError> {
        aside(|| self.host.groups())
    }

    fn kill_group(&self, group: &str) -> BoxFuture<'_, GroupState> {
        let (host, group) = (self.host.clone(), group.to_owned());
        let task = self.work.spawn(async move { host.kill_group(&group).await });
        Box::pin(async move { task.await.unwrap_or(GroupState::Unknown) })
    }

    fn remember(&self, key: &str, value: &[u8]) {
        self.host.remember(key, value);
    }

    fn recall(&self, key: &str) -> Option<Vec<u8>> {
        self.host.recall(key)
    }

    fn reset_now(&self, why: &str) {
        self.host.reset_now(why);
    }
}

/// Secrets whose files may be slow to read.
#[derive(Debug)]
pub struct SecretsApart<S>(pub S);

impl<S: Secrets> Secrets for SecretsApart<S> {
    fn get(&self, place: &SecretRef) -> Result<Secret, SecretError> {
        aside(|| self.0.get(place))
    }
}

/// Does work that may wait for a file system, while the tasks of this thread go on in another.
pub(crate) fn aside<T>(work: impl FnOnce() -> T) -> T {
    match Handle::try_current().map(|handle| handle.runtime_flavor()) {
        Ok(RuntimeFlavor::MultiThread) => block_in_place(work),
        // Elsewhere there are no other tasks, or nobody to hand them to.
        Ok(_) | Err(_) => work(),
    }
}

/// A request that nobody waits for any more is given up, as it would be without a task of its own.
struct EndsWithCaller<T>(JoinHandle<T>);

impl<T> Drop for EndsWithCaller<T> {
    fn drop(&mut self) {
        self.0.abort();
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc::channel;
    use std::time::Duration;

    use super::*;

    #[test]
    fn tasks_go_on_beside_what_waits() {
        let one_thread = tokio::runtime::Builder::new_multi_thread().worker_threads(1).build().unwrap();
        one_thread.block_on(async {
            let (say, heard) = channel();
            let waits = tokio::spawn(async move { aside(|| heard.recv_timeout(Duration::from_secs(10))) });
            // On the same one thread, and behind it: only what goes on beside can end the wait.
            let says = tokio::spawn(async move { say.send(7) });
            assert_eq!(waits.await.unwrap(), Ok(7));
            says.await.unwrap().unwrap();
        });
    }

    #[test]
    fn without_tasks_there_is_nobody_to_hand_on_to() {
        assert_eq!(aside(|| 7), 7);
        let alone = tokio::runtime::Builder::new_current_thread().build().unwrap();
        assert_eq!(alone.block_on(async { aside(|| 8) }), 8);
    }
}
