//! Plain HTTP requests, and metrics, read by an independent parser.

use super::events::Event;
use super::standalone::Standalone;
use super::{PATIENCE, wait_until};
use prometheus_parse::{Scrape, Value};
use std::io::{Read, Write};
use std::net::TcpStream;

/// An answer.
pub struct Answer {
    pub status: u16,
    pub head: String,
    pub body: String,
}

/// Sends one request, with more header lines (each with its line end), if any.
pub fn request(address: &str, method: &str, path: &str, headers: &str) -> Answer {
    let mut socket = TcpStream::connect(address).unwrap();
    socket.set_read_timeout(Some(PATIENCE)).unwrap();
    let always = "Host: x\r\nConnection: close\r\n";
    write!(socket, "{method} {path} HTTP/1.1\r\n{always}{headers}\r\n").unwrap();
    let mut text = String::new();
    socket.read_to_string(&mut text).unwrap();
    let (head, body) = text.split_once("\r\n\r\n").unwrap();
    let status = head.split(' ').nth(1).unwrap().parse().unwrap();
    Answer { status, head: head.to_lowercase(), body: body.to_owned() }
}

/// A server that serves metrics on a free port, and their address.
pub fn serve_with_metrics(args: &[&str]) -> (Standalone, String) {
    let mut server = Standalone::new(&[&["--metrics", "127.0.0.1:0"], args].concat());
    let address = server.wait_for(|event| match event {
        Event::Url(url) => url.strip_prefix("http://")?.strip_suffix("/metrics").map(str::to_owned),
        _ => None,
    });
    (server, address)
}

/// The metrics at one scrape.
pub struct Page(pub Scrape);

impl Page {
    pub fn fetch(address: &str) -> Self {
        let answer = request(address, "GET", "/metrics", "");
        assert_eq!(answer.status, 200);
        let lines = answer.body.lines().map(|line| Ok(line.to_owned()));
        Self(Scrape::parse(lines).unwrap())
    }

    /// The sum of the samples of a metric, or of those with a label.
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

    /// The sum of the samples of one of the server's metrics, which has to exist.
    pub fn get(&self, name: &str) -> u64 {
        let metric = format!("tick_server_{name}");
        assert!(self.0.samples.iter().any(|s| s.metric == metric), "there is no {metric}");
        self.sum(&metric, None)
    }

    /// How many connections are of a class.
    pub fn class(&self, class: &str) -> u64 {
        self.sum("tick_server_connections", Some(("class", class)))
    }

    /// How many connections have left for a reason.
    pub fn left(&self, reason: &str) -> u64 {
        self.sum("tick_server_connections_left_total", Some(("reason", reason)))
    }

    /// Every offered tick is accounted for.
    pub fn assert_reconciles(&self) {
        let stages = ["written_total", "dropped_total", "abandoned_total"];
        let accounted: u64 = stages.iter().map(|name| self.get(&format!("ticks_{name}"))).sum();
        assert_eq!(self.get("ticks_offered_total"), accounted + self.get("backlog_ticks"));
        assert!(self.get("ticks_acknowledged_total") <= self.get("ticks_written_total"));
        assert!(self.get("ticks_confirmed_total") <= self.get("ticks_written_total"));
    }
}

/// Scrapes until a page is as wanted, and gives that.
pub fn scrape_until(address: &str, what: &str, wanted: impl Fn(&Page) -> bool) -> Page {
    let mut found = None;
    wait_until(what, || {
        let page = Page::fetch(address);
        let is_wanted = wanted(&page);
        found = is_wanted.then_some(page);
        is_wanted
    });
    found.unwrap()
}

/// Waits until the server makes no more ticks, which makes it unhealthy.
pub fn wait_until_unhealthy(address: &str) {
    wait_until("the server is unhealthy", || request(address, "GET", "/healthz", "").status == 503);
}
