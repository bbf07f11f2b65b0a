//! Recordings as people have them: what is taken, and what is said about the others.

use super::*;
use crate::tape::error::Span;
use proptest::prelude::*;

fn error(text: impl AsRef<[u8]>) -> String {
    Tape::read(text.as_ref(), |_| {}).unwrap_err().to_string()
}

fn gaps(text: impl AsRef<[u8]>) -> Vec<u64> {
    let tape = Tape::read(text.as_ref(), |_| {}).unwrap_or_else(|error| panic!("{error}")).tape;
    let offsets: Vec<u64> = (0..tape.ticks()).map(|seq| tape.due_offset_ns(seq)).collect();
    let before = std::iter::once(0).chain(offsets.clone());
    offsets.iter().zip(before).map(|(at, before)| at - before).collect()
}

#[test]
fn a_recording_repeats() {
    let tape = Tape::parse("gap_ns,symbol,price\n0,1,10.5\n5,2,11\n 0,3,12\n7,4,0.01\n").unwrap();
    assert_eq!((tape.ticks(), tape.span_ns()), (4, 12));
    let due: Vec<u64> = (0..6).map(|seq| tape.due_offset_ns(seq)).collect();
    assert_eq!(due, [0, 5, 5, 12, 12, 17]);
    assert_eq!(tape.quote(5), (Some(2), Some(1100)));
    assert_eq!([0, 4, 5, 11, 12, 17].map(|ns| tape.due_count(ns)), [1, 1, 3, 3, 5, 7]);
}

#[test]
fn a_recording_needs_gaps_only() {
    let tape = Tape::parse("gap_ns\n1000\n").unwrap();
    assert_eq!(tape.quote(9), (None, None));
}

/// Where the meaning is plain.
#[test]
fn gaps_are_taken_however_they_are_written() {
    for gap in
        ["1000", "1000.0", "1e3", " 1000", "+1000", "\"1000\"", " \"1000\" ", "1000,", "1000 ,"]
    {
        for end in ["\n", "\r\n", ""] {
            for beginning in ["gap_ns", "\u{feff}gap_ns", "\"gap_ns\"", "GAP_NS ", "gap_ns,"] {
                let text = format!("{beginning}\n5\n{gap}{end}");
                assert_eq!(gaps(&text), [5, 1000], "{text:?}");
            }
        }
    }
    for text in [
        "gap_ns\tsymbol\tprice\n1000\tAAPL\t101.25\n",
        "gap_ns;symbol;price\r\n1000;AAPL;101.25\r\n",
        "price,symbol,gap_ns\n101.250,AAPL,1000",
        "gap_ns,symbol,price\n\n1000,0,1.0125e2\n\n",
        "\u{feff}\"gap_ns\",\"symbol\",\"price\"\n\"1000\",\"AAPL\",\"101.25\",\n",
    ] {
        let tape = Tape::parse(text).unwrap();
        assert_eq!((tape.span_ns(), tape.quote(0)), (1000, (Some(0), Some(10_125))), "{text:?}");
    }
}

