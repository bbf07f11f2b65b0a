//! placeholder until merged
/// Text within Markdown.
#[must_use]
pub fn markdown(text: &str) -> String {
    text.to_owned()
}
