//! What holds for every function, whatever it is given.

mod generated;

use proptest::prelude::*;

use self::generated::{User, expression, user};
use super::{ALL, find};
use crate::limits::{LIST_MAX, TEXT_MAX};
use crate::{AnyAttribute, Compiler, Context, Failure, Run, Value};

fn evaluated(expression: &str, user: &User, seed: [u8; 32]) -> Option<Result<Value<'static>, Failure>> {
    let mut compiler = Compiler::new(&AnyAttribute);
    compiler.add(expression).ok()?;
    let program = compiler.finish();
    let context = Context { seed, default_domain: Some("hub.example".to_owned()), ..Context::default() };
    Some(Run::new(&program, user, &context).evaluate(0).map(Value::into_owned))
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn no_call_panics_and_each_gives_the_same_for_the_same_seed(
        expression in expression(),
        user in user(),
        seed in any::<[u8; 32]>(),
    ) {
        let given = evaluated(&expression, &user, seed);
        prop_assert_eq!(&given, &evaluated(&expression, &user, seed));
        match given {
            Some(Ok(Value::Text(text))) => prop_assert!(text.len() <= TEXT_MAX),
            Some(Ok(Value::List(items))) => prop_assert!(items.len() <= LIST_MAX),
            Some(Ok(_) | Err(_)) | None => {}
        }
    }
}

#[test]
fn the_table_is_sorted_so_that_it_can_be_searched() {
    assert!(ALL.is_sorted_by(|a, b| a.name < b.name));
    assert!(ALL.iter().all(|function| find(function.name).is_some_and(|found| found.name == function.name)));
}

#[test]
fn what_must_be_given_stands_before_what_may_be_left_out() {
    for function in ALL {
        let fixed = function.parameters.len() - function.repeated;
        let is_optional: Vec<bool> = function.parameters[..fixed].iter().map(|parameter| parameter.is_optional).collect();
        let exceptions = ["FormatDateTime", "Switch"];
        assert!(is_optional.is_sorted() || exceptions.contains(&function.name), "{}", function.name);
    }
}