#[test]
fn a_value_that_is_not_taken_is_named_with_its_line_its_column_and_what_was_expected() {
    for (text, expected) in [
        (
            "gap_ns\n1\n-1\n",
            "line 3: column gap_ns: found `-1`, expected 0 or more: a gap is the time since the tick before, and times cannot go back",
        ),
        (
            "gap_ns\n1000.5\n",
            "line 2: column gap_ns: found `1000.5`, expected whole ns since the tick before, such as 250000",
        ),
        ("gap_ns,symbol\n,1\n", "line 2: column gap_ns: found nothing, expected whole ns"),
        (
            "gap_ns\n1,000\n",
            "line 2: found 2 fields in `1,000`, expected 1 as in the header: write numbers without thousands separators",
        ),
        ("gap_ns\n\"1,000\"\n", "line 2: column gap_ns: found `1,000`, expected whole ns"),
        ("gap_ns,price\n1\t2\n", "line 2: found 1 fields in `1\t2`".replace('\t', "?").as_str()),
        ("gap_ns\n\"1\n", "line 2: a quote in `\"1` does not end in this line"),
        (
            "gap_ns\n34200.004241176\n",
            "line 2: column gap_ns: found `34200.004241176`, expected whole ns",
        ),
        (
            "gap_ns,symbol\n1,1\n1,64\n",
            "line 3: column symbol: found `64`, expected a number below 64, or a name of the market such as AAPL",
        ),
        ("gap_ns,symbol\n1,nope\n", "line 2: column symbol: found `nope`"),
        (
            "gap_ns,price\n1,0\n",
            "line 2: column price: found `0`, expected a price from 0.01 to 10000000",
        ),
        ("gap_ns,price\n1,10000000.01\n", "line 2: column price: found `10000000.01`"),
        ("gap_ns,price\n1,-5\n", "line 2: column price: found `-5`"),
        ("gap_ns,price\n1,$5\n", "line 2: column price: found `$5`"),
        (
            "gap_ns,price\n1,109.01\n1,109.015625\n",
            "line 3: column price: found `109.015625`, expected at most two decimals, because ticks and checksums have whole cents",
        ),
        (
            "gap_ns,symbol\n1,1\n1,\n",
            "line 3: column symbol: it is empty, and lines before have a value",
        ),
        (
            "gap_ns,symbol\n1,\n1,1\n",
            "line 3: column symbol: it has a value, and lines before have none",
        ),
        ("gap_ns\nx\u{7}`\n", "line 2: column gap_ns: found `x??`"),
        ("gap_ns\n# a comment\n", "line 2: column gap_ns: found `# a comment`"),
    ] {
        let error = error(text);
        assert!(error.starts_with(expected), "{text:?}: {error}");
        assert!(!error.contains('\n'), "{error}");
    }
    assert!(error([b"gap_ns\n".as_slice(), &[0xff, 0xfe, b'\n']].concat()).contains("line 2"));
    let long = error(format!("gap_ns\n{}\n", "1".repeat(5_000)));
    assert_eq!(long, "line 2: it has more than 4096 bytes");
    assert!(error("1".repeat(5_000)).starts_with("line 1: it has more than 4096 bytes"));
    assert!(error(format!("gap_ns\n{}\n", "1".repeat(3_000))).len() < 200);
}

/// The line that an editor shows.
#[test]
fn blank_lines_count() {
    for (text, line) in [
        ("gap_ns\n\n\nx\n", 4),
        ("\n\ngap_ns\n1\nx\n", 5),
        ("gap_ns\r\n\r\n  \r\nx\r\n", 4),
        ("\u{feff}\ngap_ns\n1\n\t\nx", 5),
    ] {
        let error = error(text);
        assert!(error.starts_with(&format!("line {line}: ")), "{text:?}: {error}");
    }
}

#[test]
fn a_first_line_that_names_no_gaps_is_shown_with_an_example() {
    for (text, found) in [
        (
            "34200.004241176,1,16113575,18,5853300,1\n34200.1,1,1,1,1,1\n",
            "34200.004241176,1,16113575,18,5853300,1",
        ),
        ("time,price\n1,2\n", "time,price"),
        ("1000\n2000\n", "1000"),
    ] {
        let error = error(text);
        assert!(error.starts_with(&format!("line 1: no column `gap_ns` in `{found}`")), "{error}");
        for part in
            ["gap_ns (ns since the tick before)", "symbol and price", "`250000,AAPL,101.25`"]
        {
            assert!(error.contains(part), "{error}");
        }
    }
    assert!(
        error("gap_ns,size\n1,2\n").starts_with("line 1: unknown column `size`: the columns are")
    );
    assert_eq!(error("gap_ns,price,PRICE\n"), "line 1: the column price comes twice");
    assert!(error("gap_ns\r1\r2\r").contains("carriage return"));
    assert!(error("").starts_with("it is empty"));
    assert!(error("\n\n").starts_with("it is empty"));
    assert_eq!(error("\ngap_ns\n\n"), "it has no tick: nothing follows its header in line 2");
    assert_eq!(
        error("gap_ns\n0\n0\n"),
        "all of its 2 ticks are at one instant: every gap_ns is 0, from line 2 on"
    );
}

#[test]
fn times_of_a_clock_are_no_gaps() {
    for (text, expected) in [
        (
            "gap_ns\n1700000000000000000\n1000\n",
            "first tick due in 53 years (line 2): are these absolute times?",
        ),
        (
            "gap_ns\n\n1700000000000000\n1700000000000100\n",
            "first tick due in 19 days (line 3): are these absolute times?",
        ),
        (
            "gap_ns\n1700000000000\n1700000000001\n1700000000001\n",
            "first tick due in 28 minutes (line 2): are these absolute times?",
        ),
        (
            "gap_ns\n1700000000\n1700000000\n1700000003\n",
            "first tick due in 1 s (line 2): are these absolute times?",
        ),
        (
            "gap_ns\n1\n90000000000000\n",
            "line 3: column gap_ns: a gap of 1 day: the longest is a day",
        ),
    ] {
        let error = error(text);
        assert!(error.starts_with(expected), "{text:?}: {error}");
    }
    // Gaps that are equal, that fall, or that differ more, are gaps.
    for text in [
        "gap_ns\n1500000000\n1500000000\n1500000000\n",
        "gap_ns\n1500000001\n1500000000\n1500000002\n",
        "gap_ns\n1500000000\n1600000000\n1700000000\n",
    ] {
        assert_eq!(gaps(text).len(), 3);
    }
}

