//! `Prepend(prefix, source)`: one text before the other, as `Append` puts it after.

use super::append;
use crate::function::{Accepts, Function, Parameter};
use crate::value::Kind;

pub(crate) const PREPEND: Function = Function::new(
    "Prepend",
    &[Parameter::required("prefix", Accepts::Text), Parameter::required("source", Accepts::Text)],
    Kind::Text,
    append::append,
);

#[cfg(test)]
mod tests {
    use crate::testing::check;

    #[test]
    fn the_prefix_comes_first() {
        check(&[(r#"Prepend("x.", [name])"#, r#""x.ana""#), (r#"Prepend("x", [none])"#, r#""x""#), ("Prepend([none], [none])", "null")]);
    }
}
