//! Signature counts that survive a crash without a disk write for each signature.

use std::collections::HashMap;

use crate::passkey::CredentialId;

/// How many counts one disk write reserves. A crash skips at most this many, and none is handed out twice.
pub(crate) const AHEAD: u32 = 64;

/// The counts that are reserved on disk and not handed out yet.
#[derive(Default)]
pub(crate) struct SignatureCounts(HashMap<CredentialId, Reserved>);

struct Reserved {
    next: u32,
    last: u32,
}

impl SignatureCounts {
    /// The next reserved count of a passkey, or `None` when a write must reserve more.
    pub fn take(&mut self, id: &CredentialId) -> Option<u32> {
        let reserved = self.0.get_mut(id)?;
        if reserved.next > reserved.last {
            return None;
        }
        let count = reserved.next;
        reserved.next = count.checked_add(1)?;
        Some(count)
    }

    /// Records that the counts `next..=last` are reserved on disk.
    pub fn put(&mut self, id: CredentialId, next: u32, last: u32) {
        self.0.insert(id, Reserved { next, last });
    }

    pub fn forget(&mut self, id: &CredentialId) {
        self.0.remove(id);
    }

    pub fn forget_all(&mut self) {
        self.0.clear();
    }
}
