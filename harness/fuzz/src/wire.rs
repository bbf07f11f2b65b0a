//! Wire formats: a payload that decodes as a tick is the same tick after encoding and decoding
//! it again.

use tick::{Format, Tick, cents};

/// The longest payload for which a frame has the short form of its length.
const SHORT_BYTES: usize = 125;

/// Decodes the bytes as a payload of every format.
///
/// # Panics
/// When encoding and decoding a tick again changes it.
pub fn hold(payload: &[u8]) -> bool {
    let mut is_tick = false;
    for format in Format::ALL {
        let Ok(tick) = format.decode(payload, 7) else { continue };
        is_tick = true;
        assert!(tick.price.is_finite());
        let again = read_again(format, &tick);
        if format.is_text() {
            // Serde would accept an array of the fields, too.
            let value: serde_json::Value = serde_json::from_slice(payload).expect("JSON");
            assert!(value.is_object(), "{format}: a tick that is not an object");
            assert_eq!(read_again(format, &again), again, "{format}");
        } else {
            assert_eq!(encoded(format, &tick), payload, "{format}");
        }
        // Text has whole cents, as all prices of the market.
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
    format.decode(&encoded(format, tick), tick.seq).expect("an encoded tick can be decoded")
}
