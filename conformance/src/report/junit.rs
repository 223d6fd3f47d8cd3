//! `JUnit` XML, which CI systems read.

use std::fmt::Write;

use super::{Outcome, Report};

impl Report {
    /// The run as one test suite.
    pub fn junit(&self) -> String {
        let summary = self.summary;
        let mut xml = String::from("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n");
        // Writing into a string cannot fail.
        let _ = writeln!(
            xml,
            "<testsuite name=\"latchkey-conformance {}\" tests=\"{}\" failures=\"{}\" skipped=\"{}\" time=\"{:.3}\">",
            self.suite,
            summary.cases,
            summary.unexpected,
            summary.not_applicable.saturating_add(summary.expected_failures),
            self.seconds,
        );
        for entry in &self.entries {
            let seconds =
                std::time::Duration::from_millis(u64::try_from(entry.milliseconds).unwrap_or(u64::MAX))
                    .as_secs_f64();
            let _ = write!(
                xml,
                "  <testcase classname=\"{}\" name=\"{}\" time=\"{seconds:.3}\"",
                entry.area, entry.id
            );
            let lines = escaped(&entry.lines().join("\n"));
            let _ = match entry.outcome {
                Outcome::Passed => writeln!(xml, "/>"),
                Outcome::NotApplicable | Outcome::ExpectedFailure => {
                    writeln!(xml, "><skipped message=\"{lines}\"/></testcase>")
                }
                Outcome::Unexpected => writeln!(
                    xml,
                    "><failure message=\"{}\">{lines}</failure></testcase>",
                    escaped(&entry.rule())
                ),
            };
        }
        xml.push_str("</testsuite>\n");
        xml
    }
}

fn escaped(text: &str) -> String {
    let escape = |sign: char| match sign {
        '&' => "&amp;".to_owned(),
        '<' => "&lt;".to_owned(),
        '>' => "&gt;".to_owned(),
        '"' => "&quot;".to_owned(),
        '\n' => "&#10;".to_owned(),
        other if other.is_control() => " ".to_owned(),
        other => other.to_string(),
    };
    text.chars().map(escape).collect()
}

#[cfg(test)]
mod tests {
    use super::escaped;

    #[test]
    fn what_authenticators_say_breaks_no_xml() {
        assert_eq!(escaped("<a href=\"x\">&\u{0}\n"), "&lt;a href=&quot;x&quot;&gt;&amp; &#10;");
    }
}
