//! Escapes foreign texts (names of clients, files and hosts, reasons that a child gave), so
//! that they stay text in what people read. Pure.

use std::borrow::Cow;
use std::ops::Range;

/// For Markdown: markup, HTML and the end of a cell get a backslash, a line break becomes a
/// space, and other control characters are made visible. Harmless text is unchanged.
#[must_use]
pub fn markdown(text: &str) -> String {
    marked(text, |_| Vec::new())
}

/// The same for whole sentences: text between two backticks stays code.
#[must_use]
pub fn prose(text: &str) -> String {
    marked(text, spans)
}

fn marked(text: &str, spans: fn(&[char]) -> Vec<Range<usize>>) -> String {
    let text = terminal(text);
    let chars: Vec<char> = text.chars().collect();
    let spans = spans(&chars);
    let mut out = String::with_capacity(text.len());
    for (index, &c) in chars.iter().enumerate() {
        let before = index.checked_sub(1).map(|i| chars[i]);
        let after = chars.get(index + 1).copied();
        let is_code = spans.iter().any(|span| span.contains(&index));
        // A bar ends a cell even within code.
        if if is_code { c == '|' } else { is_markup(c, before, after) } {
            out.push('\\');
        }
        out.push(c);
    }
    out
}

/// From each single backtick to the next one, both included.
fn spans(chars: &[char]) -> Vec<Range<usize>> {
    let is_tick = |index: usize| chars.get(index) == Some(&'`');
    let is_single =
        |&i: &usize| is_tick(i) && !is_tick(i + 1) && !i.checked_sub(1).is_some_and(is_tick);
    let ticks: Vec<usize> = (0..chars.len()).filter(is_single).collect();
    ticks.chunks_exact(2).map(|pair| pair[0]..pair[1] + 1).collect()
}

fn is_markup(c: char, before: Option<char>, after: Option<char>) -> bool {
    let is_word = |c: Option<char>| c.is_some_and(char::is_alphanumeric);
    let is_blank = |c: Option<char>| c.is_none_or(char::is_whitespace);
    match c {
        '|' | '`' => true,
        // A tag, a comment, an address.
        '<' => after.is_some_and(|c| c.is_alphabetic() || "/!?".contains(c)),
        '&' => after.is_some_and(|c| c.is_alphanumeric() || c == '#'),
        // Within a word it is not markup.
        '_' => !(is_word(before) && is_word(after) || is_blank(before) && is_blank(after)),
        '*' | '~' => !(is_blank(before) && is_blank(after)),
        '\\' => after.is_some_and(|c| c.is_ascii_punctuation()),
        // A link or an image.
        ']' => matches!(after, Some('(' | '[' | ':')),
        // Only at the beginning: a quotation, a heading, a list.
        '>' | '#' => before.is_none(),
        '-' | '+' => before.is_none() && is_blank(after),
        _ => false,
    }
}

/// For Markdown, as code: between as many backticks as it takes.
#[must_use]
pub fn code(text: &str) -> String {
    let text = terminal(text);
    let longest = text.split(|c| c != '`').map(str::len).max().unwrap_or(0);
    let fence = "`".repeat(longest + 1);
    match longest {
        0 => format!("{fence}{text}{fence}"),
        _ => format!("{fence} {text} {fence}"),
    }
}

/// For a terminal: a line break or a tab becomes a space; control characters (ESC begins a
/// terminal command) and those that change the direction of writing are made visible.
#[must_use]
pub fn terminal(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '\n' | '\r' | '\t' => out.push(' '),
            '\0'..'\u{20}' => out.extend(char::from_u32(0x2400 + u32::from(c))),
            '\u{7f}' => out.push('\u{2421}'),
            c if c.is_control() || is_unseen(c) => out.extend(c.escape_unicode()),
            c => out.push(c),
        }
    }
    out
}

/// For a link to a file: characters with a meaning in an address, except slashes, are
/// percent-encoded (RFC 3986, section 2.1).
#[must_use]
pub fn address(path: &str) -> String {
    let plain = |b: u8| b.is_ascii_alphanumeric() || b"-_.~/".contains(&b);
    let encode = |b: u8| if plain(b) { char::from(b).to_string() } else { format!("%{b:02X}") };
    path.bytes().map(encode).collect()
}

