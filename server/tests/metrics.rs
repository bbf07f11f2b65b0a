//! The metrics of a standalone server, over real HTTP.

mod common;

use common::clients::{connect, dial, read_all, reset_on_drop};
use common::events::Event;
use common::http::{Page, request, scrape_until, serve_with_metrics};
use common::standalone::{command, refusal_of};
use nix::sys::signal::Signal;
use prometheus_parse::Value;
use std::collections::HashSet;
use std::io::Read;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::Duration;
use tick_server::accept::counts::AcceptCounts;
use tick_server::metrics::{http, page};
use tungstenite::Message;

#[test]
fn every_metric_has_its_help_its_type_and_a_unit_where_it_needs_one() {
    let (server, address) = serve_with_metrics(&["--rate", "1000"]);
    let mut client = connect(&server.url);
    assert!(client.read().unwrap().is_binary());
    let other = server.url.replace("/ticks", "/other");
    assert!(tungstenite::client(other, dial(server.address(), None)).is_err());
    scrape_until(&address, "ticks are written", |page| page.get("ticks_written_total") > 0);
    let answer = request(&address, "GET", "/metrics", "");
    assert!(answer.head.contains("content-type: text/plain; version=0.0.4"), "{}", answer.head);

    let mut families = HashSet::new();
    let mut lines = answer.body.lines().peekable();
    while let Some(line) = lines.next() {
        let (name, help) = line.strip_prefix("# HELP ").unwrap().split_once(' ').unwrap();
        assert!(help.len() > 8 && help.ends_with('.'), "{line}");
        assert!(families.insert(name.to_owned()), "{name} is there twice");
        let kind = lines.next().unwrap();
        let kind = kind.strip_prefix(&format!("# TYPE {name} ")).unwrap();
        assert_eq!(kind == "counter", name.ends_with("_total"), "{name} {kind}");
        let mut samples = 0;
        while lines.peek().is_some_and(|line| !line.starts_with('#')) {
            assert!(lines.next().unwrap().starts_with(name));
            samples += 1;
        }
        assert!(samples > 0, "{name} has no sample");
    }
    for name in [
        "process_start_time_seconds",
        "tick_server_build_info",
        "tick_server_connections_accepted_total",
        "tick_server_connections_refused_total",
        "tick_server_connections_left_total",
        "tick_server_handshakes_displaced_total",
        "tick_server_connections",
        "tick_server_ticks_generated_total",
        "tick_server_ticks_offered_total",
        "tick_server_ticks_written_total",
        "tick_server_ticks_acknowledged_total",
        "tick_server_ticks_confirmed_total",
        "tick_server_ticks_dropped_total",
        "tick_server_ticks_abandoned_total",
        "tick_server_written_bytes_total",
        "tick_server_log_bytes",
        "tick_server_blocked_seconds_total",
        "tick_server_spun_seconds_total",
        "tick_server_backlog_ticks",
        "tick_server_backlog_bytes",
        "tick_server_tick_lateness_seconds",
    ] {
        assert!(families.remove(name), "there is no {name}");
    }
    assert_eq!(families, HashSet::new(), "unexpected metrics");

    let open = request(&address, "GET", "/metrics", "Accept: application/openmetrics-text\r\n");
    assert!(open.head.contains("content-type: application/openmetrics-text; version=1.0.0"));
    assert!(open.body.ends_with("# EOF\n"));
    assert!(open.body.contains("# UNIT tick_server_log_bytes bytes\n"), "{}", open.body);
}

