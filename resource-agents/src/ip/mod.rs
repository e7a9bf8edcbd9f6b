//! The built-in agent `haven:ip`: an address that moves between nodes.
//!
//! For: what IPaddr2 does, in milliseconds instead of 0.2 s, and with the question whether another machine still has
//! the address asked from the moment at which its owner falls silent, rather than after fencing.
//! Never: an address added while another machine answers for it. While the old owner is only suspected its answers are
//! expected; any answer after a start was allowed is a conflict.
//! Source: RFC 5227 (ARP probe and announcement), RFC 4862 (duplicate address detection), RFC 4861 (unsolicited
//! neighbour advertisement).

mod defence;
mod params;

use haven_core::event::Outcome;
use haven_core::units::Millis;
use haven_env::{Host, HostError, Reply, Request};

use crate::call::{Answer, Call, Verb};
use crate::run::Prepared;
use crate::script::TOO_LATE;
pub use defence::Defence;
pub(crate) use params::meta_data;
use params::{Asking, Network, Wanted};

/// The agent's name after `haven:`.
pub(crate) const KIND: &str = "ip";
/// How long the network is listened to, with several questions. RFC 5227 takes 4 to 7 s, for machines that start
/// together after a power cut behind bridges that learn, and that have nothing but this. Here the old owner is proven
/// gone before; what is looked for is a machine that is up, and a kernel that is up answers within a round trip, by
/// interrupt. Half a second is a hundred round trips, and with every profile over before the proof can be there.
const LISTEN: Millis = Millis(500);
/// How long a start listens that was made ready: the proof may be younger than the last question, and whoever answers
/// after it is a conflict. Ten round trips of a busy network.
const LAST_LOOK: Millis = Millis(50);
/// Wait between two questions while an old owner still answers.
const ASK_AGAIN: Millis = Millis(100);
/// Longest time that [`prepare`] takes once the old owner has fallen silent.
pub(crate) const READY_WITHIN: Millis = Millis(LISTEN.0 + ASK_AGAIN.0);

/// Runs the agent.
pub(crate) async fn run(host: &dyn Host, call: &Call, prepared: Prepared) -> Answer {
    let wanted = match Wanted::read(&call.params) {
        Ok(wanted) => wanted,
        Err(fault) => return Answer::new(Outcome::Hopeless, &fault),
    };
    let result = match call.verb {
        Verb::Start => start(host, call, &wanted, prepared).await,
        Verb::Stop => stop(host, &wanted).await,
        Verb::Probe => look(host, &wanted).await,
        Verb::Monitor => monitor(host, &wanted).await,
    };
    result.unwrap_or_else(|error| failure(call.verb, &error))
}

/// Asks until nobody answers, see [`crate::prepare`].
pub(crate) async fn prepare(host: &dyn Host, call: &Call) -> Prepared {
    let Ok(wanted) = Wanted::read(&call.params) else { return Prepared::Nothing };
    let Ok(networks) = networks(host).await else { return Prepared::Nothing };
    let Ok((interface, _)) = wanted.place(&networks) else { return Prepared::Nothing };
    if wanted.asking == Asking::No || networks.iter().any(|network| network.address == wanted.address) {
        return Prepared::Nothing;
    }
    let rounds = call.timeout.0 / ASK_AGAIN.0;
    for _ in 0..=rounds {
        match ask(host, &wanted, &interface, LISTEN).await {
            Ok(None) => return Prepared::AddressFree { interface, address: wanted.address.to_string() },
            Ok(Some(_)) => host.sleep(ASK_AGAIN).await,
            Err(_) => return Prepared::Nothing,
        }
    }
    Prepared::Nothing
}

/// Looks, and tells the neighbours once more: a link that was down, or a switch that was replaced, has forgotten who has
/// the address. That this fails does not make the address less here.
async fn monitor(host: &dyn Host, wanted: &Wanted) -> Result<Answer, HostError> {
    let networks = networks(host).await?;
    if let Some(here) = wanted.owned(&networks).find(|network| wanted.fits(network)) {
        let _ = announce(host, wanted, &here.interface, wanted.announcements.min(1)).await;
    }
    found(wanted, &networks)
}

async fn look(host: &dyn Host, wanted: &Wanted) -> Result<Answer, HostError> {
    found(wanted, &networks(host).await?)
}

fn found(wanted: &Wanted, networks: &[Network]) -> Result<Answer, HostError> {
    let mut here = wanted.owned(networks).peekable();
    if here.peek().is_none() {
        return Ok(Answer::done());
    }
    match here.find(|network| wanted.fits(network)) {
        Some(_) => Ok(Answer::running()),
        None => Ok(Answer::new(Outcome::Failed, &wanted.misplaced(networks))),
    }
}

