//! `/metrics` and `/healthz` over HTTP.

use crate::accept::places::Places;
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
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

/// Connections at a time; a newer one displaces the oldest of them.
const CONNECTIONS: usize = 64;
/// Bytes of a request's head; more get 431.
const HEAD_BYTES: usize = 16 * 1024;
/// How long a page is served again: as long as the snapshots in it last. However often it is
/// asked for, it costs no more than that.
const PAGE_LASTS: Duration = Duration::from_millis(5);
/// The longest duration of a connection, so that idle ones do not pile up.
pub const CONNECTION_LIMIT: Duration = Duration::from_secs(5);
/// How long to wait after a failed accept (out of descriptors).
const RETRY: Duration = Duration::from_millis(20);
/// The content type of OpenMetrics 1.0.
const OPENMETRICS: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

/// Listens on the address of the metrics. `exposed`: other machines may read them, too.
///
/// # Errors
/// When it is not a loopback address and not to be exposed, or cannot be used.
pub fn bind(address: SocketAddr, exposed: bool) -> Result<TcpListener> {
    ensure!(
        exposed || address.ip().is_loopback(),
        "metrics are served on loopback only, and {address} is not: try --metrics 127.0.0.1:9100, \
         or add --expose-metrics to let other machines read them"
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
    let pages = Arc::new(Pages { registry, healthy, newest: Mutex::default() });
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
    let places = Places::new(CONNECTIONS);
    loop {
        let Ok((socket, peer)) = listener.accept().await else {
            tokio::time::sleep(RETRY).await;
            continue;
        };
        let mut place = places.take(peer.ip()).await;
        let pages = Arc::clone(&pages);
        tokio::spawn(async move {
            let answer = service_fn(|request| {
                let response = pages.answer(&request);
                async move { Ok::<_, Infallible>(response) }
            });
            // A client that has closed its side only still gets its answer.
            let served = hyper::server::conn::http1::Builder::new()
                .half_close(true)
                .max_buf_size(HEAD_BYTES)
                .serve_connection(TokioIo::new(socket), answer);
            // A client may close the connection at any time.
            tokio::select! {
                _ = tokio::time::timeout(connection_limit, served) => {}
                () = place.displaced() => {}
            }
        });
        tokio::task::yield_now().await;
    }
}

type Answer = Response<Full<Bytes>>;

/// Answers requests.
struct Pages {
    registry: Registry,
    healthy: Arc<AtomicBool>,
    /// The newest page in each format.
    newest: Mutex<[Option<(Instant, Bytes)>; 2]>,
}

/// The format of a page.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum PageFormat {
    Prometheus,
    OpenMetrics,
}

impl Pages {
    fn answer(&self, request: &Request<Incoming>) -> Answer {
        let path = request.uri().path();
        // CONNECT has no path, and `OPTIONS *` none of a page (RFC 9112, 3.2).
        if *request.method() == Method::CONNECT || path == "*" {
            return method_not_allowed();
        }
        if !matches!(path, "/metrics" | "/healthz") {
            return text_answer(
                StatusCode::NOT_FOUND,
                "metrics are at /metrics, health at /healthz\n",
            );
        }
        if !matches!(*request.method(), Method::GET | Method::HEAD) {
            return method_not_allowed();
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
        let (format, kind) = match accept.contains("application/openmetrics-text") {
            true => (PageFormat::OpenMetrics, OPENMETRICS),
            false => (PageFormat::Prometheus, prometheus_text::CONTENT_TYPE),
        };
        let Some(page) = self.page(format) else {
            return text_answer(
                StatusCode::INTERNAL_SERVER_ERROR,
                "the metrics cannot be encoded\n",
            );
        };
        let mut answer = Response::new(Full::from(page));
        answer.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(kind));
        answer
    }

    /// The page of this moment, or one that is at most [`PAGE_LASTS`] old. Whoever has seen the
    /// server unhealthy gets one from after that.
    fn page(&self, format: PageFormat) -> Option<Bytes> {
        let now = Instant::now();
        let mut newest = self.newest.lock().unwrap_or_else(PoisonError::into_inner);
        let newest = &mut newest[format as usize];
        if let Some((at, page)) = newest
            && now < *at + PAGE_LASTS
            && self.healthy.load(Ordering::Acquire)
        {
            return Some(page.clone());
        }
        let mut page = String::new();
        match format {
            PageFormat::OpenMetrics => text::encode(&mut page, &self.registry),
            PageFormat::Prometheus => prometheus_text::encode(&mut page, &self.registry),
        }
        .ok()?;
        let page = Bytes::from(page);
        *newest = Some((now, page.clone()));
        Some(page)
    }
}

fn method_not_allowed() -> Answer {
    let mut answer = text_answer(StatusCode::METHOD_NOT_ALLOWED, "only GET and HEAD\n");
    answer.headers_mut().insert(ALLOW, HeaderValue::from_static("GET, HEAD"));
    answer
}

fn text_answer(status: StatusCode, text: &'static str) -> Answer {
    let mut answer = Response::new(Full::from(text));
    *answer.status_mut() = status;
    let plain = HeaderValue::from_static("text/plain; charset=utf-8");
    answer.headers_mut().insert(CONTENT_TYPE, plain);
    answer
}