/// The first `most` characters, with an ellipsis if some were cut off.
#[must_use]
pub fn clipped(text: &str, most: usize) -> Cow<'_, str> {
    match text.char_indices().nth(most) {
        None => Cow::Borrowed(text),
        Some((end, _)) => Cow::Owned(format!("{}…", &text[..end])),
    }
}

/// Changes the direction of writing, breaks a line, or has no width.
fn is_unseen(c: char) -> bool {
    matches!(
        c,
        '\u{61c}'
            | '\u{200b}'..='\u{200f}'
            | '\u{2028}'..='\u{202e}'
            | '\u{2060}'..='\u{206f}'
            | '\u{feff}'
            | '\u{fff9}'..='\u{fffb}'
            | '\u{e0000}'..='\u{e007f}'
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn markdown_stays_text() {
        for (text, expected) in [
            ("<script>alert(1)</script>", r"\<script>alert(1)\</script>"),
            ("a|b", r"a\|b"),
            (r"a\|b", r"a\\\|b"),
            ("*bold* _it_ `code`", r"\*bold\* \_it\_ \`code\`"),
            ("[x](http://y) ![i](z) [1]: u", r"[x\](http://y) ![i\](z) [1\]: u"),
            ("&lt; &#60;", r"\&lt; \&#60;"),
            ("# no heading", r"\# no heading"),
            ("> no quotation", r"\> no quotation"),
            ("two\nlines\r\n", "two lines  "),
            ("\u{1b}[31mred", "␛[31mred"),
            ("=cmd()", "=cmd()"),
        ] {
            assert_eq!(markdown(text), expected);
        }
    }

    #[test]
    fn harmless_text_is_unchanged() {
        for text in [
            "tokio:current-thread",
            "snake_case and 2 * 3 * 4, p < 0.05 & more",
            "ticks still waiting count with at least their age (>)",
            "the hypervisor took 2.5 % [1 of 7 rounds]",
            r"C:\path",
            "µs – Zoë",
        ] {
            assert_eq!(markdown(text), text);
            assert_eq!(terminal(text), text);
        }
    }

    #[test]
    fn sentences_keep_code_and_no_other_markup() {
        for (text, expected) in [
            ("compare it with `flood`", "compare it with `flood`"),
            ("`<b>` and <b>", r"`<b>` and \<b>"),
            ("`a|b` c|d", r"`a\|b` c\|d"),
            ("one ` alone, ``two``", r"one \` alone, \`\`two\`\`"),
            (r"\`x`", r"\\`x`"),
        ] {
            assert_eq!(prose(text), expected);
        }
    }

    #[test]
    fn code_ends_where_it_should() {
        assert_eq!(code("cargo harness"), "`cargo harness`");
        assert_eq!(code("a`b``c"), "``` a`b``c ```");
        assert_eq!(code("a\nb"), "`a b`");
    }

    #[test]
    fn no_command_reaches_a_terminal() {
        assert_eq!(terminal("\u{1b}[2Jgone\u{7}\u{7f}"), "␛[2Jgone␇␡");
        assert_eq!(terminal("a\u{9b}31mb"), r"a\u{9b}31mb");
        assert_eq!(terminal("abc\u{202e}fed\u{2066}"), r"abc\u{202e}fed\u{2066}");
        assert_eq!(terminal("one\ntwo\tthree\r"), "one two three ");
    }

    #[test]
    fn addresses_lead_to_their_files() {
        assert_eq!(address("results/2026-11-24T02-31-26Z-vm"), "results/2026-11-24T02-31-26Z-vm");
        assert_eq!(address("a b)(#?\"é"), "a%20b%29%28%23%3F%22%C3%A9");
    }

    #[test]
    fn long_words_are_cut_between_characters() {
        assert_eq!(clipped("µµµ", 2), "µµ…");
        assert_eq!(clipped("µµ", 2), "µµ");
    }
}
