//! One page of a longer list.

/// One page of a longer list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Slice<T> {
    /// The rows, in the list's order.
    pub rows: Vec<T>,
    /// Whether there are rows before them.
    pub before: bool,
    /// Whether there are rows after them.
    pub after: bool,
}

/// From where a page was read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum From {
    Start,
    /// After a row, which lies before the page.
    Forward,
    /// Before a row, which lies after the page.
    Backward,
}

impl<T> Slice<T> {
    /// The page of `most` rows out of one more, which says whether the list goes on.
    pub(super) fn cut(mut rows: Vec<T>, most: u32, from: From) -> Self {
        let most = usize::try_from(most).unwrap_or(usize::MAX);
        let more = rows.len() > most;
        match from {
            From::Start | From::Forward => rows.truncate(most),
            From::Backward if more => drop(rows.remove(0)),
            From::Backward => {}
        }
        let (before, after) = match from {
            From::Start => (false, more),
            From::Forward => (true, more),
            From::Backward => (more, true),
        };
        Self { rows, before, after }
    }
}
