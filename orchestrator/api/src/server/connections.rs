//! Accepting connections, within bounds.

use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::extract::Request;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use tokio::net::{UnixListener, UnixStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::task::JoinSet;

use super::access::Access;
use super::routes::{refusing_router, router};
use crate::backend::Backend;

/// Connections at a time: people, their scripts, a scraper and a few consoles. More wait in the kernel's queue.
const CONNECTIONS_MAX: usize = 128;
/// Time for the head of a request to come.
const HEAD_WITHIN: Duration = Duration::from_secs(10);
/// Time for answers under way when the daemon ends.
const GRACE: Duration = Duration::from_secs(2);
/// Pause after a failed accept: too many open files do not go away faster by asking.
const ACCEPT_AGAIN: Duration = Duration::from_millis(100);

/// Serves the API until `shutdown` comes; then answers what is under way, for two seconds at most.
pub async fn serve(
    listener: UnixListener,
    backend: Arc<dyn Backend>,
    access: Access,
    shutdown: impl Future<Output = ()>,
) {
    let (places, served) = (Arc::new(Semaphore::new(CONNECTIONS_MAX)), router(backend));
    let mut connections = JoinSet::new();
    tokio::pin!(shutdown);
    loop {
        let next = async {
            let place = places.clone().acquire_owned().await;
            (place, listener.accept().await)
        };
        tokio::select! {
            biased;
            () = &mut shutdown => break,
            Some(_) = connections.join_next(), if !connections.is_empty() => {}
            (place, accepted) = next => match (place, accepted) {
                (Ok(place), Ok((stream, _))) => {
                    connections.spawn(connection(stream, access, served.clone(), place));
                }
                (Ok(_) | Err(_), Ok(_) | Err(_)) => tokio::time::sleep(ACCEPT_AGAIN).await,
            },
        }
    }
    let rest = async { while connections.join_next().await.is_some() {} };
    let _ = tokio::time::timeout(GRACE, rest).await;
}

async fn connection(stream: UnixStream, access: Access, served: Router, _place: OwnedSemaphorePermit) {
    let router = match access.admit(&stream) {
        Ok(Some(caller)) => served.layer(axum::Extension(caller)),
        // Told in words, so that the person learns about the group.
        Ok(None) | Err(_) => refusing_router(),
    };
    let service = TowerToHyperService::new(tower_incoming(router));
    let serving = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HEAD_WITHIN)
        .serve_connection(TokioIo::new(stream), service);
    // A peer that goes away in the middle is nobody's error.
    let _ = serving.await;
}

/// The router as a service over hyper's own bodies.
fn tower_incoming(
    router: Router,
) -> impl tower_service::Service<
    Request<Incoming>,
    Response = axum::response::Response,
    Error = std::convert::Infallible,
    Future = impl Send,
> + Clone {
    router
}