#[test]
fn every_tick_is_accounted_for_at_every_scrape_while_clients_come_and_go() {
    let (server, address) = serve_with_metrics(&["--rate", "20000", "--send-buffer", "100000"]);
    let never_reads = connect(&server.url);
    let mut good = connect(&server.url);
    let reader = std::thread::spawn(move || read_all(&mut good));
    let mut before: Option<Page> = None;
    for round in 0..30 {
        let mut client = connect(&server.url);
        assert!(client.read().unwrap().is_binary());
        match round % 3 {
            0 => {
                client.close(None).unwrap();
                while client.read().is_ok() {}
            }
            1 => {
                reset_on_drop(client.get_ref());
            }
            _ => client.send(Message::Ping("hello".into())).unwrap(),
        }
        drop(client);
        let page = Page::fetch(&address);
        page.assert_reconciles();
        let lateness = page.0.samples.iter().find_map(|s| match &s.value {
            Value::Histogram(buckets) => Some(buckets.clone()),
            _ => None,
        });
        let lateness = lateness.unwrap();
        assert!(lateness.is_sorted_by(|a, b| a.less_than < b.less_than && a.count <= b.count));
        assert_eq!((lateness[0].less_than, lateness[18].less_than), (1e-6, 1.0));
        assert_eq!(lateness.last().unwrap().count as u64, page.get("ticks_generated_total"));
        if let Some(before) = before {
            for sample in before.0.samples.iter().filter(|s| s.metric.ends_with("_total")) {
                let Value::Counter(value) = sample.value else { panic!("{sample:?}") };
                let label = sample.labels.iter().next().map(|(k, v)| (k.as_str(), v.as_str()));
                assert!(page.sum(&sample.metric, label) >= value as u64, "{sample:?}");
            }
        }
        before = Some(page);
    }
    // Two stay, all others have left; how a reset or an end of the stream is detected
    // depends on what the socket was doing.
    let all_left = |page: &Page| page.get("connections_left_total") == 30;
    let page = scrape_until(&address, "all others have left", all_left);
    page.assert_reconciles();
    assert_eq!(page.get("connections"), 2);
    assert_eq!(page.get("connections_accepted_total"), 32);
    assert_eq!(page.left("closed_by_client"), 10);
    assert_eq!(page.left("no_close_frame") + page.left("broken"), 20);
    assert!(page.get("ticks_abandoned_total") < page.get("ticks_offered_total"));
    assert!(page.get("written_bytes_total") >= page.get("ticks_written_total") * 30);
    server.signal(Signal::SIGTERM);
    assert_eq!(reader.join().unwrap().1, 1001);
    drop(never_reads);
    assert!(server.wait().0.success());
}

#[test]
fn after_the_last_tick_what_clients_have_read_is_what_was_written() {
    let args = ["--rate", "20000", "--send-buffer", "100000", "--drain-ms", "600000"];
    let (mut server, address) = serve_with_metrics(&args);
    let never_reads = connect(&server.url);
    let readers: Vec<_> = (0..2)
        .map(|_| {
            let mut client = connect(&server.url);
            std::thread::spawn(move || read_all(&mut client))
        })
        .collect();
    let joined: Vec<u64> = (0..3).map(|_| server.wait_for_joined()).collect();
    let page = scrape_until(&address, "one is stalled", |page| page.class("stalled") == 1);
    assert_eq!(page.class("current") + page.class("behind"), 2);
    server.signal(Signal::SIGTERM);
    let read = readers.into_iter().map(|reader| {
        let (payloads, code) = reader.join().unwrap();
        assert_eq!(code, 1001);
        payloads.len() as u64
    });
    let read: u64 = read.sum();
    let page = scrape_until(&address, "both have left", |page| page.left("closed") == 2);
    page.assert_reconciles();
    assert_eq!((page.get("connections"), page.class("stalled")), (1, 1));
    // Each was offered all that was made since it joined, and stayed to the end.
    let joined: u64 = joined.into_iter().sum();
    let offered = 3 * page.get("ticks_generated_total") - joined;
    assert_eq!(page.get("ticks_offered_total"), offered);
    // The kernel of the stalled client took the rest; nothing of it was read.
    let stalled = page.get("ticks_written_total") - read;
    // The first of the waiting ticks may be sent in part.
    let (ticks, bytes) = (page.get("backlog_ticks"), page.get("backlog_bytes"));
    assert!(ticks > 0 && (ticks * 30 - 29..=ticks * 30).contains(&bytes), "{ticks}, {bytes}");
    assert!(page.get("log_bytes") >= bytes);
    let acknowledged = page.get("ticks_acknowledged_total");
    assert!((read..=read + stalled).contains(&acknowledged), "{acknowledged} of {read}");
    assert!(page.get("ticks_confirmed_total") <= read);
    drop(never_reads);
    assert!(server.wait().0.success());
}

