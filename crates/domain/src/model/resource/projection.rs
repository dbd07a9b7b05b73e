//! What the configuration needs of a tenant's directory: the bus is not a copy of it.
//!
//! Derived by control with each revision and published like any resource, so its own revision changes only when the need does. A
//! delta names its projection; policy does not decide a user whose delta has an older one.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use crate::GroupId;
use crate::delta::Kind;

/// The need of all synchronizations that read one tenant.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct Projection {
    /// Attributes that some rule reads.
    pub attributes: BTreeSet<String>,
    /// Groups whose members some rule asks for.
    pub groups: BTreeSet<GroupId>,
    /// Those of them in which members of groups in them count, in some scope.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub nested: BTreeSet<GroupId>,
    /// Whether every internal user is in some scope.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub everyone: bool,
}

impl Projection {
    /// Whether a user is in some scope, or would be if the tenant were the user's home: then rules read the user. Of another user they
    /// need to know no more than that.
    #[must_use]
    pub fn concerns(&self, kind: Kind, direct: &[GroupId], nested: &[GroupId]) -> bool {
        let is_everyone = match kind {
            Kind::Internal => self.everyone,
            Kind::External => false,
        };
        is_everyone || direct.iter().any(|group| self.groups.contains(group)) || nested.iter().any(|group| self.nested.contains(group))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_user_is_read_by_rules_as_a_member_of_a_group_that_counts_or_as_one_of_everyone() {
        let ids = |text: &str| text.split_whitespace().map(GroupId::from).collect::<Vec<_>>();
        let groups = Projection {
            groups: ids("all sales").into_iter().collect(),
            nested: ids("all").into_iter().collect(),
            ..Projection::default()
        };
        let everyone = Projection { everyone: true, ..Projection::default() };
        for (projection, kind, direct, nested, want) in [
            (&groups, Kind::Internal, "all", "", true),
            (&groups, Kind::External, "sales", "", true),
            (&groups, Kind::Internal, "", "all", true),
            (&groups, Kind::Internal, "", "sales", false),
            (&groups, Kind::Internal, "legal", "legal", false),
            (&groups, Kind::Internal, "", "", false),
            (&everyone, Kind::Internal, "", "", true),
            (&everyone, Kind::External, "", "", false),
        ] {
            assert_eq!(projection.concerns(kind, &ids(direct), &ids(nested)), want, "{kind:?} {direct}/{nested}");
        }
    }
}
