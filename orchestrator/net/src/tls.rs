//! TLS settings of both ends: version 1.3 alone, both sides with certificates, nothing resumed and nothing early.
//!
//! A resumed session would skip the look at the peer's certificate, so a removed node could come back by a ticket; early
//! data can be replayed. Both are off.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use haven_core::ids::NodeId;
use quinn::congestion::{Controller, ControllerFactory};
use quinn::crypto::rustls::{QuicClientConfig, QuicServerConfig};
use quinn::{ClientConfig, ConnectionId, EndpointConfig, IdleTimeout, ServerConfig, TransportConfig, VarInt};
use ring::rand::{SecureRandom, SystemRandom};
use rustls::client::{ResolvesClientCert, Resumption};
use rustls::crypto::CryptoProvider;
use rustls::server::{ClientHello, NoServerSessionStorage, ResolvesServerCert};
use rustls::sign::CertifiedKey;
use rustls::version::TLS13;

use crate::error::NetError;
use crate::gate::{CalledSide, CallingSide, Gate, lock};
use crate::pki::{NodeIdentity, sha256};
use crate::verify::Verifier;

/// The name in the handshake. Nothing rests on it: the certificate's own name counts.
pub(crate) const SERVER_NAME: &str = "haven";
/// How long a connection may stay silent before either end drops it.
const IDLE: Duration = Duration::from_secs(4);
/// How often a connection with nothing to say says that.
const KEEP_ALIVE: Duration = Duration::from_millis(500);
/// Round trip that is assumed before one was measured: nodes are close, and a lost first packet is sent again sooner.
const FIRST_RTT: Duration = Duration::from_millis(50);
/// Calls of one peer and link that may be under way at a time.
pub(crate) const CALLS_MAX: u32 = 128;
/// Bytes of one call that may arrive without having been read.
const CALL_WINDOW: u32 = 2 * 1024 * 1024;
/// Bytes of all calls of a connection that may arrive without having been read.
const CALLS_WINDOW: u32 = 16 * 1024 * 1024;
/// Bytes of an application to join that may arrive without having been read.
const JOIN_WINDOW: u32 = 64 * 1024;
/// Bytes that may wait to be sent or acknowledged on a connection.
const SEND_WINDOW: u64 = 8 * 1024 * 1024;
/// Heartbeats that may wait, in bytes: a stale heartbeat is worth nothing, the oldest is dropped first.
const BEATS_WAITING: usize = 8 * 1024;
/// Heartbeats that have arrived and were not read yet, in bytes.
const BEATS_ARRIVED: usize = 256 * 1024;
/// Bytes of heartbeats in flight. Heartbeats come at their own slow pace; a network that loses them needs the next one
/// no less, so losses do not narrow the window as they do for calls.
const BEATS_WINDOW: u64 = 1024 * 1024;

/// What a connection is for. The caller says so in the connection id that it invents for its first packet, which picks
/// the settings, and once more by the name of the speech in the handshake, which must fit them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Purpose {
    /// Heartbeats, as datagrams, and nothing else [S-10].
    Beat,
    /// Calls, each on its own stream.
    Call,
    /// A machine that is no member yet applies to join.
    Join,
}

impl Purpose {
    /// What members connect for.
    pub(crate) const MEMBERS: [Self; 2] = [Self::Beat, Self::Call];

    pub(crate) const fn speech(self) -> &'static [u8] {
        match self {
            Self::Beat => b"haven-beat/1",
            Self::Call => b"haven-call/1",
            Self::Join => b"haven-join/1",
        }
    }

    const fn mark(self) -> &'static [u8; MARK_LEN] {
        match self {
            Self::Beat => b"hvnbeat1",
            Self::Call => b"hvncall1",
            Self::Join => b"hvnjoin1",
        }
    }

    /// What a connection whose first packet was sent to this id is for. `None` for anything that is not haven's.
    pub(crate) fn of(id: &[u8]) -> Option<Self> {
        let mark = id.get(..MARK_LEN)?;
        [Self::Beat, Self::Call, Self::Join].into_iter().find(|purpose| purpose.mark() == mark)
    }

    /// An id that says so, and that no other connection has.
    pub(crate) fn draw_id(self) -> ConnectionId {
        let mut id = [0; MARK_LEN + DRAWN_LEN];
        let (mark, drawn) = id.split_at_mut(MARK_LEN);
        mark.copy_from_slice(self.mark());
        // Should the system have no randomness, TLS fails right after this.
        let _ = SystemRandom::new().fill(drawn);
        ConnectionId::new(&id)
    }
}

