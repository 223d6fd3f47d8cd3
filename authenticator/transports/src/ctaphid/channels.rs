//! Which channels are allocated, and to which link.

use rand_core::CryptoRng;

use super::Cid;
use super::action::{ChannelId, LinkId};

/// Channels kept for one link. A flood of INIT replaces the link's own oldest channels and nobody else's.
const PER_LINK: usize = 32;

/// The allocated channels, least recently used first.
#[derive(Debug, Default)]
pub(super) struct Channels {
    entries: Vec<Entry>,
    last: u64,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Entry {
    pub(super) link: LinkId,
    pub(super) cid: Cid,
    pub(super) id: ChannelId,
}

impl Channels {
    /// The channel, marked as just used; none if this link was never given it.
    pub(super) fn touch(&mut self, link: LinkId, cid: Cid) -> Option<Entry> {
        let place = self.entries.iter().position(|entry| entry.link == link && entry.cid == cid)?;
        let entry = self.entries.remove(place);
        self.entries.push(entry);
        Some(entry)
    }

    /// Whether any link has this number.
    pub(super) fn is_taken(&self, cid: Cid) -> bool {
        self.entries.iter().any(|entry| entry.cid == cid)
    }

    /// A number that no link has, drawn at random so that another link's channel cannot be guessed.
    pub(super) fn fresh(&self, rng: &mut dyn CryptoRng) -> Cid {
        loop {
            let cid = Cid(rng.next_u32());
            if cid != Cid::RESERVED && cid != Cid::BROADCAST && !self.is_taken(cid) {
                return cid;
            }
        }
    }

    /// Allocates `cid` to `link`. When the link has too many, its least recently used one that is not in `keep` goes
    /// and is returned.
    pub(super) fn allocate(&mut self, link: LinkId, cid: Cid, keep: &[ChannelId]) -> Option<Entry> {
        let mut evicted = None;
        if self.entries.iter().filter(|entry| entry.link == link).count() >= PER_LINK {
            let oldest =
                self.entries.iter().position(|entry| entry.link == link && !keep.contains(&entry.id));
            evicted = oldest.map(|place| self.entries.remove(place));
        }
        self.last = self.last.saturating_add(1);
        self.entries.push(Entry { link, cid, id: ChannelId(self.last) });
        evicted
    }

    /// Takes all channels from a link.
    pub(super) fn close(&mut self, link: LinkId) -> Vec<Entry> {
        let (closed, kept) = self.entries.iter().copied().partition(|entry| entry.link == link);
        self.entries = kept;
        closed
    }
}
