//! Addresses of this machine, defended against machines that claim them.
//!
//! For: announcing an address again when another machine has announced it, by the rule of [`Defence`]: the neighbours
//! send its traffic to whoever announced it last.
//! Never: an address added, or kept from leaving. An announcement goes out only while the address is on its interface,
//! and before haven removes an address its task has ended: what is announced late takes the address from its next owner.
//! Nobody waits for any of this but a removal, and that only until the task has stopped.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use haven_agents::Defence;
use haven_core::units::{Millis, Monotonic};
use haven_env::HostError;
use tokio::task::JoinHandle;
use tracing::{debug, warn};

use super::frame::{self, Mac, Owner};
use super::wire::{Ear, Wire};
use super::{Interface, Network, is_here, macs, news, parse};
use crate::host::launch;

/// Addresses that are defended at most, each with a socket and a task: more than one machine is given.
const DEFENDED_MAX: usize = 1024;
/// How often somebody looks whether an address that nobody claims has left by another hand than haven's.
const LOOK: Duration = Duration::from_secs(60);
/// How often the same address is warned of: claims may go on for days.
const WARN_EVERY: Millis = Millis::secs(60);
/// Wait before a socket that failed is opened again; each later one takes twice as long.
const RETRY: Millis = Millis(500);
/// Longest such wait. A monitor announces the address about as often, whatever becomes of this.
const RETRY_MAX: Millis = Millis::secs(8);

/// An address, and where it is.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
struct Post {
    interface: String,
    address: IpAddr,
}

/// The addresses that are defended, with a task each.
#[derive(Debug, Default)]
pub(in crate::host) struct Defenders(Mutex<BTreeMap<Post, JoinHandle<()>>>);

impl Defenders {
    fn tasks(&self) -> MutexGuard<'_, BTreeMap<Post, JoinHandle<()>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Defends an address from here on, for as long as it is on the interface. Must be called on a runtime.
    pub(in crate::host) fn begin(&self, interface: &str, address: &str) {
        let Ok(address) = parse(address) else { return };
        let post = Post { interface: interface.to_owned(), address };
        let mut tasks = self.tasks();
        tasks.retain(|_, task| !task.is_finished());
        if tasks.contains_key(&post) {
            return;
        }
        if tasks.len() >= DEFENDED_MAX {
            warn!(interface, %address, "too many addresses are defended, this one is only announced by its monitor");
            return;
        }
        let task = tokio::spawn(post.clone().defend());
        tasks.insert(post, task);
    }

    /// Defends an address, such as `10.77.0.200/24`, no more: when this returns, its task has ended.
    pub(in crate::host) async fn end(&self, interface: &str, address: &str) {
        let Ok(Network { address, .. }) = Network::read(address) else { return };
        let task = self.tasks().remove(&Post { interface: interface.to_owned(), address });
        if let Some(task) = task {
            task.abort();
            // An abort that ends a task is its expected end.
            let _ = task.await;
        }
    }
}

impl Drop for Defenders {
    fn drop(&mut self) {
        self.tasks().values().for_each(JoinHandle::abort);
    }
}

fn now() -> Monotonic {
    Monotonic::from_micros(u64::try_from(launch::now().as_micros()).unwrap_or(u64::MAX))
}

/// What a task knows beyond one socket.
#[derive(Default)]
struct Known {
    defence: Defence,
    warned: Option<Monotonic>,
}

impl Post {
    async fn defend(self) {
        let (mut known, mut wait) = (Known::default(), RETRY);
        loop {
            let began = now();
            match self.listen(&mut known).await {
                // The address has left, or nobody can be told on such an interface.
                Ok(()) | Err(HostError::Unsupported(_)) => return,
                Err(error) => debug!(interface = self.interface, address = %self.address, %error, "cannot listen"),
            }
            if now().since(began) > RETRY_MAX {
                wait = RETRY;
            }
            tokio::time::sleep(Duration::from_millis(wait.0)).await;
            wait = RETRY_MAX.min(Millis(wait.0 * 2));
            // Who claimed it meanwhile was not heard.
            known.defence.claimed(now());
        }
    }

    /// Listens and answers until the address has left. Errors: the socket's, or the interface's.
    async fn listen(&self, known: &mut Known) -> Result<(), HostError> {
        let Post { interface, address } = self;
        if !is_here(interface, *address)? {
            return Ok(());
        }
        let found = Interface::find(interface)?;
        found.ethernet(interface)?;
        let wire = Wire::open(interface, &found.link, address, Ear::Claims)?;
        let mut ours = macs()?;
        loop {
            let due = known.defence.due();
            if due.is_some_and(|due| due <= now()) {
                known.defence.announced(now());
                if !is_here(interface, *address)? {
                    return Ok(());
                }
                // A bond or a person may have given the interface another one since.
                ours = macs()?;
                self.announce(&wire, Interface::find(interface)?.ethernet(interface)?).await?;
                continue;
            }
            let wait = due.map_or(LOOK, |due| Duration::from_micros(due.as_micros().saturating_sub(now().as_micros())));
            match wire.hear(wait, |bytes| frame::claimant(bytes, &ours, *address)).await? {
                Some(owner) => self.claimed(known, owner),
                None if due.is_none() && !is_here(interface, *address)? => return Ok(()),
                None => {}
            }
        }
    }

    fn claimed(&self, known: &mut Known, owner: Owner) {
        let now = now();
        known.defence.claimed(now);
        if known.warned.is_some_and(|warned| now.since(warned) < WARN_EVERY) {
            return;
        }
        known.warned = Some(now);
        let Post { interface, address } = self;
        warn!(interface, %address, mac = %owner, "another machine claims an address of this one, it is announced again");
    }

    async fn announce(&self, wire: &Wire, mac: Mac) -> Result<(), HostError> {
        for frame in news(mac, self.address) {
            wire.send(&frame).await?;
        }
        Ok(())
    }
}
