//! Writes `harness/schema` from the types.

use std::path::Path;

fn main() -> anyhow::Result<()> {
    let dir = Path::new(env!("CARGO_MANIFEST_DIR")).join("schema");
    for named in harness::schemas::all() {
        let text = serde_json::to_string_pretty(&named.schema)? + "\n";
        std::fs::write(dir.join(named.file), text)?;
    }
    Ok(())
}
