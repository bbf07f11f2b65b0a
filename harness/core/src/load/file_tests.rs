//! The shipped workloads, and the errors for invalid ones.

use super::*;
use crate::load::policy;
use crate::load::workload::DEFAULT;
use serde_json::Value;

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

#[test]
fn every_shipped_workload_is_valid_and_named_as_its_file() {
    for entry in root().join("harness/workloads").read_dir().unwrap() {
        let file = entry.unwrap().file_name().into_string().unwrap();
        let Some(name) = file.strip_suffix(".toml") else { continue };
        assert_eq!(Workload::load(&root(), name).unwrap().name, name);
    }
    for name in DEFAULT {
        Workload::load(&root(), name).unwrap();
    }
}

/// Otherwise the table across them would compare more than the policies.
#[test]
fn the_workloads_of_the_policies_have_the_same_load() {
    let policies = ["queue", "block", "drop-oldest", "drop-newest", "conflate", "disconnect"];
    let load = |policy: &str| Workload::load(&root(), &format!("slow-{policy}")).unwrap();
    let first = load("queue");
    for policy in policies {
        let workload = load(policy);
        assert_eq!(workload.policy().to_string(), policy);
        let slow_consumer = workload.slow_consumer;
        let (name, why, read) = (workload.name, workload.why, workload.read);
        let same = Workload { name, why, read, slow_consumer, ..first.clone() };
        assert_eq!(load(policy), same);
    }
}

#[test]
fn mistakes_are_named() {
    let sound = "name='x'\nwhy='w'\nread='r'\nrank_by='processed'\n";
    let cases = [
        (
            "rate_per_s='fast'",
            "`fast` is not a rate between 1 and 100M, such as 50000, 50k or 1.5M, nor \"flood\"",
        ),
        ("rate_per_s=-5", "expected a whole number, or text with a unit"),
        (
            "rate_per_s=5\nreceive_buffer_bytes='big'",
            "`big` is not a size such as 65536, 64KiB or 1MB",
        ),
        ("rate_per_s=5\nsend_buffer_bytes='8GiB'", "8589934592 bytes is too large for a buffer"),
        ("rate_per_s=5\nramp={to_per_s='200M',over_ms=1}", "`200M` is not a rate"),
        (
            "rate_per_s=5\nramp={to_per_s=9,over_ms='1us'}",
            "`1us` is not a whole number of milliseconds",
        ),
        ("rate_per_s=5\nsample_stride=0", "sample_stride: must be at least 1"),
        (
            "rate_per_s=5\ncongestion='the best'",
            "congestion: `the best` is not the name of an algorithm, such as cubic, reno or bbr, nor \"inherit\"",
        ),
        ("rate_per_s=5\ncongestion='longer-than-any-name'", "congestion: `longer-than-any-name`"),
        ("rate_per_s=0", "rate_per_s: 0 is not between"),
        ("rate_per_s=5\ncolour=1", "unknown field `colour`"),
        ("rate_per_s=5\nqueue_bound=0", "queue_bound: must be at least 1"),
        ("rate_per_s=5\nformat='xml'", "unknown variant `xml`"),
        ("rate_per_s=5\nconnections=0", "connections: 0 is not between"),
        ("rate_per_s=5\npoisson=true\nramp={to_per_s=5,over_ms=1}", "choose one"),
        ("rate_per_s=5\nburst={to_per_s=9000,every_ms=10,for_ms=10}", "shorter than its period"),
        ("rate_per_s='flood'\npoisson=true", "a flood has no shape"),
        ("replay='../x.csv'", "in the directory of the workload"),
        ("poisson=true", "rate_per_s: give ticks"),
        ("rate_per_s=5\nslow_consumer={policy='conflate'}", "conflate needs a limit"),
    ];
    for (line, expected) in cases {
        let error = Workload::parse(&format!("{sound}{line}")).unwrap_err();
        assert!(format!("{error:#}").contains(expected), "{error:#}");
    }
    let ranked = sound.replace("processed", "response_p99") + "rate_per_s='flood'";
    assert!(Workload::parse(&ranked).unwrap_err().to_string().contains("rank_by"));
}

