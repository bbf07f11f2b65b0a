//! Rates, times and sizes as people write them: `500k`, `10ms`, `64KiB`; those that the server
//! takes too are in [`tick::units`]. Pure; they are parsed exactly and stored as plain numbers.

use bytesize::ByteSize;
use serde::Deserialize;
use std::time::Duration;
use tick::units::plain_seconds;

// The server reads the same ones.
pub use tick::units::{bytes, duration, rate};

/// The shortest and the longest window, in seconds.
const SECONDS: (f64, f64) = (0.1, 86_400.0);

/// A share above 0 and below 1, from a percentage such as `5%`.
///
/// # Errors
/// When it is not one.
pub fn share(text: &str) -> Result<f64, String> {
    let percent = text.strip_suffix('%').and_then(|number| number.trim().parse::<f64>().ok());
    let share = percent.map(|percent| percent / 100.0);
    share
        .filter(|share| 0.0 < *share && *share < 1.0)
        .ok_or_else(|| format!("`{text}` is not a share between 0 and 100 %, such as 5%"))
}

/// A time of whole milliseconds, in ms.
///
/// # Errors
/// When it is not one.
pub fn whole_ms(text: &str) -> Result<u64, String> {
    let time = duration(text)?;
    if !time.subsec_nanos().is_multiple_of(1_000_000) {
        return Err(format!("`{text}` is not a whole number of milliseconds"));
    }
    u64::try_from(time.as_millis()).map_err(|_| format!("`{text}` is too long"))
}

/// A time without spaces, as [`duration`] parses it.
#[must_use]
pub fn shown_duration(time: Duration) -> String {
    humantime::format_duration(time).to_string().replace(' ', "")
}

/// The length of a window in seconds, from a plain number or a time.
///
/// # Errors
/// When it is neither, or outside of the range for windows.
pub fn seconds(text: &str) -> Result<f64, String> {
    let seconds = plain_seconds(text).filter(|s| (SECONDS.0..=SECONDS.1).contains(s));
    seconds.ok_or_else(|| {
        format!(
            "`{text}` is not a time between {} and {} seconds, such as 2, 0.5, 500ms or 1m30s",
            SECONDS.0, SECONDS.1
        )
    })
}

/// The same, with 0 allowed.
///
/// # Errors
/// As [`seconds`].
pub fn seconds_or_none(text: &str) -> Result<f64, String> {
    if plain_seconds(text) == Some(0.0) { Ok(0.0) } else { seconds(text) }
}

/// A size as people read it: `212 992` bytes are `208.0 KiB`.
#[must_use]
pub fn shown_bytes(bytes: u64) -> String {
    ByteSize(bytes).display().iec().to_string()
}

/// A value of a file: a plain number, or text with a unit.
#[derive(Deserialize)]
#[serde(untagged, expecting = "expected a whole number, or text with a unit")]
pub enum Written {
    /// A plain number.
    Number(u64),
    /// To be parsed by one of the functions above.
    Text(String),
}

impl Written {
    /// The number; text is parsed by `read`.
    ///
    /// # Errors
    /// Those of `read`.
    pub fn number(self, read: impl Fn(&str) -> Result<u64, String>) -> Result<u64, String> {
        match self {
            Self::Number(number) => Ok(number),
            Self::Text(text) => read(&text),
        }
    }
}

/// For serde's `deserialize_with`: keys that accept a plain number or text with a unit.
pub mod file {
    use super::{Written, bytes, rate, whole_ms};
    use serde::{Deserialize, Deserializer, de::Error};

    /// A number of bytes, or a size.
    ///
    /// # Errors
    /// When it is neither.
    pub fn size<'de, D: Deserializer<'de>>(from: D) -> Result<u64, D::Error> {
        Written::deserialize(from)?.number(bytes).map_err(D::Error::custom)
    }

    /// The same for an optional socket buffer: below 4 GiB.
    ///
    /// # Errors
    /// When it is neither, or is too large.
    pub fn buffer<'de, D: Deserializer<'de>>(from: D) -> Result<Option<u32>, D::Error> {
        let Some(written) = Option::<Written>::deserialize(from)? else { return Ok(None) };
        let size = written.number(bytes).map_err(D::Error::custom)?;
        let too_large = |_| D::Error::custom(format!("{size} bytes is too large for a buffer"));
        u32::try_from(size).map(Some).map_err(too_large)
    }

    /// A number of ticks per second, or a rate.
    ///
    /// # Errors
    /// When it is neither.
    pub fn per_s<'de, D: Deserializer<'de>>(from: D) -> Result<u64, D::Error> {
        Written::deserialize(from)?.number(rate).map_err(D::Error::custom)
    }

    /// A number of milliseconds, or a time of whole milliseconds.
    ///
    /// # Errors
    /// When it is neither.
    pub fn millis<'de, D: Deserializer<'de>>(from: D) -> Result<u64, D::Error> {
        Written::deserialize(from)?.number(whole_ms).map_err(D::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_need_units_except_for_windows() {
        assert_eq!(duration("10ms"), Ok(Duration::from_millis(10)));
        assert_eq!(duration("1m30s"), Ok(Duration::from_secs(90)));
        for wrong in ["", "5", "soon", "-1s"] {
            assert!(duration(wrong).unwrap_err().contains("10ms, 2s or 1m30s"), "{wrong}");
        }
        assert_eq!(
            ["2", "0.5", "500ms", "2s", "1m30s", "1.5s"].map(|text| seconds(text).unwrap()),
            [2.0, 0.5, 0.5, 2.0, 90.0, 1.5]
        );
        for wrong in ["0", "0.01", "50ms", "2d", "NaN", "inf", "-1", "long"] {
            assert!(seconds(wrong).unwrap_err().contains("between 0.1 and 86400"), "{wrong}");
        }
        assert_eq!(["0", "0s", "0.1"].map(|text| seconds_or_none(text).unwrap()), [0.0, 0.0, 0.1]);
        assert!(seconds_or_none("50ms").is_err());
    }

    #[test]
    fn shown_times_are_one_word_and_parse_again() {
        for text in ["1ms", "1ms500us", "1m30s"] {
            assert_eq!(shown_duration(duration(text).unwrap()), text);
        }
    }

    #[test]
    fn sizes_distinguish_binary_and_decimal_units() {
        assert_eq!(
            ["65536", "64KiB", "64 kB", "1.5MiB", "1MB", "4GiB"].map(|text| bytes(text).unwrap()),
            [65_536, 65_536, 64_000, 1_572_864, 1_000_000, 4 << 30]
        );
        for wrong in ["", "KiB", "-1", "1 lot", "NaN"] {
            assert!(bytes(wrong).unwrap_err().contains("65536, 64KiB or 1MB"), "{wrong}");
        }
        assert_eq!(shown_bytes(212_992), "208.0 KiB");
    }
}
