//! The names under which OCF agents call the cluster, over the daemon's socket.
//!
//! Never: a success for what is not committed.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::io::{self, Write};
use std::path::PathBuf;

use haven_agents::faces::{self, AttributeStore, Lifetime, Member, Place, Presence, Promoted, Quorum, StoreError};
use haven_api::{Client, ClientError};
use haven_core::control::Command;
use haven_core::ids::{NodeId, ResourceId};
use haven_core::spec::{NodeSpec, SpecEdit};
use haven_core::state::{ClusterState, Standing};
use tokio::runtime::{Builder, Runtime};

use crate::folder::Folders;
use crate::life::SOCKET;

/// An edit that meets another one is made again this often.
const EDIT_ATTEMPTS: u32 = 5;
/// The daemon cannot be reached, as Pacemaker's own programs end.
const NOT_CONNECTED: i32 = 102;

/// Acts as `face`; the code to end with.
pub(crate) fn main(face: &str, arguments: &[OsString]) -> i32 {
    let words: Vec<String> = arguments.iter().map(|word| word.to_string_lossy().into_owned()).collect();
    let environment: BTreeMap<String, String> = std::env::vars_os()
        .map(|(name, value)| (name.to_string_lossy().into_owned(), value.to_string_lossy().into_owned()))
        .collect();
    let runtime = match Builder::new_current_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => {
            let _ = writeln!(io::stderr(), "{face}: {error}");
            return NOT_CONNECTED;
        }
    };
    let socket = environment.get(SOCKET).map_or_else(|| Folders::default().socket(), PathBuf::from);
    let mut store = Daemon { client: Client::new(socket), runtime };
    let spoken = faces::speak(face, &words, &environment, &mut store);
    let _ = io::stdout().write_all(spoken.stdout.as_bytes());
    let _ = io::stderr().write_all(spoken.stderr.as_bytes());
    spoken.code
}

/// The daemon behind its socket.
struct Daemon {
    client: Client,
    runtime: Runtime,
}

fn failed(error: impl std::fmt::Display) -> StoreError {
    StoreError(error.to_string())
}

impl Daemon {
    fn state(&self) -> Result<ClusterState, StoreError> {
        self.runtime.block_on(self.client.state(None)).map_err(failed)
    }

    fn local(&self) -> Result<haven_api::model::LocalFacts, StoreError> {
        self.runtime.block_on(self.client.local()).map_err(failed)
    }

    fn command(&self, command: &Command) -> Result<(), ClientError> {
        self.runtime.block_on(self.client.command(command)).map(drop)
    }

    /// Edits the configuration, which somebody else may edit at the same time.
    fn edit(&self, edit: impl Fn(&ClusterState) -> Result<Option<SpecEdit>, StoreError>) -> Result<(), StoreError> {
        let mut last = StoreError("others change the configuration all the time".to_owned());
        for _ in 0..EDIT_ATTEMPTS {
            let state = self.state()?;
            let Some(edit) = edit(&state)? else { return Ok(()) };
            let command =
                Command::Edit { base: Some(state.revision), edits: vec![edit], comment: "set by an agent".to_owned() };
            match self.command(&command) {
                Ok(()) => return Ok(()),
                Err(error) if error.code() == "HV-CONFIG-01" => last = failed(error),
                Err(error) => return Err(failed(error)),
            }
        }
        Err(last)
    }

    /// Sets or removes an attribute.
    fn change(&self, node: &str, name: &str, lifetime: Lifetime, value: Option<&str>) -> Result<(), StoreError> {
        let node = NodeId::new(node).map_err(failed)?;
        match lifetime {
            Lifetime::Boot => {
                let (name, value) = (name.to_owned(), value.map(str::to_owned));
                self.command(&Command::Attribute { node, name, value }).map_err(failed)
            }
            Lifetime::Cluster => self.edit(|state| {
                let same = state.spec.properties.get(name).map(String::as_str) == value;
                let (name, value) = (name.to_owned(), value.map(str::to_owned));
                Ok((!same).then_some(SpecEdit::SetProperty { name, value }))
            }),
            Lifetime::Forever | Lifetime::Utilization => self.edit(|state| {
                let before = state.spec.nodes.get(&node).cloned().unwrap_or_default();
                let spec = changed(&before, name, lifetime, value)?;
                Ok((spec != before).then(|| SpecEdit::SetNode { node: node.clone(), spec }))
            }),
        }
    }
}

fn changed(before: &NodeSpec, name: &str, lifetime: Lifetime, value: Option<&str>) -> Result<NodeSpec, StoreError> {
    let mut spec = before.clone();
    match (lifetime == Lifetime::Utilization, value) {
        (true, Some(value)) => {
            let number = value.parse().map_err(|_| StoreError(format!("capacity {name} must be a whole number")))?;
            spec.utilization.insert(name.to_owned(), number);
        }
        (true, None) => drop(spec.utilization.remove(name)),
        (false, Some(value)) => drop(spec.attributes.insert(name.to_owned(), value.to_owned())),
        (false, None) => drop(spec.attributes.remove(name)),
    }
    Ok(spec)
}

impl AttributeStore for Daemon {
    fn get(&mut self, node: &str, name: &str, lifetime: Lifetime) -> Result<Option<String>, StoreError> {
        let state = self.state()?;
        let node = NodeId::new(node).map_err(failed)?;
        Ok(match lifetime {
            Lifetime::Boot => state.members.get(&node).and_then(|m| m.attributes.get(name)).cloned(),
            Lifetime::Forever => state.spec.nodes.get(&node).and_then(|n| n.attributes.get(name)).cloned(),
            Lifetime::Utilization => {
                state.spec.nodes.get(&node).and_then(|n| n.utilization.get(name)).map(ToString::to_string)
            }
            Lifetime::Cluster => state.spec.properties.get(name).cloned(),
        })
    }

    fn set(&mut self, node: &str, name: &str, lifetime: Lifetime, value: &str) -> Result<(), StoreError> {
        self.change(node, name, lifetime, Some(value))
    }

    fn delete(&mut self, node: &str, name: &str, lifetime: Lifetime) -> Result<(), StoreError> {
        self.change(node, name, lifetime, None)
    }

    fn my_name(&mut self) -> Result<String, StoreError> {
        Ok(self.local()?.node.to_string())
    }

    fn members(&mut self) -> Result<Vec<Member>, StoreError> {
        let state = self.state()?;
        let member = |m: &haven_core::state::Member| Member {
            number: m.member.0,
            name: m.node.to_string(),
            present: if m.standing == Standing::Online { Presence::Member } else { Presence::Lost },
        };
        Ok(state.members.values().map(member).collect())
    }

    fn quorum(&mut self) -> Result<Quorum, StoreError> {
        Ok(if self.local()?.leader.is_some() { Quorum::Held } else { Quorum::Lost })
    }

    fn locate(&mut self, resource: &str) -> Result<Vec<Place>, StoreError> {
        let state = self.state()?;
        let id = ResourceId::new(resource).map_err(failed)?;
        let mut places = Vec::new();
        for primitive in state.spec.primitives(&id) {
            let running = state.resources.get(&primitive).into_iter().flat_map(|status| status.running());
            places.extend(running.map(|node| Place { node: node.to_string(), promoted: Promoted::No }));
        }
        Ok(places)
    }
}
