//! From snapshots to metrics, with names as Prometheus recommends: base units, the unit
//! last, and `_total` at the end of counters.

use crate::accept::counts::AcceptCounts;
use crate::connection::end::EndReason;
use crate::engine::lateness::{BOUNDS_NS, Lateness};
use crate::metrics::gauges::Gauges;
use crate::metrics::snapshot::{Class, Snapshot};
use prometheus_client::collector::Collector;
use prometheus_client::encoding::{
    DescriptorEncoder, EncodeCounterValue, EncodeGaugeValue, MetricEncoder, NoLabelSet,
};
use prometheus_client::metrics::MetricType;
use prometheus_client::metrics::gauge::ConstGauge;
use prometheus_client::metrics::info::Info;
use prometheus_client::registry::{Registry, Unit};
use std::fmt::Result;
use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

/// All metrics: the sums over the engines, and the counts of the listener.
#[must_use]
pub fn registry(engines: Vec<Arc<Gauges>>, accept: &AcceptCounts) -> Registry {
    let mut root = Registry::default();
    // The name that every Prometheus client library uses.
    let since_s = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_secs_f64();
    let help = "When the server started, since 1970-01-01 UTC";
    root.register_with_unit("process_start_time", help, Unit::Seconds, ConstGauge::new(since_s));
    let own = root.sub_registry_with_prefix("tick_server");
    let profile = if cfg!(debug_assertions) { "debug" } else { "release" };
    let build = [("version", env!("CARGO_PKG_VERSION")), ("profile", profile)];
    own.register("build", "Version and profile of the build", Info::new(build));
    let help = "Connections that completed their handshake";
    own.register("connections_accepted", help, accept.accepted.clone());
    let help = "Connections refused, by the HTTP status of the answer";
    own.register("connections_refused", help, accept.refused.clone());
    own.register_collector(Box::new(Engines(engines)));
    root
}

/// The engines, with their newest snapshots at a scrape.
#[derive(Debug)]
struct Engines(Vec<Arc<Gauges>>);

impl Collector for Engines {
    fn encode(&self, encoder: DescriptorEncoder) -> Result {
        let mut snapshot = Snapshot::default();
        for gauges in &self.0 {
            snapshot.add(gauges.load());
        }
        let mut page = Page(encoder);
        ticks(&mut page, &snapshot)?;
        bytes_and_times(&mut page, &snapshot)?;
        connections(&mut page, &snapshot)?;
        lateness(&mut page, &snapshot.lateness)
    }
}

/// Writes metrics.
struct Page<'a>(DescriptorEncoder<'a>);

impl Page<'_> {
    /// Writes the lines of help and type; the help ends with a full stop, like those of a
    /// [`Registry`].
    fn describe<'s>(
        &'s mut self,
        name: &'s str,
        unit: Option<&'s Unit>,
        help: &str,
        kind: MetricType,
    ) -> std::result::Result<MetricEncoder<'s>, std::fmt::Error> {
        self.0.encode_descriptor(name, &format!("{help}."), unit, kind)
    }

    fn counter<V: EncodeCounterValue>(
        &mut self,
        name: &str,
        unit: Option<&Unit>,
        help: &str,
        value: &V,
    ) -> Result {
        self.describe(name, unit, help, MetricType::Counter)?
            .encode_counter::<NoLabelSet, _, f64>(value, None)
    }

    fn gauge<V: EncodeGaugeValue>(
        &mut self,
        name: &str,
        unit: Option<&Unit>,
        help: &str,
        value: &V,
    ) -> Result {
        self.describe(name, unit, help, MetricType::Gauge)?.encode_gauge(value)
    }

    /// One gauge for each class of connections.
    fn by_class(
        &mut self,
        name: &str,
        unit: Option<&Unit>,
        help: &str,
        value: impl Fn(Class) -> u64,
    ) -> Result {
        let mut metric = self.describe(name, unit, help, MetricType::Gauge)?;
        for class in Class::ALL {
            let label = [("class", class.to_string())];
            metric.encode_family(&label)?.encode_gauge(&value(class))?;
        }
        Ok(())
    }
}

fn ticks(page: &mut Page, snapshot: &Snapshot) -> Result {
    for (name, help, value) in [
        ("generated", "Ticks made", snapshot.generated),
        ("offered", "Ticks made, once for each connection that is to get them", snapshot.offered),
        ("written", "Ticks that the kernel took, over all connections", snapshot.written),
        ("acknowledged", "Ticks that the clients' kernels acknowledged", snapshot.acknowledged),
        ("confirmed", "Ticks that the clients confirmed by a pong", snapshot.confirmed),
        ("dropped", "Ticks that the policy for slow consumers dropped", snapshot.dropped),
        (
            "abandoned",
            "Ticks that waited when their connection left or chose other symbols",
            snapshot.abandoned,
        ),
    ] {
        page.counter(&format!("ticks_{name}"), None, help, &value)?;
    }
    Ok(())
}

fn bytes_and_times(page: &mut Page, snapshot: &Snapshot) -> Result {
    let (bytes, seconds) = (Some(&Unit::Bytes), Some(&Unit::Seconds));
    let help = "Bytes that the kernel took, control frames included";
    page.counter("written", bytes, help, &snapshot.written_bytes)?;
    let help = "Bytes that the broadcast log holds";
    page.gauge("log", bytes, help, &snapshot.log_bytes)?;
    let help = "Time in which ticks waited and a socket took nothing";
    page.counter("blocked", seconds, help, &seconds_of(snapshot.blocked_ns))?;
    let help = "CPU time spent spinning before due times";
    page.counter("spun", seconds, help, &seconds_of(snapshot.spun_ns))
}

fn connections(page: &mut Page, snapshot: &Snapshot) -> Result {
    let class = |class: Class| snapshot.classes[class as usize];
    let help = "Open connections: current, behind (the socket is full), stalled (and took nothing for 1 s)";
    page.by_class("connections", None, help, |c| class(c).connections)?;
    let help = "Ticks that wait for connections";
    page.by_class("backlog_ticks", None, help, |c| class(c).ticks)?;
    let help = "Bytes that wait for connections";
    page.by_class("backlog", Some(&Unit::Bytes), help, |c| class(c).bytes)?;
    let help = "Connections that have left, by the reason";
    let mut left = page.describe("connections_left", None, help, MetricType::Counter)?;
    for reason in EndReason::ALL {
        let (label, count) = ([("reason", reason.to_string())], snapshot.left[reason as usize]);
        left.encode_family(&label)?.encode_counter::<NoLabelSet, _, f64>(&count, None)?;
    }
    Ok(())
}

fn lateness(page: &mut Page, lateness: &Lateness) -> Result {
    let bounds = BOUNDS_NS.map(seconds_of).into_iter().chain([f64::INFINITY]);
    let buckets: Vec<(f64, u64)> = bounds.zip(lateness.counts).collect();
    let help = "How long after its due time a tick was encoded";
    let (name, unit) = ("tick_lateness", Some(&Unit::Seconds));
    let count = lateness.counts.iter().sum();
    page.describe(name, unit, help, MetricType::Histogram)?.encode_histogram::<NoLabelSet>(
        seconds_of(lateness.sum_ns),
        count,
        &buckets,
        None,
    )
}

/// Prometheus wants base units.
fn seconds_of(ns: u64) -> f64 {
    ns as f64 / 1e9
}
