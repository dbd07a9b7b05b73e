//! The scope of a synchronization: which users it applies to.
//!
//! Groups come first, the filter on top of them, as documented for scoping filters. A user outside the groups is out, whatever the filter
//! says.

use std::hash::{Hash, Hasher};
use std::sync::Arc;

use xtsync_language::filter::{self, Filter};

use crate::GroupId;
use crate::delta::User;
use crate::extension::{PREFIX, is_extension};
use crate::mapping::{self, AttributeTable, Known};
use crate::resource::{self, Where};

/// A compiled scope.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Scope {
    members: Members,
    filter: Option<Filtered>,
}

/// The users that a filter is applied to.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
enum Members {
    /// Every internal user.
    Everyone,
    /// The members of any of these groups.
    Groups {
        /// The groups, resolved to ids.
        groups: Vec<GroupId>,
        /// Whether members of groups in those groups count too.
        nested: bool,
    },
    /// At least one group name is not resolved to an id yet, a directory extension or the target's default domain is not known, or the filter
    /// cannot be used. No user is decided before that is mended.
    Unresolved,
}

/// A filter with its canonical text, which says all of it.
#[derive(Debug, Clone)]
struct Filtered {
    text: String,
    filter: Arc<Filter>,
}

impl PartialEq for Filtered {
    fn eq(&self, other: &Self) -> bool {
        self.text == other.text
    }
}

impl Eq for Filtered {}

impl Hash for Filtered {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.text.hash(state);
    }
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
    /// Unknown because of this attribute: its newest value was not taken, or a pattern takes too many steps on it.
    Unknown(&'static str),
}

/// Compiles a scope over the attributes of the source.
#[must_use]
pub fn compile(scope: &resource::Scope, source: &AttributeTable<'_>) -> Scope {
    let Ok(filter) = scope.filter.as_ref().map_or(Ok(None), |written| filtered(written, source)) else {
        // Validation refuses such a filter, or it names a directory extension that is not read yet, or is gone. Without it everyone would be in
        // scope.
        return unresolved();
    };
    let pinned: Option<Vec<_>> = scope.groups.iter().map(|group| group.id().cloned()).collect();
    let members = match pinned {
        _ if scope.everyone => Members::Everyone,
        Some(groups) => Members::Groups { groups, nested: scope.nested },
        None => Members::Unresolved,
    };
    Scope { members, filter }
}

/// Whether all that a scope names is known: its groups have ids, and its filter can be tested.
#[must_use]
pub fn is_resolved(scope: &resource::Scope, source: &AttributeTable<'_>) -> bool {
    // A filter of attributes that every directory has was tried when it was applied.
    scope.is_resolved() && (!names_extension(scope) || compile(scope, source).members != Members::Unresolved)
}

/// A scope of which it is not known yet whether users are in it.
#[must_use]
pub fn unresolved() -> Scope {
    Scope { members: Members::Unresolved, filter: None }
}

fn filtered(written: &Where, source: &AttributeTable<'_>) -> Result<Option<Filtered>, xtsync_language::Error> {
    let Some(tree) = written.tree()? else { return Ok(None) };
    Ok(Some(Filtered { text: tree.to_string(), filter: Arc::new(Filter::compile(&tree, source)?) }))
}

/// Whether the filter of a scope tests a directory extension.
#[must_use]
pub fn names_extension(scope: &resource::Scope) -> bool {
    match &scope.filter {
        None => false,
        Some(Where::Groups(groups)) => groups.iter().flat_map(|group| &group.clauses).any(|clause| is_extension(&clause.attribute)),
        // This is asked often: what holds no such name is not read for it.
        Some(Where::Line(text)) if !text.contains(PREFIX) => false,
        Some(Where::Line(text)) => filter::parse(text).is_ok_and(|tree| tree.attributes().into_iter().any(is_extension)),
    }
}

/// Returns whether a user is in scope. Direct members are; with `nested`, members of nested groups are too.
#[must_use]
pub fn standing(scope: &Scope, user: &User) -> Standing {
    let is_member = match &scope.members {
        Members::Everyone => true,
        Members::Unresolved => return Standing::Unresolved,
        Members::Groups { groups, nested } => {
            groups.iter().any(|group| user.groups.contains(group) || (*nested && user.nested_groups.contains(group)))
        }
    };
    if !is_member {
        return Standing::Out;
    }
    let Some(filtered) = &scope.filter else { return Standing::In };
    match filtered.filter.passes(&Known(&user.attributes)) {
        Ok(true) => Standing::In,
        Ok(false) => Standing::Out,
        Err(unknown) => mapping::attribute(unknown.attribute).map_or(Standing::Unresolved, |known| Standing::Unknown(known.name)),
    }
}

impl Scope {
    /// The source attributes that the filter reads.
    pub fn reads(&self) -> impl Iterator<Item = &str> {
        self.filter.iter().flat_map(|filtered| filtered.filter.attributes())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::delta::Kind;
    use crate::{Attributes, Value};

    fn user(groups: &[&str], nested: &[&str]) -> User {
        let ids = |names: &[&str]| names.iter().map(|name| GroupId::from(*name)).collect();
        let mut attributes: Attributes = [("department", Value::from("Sales")), ("city", Value::Null)].into_iter().collect();
        attributes.set_unread("jobTitle");
        User { attributes, groups: ids(groups), nested_groups: ids(nested), kind: Kind::Internal }
    }

    fn compiled(scope: &str) -> Scope {
        compile(&serde_json::from_str(&format!("{{{scope}}}")).unwrap(), &AttributeTable::default())
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
            assert_eq!(standing(&compiled(scope), &user), want, "{scope:?} {user:?}");
        }
    }

    #[test]
    fn a_filter_is_on_top_of_the_groups_and_what_cannot_be_known_is_neither_in_nor_out() {
        use Standing::{In, Out, Unknown, Unresolved};
        let filter = |filter: &str| format!(r#""where":{filter:?}"#);
        for (filter, everyone, member, other) in [
            (filter(r#"department EQUALS "Sales""#), In, In, Out),
            (filter(r#"department EQUALS "Legal""#), Out, Out, Out),
            (filter("city IS NULL"), In, In, Out),
            (filter(r#"jobTitle EQUALS "Chef""#), Unknown("jobTitle"), Unknown("jobTitle"), Out),
            (filter(r#"jobTitle EQUALS "Chef" OR city IS NULL"#), In, In, Out),
            (r#""where":[{"clauses":[{"attribute":"department","operator":"EQUALS","value":"Sales"}]}]"#.to_owned(), In, In, Out),
            // No apply lets this pass.
            (filter("department LIKE"), Unresolved, Unresolved, Unresolved),
        ] {
            let (all, group) = (format!(r#""everyone":true,{filter}"#), format!(r#""groups":[{{"id":"g1"}}],{filter}"#));
            let standings = [(&all, "g9"), (&group, "g1"), (&group, "g9")].map(|(scope, id)| standing(&compiled(scope), &user(&[id], &[])));
            assert_eq!(standings, [everyone, member, other], "{filter}");
        }
    }

    #[test]
    fn a_scope_reads_what_its_filter_tests_and_differs_where_that_does() {
        let filter = |filter: &str| compiled(&format!(r#""everyone":true,"where":{filter:?}"#));
        let one = filter(r#"department EQUALS "Sales" AND (city IS NULL OR department IS NULL)"#);
        assert_eq!(one.reads().collect::<Vec<_>>(), ["department", "city"]);
        assert_eq!(filter("city IS NULL"), filter("( city is  null )"));
        assert_ne!(filter("city IS NULL"), filter("city IS NOT NULL"));
    }
}
