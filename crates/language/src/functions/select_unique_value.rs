//! `SelectUniqueValue(value1, value2, …)`: the first value that no other user of the target has. Values differ in more than case.
//!
//! It is documented for provisioning from HR to Active Directory only, and no mapping may use it: what the target's other users have is not
//! known when a user is decided. `xtsync test` evaluates it, with the values that a test says are taken.

use crate::evaluate::Failure;
use crate::function::{Accepts, Arguments, Depends, Function, Parameter};
use crate::value::{Kind, Value};

pub(crate) const SELECT_UNIQUE_VALUE: Function = Function {
    repeated: 1,
    depends: Depends::Context,
    refused: Some(
        "it is documented for provisioning from HR to Active Directory only; a target's other users are not known when a user is decided",
    ),
    ..Function::new(
        "SelectUniqueValue",
        &[
            Parameter::required("value", Accepts::Text),
            Parameter::required("value", Accepts::Text),
            Parameter::optional("value", Accepts::Text),
        ],
        Kind::Text,
        select_unique_value,
    )
};

fn select_unique_value<'a>(arguments: &Arguments<'_, 'a>) -> Result<Value<'a>, Failure> {
    let taken = &arguments.run.context.taken;
    for at in 0..arguments.count() {
        let Some(value) = arguments.text(at)?.filter(|value| !value.is_empty()) else { continue };
        let lower = value.to_lowercase();
        if !taken.iter().any(|taken| taken.to_lowercase() == lower) {
            return Ok(Value::Text(value));
        }
    }
    Err(arguments.invalid(0, "is taken, and so is every other value"))
}

#[cfg(test)]
mod tests {
    use crate::testing::NoUser;
    use crate::{AnyAttribute, Compiler, Context, Run, Value};

    #[test]
    fn the_first_value_that_is_not_taken_is_selected() {
        let mut compiler = Compiler::unrestricted(&AnyAttribute);
        compiler.add(r#"SelectUniqueValue([none], "John.Smith", "J.Smith")"#).unwrap();
        let program = compiler.finish();
        for (taken, want) in [
            (vec![], Some("John.Smith")),
            (vec!["john.smith"], Some("J.Smith")),
            (vec!["J.Smith"], Some("John.Smith")),
            (vec!["John.Smith", "J.Smith"], None),
        ] {
            let context = Context { taken: taken.into_iter().map(str::to_owned).collect(), ..Context::default() };
            assert_eq!(Run::new(&program, &NoUser, &context).evaluate(0).ok(), want.map(Value::from));
        }
    }

    #[test]
    fn it_stands_outermost() {
        let mut compiler = Compiler::unrestricted(&AnyAttribute);
        let error = compiler.add(r#"Append(SelectUniqueValue("a", "b"), "c")"#).unwrap_err();
        assert_eq!(error.to_string(), "SelectUniqueValue can only be the outermost call");
    }
}