#[test]
fn units_in_a_file_are_numbers_in_json() {
    let sound = "name='x'\nwhy='w'\nread='r'\nrank_by='processed'\n";
    let parse = |lines: &str| Workload::parse(&format!("{sound}{lines}")).unwrap();
    let written = parse(
        "rate_per_s='500k'\nburst={to_per_s='1.5M',every_ms='1s',for_ms='100ms'}\n\
         receive_buffer_bytes='64KiB'\nsend_buffer_bytes='1MB'\nmemory_ceiling_bytes='2GiB'\n\
         log_ceiling_bytes='512MiB'\non_time_ms='10ms'",
    );
    let plain = parse(
        "rate_per_s=500000\nburst={to_per_s=1500000,every_ms=1000,for_ms=100}\n\
         receive_buffer_bytes=65536\nsend_buffer_bytes=1000000\n\
         memory_ceiling_bytes=2147483648\nlog_ceiling_bytes=536870912\non_time_ms=10",
    );
    assert_eq!(written, plain);
    let json = serde_json::to_value(&written).unwrap();
    assert_eq!(json["rate_per_s"], 500_000);
    assert_eq!(json["receive_buffer_bytes"], 65_536);
    assert_eq!(json["burst"]["every_ms"], 1000);
    assert_eq!(serde_json::from_value::<Workload>(json).unwrap(), written);
    let flood = serde_json::to_value(parse("rate_per_s='flood'")).unwrap();
    assert_eq!(
        (&flood["rate_per_s"], &flood["send_buffer_bytes"]),
        (&"flood".into(), &Value::Null)
    );
    assert!(serde_json::from_value::<Workload>(flood).unwrap().is_flood());
}

#[test]
fn an_unknown_name_lists_the_known_ones() {
    let error = Workload::load(&root(), "nonsense").unwrap_err().to_string();
    assert!(error.contains("no workload `nonsense`") && error.contains("steady"), "{error}");
}

fn with_head(lines: &str) -> Result<Workload> {
    let head = "name='x'\nwhy='w'\nread='r'\nrank_by='processed'\n";
    Workload::parse(&format!("{head}{lines}"))
}

#[test]
fn limits_have_units_and_are_numbers_in_json() {
    let lines = |slow: &str| format!("rate_per_s=5\nslow_consumer={slow}");
    let written = with_head(&lines("{policy='drop-oldest',bytes='64KiB',ms='50ms'}")).unwrap();
    let plain = with_head(&lines("{policy='drop-oldest',bytes=65536,ms=50}")).unwrap();
    assert_eq!(written, plain);
    assert_eq!(
        policy::describe(&plain.slow_consumer.unwrap()),
        "drop-oldest beyond 64.0 KiB or 50 ms"
    );
    let json = serde_json::to_value(&written).unwrap();
    assert_eq!(json["slow_consumer"]["bytes"], 65_536);
    assert_eq!(serde_json::from_value::<Workload>(json).unwrap(), written);
    for policy in ["queue", "block"] {
        let slow = with_head(&lines(&format!("{{policy='{policy}'}}"))).unwrap().slow_consumer;
        assert_eq!(policy::describe(&slow.unwrap()), policy);
    }
}

/// Workloads saved before there were policies stay equal to those of today.
#[test]
fn a_workload_without_a_policy_is_saved_without_its_keys() {
    let json = serde_json::to_value(with_head("rate_per_s=5").unwrap()).unwrap();
    let keys = json.as_object().unwrap();
    assert!(!keys.contains_key("slow_consumer") && !keys.contains_key("server_threads"));
}

