//! `IsNothing(source)`: the same as `IsNull`.

use super::is_null;
use crate::function::{Accepts, Function, Parameter};
use crate::value::Kind;

pub(crate) const IS_NOTHING: Function =
    Function::new("IsNothing", &[Parameter::required("source", Accepts::Any)], Kind::Flag, is_null::call);

#[cfg(test)]
mod tests {
    use crate::testing::check;

    #[test]
    fn only_what_is_absent_is_nothing() {
        check(&[("IsNothing([none])", "true"), ("IsNothing([empty])", "false"), ("IsNothing([name])", "false")]);
    }
}
