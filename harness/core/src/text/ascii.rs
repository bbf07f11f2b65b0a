//! Text for terminals that show ASCII only. Pure.

use std::borrow::Cow;
use unicode_width::UnicodeWidthChar;

/// The same text in ASCII, as many columns wide, so that tables keep their shape. What has no
/// counterpart is `?`.
#[must_use]
pub fn ascii(text: &str) -> Cow<'_, str> {
    if text.is_ascii() {
        return Cow::Borrowed(text);
    }
    let mut plain = String::with_capacity(text.len());
    for c in text.chars() {
        match similar(c) {
            Some(similar) => plain.push(similar),
            None => plain.extend(std::iter::repeat_n('?', c.width().unwrap_or(0))),
        }
    }
    Cow::Owned(plain)
}

fn similar(c: char) -> Option<char> {
    Some(match c {
        c if c.is_ascii() => c,
        '–' | '—' | '−' | '─' | '╌' | '┄' => '-',
        '═' => '=',
        '│' | '┆' | '║' | '╎' => '|',
        // The corners and joints of all boxes.
        '┌'..='╬' => '+',
        // Columns of a chart, from low to high, and the ends of bars.
        '▁' => '_',
        '▂' => '.',
        '▃' => '-',
        '▄' => '=',
        '▅' => '+',
        '▆' => '*',
        '▇' => '%',
        '█' => '#',
        '▉' | '▊' | '▋' => '=',
        '▌' | '▍' => '-',
        '▎' | '▏' => '.',
        // Different clients in one picture stay different.
        '▓' => '%',
        '▒' => '=',
        '░' => ':',
        '▞' => '/',
        'µ' | 'μ' => 'u',
        '×' => 'x',
        '÷' => '/',
        '±' | '≈' => '~',
        '≥' | '→' | '▸' => '>',
        '≤' | '←' => '<',
        '▲' => '^',
        '✓' => 'v',
        '✗' | '✘' => 'x',
        '◆' => 'o',
        '•' => '*',
        '·' | '…' => '.',
        '²' => '2',
        '‘' | '’' => '\'',
        '“' | '”' => '"',
        '\u{a0}' | '\u{2009}' | '\u{202f}' => ' ',
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use unicode_width::UnicodeWidthStr;

    #[test]
    fn text_keeps_its_width() {
        let table = "┌───────┬──────┐\n│ né 東 ┆ 12 µs│\n╞═══════╪══════╡\n│ –     ┆ ≥ 3 ×│\n└───────┴──────┘";
        let plain = "+-------+------+\n| n? ?? | 12 us|\n+=======+======+\n| -     | > 3 x|\n+-------+------+";
        assert_eq!(ascii(table), plain);
        for (a, b) in table.lines().zip(plain.lines()) {
            assert_eq!(a.width(), b.width());
        }
        assert!(matches!(ascii("plain"), Cow::Borrowed("plain")));
    }

    #[test]
    fn columns_of_a_chart_and_signs_of_verdicts_stay_different() {
        for signs in ["▁▂▃▄▅▆▇█", "✓▲◆≈–✗▸·", "█▓▒░▞"] {
            let plain = ascii(signs).into_owned();
            assert!(plain.is_ascii() && !plain.contains('?'), "{plain}");
            let mut different: Vec<char> = plain.chars().collect();
            different.sort_unstable();
            different.dedup();
            assert_eq!(different.len(), signs.chars().count(), "{plain}");
        }
    }
}