#[test]
fn a_gap_of_hours_is_taken_and_told() {
    let text = "gap_ns\n1000\n\n54000000000000\n7\n";
    let read = Tape::read(text.as_bytes(), |_| {}).unwrap();
    assert_eq!(read.longest_gap, LongestGap { line: 4, ns: 54_000_000_000_000 });
    assert_eq!(Span(read.longest_gap.ns).to_string(), "15 hours");
}

#[test]
fn what_is_no_text_is_named() {
    for (beginning, expected) in [
        (&[0x1f, 0x8b, 8, 0][..], "it is not CSV text, but compressed: unpack it with gunzip"),
        (&[0x28, 0xb5, 0x2f, 0xfd, 0], "it is not CSV text, but compressed: unpack it with unzstd"),
        (b"BZh91AY", "it is not CSV text, but compressed: unpack it with bunzip2"),
        (
            &[0xfd, b'7', b'z', b'X', b'Z', 0],
            "it is not CSV text, but compressed: unpack it with unxz",
        ),
        (b"PK\x03\x04..", "it is not CSV text, but a ZIP archive: unpack it with unzip"),
        (b"PAR1..", "it is not CSV text, but a Parquet file: export it as CSV"),
        (&[0xff, 0xfe, b'g', 0], "it is not CSV text, but UTF-16: save it as UTF-8"),
    ] {
        assert_eq!(error(beginning), expected);
    }
}

/// They were rounded when they were played.
#[test]
fn a_recording_that_was_played_before_is_still_read() {
    let text = "gap_ns,price\n100000000000000,109.015625\n5,0.014999\n";
    let tape = Tape::read_played(text.as_bytes()).unwrap();
    assert_eq!((tape.quote(0).1, tape.quote(1).1), (Some(10_902), Some(1)));
}

/// A text of many MiB that is never in memory as a whole.
#[test]
fn a_large_recording_is_a_stream_with_progress() {
    let line = b"1000000\n";
    let lines = 3_000_000;
    let body = std::io::repeat(0).take(0).chain(Repeat { line, at: 0, left: lines * line.len() });
    let text = std::io::BufReader::new(b"gap_ns\n".chain(body));
    let mut reports = Vec::new();
    let tape = Tape::read(text, |bytes| reports.push(bytes)).unwrap().tape;
    assert_eq!((tape.ticks(), tape.span_ns()), (lines as u64, lines as u64 * 1_000_000));
    assert_eq!(reports.len(), 2);
    assert!(reports.is_sorted() && reports[1] < (lines * line.len()) as u64);
}

struct Repeat {
    line: &'static [u8],
    at: usize,
    left: usize,
}

impl Read for Repeat {
    fn read(&mut self, to: &mut [u8]) -> std::io::Result<usize> {
        let count = to.len().min(self.left);
        for byte in &mut to[..count] {
            *byte = self.line[self.at % self.line.len()];
            self.at += 1;
        }
        self.left -= count;
        Ok(count)
    }
}

proptest! {
    #[test]
    fn arbitrary_bytes_never_panic(bytes: Vec<u8>) {
        let _ = Tape::read(bytes.as_slice(), |_| {});
        let _ = Tape::read([b"gap_ns,symbol,price\n".as_slice(), &bytes].concat().as_slice(), |_| {});
        let _ = Tape::read_played([b"gap_ns;price\n1;".as_slice(), &bytes].concat().as_slice());
    }

    #[test]
    fn every_recording_is_read_as_it_was_written(
        ticks in prop::collection::vec((0u64..1_000_000_000, 0u8..64, 1u32..=1_000_000_000), 1..50),
    ) {
        prop_assume!(ticks.iter().any(|tick| tick.0 > 0));
        let mut text = "gap_ns,symbol,price\n".to_owned();
        for (gap, symbol, cents) in &ticks {
            text += &format!("{gap},{symbol},{}.{:02}\n", cents / 100, cents % 100);
        }
        prop_assert_eq!(gaps(&text), ticks.iter().map(|tick| tick.0).collect::<Vec<_>>());
        let tape = Tape::parse(&text).unwrap();
        for (seq, (_, symbol, cents)) in (0..).zip(&ticks) {
            prop_assert_eq!(tape.quote(seq), (Some(u32::from(*symbol)), Some(u64::from(*cents))));
        }
    }
}
