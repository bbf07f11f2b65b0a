//! The four formats of a tick: encoding and decoding.

use serde::{Deserialize, Serialize};

/// One quote as it is on the wire.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Tick {
    /// Which instrument, below [`crate::SYMBOLS`] for the suite's own market.
    pub symbol: u32,
    /// The price in currency units; a whole number of cents.
    pub price: f64,
    /// `Binary`, `Json`: due time in ns of the server's monotonic clock.
    /// Classic formats: milliseconds since the Unix epoch.
    pub ts: i64,
    /// The place in the stream, from 0. The classic formats do not carry it: there it is
    /// the number of ticks that arrived before.
    pub seq: u64,
}

/// How a tick is encoded in a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Format {
    /// 28 bytes, little-endian: `u32 symbol, f64 price, i64 ts, u64 seq`.
    #[default]
    Binary,
    /// Text: `{"symbol":…,"price":…,"ts":…,"seq":…}`, integers exact.
    Json,
    /// 20 bytes, little-endian: `u32 symbol, f64 price, i64 ts`; ts in ms.
    ClassicBinary,
    /// Text: `{"symbol":…,"price":…,"ts":…}`; ts in ms.
    ClassicJson,
}

/// Why a payload is not a tick.
#[derive(Debug, thiserror::Error)]
pub enum WireError {
    /// A binary payload of the wrong size.
    #[error("a {format} tick has {expected} bytes, this payload has {found}")]
    Length {
        /// The format.
        format: Format,
        /// Bytes that its payloads have.
        expected: usize,
        /// Bytes that came.
        found: usize,
    },
    /// A text payload that is not the JSON of a tick.
    #[error("not a JSON tick: {0}")]
    Json(#[from] serde_json::Error),
    /// A price that is not a finite number.
    #[error("the price is not a finite number")]
    Price,
}

/// The price as a whole number of cents, which the checksum adds up.
#[inline]
#[must_use]
pub fn cents(price: f64) -> u64 {
    (price * 100.0 + 0.5) as u64
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct JsonTick {
    symbol: u32,
    price: f64,
    ts: i64,
    seq: u64,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ClassicJsonTick {
    symbol: u32,
    price: f64,
    ts: i64,
}

impl Format {
    /// All formats, in the order of the documentation.
    pub const ALL: [Self; 4] = [Self::Binary, Self::Json, Self::ClassicBinary, Self::ClassicJson];

    /// Whether its messages are WebSocket text messages.
    #[must_use]
    pub fn is_text(self) -> bool {
        matches!(self, Self::Json | Self::ClassicJson)
    }

    /// As it is named on command lines and in plans.
    fn name(self) -> &'static str {
        match self {
            Self::Binary => "binary",
            Self::Json => "json",
            Self::ClassicBinary => "classic-binary",
            Self::ClassicJson => "classic-json",
        }
    }

    /// Bytes of a payload, in formats whose payloads all have the same length.
    #[must_use]
    pub fn payload_len(self) -> Option<usize> {
        match self {
            Self::Binary => Some(28),
            Self::ClassicBinary => Some(20),
            Self::Json | Self::ClassicJson => None,
        }
    }

    /// Reads one payload. `arrival` is the number of ticks that came before it: the seq in
    /// formats that carry none.
    ///
    /// # Errors
    /// [`WireError`] when the payload is not a tick of this format.
    #[inline]
    pub fn decode(self, payload: &[u8], arrival: u64) -> Result<Tick, WireError> {
        let tick = match self {
            Self::Binary => {
                let p: &[u8; 28] = payload.try_into().map_err(|_| self.wrong_length(payload))?;
                let seq = u64::from_le_bytes(p[20..28].try_into().expect("8 bytes"));
                Tick { seq, ..decode_head(p) }
            }
            Self::ClassicBinary => {
                let p: &[u8; 20] = payload.try_into().map_err(|_| self.wrong_length(payload))?;
                Tick { seq: arrival, ..decode_head(p) }
            }
            Self::Json => {
                let JsonTick { symbol, price, ts, seq } = read_object(payload)?;
                Tick { symbol, price, ts, seq }
            }
            Self::ClassicJson => {
                let ClassicJsonTick { symbol, price, ts } = read_object(payload)?;
                Tick { symbol, price, ts, seq: arrival }
            }
        };
        if tick.price.is_finite() { Ok(tick) } else { Err(WireError::Price) }
    }

    /// Appends the payload of `tick` to `out`. Text formats round the price to whole cents,
    /// which every price of the market is.
    pub fn encode(self, tick: &Tick, out: &mut Vec<u8>) {
        match self {
            Self::Binary | Self::ClassicBinary => {
                out.extend_from_slice(&tick.symbol.to_le_bytes());
                out.extend_from_slice(&tick.price.to_le_bytes());
                out.extend_from_slice(&tick.ts.to_le_bytes());
                if self == Self::Binary {
                    out.extend_from_slice(&tick.seq.to_le_bytes());
                }
            }
            Self::Json | Self::ClassicJson => {
                let mut digits = itoa::Buffer::new();
                let cents = cents(tick.price);
                out.extend_from_slice(b"{\"symbol\":");
                out.extend_from_slice(digits.format(tick.symbol).as_bytes());
                out.extend_from_slice(b",\"price\":");
                out.extend_from_slice(digits.format(cents / 100).as_bytes());
                let rest = (cents % 100) as u8;
                out.extend_from_slice(&[b'.', b'0' + rest / 10, b'0' + rest % 10]);
                out.extend_from_slice(b",\"ts\":");
                out.extend_from_slice(digits.format(tick.ts).as_bytes());
                if self == Self::Json {
                    out.extend_from_slice(b",\"seq\":");
                    out.extend_from_slice(digits.format(tick.seq).as_bytes());
                }
                out.push(b'}');
            }
        }
    }

    #[cold]
    fn wrong_length(self, payload: &[u8]) -> WireError {
        let expected = self.payload_len().unwrap_or(0);
        WireError::Length { format: self, expected, found: payload.len() }
    }
}

/// Reads an object. Serde alone would accept an array of its values too, which the kits in
/// other languages do not.
#[inline]
fn read_object<'a, T: Deserialize<'a>>(payload: &'a [u8]) -> serde_json::Result<T> {
    match payload.trim_ascii_start() {
        [b'{', ..] => serde_json::from_slice(payload),
        _ => Err(serde::de::Error::custom("it is not an object")),
    }
}

/// Symbol, price and ts, with which both binary formats begin; seq is left 0.
#[inline]
fn decode_head<const N: usize>(p: &[u8; N]) -> Tick {
    Tick {
        symbol: u32::from_le_bytes(p[0..4].try_into().expect("4 bytes")),
        price: f64::from_le_bytes(p[4..12].try_into().expect("8 bytes")),
        ts: i64::from_le_bytes(p[12..20].try_into().expect("8 bytes")),
        seq: 0,
    }
}

impl std::fmt::Display for Format {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.name())
    }
}

/// A name that no format has.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("unknown format `{0}`: choose binary, json, classic-binary or classic-json")]
pub struct UnknownFormat(pub String);

impl std::str::FromStr for Format {
    type Err = UnknownFormat;

    fn from_str(name: &str) -> Result<Self, Self::Err> {
        let named = Self::ALL.into_iter().find(|format| format.name() == name);
        named.ok_or_else(|| UnknownFormat(name.to_owned()))
    }
}
