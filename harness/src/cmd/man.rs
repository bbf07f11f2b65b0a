//! `harness man`: manual pages, from the same texts as `--help`.

use crate::cli;
use crate::cli::ManArgs;
use crate::exit::Exit;
use anyhow::{Context, Result};
use bench_archive::store;
use clap::Command;
use clap_mangen::Man;
use clap_mangen::roff::{Roff, roman};

/// Prints the main page, or writes all pages into a directory.
///
/// # Errors
/// When the directory cannot be created or written to.
pub fn run(args: &ManArgs) -> Result<Exit> {
    // No page for `help`: it would contain nothing of its own.
    let mut tree = cli::visible().disable_help_subcommand(true);
    tree.build();
    let Some(dir) = &args.out else {
        anstream::print!("{}", page(&tree)?);
        return Ok(Exit::Done);
    };
    let subcommands = tree.get_subcommands().cloned();
    for command in std::iter::once(tree.clone()).chain(subcommands) {
        let name = Man::new(command.clone()).get_filename();
        store::write_page(dir, &name, &page(&command)?)?;
        anstream::println!("{}", dir.join(name).display());
    }
    Ok(Exit::Done)
}

/// One page. The text below the options of the help keeps its lines and headings.
fn page(command: &Command) -> Result<String> {
    let man = Man::new(command.clone()).manual("Tick Bench");
    let mut page = Vec::new();
    man.render_title(&mut page)?;
    man.render_name_section(&mut page)?;
    man.render_synopsis_section(&mut page)?;
    man.render_description_section(&mut page)?;
    man.render_options_section(&mut page)?;
    if command.has_subcommands() {
        man.render_subcommands_section(&mut page)?;
    }
    let below = command.get_after_help().map_or(String::new(), ToString::to_string);
    sections(&below).to_writer(&mut page)?;
    String::from_utf8(page).context("a manual page")
}

fn sections(below: &str) -> Roff {
    let mut roff = Roff::new();
    let mut kept_lines = false;
    for line in below.lines().filter(|line| !line.is_empty()) {
        let indented = line.strip_prefix("  ");
        if indented.is_some() != kept_lines {
            kept_lines = !kept_lines;
            roff.control(if kept_lines { "nf" } else { "fi" }, []);
        }
        match line.strip_suffix(':').filter(|_| !kept_lines) {
            Some(heading) => roff.control("SH", [heading.to_uppercase().as_str()]),
            None => roff.text([roman(indented.unwrap_or(line))]),
        };
    }
    if kept_lines {
        roff.control("fi", []);
    }
    roff
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn headings_and_lines_below_the_options_are_kept() {
        let page =
            sections("Examples:\n  a   # one\n  b   # two\n\nExit codes:\n  0  fine\nWords.\n");
        insta::assert_snapshot!(page.to_roff());
    }
}
