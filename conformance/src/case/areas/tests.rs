use std::collections::BTreeSet;

use super::all;
use crate::case::{Case, Judged, Version};
use crate::server;

#[test]
fn every_case_has_an_id_of_its_own_a_clause_and_a_sentence() {
    let cases = all();
    well_named(&cases);
    for (clause, fewest) in [("6.1", 100), ("6.2", 60), ("11.2", 20)] {
        let count = cases.iter().filter(|case| case.is_under(clause) && case.is_of(Version::V2_3)).count();
        assert!(count >= fewest, "only {count} cases of {clause}");
    }
    let cases = server::cases();
    well_named(&cases);
    assert!(cases.iter().filter(|case| case.is_under("7.2")).count() >= 30);
}

fn well_named<J: Judged>(cases: &[Case<J>]) {
    let ids: BTreeSet<&str> = cases.iter().map(|case| case.id.as_str()).collect();
    assert_eq!(ids.len(), cases.len(), "two cases have one id");
    for case in cases {
        assert!(
            case.id.contains('/')
                && case.id.chars().all(|sign| sign.is_ascii_lowercase() || "/-.0123456789".contains(sign)),
            "{}",
            case.id
        );
        assert!(!case.clause.is_empty() && !case.must.is_empty() && !case.must.ends_with('.'), "{}", case.id);
    }
}
