//! `IgnoreFlowIfNullOrEmpty(expression)`: the value, or, where there is none or only an empty text, no flow: the attribute stays as it is.

use crate::evaluate::Failure;
use crate::function::{Accepts, Arguments, Function, Parameter};
use crate::value::{Kind, Value};

pub(crate) const IGNORE_FLOW: Function =
    Function::new("IgnoreFlowIfNullOrEmpty", &[Parameter::required("expression", Accepts::Any)], Kind::Any, ignore_flow);

fn ignore_flow<'a>(arguments: &Arguments<'_, 'a>) -> Result<Value<'a>, Failure> {
    let value = arguments.value(0)?;
    if value.is_empty() { Err(Failure::Ignored) } else { Ok(value) }
}

#[cfg(test)]
mod tests {
    use crate::testing::check;

    #[test]
    fn what_is_empty_does_not_flow() {
        let switch = |prefix: &str| {
            format!(r#"IgnoreFlowIfNullOrEmpty(Switch([text:{prefix}], "", "3443", "Dr.", "3444", "Prof.", "3445", "Prof. Dr."))"#)
        };
        check(&[
            ("IgnoreFlowIfNullOrEmpty([none])", "failed ignored"),
            ("IgnoreFlowIfNullOrEmpty([empty])", "failed ignored"),
            (r#"IgnoreFlowIfNullOrEmpty("")"#, "failed ignored"),
            ("IgnoreFlowIfNullOrEmpty([name])", r#""ana""#),
            ("IgnoreFlowIfNullOrEmpty([unread])", "failed unread"),
            (&switch("9999"), "failed ignored"),
            (&switch("3444"), r#""Prof.""#),
        ]);
    }
}
