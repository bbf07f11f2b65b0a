//! Plain HTTP requests, and what a page of metrics says, read by a parser that
//! knows nothing of the server.

use super::{ByHand, PATIENCE};
use prometheus_parse::{Scrape, Value};
use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::{Duration, Instant};

/// An answer.
pub struct Answer {
    pub status: u16,
    pub head: String,
    pub body: String,
}

/// Sends one request, with more header lines if any (each with its end).
pub fn ask(address: &str, method: &str, path: &str, headers: &str) -> Answer {
    let mut socket = TcpStream::connect(address).unwrap();
    socket.set_read_timeout(Some(PATIENCE)).unwrap();
    let end = "Host: x\r\nConnection: close\r\n";
    write!(socket, "{method} {path} HTTP/1.1\r\n{end}{headers}\r\n").unwrap();
    let mut text = String::new();
    socket.read_to_string(&mut text).unwrap();
    let (head, body) = text.split_once("\r\n\r\n").unwrap();
    let status = head.split(' ').nth(1).unwrap().parse().unwrap();
    Answer { status, head: head.to_lowercase(), body: body.to_owned() }
}

/// Where a server serves its metrics, which it has not said before.
pub fn metrics_address(server: &mut ByHand) -> String {
    let line = server.hear("metrics: http://");
    line.trim().rsplit("http://").next().unwrap().trim_end_matches("/metrics").to_owned()
}

/// A page of metrics.
pub struct Page(pub Scrape);

impl Page {
    pub fn fetch(address: &str) -> Self {
        let answer = ask(address, "GET", "/metrics", "");
        assert_eq!(answer.status, 200);
        let lines = answer.body.lines().map(|line| Ok(line.to_owned()));
        Self(Scrape::parse(lines).unwrap())
    }

    /// The sum of a metric's samples, of those with that label if one is given.
    pub fn sum(&self, metric: &str, label: Option<(&str, &str)>) -> u64 {
        let samples = self.0.samples.iter().filter(|s| s.metric == metric);
        let samples: Vec<_> =
            samples.filter(|s| label.is_none_or(|(k, v)| s.labels.get(k) == Some(v))).collect();
        let value = |value: &Value| match value {
            Value::Counter(v) | Value::Gauge(v) => *v as u64,
            other => panic!("{metric} is {other:?}"),
        };
        samples.iter().map(|sample| value(&sample.value)).sum()
    }

    /// The same by the metric's own name.
    pub fn get(&self, name: &str) -> u64 {
        let metric = format!("tick_server_{name}");
        assert!(self.0.samples.iter().any(|s| s.metric == metric), "there is no {metric}");
        self.sum(&metric, None)
    }

    /// The connections of a class.
    pub fn class(&self, class: &str) -> u64 {
        self.sum("tick_server_connections", Some(("class", class)))
    }

    /// The connections that left for a reason.
    pub fn left(&self, reason: &str) -> u64 {
        self.sum("tick_server_connections_left_total", Some(("reason", reason)))
    }

    /// What was offered is somewhere, to the tick.
    pub fn assert_balances(&self) {
        let known = ["written_total", "dropped_total", "abandoned_total"];
        let known: u64 = known.iter().map(|name| self.get(&format!("ticks_{name}"))).sum();
        assert_eq!(self.get("ticks_offered_total"), known + self.get("backlog_ticks"));
        assert!(self.get("ticks_acknowledged_total") <= self.get("ticks_written_total"));
        assert!(self.get("ticks_confirmed_total") <= self.get("ticks_written_total"));
    }
}

/// Fetches pages until one is as wanted.
pub fn fetch_until(address: &str, wanted: impl Fn(&Page) -> bool) -> Page {
    let began = Instant::now();
    loop {
        let page = Page::fetch(address);
        if wanted(&page) {
            return page;
        }
        assert!(began.elapsed() < PATIENCE, "it never came to that: {:#?}", page.0.samples);
        std::thread::sleep(Duration::from_millis(10));
    }
}

/// Waits until the server says that it is going down.
pub fn wait_for_the_end(address: &str) {
    let began = Instant::now();
    while ask(address, "GET", "/healthz", "").status != 503 {
        assert!(began.elapsed() < PATIENCE, "it is still healthy");
        std::thread::sleep(Duration::from_millis(10));
    }
}
