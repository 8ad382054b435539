//! Accepting connections, and stopping.
//!
//! The loop is our own and not `axum::serve`, because that one sets no timer, without which hyper's
//! limit on slow request heads does nothing. What is answered is in `assets` and `socket`.

use std::collections::VecDeque;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::path::PathBuf;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use axum::extract::{Request, State};
use axum::response::Response;
use axum::routing::get;
use axum::{Router, middleware};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::{Service as _, service_fn};
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, watch};
use tokio::task::{AbortHandle, JoinError, JoinHandle, JoinSet};
use tokio::time::{Instant, sleep, timeout};

use crate::assets::Assets;
use crate::forwarded::Proxy;
use crate::household::{Household, Households};
use crate::ice::Ice;
use crate::intake::Intake;
use crate::limits::Limits;
use crate::mailbox::{MailboxError, Mailboxes};
use crate::metrics::Metrics;
use crate::origin::Origin;
use crate::outbox::Waiting;
use crate::rooms::Rooms;
use crate::socket::Places;
use crate::stall::Stalling;
use crate::{headers, metrics, socket};

/// How much of a request head hyper may buffer, in bytes. Browsers send about 1 KiB and we set no
/// cookies.
const HEAD_BYTES: usize = 16 * 1024;

/// How many header lines a request may have. Browsers behind a proxy send about 30.
const HEADER_LINES: usize = 64;

/// How many may read the counters at once.
const METRICS_READERS: usize = 16;

/// How long to wait when the system has no file handle left. Connections that end free some.
const OUT_OF_HANDLES: Duration = Duration::from_millis(100);

/// A relay that is ready to start.
#[derive(Debug)]
pub struct Server {
    /// Where to listen. With port 0 the system chooses one.
    pub listen: SocketAddr,
    /// Where to tell the counters, if anywhere. With port 0 the system chooses one.
    pub metrics: Option<SocketAddr>,
    /// The directory that mail is kept in. Without one it is kept in memory.
    pub data: Option<PathBuf>,
    /// The app to serve.
    pub assets: Assets,
    /// How much connections may take.
    pub limits: Limits,
    /// The proxies that are believed when they say for whom they speak.
    pub trusted_proxies: Vec<Proxy>,
    /// From where pages may connect, besides those that are served here.
    pub allowed_origins: Vec<Origin>,
    /// The STUN and TURN servers that clients are told of.
    pub ice: Ice,
}

/// A relay at work. Dropping it stops it as well, without waiting.
#[derive(Debug)]
pub struct Running {
    stop: watch::Sender<bool>,
    metrics: Option<SocketAddr>,
    task: JoinHandle<()>,
}

