//! The samples of the pages about groups.

use super::{AdminFrame, when};
use crate::pages::Notice;
use crate::pages::admin::{GroupPage, GroupRow, GroupsPage, MemberRow};

impl GroupRow {
    fn sample(number: usize, resets: Option<bool>) -> Self {
        Self {
            id: format!("3b0e0d0c-1111-4222-8333-44444444444{number}"),
            name: format!("Field staff {number} \"<b>"),
            description: if number == 1 { String::new() } else { "Who travels & <b>types".to_owned() },
            members: 12,
            resets,
        }
    }
}

impl GroupsPage {
    pub(in crate::pages) fn sample() -> Self {
        Self {
            frame: AdminFrame::sample(Some(Notice::error("This group name is in use already.", None))),
            groups: vec![
                GroupRow::sample(0, Some(true)),
                GroupRow::sample(1, Some(false)),
                GroupRow::sample(2, None),
            ],
            name: "Field \"<b>".to_owned(),
            description: "\"<b>".to_owned(),
        }
    }

    pub(in crate::pages) fn sample_empty() -> Self {
        let nothing = String::new;
        let frame = AdminFrame::sample(None);
        Self { frame, groups: Vec::new(), name: nothing(), description: nothing() }
    }
}

impl GroupPage {
    pub(in crate::pages) fn sample() -> Self {
        let member = |id: &str, name: &str| MemberRow { id: id.to_owned(), user_name: name.to_owned() };
        Self {
            frame: AdminFrame::sample(Some(Notice::success("Added."))),
            group: GroupRow::sample(0, Some(true)),
            created: when(-900_000),
            members: vec![
                member("10000000-0000-4000-8000-000000000000", "anna@contoso.example"),
                member("10000000-0000-4000-8000-000000000001", "o'neil+<b>@contoso.example"),
            ],
            user_name: String::new(),
        }
    }

    pub(in crate::pages) fn sample_empty() -> Self {
        let frame = AdminFrame::sample(None);
        let (group, members) = (GroupRow::sample(1, None), Vec::new());
        Self { frame, group, members, user_name: "\"<b>".to_owned(), ..Self::sample() }
    }
}
