//! The server as seen from outside: `/metrics` and `/healthz` over HTTP, in a
//! thread of its own that the engine never waits for.

use anyhow::{Context, Result, ensure};
use http_body_util::Full;
use hyper::body::{Bytes, Incoming};
use hyper::header::{ACCEPT, ALLOW, CONTENT_TYPE, HeaderValue};
use hyper::service::service_fn;
use hyper::{Method, Request, Response, StatusCode};
use hyper_util::rt::TokioIo;
use prometheus_client::encoding::{prometheus_text, text};
use prometheus_client::registry::Registry;
use std::convert::Infallible;
use std::net::{SocketAddr, TcpListener};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;
use tokio::sync::Semaphore;

/// Connections at a time; more have to wait.
const VISITORS: usize = 64;
/// The longest that a connection lasts, so that no idle ones pile up.
const VISIT: Duration = Duration::from_secs(5);
/// After a failed accept (out of descriptors): time to recover.
const BREATH: Duration = Duration::from_millis(20);
/// What OpenMetrics 1.0 calls itself.
const OPENMETRICS: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

/// Takes the address that metrics are to be served at.
///
/// # Errors
/// When it is not a loopback address, or cannot be listened on.
pub fn bind(address: SocketAddr) -> Result<TcpListener> {
    ensure!(
        address.ip().is_loopback(),
        "metrics are served on loopback only, and {address} is not: try --metrics 127.0.0.1:9100"
    );
    let listener = TcpListener::bind(address).with_context(|| {
        format!("cannot serve metrics on {address}: choose another address for --metrics")
    })?;
    listener.set_nonblocking(true)?;
    Ok(listener)
}

/// Serves until the process ends: `/metrics`, and `/healthz`, which is 200 as
/// long as the server is `healthy`.
///
/// # Errors
/// When no thread can be started.
pub fn serve(listener: TcpListener, registry: Registry, healthy: Arc<AtomicBool>) -> Result<()> {
    let desk = Arc::new(Desk { registry, healthy });
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    std::thread::Builder::new()
        .name("metrics".into())
        .spawn(move || runtime.block_on(receive(listener, desk)))?;
    Ok(())
}

async fn receive(listener: TcpListener, desk: Arc<Desk>) -> Result<()> {
    let listener = tokio::net::TcpListener::from_std(listener)?;
    let room = Arc::new(Semaphore::new(VISITORS));
    loop {
        let permit = Arc::clone(&room).acquire_owned().await?;
        let Ok((socket, _)) = listener.accept().await else {
            tokio::time::sleep(BREATH).await;
            continue;
        };
        let desk = Arc::clone(&desk);
        tokio::spawn(async move {
            let answer = service_fn(|request| {
                let response = desk.answer(&request);
                async move { Ok::<_, Infallible>(response) }
            });
            let served = hyper::server::conn::http1::Builder::new()
                .serve_connection(TokioIo::new(socket), answer);
            // Whoever breaks off has had what it wanted.
            let _ = tokio::time::timeout(VISIT, served).await;
            drop(permit);
        });
    }
}

type Answer = Response<Full<Bytes>>;

/// Answers requests.
struct Desk {
    registry: Registry,
    healthy: Arc<AtomicBool>,
}

impl Desk {
    fn answer(&self, request: &Request<Incoming>) -> Answer {
        let path = request.uri().path();
        if !matches!(path, "/metrics" | "/healthz") {
            return words(StatusCode::NOT_FOUND, "metrics are at /metrics, health at /healthz\n");
        }
        if !matches!(*request.method(), Method::GET | Method::HEAD) {
            let mut answer = words(StatusCode::METHOD_NOT_ALLOWED, "only GET and HEAD\n");
            answer.headers_mut().insert(ALLOW, HeaderValue::from_static("GET, HEAD"));
            return answer;
        }
        if path == "/metrics" {
            let accept = request.headers().get(ACCEPT).and_then(|accept| accept.to_str().ok());
            return self.metrics(accept.unwrap_or_default());
        }
        match self.healthy.load(Ordering::Acquire) {
            true => words(StatusCode::OK, "serving\n"),
            false => words(StatusCode::SERVICE_UNAVAILABLE, "shutting down\n"),
        }
    }

    /// In OpenMetrics' format for who asks for that, in Prometheus' for all others.
    fn metrics(&self, accept: &str) -> Answer {
        let mut page = String::new();
        let (encoded, kind) = match accept.contains("application/openmetrics-text") {
            true => (text::encode(&mut page, &self.registry), OPENMETRICS),
            false => {
                (prometheus_text::encode(&mut page, &self.registry), prometheus_text::CONTENT_TYPE)
            }
        };
        if encoded.is_err() {
            return words(StatusCode::INTERNAL_SERVER_ERROR, "the metrics cannot be encoded\n");
        }
        let mut answer = Response::new(Full::from(page));
        answer.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(kind));
        answer
    }
}

fn words(status: StatusCode, words: &'static str) -> Answer {
    let mut answer = Response::new(Full::from(words));
    *answer.status_mut() = status;
    let plain = HeaderValue::from_static("text/plain; charset=utf-8");
    answer.headers_mut().insert(CONTENT_TYPE, plain);
    answer
}
