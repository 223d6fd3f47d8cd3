//! The words of `OData` in a query: `$filter`, `$search`, `$top`, `$select`, `$count`, `$skiptoken`; no more than clients need.

use serde_json::{Map, Value};
use url::form_urlencoded;

use super::GraphError;
use crate::clock::UnixTime;

/// Rows of a page where nobody asks for something else, and at most.
const USUAL: u32 = 100;
const MOST: u32 = 999;
const LONGEST_FILTER: usize = 2_048;
const MOST_COMPARISONS: usize = 10;

/// What a request asks of a list.
#[derive(Debug, Default)]
pub(super) struct Query {
    filter: Vec<Comparison>,
    /// What is searched for, without the name of a property.
    pub(super) search: String,
    top: Option<u32>,
    select: Vec<String>,
    /// Whether the number of all rows is wanted.
    pub(super) count: bool,
    /// Where the last page ended.
    pub(super) after: Option<String>,
    /// The parameters as they came, without the place in the list.
    rest: String,
}

/// `name operator literal`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Comparison {
    /// The property, in lower case.
    pub(super) name: String,
    pub(super) operator: Operator,
    /// The literal, without its quotes.
    pub(super) value: String,
}

/// How a property is compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Operator {
    Equal,
    NotEqual,
    AtLeast,
    Less,
}

impl Query {
    pub(super) fn parse(query: &str) -> Result<Self, GraphError> {
        let mut parsed = Self::default();
        let mut rest = form_urlencoded::Serializer::new(String::new());
        for (name, value) in form_urlencoded::parse(query.as_bytes()) {
            match name.to_ascii_lowercase().as_str() {
                "$filter" => parsed.filter = comparisons(&value)?,
                "$search" => parsed.search = searched(&value),
                "$top" => parsed.top = Some(value.parse().map_err(|_| unsupported("$top is a number"))?),
                "$select" => {
                    parsed.select = value.split(',').map(|name| name.trim().to_owned()).collect();
                }
                "$count" => parsed.count = value.eq_ignore_ascii_case("true"),
                "$skiptoken" => {
                    parsed.after = Some(value.into_owned());
                    continue;
                }
                "$orderby" | "$expand" | "$skip" => {
                    return Err(unsupported("$orderby, $expand and $skip are not supported"));
                }
                _ => {}
            }
            rest.append_pair(&name, &value);
        }
        parsed.rest = rest.finish();
        Ok(parsed)
    }

    /// Rows of a page.
    pub(super) fn most(&self) -> u32 {
        self.top.unwrap_or(USUAL).clamp(1, MOST)
    }

    /// The comparisons, each of which `take` must understand.
    pub(super) fn filter(
        &self,
        mut take: impl FnMut(&Comparison) -> Result<bool, GraphError>,
    ) -> Result<(), GraphError> {
        for comparison in &self.filter {
            if !take(comparison)? {
                return Err(unsupported(
                    "the $filter names a property or a comparison that is not supported here",
                ));
            }
        }
        Ok(())
    }

    /// The object with the properties that were asked for only; its ID is always there.
    pub(super) fn selected(&self, object: Value) -> Value {
        let Value::Object(members) = object else { return object };
        if self.select.is_empty() {
            return Value::Object(members);
        }
        let wanted = |name: &str| {
            name == "id"
                || name.starts_with('@')
                || self.select.iter().any(|asked| asked.eq_ignore_ascii_case(name))
        };
        Value::Object(members.into_iter().filter(|(name, _)| wanted(name)).collect())
    }

    /// A page of a list at `path`: the rows, where the next page begins, and how many rows there are altogether.
    pub(super) fn page(&self, path: &str, rows: Vec<Value>, next: Option<&str>, all: Option<u64>) -> Value {
        let mut page = Map::new();
        if let Some(all) = all.filter(|_| self.count) {
            page.insert("@odata.count".to_owned(), all.into());
        }
        if let Some(next) = next {
            let mut link = form_urlencoded::Serializer::new(self.rest.clone());
            link.append_pair("$skiptoken", next);
            page.insert("@odata.nextLink".to_owned(), format!("{path}?{}", link.finish()).into());
        }
        let rows: Vec<_> = rows.into_iter().map(|row| self.selected(row)).collect();
        page.insert("value".to_owned(), rows.into());
        Value::Object(page)
    }
}

/// `"displayName:ali"` or `ali`.
fn searched(text: &str) -> String {
    let text = text.trim().trim_matches('"');
    text.split_once(':').map_or(text, |(_, text)| text).trim().to_owned()
}

fn comparisons(text: &str) -> Result<Vec<Comparison>, GraphError> {
    if text.len() > LONGEST_FILTER {
        return Err(unsupported("the $filter is too long"));
    }
    let mut words = words(text)?.into_iter();
    let mut all = Vec::new();
    loop {
        let (Some(name), Some(operator), Some(value)) = (words.next(), words.next(), words.next()) else {
            return Err(unsupported(
                "a $filter is a list of comparisons like displayName eq 'x', joined by and",
            ));
        };
        let operator = match operator.to_ascii_lowercase().as_str() {
            "eq" => Operator::Equal,
            "ne" => Operator::NotEqual,
            "ge" => Operator::AtLeast,
            "lt" => Operator::Less,
            _ => return Err(unsupported("a $filter compares with eq, ne, ge or lt")),
        };
        all.push(Comparison { name: name.to_ascii_lowercase(), operator, value });
        match words.next() {
            None => return Ok(all),
            Some(word) if word.eq_ignore_ascii_case("and") && all.len() < MOST_COMPARISONS => {}
            Some(_) => {
                return Err(unsupported("the comparisons of a $filter are joined by and, ten at most"));
            }
        }
    }
}

/// The words of a filter. A text stands in single quotes, and two of them are one in it (`OData` v4 URL conventions §5.1.1.14).
fn words(text: &str) -> Result<Vec<String>, GraphError> {
    let mut words = Vec::new();
    let mut rest = text.trim_start();
    while !rest.is_empty() {
        if let Some(mut quoted) = rest.strip_prefix('\'') {
            let mut word = String::new();
            loop {
                let (before, after) =
                    quoted.split_once('\'').ok_or_else(|| unsupported("a text in the $filter has no end"))?;
                word.push_str(before);
                let Some(more) = after.strip_prefix('\'') else {
                    rest = after.trim_start();
                    break;
                };
                word.push('\'');
                quoted = more;
            }
            words.push(word);
        } else {
            let (word, after) = rest.split_once(' ').unwrap_or((rest, ""));
            words.push(word.to_owned());
            rest = after.trim_start();
        }
    }
    Ok(words)
}

/// A time in a query or a body (RFC 3339).
pub(super) fn time(text: &str) -> Result<UnixTime, GraphError> {
    let time: jiff::Timestamp =
        text.parse().map_err(|_| GraphError::BadRequest("a time is like 2026-01-31T12:00:00Z".to_owned()))?;
    Ok(UnixTime::from_seconds(time.as_second()))
}

/// A time in an answer.
pub(super) fn stamp(time: UnixTime) -> Value {
    time.to_text().replacen(' ', "T", 1).into()
}

fn unsupported(text: &'static str) -> GraphError {
    GraphError::Unsupported(text)
}

#[cfg(test)]
mod tests;
