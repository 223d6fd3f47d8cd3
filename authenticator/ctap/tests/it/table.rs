//! Tables of cases: a request, changed in one point, and the status that a clause gives it.

use latchkey_protocol::{Request, Status};

use crate::device::{Device, status};

/// One row.
pub struct Row<R> {
    pub name: &'static str,
    /// What is different from the request that succeeds.
    pub change: fn(&mut R),
    pub expected: Status,
    /// What says so.
    pub clause: &'static str,
}

/// Runs each row on a device of its own; `prepare` makes the request that succeeds on it.
pub fn run<R>(rows: &[Row<R>], mut prepare: impl FnMut() -> (Device, R), request: impl Fn(R) -> Request) {
    for Row { name, change, expected, clause } in rows {
        let (mut device, mut sent) = prepare();
        change(&mut sent);
        let response = device.send(&request(sent));
        assert_eq!(status(&response), *expected, "{name} ({clause})");
        let result = response.len() > 1;
        assert!(*expected == Status::OK || !result, "{name}: a refusal has no result");
    }
}