async fn start(host: &dyn Host, call: &Call, wanted: &Wanted, prepared: Prepared) -> Result<Answer, HostError> {
    let networks = networks(host).await?;
    let mut here = wanted.owned(&networks).peekable();
    if here.peek().is_some() {
        return match here.find(|network| wanted.fits(network)) {
            Some(network) => Ok(announced(announce(host, wanted, &network.interface, wanted.announcements).await)),
            None => Ok(Answer::new(Outcome::Failed, &wanted.misplaced(&networks))),
        };
    }
    let (interface, prefix) = match wanted.place(&networks) {
        Ok(place) => place,
        Err(fault) => return Ok(Answer::new(Outcome::Failed, &fault)),
    };
    let free = Prepared::AddressFree { interface: interface.clone(), address: wanted.address.to_string() };
    if wanted.asking == Asking::Yes {
        let listen = if prepared == free { LAST_LOOK } else { LISTEN };
        match ask(host, wanted, &interface, listen).await {
            Ok(None) => {}
            Ok(Some(owner)) => {
                let detail = format!("{} is in use by {owner} on {interface}", wanted.address);
                return Ok(Answer::new(Outcome::Failed, &detail));
            }
            // A link without ARP, such as a tunnel: there is nobody to ask.
            Err(HostError::Unsupported(_)) => {}
            Err(error) => return Err(error),
        }
    }
    let add = Request::AddressAdd {
        interface: interface.clone(),
        address: format!("{}/{prefix}", wanted.address),
        broadcast: wanted.broadcast.clone(),
        label: wanted.label.as_ref().map(|label| format!("{interface}:{label}")),
        latest: call.latest,
    };
    host.request(add).await?;
    Ok(announced(announce(host, wanted, &interface, wanted.announcements).await))
}

async fn stop(host: &dyn Host, wanted: &Wanted) -> Result<Answer, HostError> {
    for network in wanted.owned(&networks(host).await?) {
        let address = format!("{}/{}", network.address, network.prefix);
        host.request(Request::AddressRemove { interface: network.interface.clone(), address }).await?;
    }
    let networks = networks(host).await?;
    match wanted.owned(&networks).next() {
        None => Ok(Answer::done()),
        Some(left) => {
            let detail = format!("{} is on {} again", wanted.address, left.interface);
            Ok(Answer::new(Outcome::Failed, &detail))
        }
    }
}

/// Who has the address, if anybody on the network answers for it within `listen`.
async fn ask(host: &dyn Host, wanted: &Wanted, interface: &str, listen: Millis) -> Result<Option<String>, HostError> {
    let address = wanted.address.to_string();
    let probe = Request::AddressProbe { interface: interface.to_owned(), address, wait: listen };
    let reply = host.request(probe).await?;
    if let Reply::Conflict(owner) = reply {
        return Ok(Some(owner));
    }
    if reply == Reply::NoConflict { Ok(None) } else { Err(odd(&reply)) }
}

async fn announce(host: &dyn Host, wanted: &Wanted, interface: &str, count: u32) -> Result<(), HostError> {
    let address = wanted.address.to_string();
    let announce = Request::AddressAnnounce { interface: interface.to_owned(), address, count };
    host.request(announce).await.map(|_| ())
}

/// The address is there; that the neighbours could not be told delays them until their own tables expire.
fn announced(result: Result<(), HostError>) -> Answer {
    match result {
        Ok(()) | Err(HostError::Unsupported(_)) => Answer::done(),
        Err(error) => Answer::new(Outcome::Done, &format!("the neighbours were not told: {error}")),
    }
}

async fn networks(host: &dyn Host) -> Result<Vec<Network>, HostError> {
    let reply = host.request(Request::Addresses).await?;
    let Reply::Addresses(pairs) = &reply else { return Err(odd(&reply)) };
    Ok(pairs.iter().filter_map(|(name, text)| Network::read(name, text)).collect())
}

fn odd(reply: &Reply) -> HostError {
    HostError::Failed(format!("the machine answered something odd: {reply:?}"))
}

fn failure(verb: Verb, error: &HostError) -> Answer {
    let outcome = match error {
        HostError::TimedOut(_) => Outcome::Unknown,
        HostError::TooLate => return Answer::new(Outcome::NotRun, TOO_LATE),
        HostError::NotFound(_) | HostError::Unsupported(_) | HostError::Failed(_) if verb.asks() => Outcome::Unknown,
        HostError::Unsupported(_) => Outcome::Hopeless,
        HostError::NotFound(_) | HostError::Failed(_) => Outcome::Failed,
    };
    Answer::new(outcome, &error.to_string())
}

#[cfg(test)]
mod tests;
