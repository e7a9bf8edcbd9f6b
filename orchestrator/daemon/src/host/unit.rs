//! The service manager, over D-Bus.
//!
//! Source: org.freedesktop.systemd1(5). A job's end is announced by a signal, so the signal is subscribed to before the
//! job is made.

use std::time::Duration;

use futures_util::StreamExt;
use haven_core::units::Monotonic;
use haven_env::{GroupState, HostError, JobQueued, Reply, UnitState, UnitVerb};
use tokio::sync::Mutex;
use tokio::time::{Instant, timeout_at};
use zbus::connection::Builder;
use zbus::message::Type;
use zbus::{Connection, Error, MatchRule, Message, MessageStream, OwnedObjectPath, OwnedVariant, fdo};

use super::in_time;

const SERVICE: &str = "org.freedesktop.systemd1";
const PATH: &str = "/org/freedesktop/systemd1";
const MANAGER: &str = "org.freedesktop.systemd1.Manager";
const UNIT: &str = "org.freedesktop.systemd1.Unit";
const PROPERTIES: &str = "org.freedesktop.DBus.Properties";
/// Exists exactly where systemd runs the machine.
const RUNS_HERE: &str = "/run/systemd/system";
/// No job: the empty object path.
const NO_JOB: &str = "/";
/// The error by which the service manager says that it knows no such unit.
const NO_SUCH_UNIT: &str = "org.freedesktop.systemd1.NoSuchUnit";
/// Result of a job that was not waited for to its end.
const UNFINISHED: &str = "timeout";
/// Signals that may queue up while a job is made. Others' jobs send them, too.
const QUEUE: usize = 1024;

/// Where the service manager is reached.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Bus {
    /// At the system's bus.
    System,
    /// At the bus with this D-Bus address, such as `unix:path=/run/x`.
    Address(String),
}

/// The service manager of this machine.
#[derive(Debug)]
pub(super) struct Units {
    bus: Bus,
    connection: Mutex<Option<Connection>>,
}

impl Units {
    pub(super) fn new(bus: Bus) -> Self {
        Self { bus, connection: Mutex::new(None) }
    }

    /// Answers `Unit`, within `deadline`. A job that is not finished by then is told apart: its result is `timeout`,
    /// and it counts as queued.
    /// `latest`: a job is not made after it; looked at right before it is asked for.
    pub(super) async fn ask(
        &self,
        verb: UnitVerb,
        unit: &str,
        deadline: Duration,
        latest: Option<Monotonic>,
    ) -> Result<Reply, HostError> {
        let until = Instant::now() + deadline;
        let Ok(connection) = timeout_at(until, self.connect()).await else {
            return Err(HostError::TimedOut("the connection to the service manager".to_owned()));
        };
        let manager = Manager { connection: connection? };
        let state = match verb {
            UnitVerb::Start => manager.job("StartUnit", unit, until, latest).await,
            UnitVerb::Stop => manager.job("StopUnit", unit, until, latest).await,
            UnitVerb::Status => bounded(until, unit, manager.state(unit, "")).await,
            UnitVerb::IsEnabled => bounded(until, unit, manager.enabled(unit)).await,
        };
        state.map(Reply::Unit)
    }

    async fn connect(&self) -> Result<Connection, HostError> {
        let mut kept = self.connection.lock().await;
        if let Some(connection) = kept.as_ref().filter(|connection| !connection.is_closed()) {
            return Ok(connection.clone());
        }
        let builder = match &self.bus {
            Bus::System if !std::path::Path::new(RUNS_HERE).is_dir() => {
                return Err(HostError::Unsupported("systemd does not run this machine".to_owned()));
            }
            Bus::System => Builder::system(),
            Bus::Address(address) => Builder::address(address.as_str()),
        };
        let failed = |error: Error| HostError::Failed(format!("cannot reach the service manager: {error}"));
        let connection = builder.build().await.map_err(failed)?;
        // Without this, systemd sends no signals about jobs.
        let manager = Manager { connection: connection.clone() };
        manager.call("Subscribe", &()).await.map_err(failed)?;
        *kept = Some(connection.clone());
        Ok(connection)
    }
}

/// Waits for an answer about a unit.
async fn bounded<T>(until: Instant, unit: &str, work: impl Future<Output = Result<T, Error>>) -> Result<T, HostError> {
    match timeout_at(until, work).await {
        Ok(result) => result.map_err(|error| failed(unit, &error)),
        Err(_) => Err(HostError::TimedOut(format!("the service manager's answer about {unit}"))),
    }
}

fn failed(unit: &str, error: &Error) -> HostError {
    let no_such_unit = matches!(error, Error::MethodError(name, _, _) if name.as_str() == NO_SUCH_UNIT);
    let no_file = matches!(error, Error::FDO(known) if matches!(**known, fdo::Error::FileNotFound(_)));
    if no_such_unit || no_file {
        HostError::NotFound(unit.to_owned())
    } else {
        HostError::Failed(format!("the service manager refuses {unit}: {error}"))
    }
}

