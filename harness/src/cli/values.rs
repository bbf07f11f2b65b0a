//! Values that only the command line has; [`bench_core::text::units`] reads plain rates, times
//! and sizes.

use bench_core::load::server::Style;
use bench_core::text::units::rate;
use bench_publish::export::Format;
use bench_rig::programs::scaffold::Template;
use clap::ValueEnum;
use clap::builder::PossibleValue;
use std::str::FromStr;

/// `--rates` of a sweep.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Rates {
    /// Around the clients' capacities.
    Auto,
    /// These, ascending.
    Given(Vec<u64>),
}

impl FromStr for Rates {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        if text == "auto" {
            return Ok(Self::Auto);
        }
        let mut rates = text.split(',').map(rate).collect::<Result<Vec<u64>, _>>()?;
        rates.sort_unstable();
        rates.dedup();
        Ok(Self::Given(rates))
    }
}

/// A type of another crate as the value of an option: its values, as it writes them, with their
/// help.
macro_rules! option_value {
    ($name:ident, $of:ty, $doc:literal, { $($variant:path => $help:literal;)+ }) => {
        #[doc = $doc]
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub struct $name(pub $of);

        impl ValueEnum for $name {
            fn value_variants<'a>() -> &'a [Self] {
                &[$(Self($variant)),+]
            }

            fn to_possible_value(&self) -> Option<PossibleValue> {
                let help = match self.0 {
                    $($variant => $help,)+
                };
                Some(PossibleValue::new(self.0.to_string()).help(help))
            }
        }
    };
}

option_value!(FormatValue, Format, "`show --format`.", {
    Format::Text => "Tables and small charts for a terminal";
    Format::Markdown => "Tables in Markdown, as in table.md";
    Format::Html => "The page with charts, as report.html";
    Format::Csv => "All figures as tidy CSV: a line for each workload, client and metric";
    Format::Json => "campaign.json, its rows computed again from the rounds";
    Format::Charts => "The numbers behind the first pictures of the page, as charts.json";
    Format::Svg => "The bar chart of a comparison";
    Format::Hlog => "Response times of one workload as an HdrHistogram log";
    Format::Parquet => "Every sampled tick as a Parquet table";
});

option_value!(StyleValue, Style, "`--style`.", {
    Style::Schedule => "By the schedule of the workload: each tick has a due time";
    Style::Classic => "Like the older benchmark's server: bursts without due times";
});

option_value!(TemplateValue, Template, "`new --template`.", {
    Template::Rust => "A crate that uses client-kit";
    Template::Node => "Node.js with the kit of the Node.js clients";
    Template::Python => "Python with the kit of the Python clients";
    Template::Browser => "A page in headless Chromium, and the program that drives it";
});

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rates_of_a_sweep_are_sorted_and_unique() {
        assert_eq!("50k,10k,50k".parse(), Ok(Rates::Given(vec![10_000, 50_000])));
        assert_eq!("auto".parse(), Ok(Rates::Auto));
        assert!("10k,fast".parse::<Rates>().unwrap_err().contains("`fast` is not a rate"));
    }
}
