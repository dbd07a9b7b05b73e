//! The rules over a scoping filter: what it tests exists and can be tested, said with its place.

use xtsync_language::filter::{Filter, Tree};
use xtsync_language::{Code, Error, Schema};

use super::Found;
use crate::mapping::AttributeTable;
use crate::resource::{Clause, ClauseGroup, Where};

/// The most clauses of one filter.
const CLAUSES_MAX: usize = 1_000;

/// Checks a filter over the attributes of the source. Before its directory extensions were read, a name of one may test anything.
pub(super) fn check(path: &str, filter: &Where, source: &AttributeTable<'_>, found: &mut Found<'_>) {
    let schema = source.schema();
    match filter {
        Where::Line(text) => {
            let compiled = filter.tree().and_then(|tree| tree.map_or(Ok(()), |tree| compile(&tree, schema)));
            if let Err(error) = compiled {
                found.add_at(path, &error, text);
            }
        }
        Where::Groups(groups) if groups.is_empty() => found.add(path, "is empty: leave it out, or name the clauses of a group"),
        Where::Groups(groups) if groups.iter().map(|group| group.clauses.len()).sum::<usize>() > CLAUSES_MAX => {
            found.add(path, format!("has more than {CLAUSES_MAX} clauses"));
        }
        Where::Groups(groups) => {
            groups.iter().enumerate().for_each(|(at, group)| check_group(&format!("{path}[{at}]"), group, schema, found))
        }
    }
}

fn check_group(path: &str, group: &ClauseGroup, schema: &dyn Schema, found: &mut Found<'_>) {
    if group.clauses.is_empty() {
        found.add(format!("{path}.clauses"), "is empty");
    }
    for (at, clause) in group.clauses.iter().enumerate() {
        if let Err(error) = check_clause(clause, schema) {
            found.add(format!("{path}.clauses[{at}].{}", field(error.code)), error.to_string());
        }
    }
}

fn check_clause(clause: &Clause, schema: &dyn Schema) -> Result<(), Error> {
    Tree::of_groups(&[vec![clause.into()]])?.map_or(Ok(()), |tree| compile(&tree, schema))
}

fn compile(tree: &Tree, schema: &dyn Schema) -> Result<(), Error> {
    Filter::compile(tree, schema).map(drop)
}

/// The field of a clause that an error is about.
fn field(code: Code) -> &'static str {
    match code {
        Code::UnknownFunction => "operator",
        Code::Constant | Code::Pattern | Code::TooLarge => "value",
        Code::UnknownAttribute
        | Code::Kind
        | Code::Unsupported
        | Code::Arguments
        | Code::Character
        | Code::Unterminated
        | Code::Unexpected => "attribute",
    }
}
