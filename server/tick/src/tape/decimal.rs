//! Decimal numbers, read exactly: `1000`, `1000.0`, `1e3` and `+1000` are the same, and nothing
//! is rounded.

/// The most digits that are read.
const MOST_DIGITS: u32 = 30;

/// Why a text is no whole number of the wanted units.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NotWhole {
    /// No number.
    Text,
    /// Below 0.
    Negative,
    /// More decimals than the units have.
    Fraction,
    /// More than 64 bits hold.
    TooLarge,
}

/// The number in units of `10^-decimals`, which it has to be a multiple of.
///
/// # Errors
/// When it is none.
#[inline]
pub fn whole(text: &[u8], decimals: i32) -> Result<u64, NotWhole> {
    // Almost all of them are digits alone.
    if decimals == 0 && (1..=19).contains(&text.len()) && text.iter().all(u8::is_ascii_digit) {
        return Ok(text.iter().fold(0, |sum, digit| sum * 10 + u64::from(digit - b'0')));
    }
    general(text, decimals)
}

fn general(text: &[u8], decimals: i32) -> Result<u64, NotWhole> {
    let (is_negative, text) = match text {
        [b'-', rest @ ..] => (true, rest),
        [b'+', rest @ ..] => (false, rest),
        rest => (false, rest),
    };
    let (digits, exponent) = parts(text).ok_or(NotWhole::Text)?;
    if digits == 0 {
        return Ok(0);
    }
    if is_negative {
        return Err(NotWhole::Negative);
    }
    let shift = exponent.saturating_add(decimals);
    let power = |places: u32| 10u128.checked_pow(places);
    let scaled = match u32::try_from(shift) {
        Ok(places) => power(places).and_then(|power| digits.checked_mul(power)),
        Err(_) => match power(shift.unsigned_abs()) {
            Some(power) if digits.is_multiple_of(power) => Some(digits / power),
            _ => return Err(NotWhole::Fraction),
        },
    };
    scaled.and_then(|scaled| u64::try_from(scaled).ok()).ok_or(NotWhole::TooLarge)
}

/// The digits without the point, and the power of ten that they are to be multiplied by.
fn parts(text: &[u8]) -> Option<(u128, i32)> {
    let (number, power) = match text.iter().position(|byte| matches!(byte, b'e' | b'E')) {
        None => (text, 0),
        Some(at) => {
            let power = str::from_utf8(&text[at + 1..]).ok()?;
            (&text[..at], power.parse::<i16>().ok()?)
        }
    };
    let (mut digits, mut count, mut behind, mut has_point) = (0u128, 0, 0, false);
    for &byte in number {
        match byte {
            b'.' if !has_point => has_point = true,
            b'0'..=b'9' => {
                digits = digits * 10 + u128::from(byte - b'0');
                // Leading zeros are no digits.
                count += u32::from(digits > 0);
                behind += i32::from(has_point);
                if count > MOST_DIGITS {
                    return None;
                }
            }
            _ => return None,
        }
    }
    let has_digits = number.iter().any(u8::is_ascii_digit);
    has_digits.then_some((digits, i32::from(power) - behind))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_number_is_read_exactly_however_it_is_written() {
        for text in ["1000", "1000.0", "1e3", "+1000", "1.E3", "0.1e+4", "001000.000", "10000e-1"] {
            assert_eq!(whole(text.as_bytes(), 0), Ok(1_000), "{text}");
        }
        for text in ["109.01", "109.010", "+1.0901e2", "10901e-2"] {
            assert_eq!(whole(text.as_bytes(), 2), Ok(10_901), "{text}");
        }
        assert_eq!(whole(b"-0.0", 0), Ok(0));
        assert_eq!(whole(b"18446744073709551615", 0), Ok(u64::MAX));
        for (text, decimals, why) in [
            ("1000.5", 0, NotWhole::Fraction),
            ("1e-3", 0, NotWhole::Fraction),
            ("109.015625", 2, NotWhole::Fraction),
            ("-1", 0, NotWhole::Negative),
            ("-0.001", 2, NotWhole::Negative),
            ("18446744073709551616", 0, NotWhole::TooLarge),
            ("1e300", 0, NotWhole::TooLarge),
            ("", 0, NotWhole::Text),
            (".", 0, NotWhole::Text),
            ("1.2.3", 0, NotWhole::Text),
            ("1,000", 0, NotWhole::Text),
            ("1 000", 0, NotWhole::Text),
            ("0x10", 0, NotWhole::Text),
            ("NaN", 0, NotWhole::Text),
            ("inf", 0, NotWhole::Text),
            ("e3", 0, NotWhole::Text),
            ("1e99999", 0, NotWhole::Text),
            ("--1", 0, NotWhole::Text),
        ] {
            assert_eq!(whole(text.as_bytes(), decimals), Err(why), "{text}");
        }
    }

    proptest! {
        #[test]
        fn arbitrary_bytes_never_panic(text: Vec<u8>, decimals in 0i32..3) {
            let _ = whole(&text, decimals);
        }

        #[test]
        fn every_price_of_whole_cents_is_read_as_it_was_written(cents: u32) {
            let text = format!("{}.{:02}", cents / 100, cents % 100);
            prop_assert_eq!(whole(text.as_bytes(), 2), Ok(u64::from(cents)));
        }
    }
}
