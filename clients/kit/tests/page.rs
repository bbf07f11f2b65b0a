//! The bridge with a page that is played by a thread: what it sends, and what becomes of it.

use anyhow::Result;
use client_kit::page::{Bridge, Counting, Relay, Site, Until};
use client_kit::testing::{plan, session};
use client_kit::{ClientPlan, End, Outcome};
use contract::{ClientEnd, ClientFinal};
use serde_json::{Value, json};
use std::net::TcpStream;
use std::sync::Arc;
use std::sync::mpsc::channel;
use std::thread;
use std::time::Duration;
use tick::clock::now_ns;
use tick::{Format, Sample, Tick, cents};
use tungstenite::stream::MaybeTlsStream;
use tungstenite::{Message, WebSocket};

/// The page's clock begins here.
const ORIGIN_NS: u64 = 1_000_000_000;

type Channel = WebSocket<MaybeTlsStream<TcpStream>>;

/// A page with its two channels.
struct FakePage {
    url: String,
    reader: Channel,
    begin_ns: u64,
}

impl FakePage {
    fn open(url: &str) -> Self {
        let url = url.replace("http:", "ws:");
        let (reader, _) = tungstenite::connect(url.replace("index.html", "reader")).unwrap();
        let mut page = Self { url, reader, begin_ns: now_ns() };
        page.say(&json!({ "type": "loaded" }));
        page
    }

    fn say(&mut self, message: &Value) {
        self.reader.send(Message::text(message.to_string())).unwrap();
    }

    /// Answers questions for the time until a message of this type comes.
    fn hear(&mut self, kind: &str) -> Value {
        loop {
            let text = self.reader.read().unwrap();
            let message: Value = serde_json::from_str(text.to_text().unwrap()).unwrap();
            if message["type"] == "time" {
                let page_ns = now_ns() - self.begin_ns + ORIGIN_NS;
                self.say(&json!({ "type": "time", "page_ns": page_ns / 20_000 * 20_000 }));
            } else if message["type"] == kind {
                return message;
            }
        }
    }

    /// Plays until it is connected; returns the channel of its counts.
    fn connect(&mut self) -> Channel {
        let plan = self.hear("plan");
        assert_eq!(plan["plan"]["format"], "binary");
        let (counts, _) = tungstenite::connect(self.url.replace("index.html", "counts")).unwrap();
        self.hear("connect");
        self.say(&json!({ "type": "ready" }));
        counts
    }

    /// Reports, and answers for the time until the channel ends.
    fn report(mut self, ended: &str, counts: [u64; 2], rows: &[[u64; 3]]) {
        let [received, processed] = counts;
        let counts = json!({
            "received": received, "processed": processed, "gaps": 0, "duplicates": 0,
            "reorders": 0, "undecodable": 0, "checksum": 5 * processed,
        });
        let connections = [json!({ "counts": counts, "rows": rows })];
        let detail = Value::Null;
        self.say(&json!({
            "type": "report", "ended": ended, "detail": detail, "connections": connections,
        }));
        while let Ok(text) = self.reader.read() {
            let Ok(text) = text.to_text() else { return };
            if text == r#"{"type":"time"}"# {
                let page_ns = now_ns() - self.begin_ns + ORIGIN_NS;
                let answer = json!({ "type": "time", "page_ns": page_ns / 20_000 * 20_000 });
                if self.reader.send(Message::text(answer.to_string())).is_err() {
                    return;
                }
            }
        }
    }
}

fn floats(all: &[f64]) -> Message {
    Message::binary(all.iter().flat_map(|count| count.to_le_bytes()).collect::<Vec<u8>>())
}

fn plan_of(sample: Sample) -> ClientPlan {
    ClientPlan { sample, ..plan("ws://127.0.0.1:1/", Format::Binary) }
}

/// A bridge to a page that `play` plays.
fn bridge(play: impl FnOnce(FakePage) + Send + 'static) -> Bridge {
    let site = Site::bind().unwrap();
    let url = site.url(&[("variant", "")]).unwrap();
    let (events, from_page) = channel();
    site.serve(Arc::new(|_: &str| None), events).unwrap();
    thread::spawn(move || play(FakePage::open(&url)));
    let until = Until::after(Duration::from_secs(30));
    let mut bridge = Bridge::load(from_page, until).unwrap().expect("it is loaded");
    let error_ns = bridge.exchange_times().unwrap();
    assert!(error_ns >= 10_000, "{error_ns}");
    bridge
}

