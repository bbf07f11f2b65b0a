//! `/metrics` and `/healthz` over HTTP.

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
const CONNECTIONS: usize = 64;
/// The longest duration of a connection, so that idle ones do not pile up.
pub const CONNECTION_LIMIT: Duration = Duration::from_secs(5);
/// How long to wait after a failed accept (out of descriptors).
const RETRY: Duration = Duration::from_millis(20);
/// The content type of OpenMetrics 1.0.
const OPENMETRICS: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

/// Listens on the address of the metrics.
///
/// # Errors
/// When it is not a loopback address, or cannot be used.
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

/// Serves until the process ends: `/metrics`, and `/healthz`, which is 200 while `healthy`
/// is true and 503 afterwards. A connection lasts for `connection_limit` at most.
///
/// # Errors
/// When the thread cannot be started.
pub fn serve(
    listener: TcpListener,
    registry: Registry,
    healthy: Arc<AtomicBool>,
    connection_limit: Duration,
) -> Result<()> {
    let pages = Arc::new(Pages { registry, healthy });
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    std::thread::Builder::new()
        .name("metrics".into())
        .spawn(move || runtime.block_on(receive(listener, pages, connection_limit)))?;
    Ok(())
}

async fn receive(
    listener: TcpListener,
    pages: Arc<Pages>,
    connection_limit: Duration,
) -> Result<()> {
    let listener = tokio::net::TcpListener::from_std(listener)?;
    let slots = Arc::new(Semaphore::new(CONNECTIONS));
    loop {
        let permit = Arc::clone(&slots).acquire_owned().await?;
        let Ok((socket, _)) = listener.accept().await else {
            tokio::time::sleep(RETRY).await;
            continue;
        };
        let pages = Arc::clone(&pages);
        tokio::spawn(async move {
            let answer = service_fn(|request| {
                let response = pages.answer(&request);
                async move { Ok::<_, Infallible>(response) }
            });
            let served = hyper::server::conn::http1::Builder::new()
                .serve_connection(TokioIo::new(socket), answer);
            // A client may close the connection at any time.
            let _ = tokio::time::timeout(connection_limit, served).await;
            drop(permit);
        });
    }
}

type Answer = Response<Full<Bytes>>;

/// Answers requests.
struct Pages {
    registry: Registry,
    healthy: Arc<AtomicBool>,
}

impl Pages {
    fn answer(&self, request: &Request<Incoming>) -> Answer {
        let path = request.uri().path();
        if !matches!(path, "/metrics" | "/healthz") {
            return text_answer(
                StatusCode::NOT_FOUND,
                "metrics are at /metrics, health at /healthz\n",
            );
        }
        if !matches!(*request.method(), Method::GET | Method::HEAD) {
            let mut answer = text_answer(StatusCode::METHOD_NOT_ALLOWED, "only GET and HEAD\n");
            answer.headers_mut().insert(ALLOW, HeaderValue::from_static("GET, HEAD"));
            return answer;
        }
        if path == "/metrics" {
            let accept = request.headers().get(ACCEPT).and_then(|accept| accept.to_str().ok());
            return self.metrics(accept.unwrap_or_default());
        }
        match self.healthy.load(Ordering::Acquire) {
            true => text_answer(StatusCode::OK, "serving\n"),
            false => text_answer(StatusCode::SERVICE_UNAVAILABLE, "shutting down\n"),
        }
    }

    /// In the format of OpenMetrics if the request accepts that, else in that of Prometheus.
    fn metrics(&self, accept: &str) -> Answer {
        let mut page = String::new();
        let (encoded, kind) = match accept.contains("application/openmetrics-text") {
            true => (text::encode(&mut page, &self.registry), OPENMETRICS),
            false => {
                (prometheus_text::encode(&mut page, &self.registry), prometheus_text::CONTENT_TYPE)
            }
        };
        if encoded.is_err() {
            return text_answer(
                StatusCode::INTERNAL_SERVER_ERROR,
                "the metrics cannot be encoded\n",
            );
        }
        let mut answer = Response::new(Full::from(page));
        answer.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(kind));
        answer
    }
}

fn text_answer(status: StatusCode, text: &'static str) -> Answer {
    let mut answer = Response::new(Full::from(text));
    *answer.status_mut() = status;
    let plain = HeaderValue::from_static("text/plain; charset=utf-8");
    answer.headers_mut().insert(CONTENT_TYPE, plain);
    answer
}
