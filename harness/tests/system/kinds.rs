//! The tables of faults and of kinds name tests, and those exist.

use crate::common::root;
use std::fs;

/// Tables whose last column has files with the names of their tests, and how many at least.
const TABLES: [(&str, usize); 2] = [("harness/FAULTS.md", 25), ("harness/tests/KINDS.md", 60)];

/// The parts of a cell between these characters.
fn between(cell: &str, mark: char) -> impl Iterator<Item = &str> {
    cell.split(mark).skip(1).step_by(2)
}

/// `file: name, name; file: name` as files with their names. Those of Rust are between
/// backticks, as files are; those of Node.js are between quotes.
fn named(cell: &str) -> Vec<(&str, Vec<String>)> {
    let mut found = Vec::new();
    for part in cell.split("; ") {
        let Some(file) = between(part, '`').next().filter(|name| name.contains('/')) else {
            continue;
        };
        let functions = between(part, '`').skip(1).filter(|name| name.contains('_'));
        let functions = functions.map(|name| format!("fn {name}("));
        let sentences = between(part, '"').map(|name| format!("test(\"{name}\""));
        found.push((file, functions.chain(sentences).collect()));
    }
    found
}

#[test]
fn every_test_that_is_named_exists() {
    for (table, least) in TABLES {
        let text = fs::read_to_string(root().join(table)).unwrap();
        let (mut names, mut in_table) = (0, false);
        for line in text.lines() {
            let Some(row) = line.strip_prefix('|').and_then(|line| line.strip_suffix('|')) else {
                in_table = false;
                continue;
            };
            let last = row.rsplit(" | ").next().unwrap_or_default().trim();
            in_table |= matches!(row.rsplit('|').next(), Some(" test " | " tests "));
            for (file, tests) in named(last).into_iter().filter(|_| in_table) {
                let source = fs::read_to_string(root().join(file));
                let source = source.unwrap_or_else(|error| panic!("{table}: {file}: {error}"));
                names += tests.len();
                for test in tests {
                    assert!(source.contains(&test), "{table}: {file} has no `{test}`");
                }
            }
        }
        assert!(names >= least, "{table}: {names} tests");
    }
}
