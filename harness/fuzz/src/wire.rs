//! The wire: what decodes as a tick is one, and stays the same when it is written
//! and read again.

use tick::{Format, Tick, cents};

/// Payloads of this size fit the short form of a frame's length.
const SHORT_BYTES: usize = 125;

/// Takes the bytes as a payload of every format.
///
/// # Panics
/// When a tick that was read is not read again as it was.
pub fn hold(payload: &[u8]) -> bool {
    let mut is_tick = false;
    for format in Format::ALL {
        let Ok(tick) = format.decode(payload, 7) else { continue };
        is_tick = true;
        assert!(tick.price.is_finite());
        let again = read_again(format, &tick);
        if format.is_text() {
            // Serde would take the fields from an array as well.
            let value: serde_json::Value = serde_json::from_slice(payload).expect("JSON");
            assert!(value.is_object(), "{format}: a tick that is no object");
            assert_eq!(read_again(format, &again), again, "{format}");
        } else {
            assert_eq!(encoded(format, &tick), payload, "{format}");
        }
        // Text is written in whole cents, as every price of the market is.
        let is_whole = tick.price == cents(tick.price) as f64 / 100.0;
        let price = if format.is_text() && !is_whole { again.price } else { tick.price };
        assert_eq!(again, Tick { price, ..tick }, "{format}");
    }
    is_tick
}

fn encoded(format: Format, tick: &Tick) -> Vec<u8> {
    let mut payload = Vec::new();
    format.encode(tick, &mut payload);
    assert!(payload.len() <= SHORT_BYTES, "{format}: {} bytes", payload.len());
    payload
}

fn read_again(format: Format, tick: &Tick) -> Tick {
    format.decode(&encoded(format, tick), tick.seq).expect("what was written is read")
}