fn final_of(outcome: Result<Outcome>) -> (Vec<[u64; 3]>, ClientFinal) {
    outcome.unwrap().into_report().unwrap()
}

#[test]
fn what_a_page_counts_and_stamps_is_reported_on_the_clock_of_the_machine() {
    let bridge = bridge(|mut page| {
        let mut counts = page.connect();
        counts.send(floats(&[0.0, 7.0, 6.0])).unwrap();
        let now_ns = now_ns() - page.begin_ns + ORIGIN_NS;
        page.report("closed", [7, 7], &[[3, now_ns, now_ns + 40_000]]);
    });
    let before_ns = now_ns();
    let session = session(plan_of(Sample { first: 3, stride: 7 }));
    let (rows, report) = final_of(bridge.run(vec![session]));
    assert_eq!((report.received, report.processed, report.queued), (7, 7, 0));
    assert_eq!((report.checksum, report.ended), (35, ClientEnd::Closed));
    let [[3, received_ns, processed_ns]] = rows[..] else { panic!("{rows:?}") };
    assert_eq!(processed_ns - received_ns, 40_000);
    // The error of the page's clock is far below a second.
    assert!(received_ns + 1_000_000_000 > before_ns && processed_ns < now_ns() + 1_000_000_000);
}

#[test]
fn a_page_that_ends_or_cannot_connect_fails_the_run() {
    let gone = bridge(|mut page| {
        page.connect();
    });
    let error = gone.run(vec![session(plan_of(Sample { first: 0, stride: 1 }))]).unwrap_err();
    assert!(error.to_string().contains("the page has closed its connection"), "{error}");
    let refused = bridge(|mut page| {
        page.hear("plan");
        let (_counts, _) = tungstenite::connect(page.url.replace("index.html", "counts")).unwrap();
        page.hear("connect");
        let detail = "ws://127.0.0.1:1/";
        page.say(&json!({
            "type": "report", "ended": "not_connected", "detail": detail, "connections": [],
        }));
        page.hear("nothing");
    });
    let error = refused.run(vec![session(plan_of(Sample { first: 0, stride: 1 }))]).unwrap_err();
    assert_eq!(error.to_string(), "cannot connect to ws://127.0.0.1:1/");
}

fn message(seq: u64) -> Message {
    let mut bytes = Vec::new();
    Format::Binary.encode(&Tick { symbol: 1, price: 0.05, ts: 1, seq }, &mut bytes);
    Message::binary(bytes)
}

/// Of five messages, one is no tick; the page has taken three of the four ticks.
#[test]
fn ticks_that_have_not_come_into_the_page_are_queued() {
    let mut bridge = bridge(|mut page| {
        let _counts = page.connect();
        page.report("disconnected", [3, 3], &[[2, ORIGIN_NS, ORIGIN_NS]]);
    });
    let session = session(plan_of(Sample { first: 2, stride: 5 }));
    bridge.send_plan(&session).unwrap();
    bridge.connect().unwrap();
    let connection = session.ready_with_page().unwrap();
    let mut relay = Relay::new(connection.clone());
    let begin_ns = now_ns();
    let all = [message(0), Message::binary(vec![1, 2]), message(1), message(2), message(4)];
    let ticks: Vec<u64> = all.iter().filter_map(|m| Some(relay.take(m)?.seq)).collect();
    assert_eq!(ticks, [0, 1, 2, 4]);
    assert_eq!(cents(0.05), 5);
    let end = End::Failed("broken".to_owned());
    let connections = vec![connection];
    let report = bridge.read(&connections, Counting::InProcess).unwrap();
    let outcome = bridge.finish(report, connections, vec![(end, relay.finish())]);
    let (rows, report) = final_of(outcome);
    assert_eq!((report.received, report.processed), (5, 3));
    assert_eq!((report.queued, report.undecodable), (1, 1));
    assert_eq!((report.ended, report.detail.as_deref()), (ClientEnd::Disconnected, Some("broken")));
    // Received by this process's clock, and never processed before that.
    let [[2, received_ns, processed_ns]] = rows[..] else { panic!("{rows:?}") };
    assert!(received_ns >= begin_ns && processed_ns >= received_ns);
}
