//! The scope of a synchronization: which users it applies to.

use crate::GroupId;
use crate::delta::User;
use crate::resource;

/// A compiled scope.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Scope {
    /// Every internal user.
    Everyone,
    /// The members of any of these groups.
    Groups {
        /// The groups, resolved to ids.
        groups: Vec<GroupId>,
        /// Whether members of groups in those groups count too.
        nested: bool,
    },
    /// At least one group name is not resolved to an id yet, or a directory extension that is mapped is not known. No user is decided before.
    Unresolved,
}

/// Whether a user is in scope.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Standing {
    /// The user is in scope.
    In,
    /// The user is not in scope.
    Out,
    /// Unknown until all that the synchronization names is known.
    Unresolved,
}

/// Compiles a scope.
#[must_use]
pub fn compile(scope: &resource::Scope) -> Scope {
    if scope.everyone {
        return Scope::Everyone;
    }
    let pinned: Option<Vec<_>> = scope.groups.iter().map(|group| group.id().cloned()).collect();
    match pinned {
        Some(groups) => Scope::Groups { groups, nested: scope.nested },
        None => Scope::Unresolved,
    }
}

/// Returns whether a user is in scope. Direct members are; with `nested`, members of nested groups are too.
#[must_use]
pub fn standing(scope: &Scope, user: &User) -> Standing {
    match scope {
        Scope::Everyone => Standing::In,
        Scope::Unresolved => Standing::Unresolved,
        Scope::Groups { groups, nested } => {
            let member = |group| user.groups.contains(group) || (*nested && user.nested_groups.contains(group));
            if groups.iter().any(member) { Standing::In } else { Standing::Out }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Attributes;
    use crate::delta::Kind;

    fn user(groups: &[&str], nested: &[&str]) -> User {
        let ids = |names: &[&str]| names.iter().map(|name| GroupId::from(*name)).collect();
        User { attributes: Attributes::default(), groups: ids(groups), nested_groups: ids(nested), kind: Kind::Internal }
    }

    #[test]
    fn a_user_is_in_scope_as_a_member_of_a_named_group_or_as_one_of_everyone() {
        use Standing::{In, Out, Unresolved};
        let pinned = r#""groups":[{"id":"g1"},{"id":"g2","name":"Sales"}]"#;
        let nested = &format!(r#"{pinned},"nested":true"#);
        for (scope, user, want) in [
            (pinned, user(&["g2", "g9"], &[]), In),
            (pinned, user(&["g9"], &[]), Out),
            (pinned, user(&[], &["g1"]), Out),
            (nested, user(&[], &["g1"]), In),
            (nested, user(&["g1"], &[]), In),
            (nested, user(&["g9"], &["g8"]), Out),
            (r#""everyone":true"#, user(&[], &[]), In),
            (r#""groups":[{"id":"g1"},"Legal"]"#, user(&["g1"], &[]), Unresolved),
            ("", user(&["g1"], &["g1"]), Out),
        ] {
            let scope = serde_json::from_str(&format!("{{{scope}}}")).unwrap();
            assert_eq!(standing(&compile(&scope), &user), want, "{scope:?} {user:?}");
        }
    }
}
