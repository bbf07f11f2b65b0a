//! The catalogue of columns compared with the page that defines them.

use crate::columns::{capacities, rows};
use std::fs;
use std::path::Path;

#[test]
fn every_column_is_defined_in_methodology() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../METHODOLOGY.md");
    let page = fs::read_to_string(&path).unwrap();
    let (_, section) = page.split_once("\n## Columns\n").unwrap();
    let section = section.split("\n## ").next().unwrap();
    let keys = rows::all().iter().map(|column| column.key);
    let keys: Vec<&str> = keys.chain(capacities::all().iter().map(|column| column.key)).collect();
    let missing: Vec<&&str> =
        keys.iter().filter(|key| !section.contains(&format!("`{key}`"))).collect();
    assert!(missing.is_empty(), "METHODOLOGY.md does not define {missing:?}");
    let defined = section.split('`').skip(1).step_by(2);
    let unknown: Vec<&str> = defined.filter(|key| !keys.contains(key)).collect();
    assert!(unknown.is_empty(), "METHODOLOGY.md defines columns that do not exist: {unknown:?}");
}
