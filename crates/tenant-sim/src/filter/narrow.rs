//! Finds the candidates of a filter with the indexes of [`UserIndex`], if the filter allows it.
//!
//! The result may contain users that do not match, so the caller evaluates the filter for each. The answer equals that of a full scan.

use uuid::Uuid;

use super::{Comparison, Filter, Items, Literal, Term, Test};
use crate::property::{self, Prop};
use crate::user::User;
use crate::user_index::UserIndex;

/// With more candidates than this, a full scan finds a page sooner.
pub(super) const CANDIDATES_MAX: usize = 10_000;

/// The users after that id, in the order of pages, that the filter may match.
pub(crate) fn narrowed<'a>(
    filter: Option<&Filter>,
    user_index: &'a UserIndex,
    after: Option<Uuid>,
) -> Box<dyn Iterator<Item = &'a User> + 'a> {
    let Some(mut ids) = filter.and_then(|filter| candidates(filter, user_index)) else {
        return Box::new(user_index.after(after));
    };
    ids.retain(|id| after.is_none_or(|after| *id > after));
    ids.sort_unstable();
    ids.dedup();
    Box::new(ids.into_iter().filter_map(|id| user_index.get(id)))
}

fn candidates(filter: &Filter, user_index: &UserIndex) -> Option<Vec<Uuid>> {
    match filter {
        Filter::And(left, right) => candidates(left, user_index).or_else(|| candidates(right, user_index)),
        Filter::Or(left, right) => {
            let mut ids = candidates(left, user_index)?;
            ids.extend(candidates(right, user_index)?);
            Some(ids)
        }
        Filter::Test(Term { prop, part: None }, test) => looked_up(*prop, test, user_index),
        Filter::Any(prop, Some(items)) => match items.as_ref() {
            Items::Test(None, test) => looked_up(*prop, test, user_index),
            Items::Test(Some(_), _) | Items::And(..) | Items::Or(..) => None,
        },
        Filter::Not(_) | Filter::Test(..) | Filter::Any(_, None) => None,
    }
}

fn looked_up(prop: Prop, test: &Test, user_index: &UserIndex) -> Option<Vec<Uuid>> {
    let literals = match test {
        Test::Compare(Comparison::Equal, literal) => std::slice::from_ref(literal),
        Test::In(literals) => literals,
        Test::StartsWith(prefix) if prop == property::UPN => return few(user_index.named(prefix)),
        Test::Compare(..) | Test::StartsWith(_) | Test::EndsWith(_) => return None,
    };
    let mut ids = Vec::new();
    for literal in literals {
        match literal {
            Literal::Text(text) if prop == property::ID => ids.extend(Uuid::parse_str(text)),
            Literal::Text(text) if property::is_indexed(prop) => ids.extend(few(user_index.candidates(prop, text))?),
            Literal::Text(_) | Literal::Null | Literal::Flag(_) | Literal::Time(_) | Literal::Number(_) => return None,
        }
    }
    Some(ids)
}

fn few(ids: impl Iterator<Item = Uuid>) -> Option<Vec<Uuid>> {
    let ids: Vec<Uuid> = ids.take(CANDIDATES_MAX + 1).collect();
    (ids.len() <= CANDIDATES_MAX).then_some(ids)
}
