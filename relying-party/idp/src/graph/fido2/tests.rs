use super::*;

#[test]
fn the_time_limit_is_read() {
    for (segment, found) in [
        ("creationoptions", Some(5)),
        ("creationoptions()", Some(5)),
        ("creationoptions(challengetimeoutinminutes=10)", Some(10)),
        ("creationoptions(challengetimeoutinminutes=1440)", Some(1440)),
        ("creationoptions(challengetimeoutinminutes=1441)", None),
        ("creationoptions(challengetimeoutinminutes=0)", None),
        ("creationoptions(challengetimeoutinminutes=-1)", None),
        ("creationoptions(challengetimeoutinminutes=10", None),
        ("creationoptions(x=10)", None),
        ("creationoptionsx", None),
    ] {
        assert_eq!(minutes(segment).ok(), found, "{segment}");
    }
}
