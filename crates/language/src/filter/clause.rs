//! Filters as groups of clauses, as Entra stores them: a user passes if all clauses of any group hold.

use super::operator::Operator;
use super::tree::{Node, Tree};
use crate::error::{Code, Error, nearest};
use crate::span::Span;

/// One clause, as it is written field by field.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Clause {
    /// The attribute.
    pub attribute: String,
    /// The operator's name.
    pub operator: String,
    /// The value; empty for an operator without one.
    pub value: String,
}

impl Tree {
    /// The filter that groups of clauses say; `None` where there is no group, so that every user passes.
    ///
    /// # Errors
    /// If an operator is unknown or takes no value, or a group has no clause. The error has no place in a text.
    pub fn of_groups(groups: &[Vec<Clause>]) -> Result<Option<Self>, Error> {
        let groups: Vec<Self> = groups.iter().map(|clauses| group(clauses)).collect::<Result<_, _>>()?;
        Ok(combined(groups, Node::Or))
    }
}

fn group(clauses: &[Clause]) -> Result<Tree, Error> {
    let clauses = clauses.iter().map(clause).collect::<Result<_, _>>()?;
    combined(clauses, Node::And).ok_or_else(|| Error::new(Code::Arguments, Span::default(), "a group needs a clause"))
}

fn clause(Clause { attribute, operator, value }: &Clause) -> Result<Tree, Error> {
    let place = Span::default();
    let Some(known) = Operator::of(operator) else {
        let error = Error::new(Code::UnknownFunction, place, format!("unknown operator `{operator}`"));
        return Err(error.hint(nearest(operator, Operator::names())));
    };
    if !known.takes_value() && !value.is_empty() {
        return Err(Error::new(Code::Constant, place, format!("{} takes no value", known.name())));
    }
    let node =
        Node::Clause { attribute: attribute.clone(), attribute_span: place, operator: known, value: value.clone(), value_span: place };
    Ok(Tree { node, span: place })
}

/// Several parts as one, or one as it is.
fn combined(mut parts: Vec<Tree>, node: fn(Vec<Tree>) -> Node) -> Option<Tree> {
    match parts.len() {
        0 | 1 => parts.pop(),
        _ => Some(Tree { node: node(parts), span: Span::default() }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn clause(attribute: &str, operator: &str, value: &str) -> Clause {
        Clause { attribute: attribute.to_owned(), operator: operator.to_owned(), value: value.to_owned() }
    }

    #[test]
    fn groups_are_alternatives_and_their_clauses_hold_together() {
        let (sales, present) = (clause("department", "EQUALS", "Sales"), clause("jobTitle", "IS NOT NULL", ""));
        for (groups, want) in [
            (vec![], None),
            (vec![vec![sales.clone()]], Some(r#"department EQUALS "Sales""#)),
            (vec![vec![sales.clone(), present.clone()]], Some(r#"department EQUALS "Sales" AND jobTitle IS NOT NULL"#)),
            (vec![vec![sales], vec![present]], Some(r#"department EQUALS "Sales" OR jobTitle IS NOT NULL"#)),
        ] {
            let tree = Tree::of_groups(&groups).unwrap();
            assert_eq!(tree.map(|tree| tree.to_string()).as_deref(), want);
        }
        assert_eq!(Tree::of_groups(&[vec![]]).unwrap_err().code, Code::Arguments);
        assert_eq!(Tree::of_groups(&[vec![clause("a", "LIKE", "")]]).unwrap_err().code, Code::UnknownFunction);
        assert_eq!(Tree::of_groups(&[vec![clause("a", "IS TRUE", "false")]]).unwrap_err().code, Code::Constant);
    }
}
