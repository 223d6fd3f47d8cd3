//! The report as one HTML file that needs nothing beside it.

use askama::Template;

use super::{Entry, Report, Summary};

/// The page.
#[derive(Template)]
#[template(path = "report.html")]
struct Page<'a> {
    report: &'a Report,
    areas: Vec<Area<'a>>,
}

/// One area.
struct Area<'a> {
    name: &'a str,
    summary: Summary,
    entries: Vec<&'a Entry>,
}

impl Report {
    /// The page.
    ///
    /// # Errors
    /// When it cannot be rendered.
    pub fn html(&self) -> Result<String, askama::Error> {
        let of_area = |name: &str| self.entries.iter().filter(|entry| entry.area == name).collect();
        let areas = self
            .areas()
            .into_iter()
            .map(|(name, summary)| Area { name, summary, entries: of_area(name) })
            .collect();
        Page { report: self, areas }.render()
    }
}
