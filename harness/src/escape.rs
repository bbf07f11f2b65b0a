//! Makes foreign words harmless: names and texts of clients, files and hosts, before
//! they stand in a document or on a terminal. Pure.

use std::borrow::Cow;

/// For Markdown, a table's cell included: one line, shown as it is, not as markup.
#[must_use]
pub fn markdown(text: &str) -> String {
    let mut shown = String::with_capacity(text.len());
    for c in terminal(text).chars() {
        match c {
            '<' => shown.push_str("&lt;"),
            '>' => shown.push_str("&gt;"),
            '&' => shown.push_str("&amp;"),
            '\\' | '|' | '`' | '*' | '_' | '[' | ']' | '~' => shown.extend(['\\', c]),
            c => shown.push(c),
        }
    }
    shown
}

/// For a terminal: one line, without characters that move its cursor, change its
/// colours or turn the direction of writing.
#[must_use]
pub fn terminal(text: &str) -> String {
    let turns = |c: char| matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
    let breaks =
        |c: char| c.is_ascii_whitespace() || matches!(c, '\u{85}' | '\u{2028}' | '\u{2029}');
    let plain = |c: char| match c {
        c if breaks(c) => Some(' '),
        c if c.is_control() || turns(c) => None,
        c => Some(c),
    };
    text.chars().filter_map(plain).collect()
}

/// At most so many characters, with an ellipsis where some were cut off.
#[must_use]
pub fn clipped(text: &str, most: usize) -> Cow<'_, str> {
    match text.char_indices().nth(most) {
        None => Cow::Borrowed(text),
        Some((end, _)) => Cow::Owned(format!("{}…", &text[..end])),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn markup_is_shown_and_not_obeyed() {
        assert_eq!(markdown("a|b <img> `c`\nd"), "a\\|b &lt;img&gt; \\`c\\` d");
        assert_eq!(markdown("tokio:current-thread"), "tokio:current-thread");
        assert_eq!(markdown("![x](http://y)"), "!\\[x\\](http://y)");
    }

    #[test]
    fn terminals_get_no_orders() {
        assert_eq!(terminal("red\u{1b}[31m\r\ntext\u{7}\u{9b}1m\u{202e}"), "red[31m  text1m");
        assert_eq!(terminal("93 µs – so"), "93 µs – so");
    }

    #[test]
    fn long_words_are_cut_between_characters() {
        assert_eq!(clipped("µµµ", 2), "µµ…");
        assert_eq!(clipped("µµ", 2), "µµ");
    }
}