struct Manager {
    connection: Connection,
}

impl Manager {
    async fn call<B>(&self, method: &str, body: &B) -> Result<Message, Error>
    where
        B: serde::Serialize + zbus::DynamicType,
    {
        self.connection.call_method(Some(SERVICE), PATH, Some(MANAGER), method, body).await
    }

    async fn property(&self, unit: &OwnedObjectPath, name: &str) -> Result<OwnedVariant, Error> {
        let reply = self.connection.call_method(Some(SERVICE), unit, Some(PROPERTIES), "Get", &(UNIT, name)).await?;
        reply.body().deserialize()
    }

    async fn text(&self, unit: &OwnedObjectPath, name: &str) -> Result<String, Error> {
        String::try_from(self.property(unit, name).await?)
    }

    /// The unit's object, loaded if it is not. Errors: there is no such unit.
    async fn load(&self, unit: &str) -> Result<OwnedObjectPath, Error> {
        let path: OwnedObjectPath = self.call("LoadUnit", &(unit,)).await?.body().deserialize()?;
        // A unit whose file was deleted while it runs is still to be stopped.
        let gone = self.text(&path, "LoadState").await? == "not-found";
        if gone && self.text(&path, "ActiveState").await? == "inactive" {
            return Err(Error::FDO(Box::new(fdo::Error::FileNotFound(unit.to_owned()))));
        }
        Ok(path)
    }

    async fn state(&self, unit: &str, job_result: &str) -> Result<UnitState, Error> {
        let path = self.load(unit).await?;
        let (_, job) = <(u32, OwnedObjectPath)>::try_from(self.property(&path, "Job").await?)?;
        let processes = match self.call("GetUnitProcesses", &(unit,)).await {
            Ok(reply) => reply.body().deserialize::<Vec<(String, u32, String)>>().map(|left| left.is_empty()),
            Err(error) => Err(error),
        };
        Ok(UnitState {
            active: self.text(&path, "ActiveState").await?,
            sub: self.text(&path, "SubState").await?,
            job_result: job_result.to_owned(),
            job_queued: if job.as_str() == NO_JOB { JobQueued::No } else { JobQueued::Yes },
            processes: match processes {
                Ok(true) => GroupState::Empty,
                Ok(false) => GroupState::Lingering,
                Err(_) => GroupState::Unknown,
            },
            enabled: String::new(),
        })
    }

    async fn enabled(&self, unit: &str) -> Result<UnitState, Error> {
        let mut enabled: String = self.call("GetUnitFileState", &(unit,)).await?.body().deserialize()?;
        if enabled == "alias" {
            // The name itself is never enabled; the unit behind it may be.
            let real = self.text(&self.load(unit).await?, "Id").await?;
            enabled = self.call("GetUnitFileState", &(real.as_str(),)).await?.body().deserialize()?;
        }
        Ok(UnitState {
            active: String::new(),
            sub: String::new(),
            job_result: String::new(),
            job_queued: JobQueued::No,
            processes: GroupState::Unknown,
            enabled,
        })
    }

    /// Makes a job of `method` for the unit and waits for its end.
    async fn job(
        &self,
        method: &str,
        unit: &str,
        until: Instant,
        latest: Option<Monotonic>,
    ) -> Result<UnitState, HostError> {
        let mut ends = bounded(until, unit, async {
            self.load(unit).await?;
            self.ends_of_jobs().await
        })
        .await?;
        // Asking for all that took its time.
        in_time(latest)?;
        let job = bounded(until, unit, async {
            self.call(method, &(unit, "replace")).await?.body().deserialize::<OwnedObjectPath>()
        })
        .await?;
        let result = timeout_at(until, result_of(&mut ends, &job)).await;
        match result {
            Ok(Ok(result)) => bounded(until, unit, self.state(unit, &result)).await,
            Ok(Err(error)) => Err(failed(unit, &error)),
            Err(_) => Ok(UnitState {
                active: String::new(),
                sub: String::new(),
                job_result: UNFINISHED.to_owned(),
                job_queued: JobQueued::Yes,
                processes: GroupState::Unknown,
                enabled: String::new(),
            }),
        }
    }

    async fn ends_of_jobs(&self) -> Result<MessageStream, Error> {
        let rule = MatchRule::builder()
            .msg_type(Type::Signal)
            .sender(SERVICE)
            .path(PATH)
            .interface(MANAGER)
            .member("JobRemoved")
            .build()?;
        MessageStream::for_match_rule(rule, &self.connection, std::num::NonZeroUsize::new(QUEUE)).await
    }
}

async fn result_of(ends: &mut MessageStream, wanted: &OwnedObjectPath) -> Result<String, Error> {
    while let Some(message) = ends.next().await {
        let message = message?;
        let body = message.body();
        let (_, job, _, result): (u32, OwnedObjectPath, String, String) = body.deserialize()?;
        if job == *wanted {
            return Ok(result);
        }
    }
    Err(Error::Failure("its connection broke while a job was waited for".to_owned()))
}