/// Length of the mark in an id.
const MARK_LEN: usize = 8;
/// Length of the random rest of it; an id has at most 20 bytes.
const DRAWN_LEN: usize = 12;

pub(crate) fn provider() -> Arc<CryptoProvider> {
    Arc::new(rustls::crypto::ring::default_provider())
}

/// This node's certificate, which may be renewed while connections go on.
#[derive(Debug)]
pub(crate) struct Own(Mutex<Arc<CertifiedKey>>);

impl Own {
    pub(crate) fn certified(key: CertifiedKey) -> Self {
        Self(Mutex::new(Arc::new(key)))
    }

    pub(crate) fn replace(&self, key: CertifiedKey) {
        *lock(&self.0) = Arc::new(key);
    }
}

impl ResolvesServerCert for Own {
    fn resolve(&self, _: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        Some(lock(&self.0).clone())
    }
}

impl ResolvesClientCert for Own {
    fn resolve(&self, _: &[&[u8]], _: &[rustls::SignatureScheme]) -> Option<Arc<CertifiedKey>> {
        Some(lock(&self.0).clone())
    }

    fn has_certs(&self) -> bool {
        true
    }
}

fn tls_error(error: impl std::fmt::Display) -> NetError {
    NetError::Tls(error.to_string())
}

/// A server's settings: `verifier` decides who gets in, for `purpose` alone.
pub(crate) fn server(
    verifier: Arc<dyn rustls::server::danger::ClientCertVerifier>,
    own: Arc<Own>,
    purpose: Purpose,
) -> Result<Arc<ServerConfig>, NetError> {
    let builder = rustls::ServerConfig::builder_with_provider(provider());
    let builder = builder.with_protocol_versions(&[&TLS13]).map_err(tls_error)?;
    let mut tls = builder.with_client_cert_verifier(verifier).with_cert_resolver(own);
    tls.alpn_protocols = vec![purpose.speech().to_vec()];
    tls.max_early_data_size = 0;
    tls.send_tls13_tickets = 0;
    tls.session_storage = Arc::new(NoServerSessionStorage {});
    let crypto = QuicServerConfig::try_from(tls).map_err(tls_error)?;
    let mut config = ServerConfig::with_crypto(Arc::new(crypto));
    config.transport_config(Arc::new(paths(purpose)));
    // A member has a fixed address on each link: whoever comes from elsewhere dials anew.
    config.migration(false);
    config.max_incoming(INCOMING_MAX);
    config.incoming_buffer_size(INCOMING_BYTES);
    config.incoming_buffer_size_total(INCOMING_BYTES_TOTAL);
    config.validation_token_config(no_tokens());
    Ok(Arc::new(config))
}

/// First packets that may wait to be looked at.
const INCOMING_MAX: usize = 256;
/// Bytes that may wait with one of them.
const INCOMING_BYTES: u64 = 16 * 1024;
/// Bytes that may wait with all of them.
const INCOMING_BYTES_TOTAL: u64 = 2 * 1024 * 1024;

fn no_tokens() -> quinn::ValidationTokenConfig {
    let mut config = quinn::ValidationTokenConfig::default();
    config.sent(0);
    config
}

