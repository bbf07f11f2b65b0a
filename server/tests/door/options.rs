//! The command line, where it was narrower than what people have.

use crate::common::clients::{connect, next_seq};
use crate::common::http::{request, serve_with_metrics};
use crate::common::standalone::{Process, Standalone, command};
use crate::requests::{answer_to, with};
use std::os::unix::fs::PermissionsExt;

#[test]
fn rates_times_and_sizes_are_those_of_workloads() {
    for (rate, per_s) in [("100k", 100_000), ("1M", 1_000_000), ("2.5e5", 250_000), ("0.5k", 500)] {
        let args = ["--rate", rate, "--duration", "500ms", "--log-ceiling", "1GiB"];
        let more =
            ["--send-buffer", "64KiB", "--behind-bytes", "1MB", "--slow-consumer", "conflate"];
        let server = Standalone::new(&[&args[..], &more].concat());
        let (status, events) = server.wait();
        assert!(status.success());
        let made = events.iter().find_map(|event| match event {
            crate::common::events::Event::Total { generated, .. } => Some(*generated),
            _ => None,
        });
        assert_eq!(made, Some(per_s / 2), "{rate}");
    }
}

/// The mode of mounted secrets, which cannot be changed.
#[test]
fn a_token_file_that_everybody_can_read_is_taken_with_a_warning() {
    const TOKEN: &str = "a-token-in-a-mounted-secret";
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("token");
    std::fs::write(&file, format!("{TOKEN}\r\n")).unwrap();
    std::fs::set_permissions(&file, std::fs::Permissions::from_mode(0o444)).unwrap();
    let mut server = Process::spawn({
        let mut command = command(&["--rate", "2000", "--listen", "127.0.0.1", "--token-file"]);
        command.arg(&file);
        command
    });
    let url = server.next_line();
    assert!(url.starts_with("ws://"), "{url}");
    let warning = server.next_line();
    assert!(warning.contains("can be read by every user") && warning.contains("444"), "{warning}");
    let address = crate::common::clients::address(&url);
    let bearer = with("Authorization", &format!("Bearer {TOKEN}"));
    assert_eq!(answer_to(address, &bearer.to_bytes()).status, 101);
    assert_eq!(answer_to(address, &crate::requests::good().to_bytes()).status, 401);
}

#[test]
fn metrics_are_exposed_where_that_is_asked_for_and_the_start_says_so() {
    let args = ["--metrics", "0.0.0.0:0", "--expose-metrics", "--rate", "2000"];
    let mut server = Process::spawn(command(&args));
    let url = server.next_line();
    let metrics = server.next_line();
    let port = metrics.trim_end_matches("/metrics").rsplit(':').next().unwrap().to_owned();
    assert!(metrics.contains("http://0.0.0.0:"), "{metrics}");
    let warning = server.next_line();
    assert!(warning.contains("--expose-metrics: whoever reaches 0.0.0.0:"), "{warning}");
    assert_eq!(request(&format!("127.0.0.2:{port}"), "GET", "/healthz", "").status, 200);
    next_seq(&mut connect(&url));
    // On loopback there is nothing to say.
    let (_server, address) = serve_with_metrics(&["--expose-metrics"]);
    assert_eq!(request(&address, "GET", "/healthz", "").status, 200);
}

/// A page that offers none of them has to offer none at all.
#[test]
fn a_known_subprotocol_is_echoed_and_an_unknown_one_fails_nothing() {
    let server = Standalone::new(&["--rate", "2000", "--format", "json"]);
    for (offered, chosen) in [
        ("ticks", Some("ticks")),
        ("mqtt, ticks.json, ticks", Some("ticks.json")),
        ("mqtt", None),
        ("ticks.binary", None),
        ("", None),
        ("a,b,,c;d, \u{7f}", None),
    ] {
        let request = with("Sec-WebSocket-Protocol", offered);
        if offered.contains('\u{7f}') {
            // Not a header at all.
            assert_eq!(answer_to(server.address(), &request.to_bytes()).status, 400);
            continue;
        }
        let answer = answer_to(server.address(), &request.to_bytes());
        assert_eq!(answer.status, 101, "{offered}");
        let echoed = answer.headers.iter().find_map(|h| h.strip_prefix("sec-websocket-protocol: "));
        assert_eq!(echoed, chosen, "{offered}");
    }
}
