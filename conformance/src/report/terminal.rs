//! The table on the terminal.

use std::io::{self, Write};
use std::path::Path;

use super::{Report, Summary};

impl Report {
    /// Prints a table by area; `folder` is where the files went.
    ///
    /// # Errors
    /// When it cannot be printed.
    pub fn table(&self, out: &mut impl Write, folder: Option<&Path>) -> io::Result<()> {
        writeln!(out, "{}: {} at {}, {}", self.suite, self.standard, self.target, self.started)?;
        writeln!(out)?;
        writeln!(
            out,
            "{:<24}{:>7}{:>9}{:>16}{:>11}{:>13}",
            "area", "cases", "passed", "not applicable", "expected", "unexpected"
        )?;
        for (area, summary) in self.areas() {
            row(out, area, summary)?;
        }
        row(out, "all", self.summary)?;
        writeln!(out)?;
        writeln!(out, "{:.1} s", self.seconds)?;
        if let Some(folder) = folder {
            writeln!(out, "report: {}", folder.join("report.html").display())?;
        }
        Ok(())
    }
}

fn row(out: &mut impl Write, name: &str, summary: Summary) -> io::Result<()> {
    let Summary { cases, passed, not_applicable, expected_failures, unexpected } = summary;
    writeln!(
        out,
        "{name:<24}{cases:>7}{passed:>9}{not_applicable:>16}{expected_failures:>11}{unexpected:>13}"
    )
}