/// A client's settings: `verifier` decides whom it talks to.
pub(crate) fn client(
    verifier: Arc<dyn rustls::client::danger::ServerCertVerifier>,
    own: Arc<Own>,
    purpose: Purpose,
) -> Result<ClientConfig, NetError> {
    let builder = rustls::ClientConfig::builder_with_provider(provider());
    let builder = builder.with_protocol_versions(&[&TLS13]).map_err(tls_error)?;
    let builder = builder.dangerous().with_custom_certificate_verifier(verifier);
    let mut tls = builder.with_client_cert_resolver(own);
    tls.alpn_protocols = vec![purpose.speech().to_vec()];
    tls.enable_early_data = false;
    tls.resumption = Resumption::disabled();
    let crypto = QuicClientConfig::try_from(tls).map_err(tls_error)?;
    let mut config = ClientConfig::new(Arc::new(crypto));
    config.transport_config(Arc::new(paths(purpose)));
    config.initial_dst_cid_provider(Arc::new(move || purpose.draw_id()));
    Ok(config)
}

/// Settings under which members call this node.
pub(crate) fn for_members(gate: &Arc<Gate>, own: &Arc<Own>, purpose: Purpose) -> Result<Arc<ServerConfig>, NetError> {
    server(Verifier::new(CalledSide(gate.clone()), provider()), own.clone(), purpose)
}

/// Settings under which this node calls `wanted`.
pub(crate) fn to_member(
    gate: &Arc<Gate>,
    own: &Arc<Own>,
    wanted: &NodeId,
    purpose: Purpose,
) -> Result<ClientConfig, NetError> {
    let verifier = CallingSide { gate: gate.clone(), wanted: wanted.clone() };
    client(Verifier::new(verifier, provider()), own.clone(), purpose)
}

/// How a connection behaves on the network.
fn paths(purpose: Purpose) -> TransportConfig {
    let mut config = TransportConfig::default();
    config.max_idle_timeout(IdleTimeout::try_from(IDLE).ok());
    config.keep_alive_interval(Some(KEEP_ALIVE));
    config.initial_rtt(FIRST_RTT);
    config.max_concurrent_uni_streams(VarInt::from_u32(0));
    config.stream_receive_window(VarInt::from_u32(CALL_WINDOW));
    config.receive_window(VarInt::from_u32(CALLS_WINDOW));
    config.send_window(SEND_WINDOW);
    match purpose {
        Purpose::Beat => {
            config.max_concurrent_bidi_streams(VarInt::from_u32(0));
            config.datagram_send_buffer_size(BEATS_WAITING);
            config.datagram_receive_buffer_size(Some(BEATS_ARRIVED));
            config.congestion_controller_factory(Arc::new(SteadyFactory));
        }
        Purpose::Call => {
            config.max_concurrent_bidi_streams(VarInt::from_u32(CALLS_MAX));
            config.datagram_receive_buffer_size(None);
        }
        Purpose::Join => {
            config.max_concurrent_bidi_streams(VarInt::from_u32(1));
            config.datagram_receive_buffer_size(None);
            config.receive_window(VarInt::from_u32(JOIN_WINDOW));
        }
    }
    config
}

/// What an endpoint answers to packets of connections that it does not know, derived from the node's key: after a
/// restart of the daemon its peers are told at once that their connections are gone, and nobody else can say so.
pub(crate) fn endpoint(identity: &NodeIdentity) -> EndpointConfig {
    let mut seed = b"haven stateless reset ".to_vec();
    seed.extend_from_slice(identity.key().pkcs8().reveal());
    let key = ring::hmac::Key::new(ring::hmac::HMAC_SHA256, &sha256(&seed));
    EndpointConfig::new(Arc::new(key))
}

/// Makes [`Steady`].
struct SteadyFactory;

impl ControllerFactory for SteadyFactory {
    fn build(self: Arc<Self>, _: std::time::Instant, _: u16) -> Box<dyn Controller> {
        Box::new(Steady)
    }
}

/// A window that stays open, for heartbeats.
struct Steady;

impl Controller for Steady {
    fn on_congestion_event(&mut self, _: std::time::Instant, _: std::time::Instant, _: bool, _: u64) {}

    fn on_mtu_update(&mut self, _: u16) {}

    fn window(&self) -> u64 {
        BEATS_WINDOW
    }

    fn clone_box(&self) -> Box<dyn Controller> {
        Box::new(Self)
    }

    fn initial_window(&self) -> u64 {
        BEATS_WINDOW
    }

    fn into_any(self: Box<Self>) -> Box<dyn std::any::Any> {
        self
    }
}