/// Why a server could not start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// It could not listen.
    #[error(transparent)]
    Listen(#[from] ListenError),
    /// It could not open the mailboxes.
    #[error(transparent)]
    Mailbox(#[from] MailboxError),
}

/// Why a server could not listen: one sentence for the person who started the relay.
#[derive(Debug, thiserror::Error)]
pub enum ListenError {
    /// Another program has the port.
    #[error("port {0} is taken by another program: choose another with --listen")]
    Taken(u16),
    /// The user may not have the port.
    #[error("this user may not listen on port {0}: choose one above 1023 with --listen")]
    NotAllowed(u16),
    /// Anything else.
    #[error("cannot listen on {0}: {1}")]
    Other(SocketAddr, io::Error),
}

/// What all connections share.
pub(crate) struct Relay {
    assets: Assets,
    pub(crate) limits: Limits,
    pub(crate) places: Places,
    pub(crate) proxies: Vec<Proxy>,
    pub(crate) origins: Vec<Origin>,
    pub(crate) ice: Ice,
    pub(crate) households: Households,
    /// What waits for all sockets.
    pub(crate) waiting: Arc<Waiting>,
    pub(crate) rooms: Rooms,
    pub(crate) mailboxes: Mailboxes,
    pub(crate) metrics: Arc<Metrics>,
    pub(crate) stopping: Stopping,
}

/// Where a connection comes from, as its requests are told.
#[derive(Clone)]
pub(crate) struct Peer {
    pub(crate) address: IpAddr,
    /// Whose it is; nobody's if it is a proxy's, which speaks for many.
    pub(crate) household: Option<Arc<Household>>,
    /// What has come of it and is not understood yet.
    pub(crate) intake: Arc<Intake>,
}

/// A connection's peer, with its place in a household if it has one.
type Guest = (Peer, Option<OwnedSemaphorePermit>);

/// Tells whether the server has been asked to stop.
#[derive(Clone)]
pub(crate) struct Stopping(watch::Receiver<bool>);

impl Server {
    /// Begins to listen and to answer. Gives the address that it really listens on.
    ///
    /// # Errors
    /// When it cannot listen there, or cannot open the mailboxes.
    pub async fn start(self) -> Result<(SocketAddr, Running), StartError> {
        let (listener, address) = listen(self.listen).await?;
        let (metrics_listener, metrics) = match self.metrics {
            Some(asked) => {
                let (listener, address) = listen(asked).await?;
                (Some(listener), Some(address))
            }
            None => (None, None),
        };
        let mut limits = self.limits;
        if self.data.is_none() {
            limits.mail_bytes = limits.mail_bytes_in_memory;
        }
        let counts = Arc::<Metrics>::default();
        let mailboxes = Mailboxes::open(self.data, &limits, Arc::clone(&counts)).await?;
        let (stop, stopping) = watch::channel(false);
        let relay = Arc::new(Relay {
            assets: self.assets,
            places: Places::new(&limits),
            proxies: self.trusted_proxies,
            origins: self.allowed_origins,
            ice: self.ice,
            households: Households::new(&limits),
            waiting: Arc::new(Waiting::new(&limits)),
            rooms: Rooms::new(&limits),
            mailboxes,
            limits,
            metrics: counts,
            stopping: Stopping(stopping),
        });
        let task = tokio::spawn(serve(listener, metrics_listener, relay));
        let running = Running {
            stop,
            metrics,
            task,
        };
        Ok((address, running))
    }
}

impl Peer {
    fn new(relay: &Relay, address: IpAddr) -> Self {
        Self {
            address,
            household: None,
            intake: Arc::new(Intake::new(Arc::clone(&relay.waiting))),
        }
    }
}

impl Running {
    /// Where the counters are told.
    pub fn metrics(&self) -> Option<SocketAddr> {
        self.metrics
    }

    /// Stops accepting, lets every connection finish what it is doing within
    /// [`Limits::drain`], and returns when none is left.
    pub async fn stop(self) {
        // Fails only if the task has ended already.
        let _ = self.stop.send(true);
        if self.task.await.is_err() {
            tracing::error!("the server did not end as it should");
        }
    }
}

impl Stopping {
    /// Returns when the server has been asked to stop, or nobody is left who could ask.
    pub(crate) async fn requested(&self) {
        let _ = self.0.clone().wait_for(|stop| *stop).await;
    }
}

async fn listen(asked: SocketAddr) -> Result<(TcpListener, SocketAddr), ListenError> {
    let failed = |why| ListenError::new(asked, why);
    let listener = TcpListener::bind(asked).await.map_err(failed)?;
    let address = listener.local_addr().map_err(failed)?;
    Ok((listener, address))
}

async fn serve(listener: TcpListener, metrics: Option<TcpListener>, relay: Arc<Relay>) {
    let router = Router::new()
        .route(bocage_wire::PATH, get(socket::upgrade))
        .route("/healthz", get(async || "ok"))
        .fallback(page)
        .layer(middleware::map_response(headers::secure))
        .with_state(Arc::clone(&relay));
    let told = Router::new()
        .route(metrics::PATH, get(metrics::answer))
        .with_state(Arc::clone(&relay));
    let mut connections = JoinSet::new();
    let mut readers = JoinSet::new();
    if let Some(metrics) = metrics {
        let relay = Arc::clone(&relay);
        // Apart from the others, so that whoever watches the relay sees it even when it is full.
        readers.spawn(async move {
            let mut readers = JoinSet::new();
            let welcome = |relay: &Relay, address| Some((Peer::new(relay, address), None));
            let most = METRICS_READERS;
            accept_until_stopped(metrics, most, welcome, told, &relay, &mut readers).await;
            readers.join_all().await;
        });
    }
    let most = relay.limits.connections;
    accept_until_stopped(
        listener,
        most,
        by_household,
        router,
        &relay,
        &mut connections,
    )
    .await;
    let drained = async {
        while let Some(ended) = connections.join_next().await {
            note_panic(&ended, &relay);
        }
        readers.join_all().await;
        relay.places.all_free(&relay.limits).await;
    };
    if timeout(relay.limits.drain, drained).await.is_err() {
        tracing::warn!("cut the connections that did not finish in time");
    }
    relay.mailboxes.close().await;
}

/// Puts every connection into the set. Beyond `most`, the one that has been there longest makes room:
/// somebody who holds connections open without asking for anything keeps nobody else out.
async fn accept_until_stopped(
    listener: TcpListener,
    most: usize,
    welcome: fn(&Relay, IpAddr) -> Option<Guest>,
    router: Router,
    relay: &Arc<Relay>,
    connections: &mut JoinSet<()>,
) {
    let mut by_age: VecDeque<AbortHandle> = VecDeque::new();
    loop {
        tokio::select! {
            () = relay.stopping.requested() => break,
            // Connections that have ended leave the set, so that it does not grow.
            Some(ended) = connections.join_next() => note_panic(&ended, relay),
            accepted = accept(&listener) => if let Some((stream, address)) = accepted {
                let Some(guest) = welcome(relay, address) else {
                    relay.metrics.turned_away.add(1);
                    continue;
                };
                relay.metrics.accepted.add(1);
                while connections.len() >= most {
                    cut_oldest(&mut by_age, relay);
                    if let Some(ended) = connections.join_next().await {
                        note_panic(&ended, relay);
                    }
                }
                let served = connection(stream, guest, router.clone(), Arc::clone(relay));
                by_age.push_back(connections.spawn(served));
                // What a task has taken is given back when nobody holds on to it.
                if by_age.len() > 2 * connections.len() {
                    by_age.retain(|task| !task.is_finished());
                }
            },
        }
    }
}

/// Ends the oldest connection that has not ended yet.
fn cut_oldest(by_age: &mut VecDeque<AbortHandle>, relay: &Relay) {
    while let Some(oldest) = by_age.pop_front() {
        if !oldest.is_finished() {
            oldest.abort();
            relay.metrics.cut.add(1);
            return;
        }
    }
}

/// The next connection; none if the system refused.
async fn accept(listener: &TcpListener) -> Option<(TcpStream, IpAddr)> {
    match listener.accept().await {
        Ok((stream, peer)) => Some((stream, peer.ip().to_canonical())),
        Err(why) if is_of_one_connection(&why) => None,
        Err(why) => {
            tracing::warn!(kind = ?why.kind(), "cannot accept connections");
            sleep(OUT_OF_HANDLES).await;
            None
        }
    }
}

/// Whose connection it is, with its place in the household; none if the household has no more.
fn by_household(relay: &Relay, address: IpAddr) -> Option<Guest> {
    let mut peer = Peer::new(relay, address);
    if relay.proxies.iter().any(|proxy| proxy.has(address)) {
        return Some((peer, None));
    }
    let now = Instant::now();
    let household = relay.households.of(now, address);
    let permit = household.arrive(now)?;
    peer.household = Some(household);
    Some((peer, Some(permit)))
}

/// Serves one connection until it ends or becomes a WebSocket.
async fn connection(stream: TcpStream, (peer, _permit): Guest, router: Router, relay: Arc<Relay>) {
    // Frames are small and should leave at once. If the system refuses, they leave a little later.
    let _ = stream.set_nodelay(true);
    let intake = Arc::clone(&peer.intake);
    let stream = Stalling::new(stream, relay.limits.stalled_write, intake);
    let router = TowerToHyperService::new(router);
    let service = service_fn(move |mut request: hyper::Request<Incoming>| {
        peer.intake.understood();
        request.extensions_mut().insert(peer.clone());
        router.call(request)
    });
    let http = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(relay.limits.request_head)
        .max_headers(HEADER_LINES)
        .max_buf_size(HEAD_BYTES)
        .serve_connection(TokioIo::new(stream), service);
    let mut http = pin!(http.with_upgrades());
    let ended = tokio::select! {
        ended = http.as_mut() => ended,
        () = relay.stopping.requested() => {
            http.as_mut().graceful_shutdown();
            http.await
        }
    };
    if let Err(why) = ended {
        tracing::debug!(timeout = why.is_timeout(), "a connection ended early");
    }
}

async fn page(State(relay): State<Arc<Relay>>, request: Request) -> Response {
    relay
        .assets
        .answer(request.method(), request.uri().path(), request.headers())
}

fn note_panic(ended: &Result<(), JoinError>, relay: &Relay) {
    if ended.as_ref().is_err_and(JoinError::is_panic) {
        relay.metrics.note_panic();
    }
}

/// Whether accepting failed because of the one who connected, and not because of us.
fn is_of_one_connection(why: &io::Error) -> bool {
    use io::ErrorKind::{ConnectionAborted, ConnectionRefused, ConnectionReset, Interrupted};

    [
        ConnectionAborted,
        ConnectionRefused,
        ConnectionReset,
        Interrupted,
    ]
    .contains(&why.kind())
}

impl ListenError {
    fn new(address: SocketAddr, why: io::Error) -> Self {
        let kind = why.kind();
        if kind == io::ErrorKind::AddrInUse {
            Self::Taken(address.port())
        } else if kind == io::ErrorKind::PermissionDenied {
            Self::NotAllowed(address.port())
        } else {
            Self::Other(address, why)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_keeps_a_relay_from_listening_is_said_in_one_sentence() {
        let address = SocketAddr::from(([127, 0, 0, 1], 80));
        let said = |kind: io::ErrorKind| ListenError::new(address, kind.into()).to_string();
        assert_eq!(
            said(io::ErrorKind::AddrInUse),
            "port 80 is taken by another program: choose another with --listen"
        );
        assert_eq!(
            said(io::ErrorKind::PermissionDenied),
            "this user may not listen on port 80: choose one above 1023 with --listen"
        );
        assert_eq!(
            said(io::ErrorKind::AddrNotAvailable),
            "cannot listen on 127.0.0.1:80: address not available"
        );
    }
}
