//! What is encoded is decoded to the same, by our own decoder and by tungstenite.

use proptest::prelude::*;
use std::io::{Cursor, Read, Write};
use tick::{Format, Framer, Market, Tick, cents, frame_len_at};
use tungstenite::protocol::Role;
use tungstenite::{Message, WebSocket};

fn any_tick() -> impl Strategy<Value = Tick> {
    (any::<u32>(), 0..10_000_000_000u64, any::<i64>(), any::<u64>())
        .prop_map(|(symbol, cents, ts, seq)| Tick { symbol, price: cents as f64 / 100.0, ts, seq })
}

fn encoded(format: Format, tick: &Tick) -> Vec<u8> {
    let mut payload = Vec::new();
    format.encode(tick, &mut payload);
    payload
}

proptest! {
    #[test]
    fn decoding_gives_the_tick_that_was_encoded(tick in any_tick()) {
        for format in Format::ALL {
            let payload = encoded(format, &tick);
            prop_assert!(payload.len() < 126);
            prop_assert_eq!(format.decode(&payload, tick.seq).unwrap(), tick);
        }
    }

    #[test]
    fn whole_cents_stay_the_same_as_a_float(whole in 0..1_000_000_000_000u64) {
        prop_assert_eq!(cents(whole as f64 / 100.0), whole);
    }

    #[test]
    fn arbitrary_bytes_are_an_error_and_never_a_panic(bytes in prop::collection::vec(any::<u8>(), 0..140)) {
        for format in Format::ALL {
            match format.payload_len() {
                Some(len) if len == bytes.len() => { let _ = format.decode(&bytes, 0); }
                Some(_) => prop_assert!(format.decode(&bytes, 0).is_err()),
                None => prop_assert!(format.decode(&bytes, 0).is_err()),
            }
        }
    }

    #[test]
    fn a_damaged_json_tick_never_panics_and_a_truncated_one_is_an_error(tick in any_tick(), at in 0..40usize, byte in any::<u8>()) {
        let mut payload = encoded(Format::Json, &tick);
        payload[at] = byte;
        let _ = Format::Json.decode(&payload, 0);
        payload.truncate(at);
        prop_assert!(Format::Json.decode(&payload, 0).is_err());
    }
}

/// Found by the fuzzer: the kits in other languages count it as undecodable.
#[test]
fn an_array_is_not_a_tick() {
    assert!(Format::Json.decode(b"[13,362.91,12345678901,77]", 0).is_err());
    assert!(Format::ClassicJson.decode(b" [13,362.91,12345678901]", 0).is_err());
    assert!(Format::Json.decode(b" \n{\"symbol\":1,\"price\":2.5,\"ts\":3,\"seq\":4}", 0).is_ok());
}

#[test]
fn prices_that_are_not_finite_are_refused() {
    for price in [f64::NAN, f64::INFINITY, f64::NEG_INFINITY] {
        let tick = Tick { symbol: 1, price, ts: 2, seq: 3 };
        let error = Format::Binary.decode(&encoded(Format::Binary, &tick), 0).unwrap_err();
        assert_eq!(error.to_string(), "the price is not a finite number");
    }
}

#[test]
fn an_error_names_the_wrong_length() {
    let error = Format::ClassicBinary.decode(&[0; 28], 0).unwrap_err();
    assert_eq!(error.to_string(), "a classic-binary tick has 20 bytes, this payload has 28");
}

#[test]
fn payloads_have_the_documented_sizes() {
    let framer = |format| Framer::new(format, Market::new(1), 0);
    let bytes_of = |format: Format| {
        let mut out = Vec::new();
        framer(format).append(1_000_000..1_000_001, |_| 86_400_000_000_000, &mut out);
        out.len() - 2
    };
    assert_eq!(bytes_of(Format::Binary), 28);
    assert_eq!(bytes_of(Format::ClassicBinary), 20);
    assert!((55..=80).contains(&bytes_of(Format::Json)), "{}", bytes_of(Format::Json));
    assert!((38..=60).contains(&bytes_of(Format::ClassicJson)));
}

/// A stream that only reads, for tungstenite's side of a connection.
struct Wire(Cursor<Vec<u8>>);

impl Read for Wire {
    fn read(&mut self, buf: &mut [u8]) -> std::io::Result<usize> {
        self.0.read(buf)
    }
}

impl Write for Wire {
    fn write(&mut self, buf: &[u8]) -> std::io::Result<usize> {
        Ok(buf.len())
    }
    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

#[test]
fn tungstenite_reads_every_frame() {
    let market = Market::new(42);
    for format in Format::ALL {
        let framer = Framer::new(format, market.clone(), 1_700_000_000_000_000_000);
        let mut bytes = Vec::new();
        framer.append(5..3005, |seq| seq * 1_000_003, &mut bytes);
        if let Some(len) = framer.frame_len() {
            assert_eq!(bytes.len(), len * 3000);
        }
        let mut boundary = 0;
        while boundary < bytes.len() {
            assert!(frame_len_at(&bytes[boundary..]) <= framer.max_frame_len());
            boundary += frame_len_at(&bytes[boundary..]);
        }
        assert_eq!(boundary, bytes.len());

        let mut socket = WebSocket::from_raw_socket(Wire(Cursor::new(bytes)), Role::Client, None);
        for seq in 5..3005u64 {
            let message = socket.read().unwrap();
            assert_eq!(matches!(message, Message::Text(_)), format.is_text());
            let tick = format.decode(&message.into_data(), seq).unwrap();
            let (symbol, price_cents) = market.tick(seq);
            assert_eq!((tick.symbol, cents(tick.price), tick.seq), (symbol, price_cents, seq));
            let due_ns = seq as i64 * 1_000_003;
            let expected_ts = match format {
                Format::Binary | Format::Json => due_ns,
                _ => (due_ns + 1_700_000_000_000_000_000) / 1_000_000,
            };
            assert_eq!(tick.ts, expected_ts);
        }
    }
}
