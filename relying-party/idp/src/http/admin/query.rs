//! The query of a page: a filter, a place in a list, and what was just done.

use axum::extract::RawQuery;
use url::form_urlencoded::Serializer;

use crate::administration::Slice;
use crate::oauth::Fields;
use crate::pages::admin::Pager;

/// The parameters of an address. Broken ones count as left out: nothing is changed by a GET.
pub(super) struct Query(Fields);

impl Query {
    pub(super) fn read(RawQuery(query): &RawQuery) -> Self {
        let parsed = Fields::parse(query.as_deref().unwrap_or_default().as_bytes());
        Self(parsed.unwrap_or_else(|_| Fields::none()))
    }

    /// A parameter, bounded.
    pub(super) fn text(&self, name: &'static str) -> Option<&str> {
        self.0.optional(name).ok().flatten().filter(|text| text.len() <= 512 && !text.contains('\0'))
    }

    /// A parameter that may be empty.
    pub(super) fn owned(&self, name: &'static str) -> String {
        self.text(name).unwrap_or_default().to_owned()
    }
}

/// The links around a slice; `link` makes one from its name and the row that it goes beyond.
pub(super) fn pager<T>(found: &Slice<T>, link: impl Fn(&str, &T) -> String) -> Pager {
    Pager {
        before: found.rows.first().filter(|_| found.before).map(|first| link("before", first)),
        after: found.rows.last().filter(|_| found.after).map(|last| link("after", last)),
    }
}

/// A query with these parameters, without the empty ones.
pub(super) fn query(parameters: &[(&str, &str)]) -> String {
    let kept = parameters.iter().filter(|(_, value)| !value.is_empty());
    format!("?{}", Serializer::new(String::new()).extend_pairs(kept).finish())
}