#[test]
fn contradictions_of_a_policy_are_refused_in_one_line() {
    let rate = "rate_per_s=5\nslow_consumer=";
    for (lines, expected) in [
        (format!("{rate}{{policy='conflate'}}"), "conflate needs a limit"),
        (format!("{rate}{{policy='disconnect'}}"), "disconnect needs a limit"),
        (format!("{rate}{{policy='queue',ms=5}}"), "queue has no limit"),
        (format!("{rate}{{policy='block',bytes=5}}"), "block has no limit"),
        (format!("{rate}{{policy='drop-newest',ms=0}}"), "a limit of 0"),
        (format!("{rate}{{policy='drop-newest',ms='5us'}}"), "ms: `5us` is not a whole number"),
        (format!("{rate}{{policy='drop-newest',bytes='lots'}}"), "bytes: `lots` is not a size"),
        (format!("{rate}{{policy='drop-all',ms=5}}"), "unknown variant `drop-all`"),
        (format!("{rate}{{policy='block',colour=5}}"), "unknown field `colour`"),
        (
            "rate_per_s=5\nconnections=2\nslow_consumer={policy='block'}".into(),
            "only one: set connections and clients to 1",
        ),
        (
            "rate_per_s=5\nclients=2\nslow_consumer={policy='block'}".into(),
            "only one: set connections and clients to 1",
        ),
        (
            "rate_per_s='flood'\nslow_consumer={policy='drop-oldest',ms=5}".into(),
            "under a flood no consumer is behind",
        ),
        ("rate_per_s='flood'\nslow_consumer={policy='block'}".into(), "under a flood"),
        ("rate_per_s='flood'\nslow_consumer={policy='disconnect',ms=5}".into(), "under a flood"),
        (
            "rate_per_s=5\nformat='classic-json'\nslow_consumer={policy='drop-oldest',ms=5}".into(),
            "format classic-json have no seq",
        ),
        ("rate_per_s=5\nserver_threads=0".into(), "server_threads: 0 is not between 1 and 64"),
        ("rate_per_s=5\nserver_threads=65".into(), "65 is not between"),
        ("rate_per_s='flood'\nserver_threads=2".into(), "flood at its own pace"),
    ] {
        let error = format!("{:#}", with_head(&lines).unwrap_err());
        assert!(error.contains(expected), "{lines}: {error}");
    }
    with_head("rate_per_s=5\nformat='classic-json'\nslow_consumer={policy='disconnect',ms=5}")
        .unwrap();
    with_head("rate_per_s='flood'\nslow_consumer={policy='queue'}").unwrap();
    with_head("rate_per_s=5\nserver_threads=64").unwrap();
}

#[test]
fn a_varied_rate_is_known_with_and_without_its_base() {
    let steady = Workload::load(&root(), "steady").unwrap();
    let varied = steady.at_rate(5000);
    assert_eq!(varied.rate_varied_from(&steady), Some(5000));
    let of_schema_2 = Workload { base: None, ..varied.clone() };
    assert_eq!(of_schema_2.rate_varied_from(&steady), Some(5000));
    let other = Workload { name: "other".to_owned(), ..steady.clone() };
    for workload in [&steady, &varied, &of_schema_2] {
        assert_eq!(workload.rate_varied_from(&other), None, "{}", workload.name);
    }
    assert_eq!(steady.rate_varied_from(&steady), None);
}

#[test]
fn a_file_asks_for_cubic_unless_it_says_otherwise() {
    let asked = |line: &str| with_head(&format!("rate_per_s=5\n{line}")).unwrap().congestion;
    assert_eq!(asked("").as_deref(), Some("cubic"));
    assert_eq!(asked("congestion='bbr'").as_deref(), Some("bbr"));
    assert_eq!(asked("congestion='inherit'"), None);
    // As saved by campaigns before there was a choice: they used the machine's default.
    let inherit = with_head("rate_per_s=5\ncongestion='inherit'").unwrap();
    let mut json = serde_json::to_value(&inherit).unwrap();
    assert_eq!(json["congestion"], Value::Null);
    assert_eq!(serde_json::from_value::<Workload>(json.clone()).unwrap(), inherit);
    json.as_object_mut().unwrap().remove("congestion");
    assert_eq!(serde_json::from_value::<Workload>(json).unwrap(), inherit);
}
