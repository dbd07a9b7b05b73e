//! For information: the same three expressions in other languages that are evaluated in Rust.

use rhai::{AST, Engine, Scope};
use xtsync_domain::mapping::{AttributeTable, Known};
use xtsync_language::{Compiler, Context, Run};

use crate::Measured;
use crate::timing::alone;
use crate::user::attributes;

/// The same in each language.
const OURS: [&str; 3] =
    [r#"Append([userPrincipalName], ".test")"#, r#"Join(", ", [surname], [givenName])"#, r#"IIF([country]="USA","True","False")"#];
const THEIRS: [&str; 2] = [r#"userPrincipalName + ".test""#, r#"surname + ", " + givenName"#];

pub(crate) fn measure() -> Vec<Measured> {
    let figure = |name, value: f64| Measured {
        name,
        value: 1e9 / value / OURS.len() as f64,
        unit: "ns",
        against: None,
        goal: None,
        conditions: "for information: one of three small expressions, attributes of a user as they are".to_owned(),
    };
    vec![figure("expression_ns", ours()), figure("expression_cel_ns", cel()), figure("expression_rhai_ns", rhai())]
}

fn ours() -> f64 {
    let table = AttributeTable::default();
    let mut compiler = Compiler::new(&table);
    let numbers = OURS.map(|text| compiler.add(text).expect("it is an expression"));
    let (program, attributes, context) = (compiler.finish(), attributes(), Context::default());
    let known = Known(&attributes);
    alone(|| {
        let run = Run::new(&program, &known, &context);
        numbers.map(|number| run.evaluate(number).expect("it has a value").into_owned())
    })
}

const NAMES: [&str; 4] = ["userPrincipalName", "surname", "givenName", "country"];

fn cel() -> f64 {
    let texts = [THEIRS[0], THEIRS[1], r#"country == "USA" ? "True" : "False""#];
    let programs = texts.map(|text| cel::Program::compile(text).expect("it is an expression"));
    let attributes = attributes();
    alone(|| {
        let mut context = cel::Context::default();
        for name in NAMES {
            context.add_variable_from_value(name, attributes.text(name).unwrap_or_default().to_owned());
        }
        [0, 1, 2].map(|at: usize| programs[at].execute(&context).expect("it has a value"))
    })
}

fn rhai() -> f64 {
    let engine = Engine::new();
    let texts = [THEIRS[0], THEIRS[1], r#"if country == "USA" { "True" } else { "False" }"#];
    let programs: [AST; 3] = texts.map(|text| engine.compile(text).expect("it is a script"));
    let attributes = attributes();
    alone(|| {
        let mut scope = Scope::new();
        for name in NAMES {
            scope.push(name, attributes.text(name).unwrap_or_default().to_owned());
        }
        [0, 1, 2].map(|at: usize| engine.eval_ast_with_scope::<rhai::Dynamic>(&mut scope, &programs[at]).expect("it has a value"))
    })
}
