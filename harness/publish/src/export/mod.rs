//! Saved campaigns in every output format, a module for each: pure functions of an archive, so
//! that the same campaign gives the same bytes.

pub mod charts;
pub mod csv;
mod exporter;
pub mod hlog;
pub mod html;
pub mod json;
pub mod markdown;
pub mod parquet;
pub mod svg;
pub mod text;

pub use exporter::{Exporter, File, Format};

/// The exporter of a format; `width` is that of the terminal, in columns.
#[must_use]
pub fn exporter(format: Format, width: usize) -> Box<dyn Exporter> {
    match format {
        Format::Text => Box::new(text::Text { width }),
        Format::Markdown => Box::new(markdown::Markdown),
        Format::Html => Box::new(html::Html),
        Format::Csv => Box::new(csv::TidyCsv),
        Format::Json => Box::new(json::Json),
        Format::Charts => Box::new(charts::Charts),
        Format::Hlog => Box::new(hlog::Hlog),
        Format::Svg => Box::new(svg::Svg),
        Format::Parquet => Box::new(parquet::Parquet),
    }
}
