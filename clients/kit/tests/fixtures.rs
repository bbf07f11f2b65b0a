//! The ticks that the kits of other languages are tested with: what this
//! workspace encodes, in a file that they can read. After a change of the wire,
//! `BLESS=1 cargo test -p client-kit --test fixtures` writes it anew.

use serde_json::{Value, json};
use std::path::Path;
use tick::{Format, Market, Tick, cents};

const SEED: u64 = 11;

/// A whole beginning, and seqs at the ends of what 32 and 53 bits hold.
fn seqs() -> Vec<u64> {
    let far = [(1 << 32) - 1, 1 << 32, 1 << 40, (1 << 53) - 2];
    (0..24).chain(far).collect()
}

fn tick(seq: u64) -> Tick {
    let (symbol, cents) = Market::new(SEED).tick(seq);
    let ts = 81_000_000_000_000 + seq as i64 % 1_000_000_007;
    Tick { symbol, price: cents as f64 / 100.0, ts, seq }
}

fn payloads(format: Format) -> Vec<String> {
    let payload = |seq| {
        let mut bytes = Vec::new();
        format.encode(&tick(seq), &mut bytes);
        match format.is_text() {
            true => String::from_utf8(bytes).expect("JSON"),
            false => bytes.iter().map(|byte| format!("{byte:02x}")).collect(),
        }
    };
    seqs().into_iter().map(payload).collect()
}

fn fixture() -> Value {
    let ticks: Vec<Tick> = seqs().into_iter().map(tick).collect();
    let tick = |t: &Tick| json!({"symbol": t.symbol, "cents": cents(t.price), "seq": t.seq});
    let payloads = Format::ALL.map(|format| (format.to_string(), json!(payloads(format))));
    json!({
        "made_by": "BLESS=1 cargo test -p client-kit --test fixtures",
        "ticks": ticks.iter().map(tick).collect::<Vec<_>>(),
        "payloads": serde_json::Map::from_iter(payloads),
        "checksum": ticks.iter().map(|tick| cents(tick.price)).sum::<u64>(),
    })
}

#[test]
fn the_ticks_for_other_languages_are_those_of_this_workspace() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/ticks.json");
    let expected = format!("{:#}\n", fixture());
    if std::env::var_os("BLESS").is_some() {
        std::fs::write(&path, &expected).unwrap();
    }
    let found = std::fs::read_to_string(&path).unwrap();
    assert!(found == expected, "run it with BLESS=1, and see what it means for the other kits");
}
