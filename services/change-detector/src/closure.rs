//! Which referenced groups a membership counts for: a group counts for itself and for every referenced group it is nested in.
//!
//! Pure. Nesting may contain cycles: a group that contains itself, directly or not, is simply reached once.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use xtsync_domain::GroupId;

/// For each group below a referenced one, the referenced groups above it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Closure {
    above: HashMap<GroupId, BTreeSet<GroupId>>,
}

/// The referenced groups a user is in.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Memberships {
    /// As a direct member; sorted.
    pub(crate) direct: Vec<GroupId>,
    /// Through other groups only; sorted.
    pub(crate) nested: Vec<GroupId>,
}

impl Memberships {
    /// Takes the user out of a group.
    pub(crate) fn remove(&mut self, group: &GroupId) {
        self.direct.retain(|other| other != group);
        self.nested.retain(|other| other != group);
    }

    /// Keeps the user in a group that they left.
    pub(crate) fn add_retained(&mut self, group: &GroupId, directly: bool) {
        if directly && !self.direct.contains(group) {
            self.nested.retain(|other| other != group);
            self.direct.push(group.clone());
            self.direct.sort();
        } else if !self.direct.contains(group) && !self.nested.contains(group) {
            self.nested.push(group.clone());
            self.nested.sort();
        }
    }
}

impl Closure {
    /// Walks down from the referenced groups along `(group, child group)` edges.
    pub(crate) fn new(referenced: &BTreeSet<GroupId>, edges: &[(GroupId, GroupId)]) -> Self {
        let mut children: BTreeMap<&GroupId, Vec<&GroupId>> = BTreeMap::new();
        for (group, child) in edges {
            children.entry(group).or_default().push(child);
        }
        let mut above: HashMap<GroupId, BTreeSet<GroupId>> = HashMap::new();
        for root in referenced {
            let mut pending = vec![root];
            while let Some(group) = pending.pop() {
                if above.entry(group.clone()).or_default().insert(root.clone()) {
                    pending.extend(children.get(group).into_iter().flatten());
                }
            }
        }
        Self { above }
    }

    /// Whether a change of this group's members affects a referenced group.
    pub(crate) fn concerns(&self, group: &GroupId) -> bool {
        self.above.contains_key(group)
    }

    /// The referenced groups that members of this group are in.
    pub(crate) fn above(&self, group: &GroupId) -> impl Iterator<Item = &GroupId> {
        self.above.get(group).into_iter().flatten()
    }

    /// The groups whose members are in this referenced group, itself included.
    pub(crate) fn below(&self, root: &GroupId) -> Vec<GroupId> {
        self.above.iter().filter(|(_, roots)| roots.contains(root)).map(|(group, _)| group.clone()).collect()
    }

    /// The groups whose members count for other referenced groups here than there.
    pub(crate) fn differing_from(&self, other: &Self) -> BTreeSet<GroupId> {
        let groups = self.above.keys().chain(other.above.keys());
        groups.filter(|group| self.above.get(group) != other.above.get(group)).cloned().collect()
    }

    /// The referenced groups that a user with these direct memberships is in.
    pub(crate) fn memberships<'a>(&self, direct: impl Iterator<Item = &'a GroupId>) -> Memberships {
        let mut itself = BTreeSet::new();
        let mut through = BTreeSet::new();
        for group in direct {
            for root in self.above.get(group).into_iter().flatten() {
                if root == group {
                    itself.insert(root.clone())
                } else {
                    through.insert(root.clone())
                };
            }
        }
        let nested = through.difference(&itself).cloned().collect();
        Memberships { direct: itself.into_iter().collect(), nested }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ids(text: &str) -> Vec<GroupId> {
        text.split_whitespace().map(GroupId::from).collect()
    }

    fn closure(referenced: &str, edges: &[(&str, &str)]) -> Closure {
        let edges: Vec<_> = edges.iter().map(|(group, child)| (GroupId::from(*group), GroupId::from(*child))).collect();
        Closure::new(&ids(referenced).into_iter().collect(), &edges)
    }

    #[test]
    fn a_membership_counts_for_the_group_and_for_those_it_is_nested_in() {
        let nested = [("all", "team"), ("team", "squad"), ("other", "squad"), ("loop", "pool"), ("pool", "loop"), ("self", "self")];
        //   referenced   member of       direct      nested
        for (referenced, member, direct, through) in [
            ("all", "all", "all", ""),
            ("all", "team", "", "all"),
            ("all", "squad", "", "all"),
            ("all", "squad all", "all", ""),
            ("all other", "squad", "", "all other"),
            ("all team", "squad team", "team", "all"),
            ("team", "all", "", ""),
            ("loop", "pool", "", "loop"),
            ("loop pool", "pool", "pool", "loop"),
            ("self", "self", "self", ""),
            ("", "all", "", ""),
        ] {
            let want = Memberships { direct: ids(direct), nested: ids(through) };
            assert_eq!(closure(referenced, &nested).memberships(ids(member).iter()), want, "{referenced} / {member}");
        }
    }

    #[test]
    fn an_edge_that_comes_or_goes_concerns_the_groups_below_it() {
        let before = closure("all", &[("all", "team"), ("team", "squad")]);
        let after = closure("all", &[("all", "team")]);
        assert_eq!(before.differing_from(&after), ids("squad").into_iter().collect());
        assert_eq!(after.differing_from(&before), ids("squad").into_iter().collect());
        assert!(before.differing_from(&before).is_empty());
    }
}
