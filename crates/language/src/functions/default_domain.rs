//! `DefaultDomain()`: the default domain of the target tenant; nothing where it is not known.

use crate::evaluate::Failure;
use crate::function::{Arguments, Depends, Function};
use crate::value::{Kind, Value};

pub(crate) const DEFAULT_DOMAIN: Function =
    Function { depends: Depends::Context, ..Function::new("DefaultDomain", &[], Kind::Text, default_domain) };

#[expect(clippy::unnecessary_wraps, reason = "the signature of every function")]
fn default_domain<'a>(arguments: &Arguments<'_, 'a>) -> Result<Value<'a>, Failure> {
    Ok(arguments.run.context.default_domain.as_deref().map_or(Value::Null, Value::from))
}

#[cfg(test)]
mod tests {
    use crate::testing::check;

    #[test]
    fn it_is_the_domain_of_the_context() {
        check(&[(r#"Join("@", [name], DefaultDomain())"#, r#""ana@hub.example""#)]);
    }
}
