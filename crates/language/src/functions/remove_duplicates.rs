//! `RemoveDuplicates(attribute)`: several values, each once, where it comes first. Values that differ in case are two.

use std::collections::HashSet;

use crate::evaluate::Failure;
use crate::function::{Accepts, Arguments, Function, Parameter};
use crate::value::{Kind, Value};

pub(crate) const REMOVE_DUPLICATES: Function =
    Function::new("RemoveDuplicates", &[Parameter::required("attribute", Accepts::List)], Kind::List, remove_duplicates);

fn remove_duplicates<'a>(arguments: &Arguments<'_, 'a>) -> Result<Value<'a>, Failure> {
    let mut items = arguments.list(0)?;
    if items.is_empty() {
        return Ok(Value::Null);
    }
    let mut known = HashSet::with_capacity(items.len());
    let first: Vec<bool> = items.iter().map(|item| known.insert(&**item)).collect();
    let mut first = first.into_iter();
    items.retain(|_| first.next().unwrap_or_default());
    arguments.listed(items)
}

#[cfg(test)]
mod tests {
    use crate::testing::check;

    #[test]
    fn each_value_stays_once() {
        check(&[
            ("RemoveDuplicates([list])", r#"["b", "a"]"#),
            (r#"RemoveDuplicates(Split("a,b,a", ","))"#, r#"["a", "b"]"#),
            (r#"RemoveDuplicates(Split("a,A", ","))"#, r#"["a", "A"]"#),
            ("RemoveDuplicates([name])", r#"["ana"]"#),
            ("RemoveDuplicates([none])", "null"),
        ]);
    }
}
