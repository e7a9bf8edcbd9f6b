//! Dialling, watching what was dialled, and dialling anew.

use std::net::SocketAddr;
use std::sync::{Arc, Weak};
use std::time::{Duration, Instant};

use quinn::{Connection, Endpoint};
use tokio::task::JoinSet;
use tokio::time::{MissedTickBehavior, interval, sleep, timeout};

use super::Net;
use super::table::{Farewell, Key, Live};
use crate::gate::lock;
use crate::tls::{self, Purpose, SERVER_NAME};

/// A new attempt begins this often, while earlier ones may still succeed: after a network has healed, or a machine is
/// back, the first packet is never further away than this.
const ATTEMPT_EVERY: Duration = Duration::from_millis(500);
/// How long an attempt may take: slow networks and busy machines included.
const ATTEMPT_WITHIN: Duration = Duration::from_secs(3);
/// Attempts under way at a time.
const ATTEMPTS_MAX: usize = 6;
/// Pause before the first attempt after a connection was lost or refused, so that two ends that disagree do not spin.
const PAUSE: Duration = Duration::from_millis(50);
/// How often a connection is looked at.
const LOOK_EVERY: Duration = Duration::from_millis(500);
/// A connection on which nothing arrived for so long is dialled anew: both ends say something every half second.
const SILENT_AFTER: Duration = Duration::from_millis(2500);
/// The same for calls while heartbeats of the same peer arrive on the same link: then the network is there, and QUIC is
/// only waiting for its next probe.
const STUCK_AFTER: Duration = Duration::from_millis(1500);
/// Heartbeats arrive if the last did so since then. Less than [`STUCK_AFTER`] by more than the pause between two things
/// that are said on an idle connection: else a cable that was cut is taken for a connection that is stuck.
const BEATS_SINCE: Duration = Duration::from_millis(800);
/// A look that comes later than this was held up, and so was what arrived meanwhile.
const HELD_UP: Duration = Duration::from_millis(750);

/// Keeps a connection to a peer, for as long as it is one. Ends when it is aborted.
pub(super) async fn keep(net: Weak<Net>, key: Key, address: SocketAddr) {
    loop {
        let connection = dial(&net, &key, address).await;
        let Some(net) = net.upgrade() else { return };
        let Some(connection) = connection else { return };
        let adopted = net.adopt(connection, key.1, key.2, Some(&key.0));
        let weak = Arc::downgrade(&net);
        drop(net);
        match adopted {
            Ok(live) => watch(&weak, &key, &live).await,
            Err(why) => weak.upgrade().iter().for_each(|net| net.trouble(&key, why.to_string())),
        }
        sleep(PAUSE).await;
    }
}

/// Dials until somebody answers. `None` when the transport is gone.
async fn dial(net: &Weak<Net>, key: &Key, address: SocketAddr) -> Option<Connection> {
    let mut attempts = JoinSet::new();
    let mut ticks = interval(ATTEMPT_EVERY);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        tokio::select! {
            biased;
            Some(done) = attempts.join_next() => match done {
                Ok(Ok(connection)) => return Some(connection),
                Ok(Err(why)) => net.upgrade()?.trouble(key, why),
                // Aborted with the transport, or a bug that the runtime has reported.
                Err(_) => {}
            },
            _ = ticks.tick() => {
                let net = net.upgrade()?;
                let endpoint = net.links.iter().find(|link| link.id == key.1).and_then(|link| link.endpoint());
                match endpoint {
                    None => net.trouble(key, "this node's own address is not there".to_owned()),
                    Some(endpoint) if attempts.len() < ATTEMPTS_MAX => {
                        drop(attempts.spawn(attempt(net, endpoint, key.clone(), address)));
                    }
                    Some(_) => {}
                }
            }
        }
    }
}

async fn attempt(net: Arc<Net>, endpoint: Endpoint, key: Key, address: SocketAddr) -> Result<Connection, String> {
    let config = tls::to_member(&net.gate, &net.own, &key.0, key.2).map_err(|e| e.to_string())?;
    drop(net);
    let connecting = endpoint.connect_with(config, address, SERVER_NAME).map_err(|e| e.to_string())?;
    match timeout(ATTEMPT_WITHIN, connecting).await {
        Ok(connected) => connected.map_err(|e| e.to_string()),
        Err(_) => Err(format!("no answer from {address}")),
    }
}

/// Returns when the connection has ended, or has been ended because nothing arrives on it.
async fn watch(net: &Weak<Net>, key: &Key, live: &Live) {
    let mut arrived = live.connection.stats().udp_rx.datagrams;
    let mut last = Instant::now();
    let mut looks = interval(LOOK_EVERY);
    // After a pause of this process the first look must not count the pause as silence of the other.
    looks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut looked = Instant::now();
    loop {
        tokio::select! {
            biased;
            _ = live.connection.closed() => return,
            _ = looks.tick() => {}
        }
        let now = Instant::now();
        let paused = now.duration_since(looked) > HELD_UP;
        looked = now;
        let count = live.connection.stats().udp_rx.datagrams;
        if count != arrived || paused {
            arrived = count;
            last = now;
            continue;
        }
        let limit = if key.2 == Purpose::Call && beats_arrive(net, key) { STUCK_AFTER } else { SILENT_AFTER };
        // Looks are not exact, and one more would be half a second.
        if now.duration_since(last) + LOOK_EVERY / 2 >= limit {
            Farewell::Silent.say(&live.connection);
            return;
        }
    }
}

/// Whether heartbeats of the peer arrive on this link at the moment: its connection is the younger one, or hears more.
fn beats_arrive(net: &Weak<Net>, key: &Key) -> bool {
    let Some(net) = net.upgrade() else { return false };
    let beats = lock(&net.table).heard.get(&(key.0.clone(), key.1)).copied();
    beats.is_some_and(|at| at.elapsed() < BEATS_SINCE)
}
