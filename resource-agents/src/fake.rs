//! A machine for tests: programs are closures, time passes when somebody sleeps.

#![cfg(test)]

use std::collections::BTreeMap;
use std::fmt;
use std::future::Future;
use std::pin::pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};

use haven_core::ids::{BootId, NodeId, ResourceId};
use haven_core::spec::AgentName;
use haven_core::units::{Millis, Monotonic, WallTime};
use haven_env::{BoxFuture, Clock, Ended, GroupState, Host, HostError, Program, Reply, Request, RunReport};

use crate::call::{Call, Verb};

type Behaviour = Box<dyn Fn(&Program) -> RunReport + Send + Sync>;
type Answers = Box<dyn Fn(&Request) -> Option<Result<Reply, HostError>> + Send + Sync>;

/// See the module.
#[derive(Default)]
pub(crate) struct FakeHost {
    programs: BTreeMap<String, Behaviour>,
    answers: Vec<Answers>,
    groups: Vec<String>,
    ran: Mutex<Vec<Program>>,
    asked: Mutex<Vec<Request>>,
    now: Arc<Mutex<Millis>>,
}

impl fmt::Debug for FakeHost {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        f.write_str("FakeHost")
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl FakeHost {
    pub(crate) fn new() -> Self {
        Self::default()
    }

    pub(crate) fn with_program(
        mut self,
        path: &str,
        behaviour: impl Fn(&Program) -> RunReport + Send + Sync + 'static,
    ) -> Self {
        self.programs.insert(path.to_owned(), Box::new(behaviour));
        self
    }

    pub(crate) fn with_answers(
        mut self,
        answers: impl Fn(&Request) -> Option<Result<Reply, HostError>> + Send + Sync + 'static,
    ) -> Self {
        self.answers.push(Box::new(answers));
        self
    }

    pub(crate) fn with_file(self, path: &'static str, text: &'static str) -> Self {
        let file = Request::ReadFile { path: path.to_owned() };
        self.with_answers(move |request| (*request == file).then(|| Ok(Reply::Bytes(text.into()))))
    }

    pub(crate) fn with_folder(self, path: &'static str, names: &'static [&'static str]) -> Self {
        let folder = Request::ReadFolder { path: path.to_owned() };
        let names: Vec<String> = names.iter().map(|name| (*name).to_owned()).collect();
        self.with_answers(move |request| (*request == folder).then(|| Ok(Reply::Names(names.clone()))))
    }

    pub(crate) fn with_groups(mut self, groups: &[&str]) -> Self {
        self.groups = groups.iter().map(|g| (*g).to_owned()).collect();
        self
    }

    /// The time, to be read and moved on by programs.
    pub(crate) fn time(&self) -> Arc<Mutex<Millis>> {
        self.now.clone()
    }

    /// The programs that were run, in order.
    pub(crate) fn ran(&self) -> Vec<Program> {
        lock(&self.ran).clone()
    }

    /// The requests that were made, in order.
    pub(crate) fn asked(&self) -> Vec<Request> {
        lock(&self.asked).clone()
    }

    pub(crate) fn block_on<T>(&self, future: impl Future<Output = T>) -> T {
        let mut future = pin!(future);
        let mut context = Context::from_waker(Waker::noop());
        for _ in 0..100_000 {
            if let Poll::Ready(value) = future.as_mut().poll(&mut context) {
                return value;
            }
        }
        panic!("the future never ends");
    }
}

impl Host for FakeHost {
    fn boot_id(&self) -> BootId {
        BootId::from_bytes([7; 16])
    }

    fn run(&self, program: Program) -> BoxFuture<'_, RunReport> {
        let report = match self.programs.get(&program.path) {
            Some(behaviour) => behaviour(&program),
            None => RunReport { ended: Ended::NotStarted(format!("{} is not here", program.path)), ..exited(0) },
        };
        lock(&self.ran).push(program);
        Box::pin(std::future::ready(report))
    }

    fn has_program(&self, path: &str) -> bool {
        self.programs.contains_key(path)
    }

    fn request(&self, request: Request) -> BoxFuture<'_, Result<Reply, HostError>> {
        let found = self.answers.iter().find_map(|answers| answers(&request));
        lock(&self.asked).push(request.clone());
        Box::pin(std::future::ready(found.unwrap_or_else(|| Err(HostError::NotFound(format!("{request:?}"))))))
    }

    fn sleep(&self, span: Millis) -> BoxFuture<'_, ()> {
        let mut now = lock(&self.now);
        *now = *now + span;
        Box::pin(std::future::ready(()))
    }

    fn groups(&self) -> Result<Vec<String>, HostError> {
        Ok(self.groups.clone())
    }

    fn kill_group(&self, _: &str) -> BoxFuture<'_, GroupState> {
        Box::pin(std::future::ready(GroupState::Empty))
    }

    fn remember(&self, _: &str, _: &[u8]) {}

    fn recall(&self, _: &str) -> Option<Vec<u8>> {
        None
    }

    fn reset_now(&self, _: &str) {}
}

impl Clock for FakeHost {
    fn monotonic(&self) -> Monotonic {
        Monotonic::default() + *lock(&self.now)
    }

    fn wall(&self) -> WallTime {
        WallTime(0)
    }
}

/// A program that ended with `code` and said nothing.
pub(crate) fn exited(code: i32) -> RunReport {
    RunReport { ended: Ended::Exited(code), stdout: Vec::new(), stderr: Vec::new(), group: GroupState::Empty }
}

/// A program that printed `stdout` and ended with `code`.
pub(crate) fn printed(code: i32, stdout: &str) -> RunReport {
    RunReport { stdout: stdout.into(), ..exited(code) }
}

/// A program that complained `stderr` and ended with `code`.
pub(crate) fn complained(code: i32, stderr: &str) -> RunReport {
    RunReport { stderr: stderr.into(), ..exited(code) }
}

/// A call of `agent` for resource `r1` on node `m1`.
pub(crate) fn call(agent: &str, verb: Verb, params: &[(&str, &str)]) -> Call {
    let node = NodeId::new("m1").unwrap();
    Call {
        resource: ResourceId::new("r1").unwrap(),
        agent: AgentName::parse(agent).unwrap(),
        params: params.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect(),
        verb,
        timeout: Millis::secs(20),
        latest: None,
        interval: Millis::ZERO,
        group: "7.1".to_owned(),
        nodes: vec![node.clone()],
        node,
    }
}
