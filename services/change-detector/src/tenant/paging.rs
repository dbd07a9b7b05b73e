//! Whether a delta comes to an end: one that pages for ever is found out and left, instead of being followed without a pause.
//!
//! Seen of Microsoft Graph: the same page again and again (microsoft-graph-docs#4263), and another link each time with the same content
//! (msgraph-sdk-dotnet#3082). A delta also pages through empty pages for a while, which is no fault.

use std::collections::HashSet;
use std::hash::{DefaultHasher, Hash, Hasher};

use xtsync_directory::{Cursor, GroupChange, MemberChange, Next, UserChange};

/// The most pages without anything new, one after the other, where all of them are empty.
const IDLE_MAX: u32 = 1_000;

/// How many empty pages one counts for that only repeats what was read.
const REPEATED: u32 = 5;

/// The most pages of one delta: a million users in pages of ten.
const PAGES_MAX: u32 = 100_000;

/// The most objects remembered; of what repeats in longer circles the number of pages is the limit.
const SEEN_MAX: usize = 200_000;

/// What was seen of one delta.
#[derive(Debug, Default)]
pub(super) struct Paging {
    links: HashSet<u64>,
    seen: HashSet<u64>,
    idle: u32,
    pages: u32,
}

impl Paging {
    /// Notes a page; true where the delta does not come to an end.
    pub(super) fn is_endless(&mut self, asked: Option<&Cursor>, next: &Next, objects: &[u64]) -> bool {
        let Next::Page(link) = next else {
            *self = Self::default();
            return false;
        };
        let mut has_new = false;
        for object in objects {
            if self.seen.len() >= SEEN_MAX {
                self.seen.clear();
            }
            has_new |= self.seen.insert(*object);
        }
        self.pages += 1;
        self.idle = match (has_new, objects.is_empty()) {
            (true, _) => 0,
            (false, true) => self.idle + 1,
            (false, false) => self.idle + REPEATED,
        };
        asked == Some(link) || !self.links.insert(hash(&link.0)) || self.idle >= IDLE_MAX || self.pages >= PAGES_MAX
    }
}

/// The users of a page.
pub(super) fn users(changes: &[UserChange]) -> Vec<u64> {
    let id = |change: &UserChange| match change {
        UserChange::Changed { id, .. } | UserChange::Gone { id, .. } => hash(&id.0),
    };
    changes.iter().map(id).collect()
}

/// The groups of a page, and the members that it names of them.
pub(super) fn groups(changes: &[GroupChange]) -> Vec<u64> {
    let mut objects = Vec::new();
    for change in changes {
        match change {
            GroupChange::Changed { id, members, .. } => {
                objects.push(hash(&id.0));
                objects.extend(members.iter().map(|member: &MemberChange| hash(&(&id.0, member.id()))));
            }
            GroupChange::Gone { id } => objects.push(hash(&id.0)),
        }
    }
    objects
}

fn hash(of: &impl Hash) -> u64 {
    let mut hasher = DefaultHasher::new();
    of.hash(&mut hasher);
    hasher.finish()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn link(number: usize) -> Cursor {
        Cursor(format!("https://graph.example/{number}"))
    }

    /// After how many pages a delta counts as endless, if it does within 5,000.
    fn pages(link_of: fn(usize) -> usize, objects_of: fn(usize) -> Vec<u64>) -> Option<usize> {
        let mut paging = Paging::default();
        let asked = |page: usize| (page > 0).then(|| link(link_of(page - 1)));
        (0..5_000).find(|page| paging.is_endless(asked(*page).as_ref(), &Next::Page(link(link_of(*page))), &objects_of(*page)))
    }

    #[test]
    fn an_endless_delta_is_detected_and_one_with_new_objects_is_followed() {
        let own = |page: usize| page;
        for (what, found, want) in [
            ("the same link", pages(|_| 7, |page| vec![page as u64]), Some(1)),
            ("two links in turn", pages(|page| page % 2, |page| vec![page as u64]), Some(2)),
            ("another link, the same content", pages(own, |_| vec![1, 2]), Some(200)),
            ("another link, contents in turn", pages(own, |page| vec![page as u64 % 50]), Some(249)),
            ("nothing but empty pages", pages(own, |_| vec![]), Some(999)),
            ("empty pages among others", pages(own, |page| if page % 500 == 0 { vec![page as u64] } else { vec![] }), None),
            ("news", pages(own, |page| vec![page as u64]), None),
        ] {
            assert_eq!(found, want, "{what}");
        }
    }

    #[test]
    fn a_delta_that_came_to_its_end_is_forgotten() {
        let mut paging = Paging::default();
        for _ in 0..10 {
            assert!(!paging.is_endless(None, &Next::Page(link(1)), &[1]));
            assert!(!paging.is_endless(Some(&link(1)), &Next::Complete(link(2)), &[1]));
        }
    }
}