#[test]
fn dropped_ticks_are_counted_over_all_threads() {
    let small = ["--rate", "20000", "--send-buffer", "100000", "--server-threads", "2"];
    let drops = ["--slow-consumer", "drop-oldest", "--behind-bytes", "30000"];
    let (server, address) = serve_with_metrics(&[&small[..], &drops].concat());
    let slow: Vec<_> = (0..3).map(|_| connect(&server.url)).collect();
    let page =
        scrape_until(&address, "ticks are dropped", |page| page.get("ticks_dropped_total") > 1000);
    page.assert_reconciles();
    assert_eq!(page.get("connections"), 3);
    assert!(page.get("ticks_offered_total") <= 3 * page.get("ticks_generated_total"));
    server.signal(Signal::SIGTERM);
    let read = slow.into_iter().map(|mut client| {
        let (payloads, code) = read_all(&mut client);
        assert_eq!(code, 1001);
        payloads.len() as u64
    });
    let read: u64 = read.sum();
    let (status, events) = server.wait();
    assert!(status.success());
    assert!(matches!(events.last(), Some(&Event::Total { written, .. }) if written == read));
}

#[test]
fn changing_symbols_never_lowers_what_was_offered() {
    let (server, address) = serve_with_metrics(&["--rate", "20000", "--send-buffer", "100000"]);
    let mut slow = connect(&server.url);
    let before = scrape_until(&address, "ticks wait", |page| page.get("backlog_ticks") > 5000);
    slow.send(Message::Text(r#"{"type":"subscribe","symbols":["AAPL"]}"#.into())).unwrap();
    let page = scrape_until(&address, "ticks are given up", |page| {
        page.assert_reconciles();
        assert!(page.get("ticks_offered_total") >= before.get("ticks_offered_total"));
        page.get("ticks_abandoned_total") > 0
    });
    assert!(page.get("backlog_ticks") < before.get("backlog_ticks"));
    assert!(page.get("ticks_abandoned_total") > 4000);
}

#[test]
fn only_get_and_head_of_two_paths_are_answered() {
    let (_server, address) = serve_with_metrics(&["--rate", "10"]);
    assert_eq!(request(&address, "GET", "/healthz", "").status, 200);
    assert_eq!(request(&address, "GET", "/healthz?verbose", "").status, 200);
    for path in ["/", "/metrics/", "/other", "/ticks"] {
        assert_eq!(request(&address, "GET", path, "").status, 404, "{path}");
    }
    for path in ["/metrics", "/healthz"] {
        let refused = request(&address, "POST", path, "Content-Length: 0\r\n");
        assert_eq!(refused.status, 405, "{path}");
        assert!(refused.head.contains("allow: get, head"), "{}", refused.head);
        let head = request(&address, "HEAD", path, "");
        assert_eq!((head.status, head.body.as_str()), (200, ""), "{path}");
    }
    // A request that is not HTTP is answered too, and disturbs nothing.
    assert_eq!(request(&address, "GE T", "/metrics", "").status, 400);
    assert_eq!(request(&address, "GET", "/metrics", "").status, 200);
}

/// With a short limit; more connections than there may be at a time.
#[test]
fn idle_connections_are_closed_and_a_scrape_is_still_answered() {
    let listener = http::bind("127.0.0.1:0".parse().unwrap(), false).unwrap();
    let address = listener.local_addr().unwrap().to_string();
    let registry = page::registry(Vec::new(), &AcceptCounts::default());
    let healthy = Arc::new(AtomicBool::new(true));
    http::serve(listener, registry, healthy, Duration::from_millis(100)).unwrap();
    let idle: Vec<_> = (0..100).map(|_| dial(&address, None)).collect();
    assert_eq!(request(&address, "GET", "/metrics", "").status, 200);
    for mut socket in idle {
        assert_eq!(socket.read(&mut [0; 16]).unwrap(), 0);
    }
}

#[test]
fn an_address_that_cannot_be_used_for_metrics_is_named() {
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let taken = taken.local_addr().unwrap().to_string();
    for (address, text) in [
        (taken.as_str(), format!("cannot serve metrics on {taken}")),
        ("0.0.0.0:0", "loopback only, and 0.0.0.0:0 is not".to_owned()),
        ("9100", "invalid value '9100' for '--metrics".to_owned()),
    ] {
        let refusal = refusal_of(&mut command(&["--metrics", address]));
        assert!(refusal.contains(&text), "{refusal}");
        assert!(!refusal.contains("ws://"), "{refusal}");
    }
}
