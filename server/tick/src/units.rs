//! Rates, times and sizes as people write them: `500k`, `10ms`, `64KiB`. The server's command
//! line, the harness and workload files read them by the same functions.

use bytesize::ByteSize;
use std::time::Duration;

/// The highest rate, in ticks per second.
const HIGHEST_PER_S: f64 = 1e8;

/// A rate such as `50000`, `50k`, `1.5M` or `2.5e5`, in ticks per second.
///
/// # Errors
/// When it is not one; the message gives examples.
pub fn rate(text: &str) -> Result<u64, String> {
    let text = text.trim();
    let (digits, unit) = match text.strip_suffix(['k', 'K']) {
        Some(digits) => (digits, 1e3),
        None => text.strip_suffix('M').map_or((text, 1.0), |digits| (digits, 1e6)),
    };
    match digits.parse::<f64>().map(|n| n * unit) {
        Ok(rate) if (1.0..=HIGHEST_PER_S).contains(&rate) => {
            // A product such as that of 0.29M is a whole number but for its last bits.
            let whole = rate.round();
            if (rate - whole).abs() > whole * f64::EPSILON {
                return Err(format!(
                    "`{text}` is not a whole number of ticks per second: choose {} or {}",
                    rate.floor(),
                    rate.ceil()
                ));
            }
            Ok(whole as u64)
        }
        _ => Err(format!("`{text}` is not a rate between 1 and 100M, such as 50000, 50k or 1.5M")),
    }
}

/// A time with its unit, such as `10ms`, `2s` or `1m30s`.
///
/// # Errors
/// When it is not one; the message gives examples.
pub fn duration(text: &str) -> Result<Duration, String> {
    humantime::parse_duration(text)
        .map_err(|_| format!("`{text}` is not a time such as 500us, 10ms, 2s or 1m30s"))
}

/// Seconds, from a plain number or a time with its unit; `None`: it is neither.
#[must_use]
pub fn plain_seconds(text: &str) -> Option<f64> {
    text.parse().ok().or_else(|| Some(duration(text).ok()?.as_secs_f64()))
}

/// A size such as `65536`, `64KiB` or `1MB`, in bytes.
///
/// # Errors
/// When it is not one; the message gives examples.
pub fn bytes(text: &str) -> Result<u64, String> {
    let size = text.trim().parse::<ByteSize>();
    size.map(|size| size.as_u64())
        .map_err(|_| format!("`{text}` is not a size such as 65536, 64KiB or 1MB"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rates_are_read_as_people_write_them() {
        assert_eq!(
            ["1", "50k", "1.5M", "100M", "0.29M", "100k", "1M", "2.5e5"]
                .map(|text| rate(text).unwrap()),
            [1, 50_000, 1_500_000, 100_000_000, 290_000, 100_000, 1_000_000, 250_000]
        );
        for wrong in ["", "k", "0", "200M", "-5", "1e9", "NaN", "fast"] {
            assert!(rate(wrong).unwrap_err().contains("is not a rate"), "{wrong}");
        }
    }

    #[test]
    fn a_rate_of_no_whole_number_is_refused() {
        // Not rounded in silence: the load would be a third higher than asked for.
        assert_eq!(
            rate("1.5").unwrap_err(),
            "`1.5` is not a whole number of ticks per second: choose 1 or 2"
        );
        for wrong in ["1.0005k", "99999999.5", "12.5", "1.0000005M"] {
            assert!(rate(wrong).unwrap_err().contains("is not a whole number"), "{wrong}");
        }
        for exact in 1..2000_u32 {
            assert_eq!(rate(&format!("{}k", f64::from(exact) / 1e3)), Ok(exact.into()));
        }
    }

    #[test]
    fn seconds_are_a_number_or_a_time() {
        assert_eq!(
            ["2", "0.5", "500ms", "1m30s"].map(plain_seconds),
            [2.0, 0.5, 0.5, 90.0].map(Some)
        );
        assert_eq!(plain_seconds("soon"), None);
    }
}
