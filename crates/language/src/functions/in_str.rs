//! `InStr(text, wanted, start, compare)`: where a text first holds another one, from 1, or 0 where it does not; UTF-16 code units count.
//!
//! Letters compare as they are unless `vbTextCompare` says that case does not count. As in Visual Basic, 0 is the answer where the search
//! begins after the end, and an empty text is found where the search begins.

use crate::case;
use crate::evaluate::Failure;
use crate::function::{Accepts, Arguments, Function, Parameter, Prepared, Problem, Written};
use crate::text::{prefix, units};
use crate::value::{Kind, Value};

/// By their numbers in Visual Basic.
const COMPARE: &[&str] = &["vbBinaryCompare", "vbTextCompare"];

const NO_START: &str = "counts from 1";
const NO_COMPARE: &str = "is neither vbTextCompare nor vbBinaryCompare";

pub(crate) const IN_STR: Function = Function {
    prepare,
    ..Function::new(
        "InStr",
        &[
            Parameter::required("value1", Accepts::Text),
            Parameter::required("value2", Accepts::Text),
            Parameter::optional("start", Accepts::Integer),
            Parameter::optional("compareType", Accepts::Word(COMPARE)),
        ],
        Kind::Integer,
        in_str,
    )
};

fn prepare(written: &Written<'_>) -> Result<Prepared, Problem> {
    if written.integer(2)?.is_some_and(|start| start < 1) {
        return Err(Problem::constant(2, format!("`start` {NO_START}")));
    }
    match written.text(3) {
        Some(compare) if ignores_case(&compare).is_none() => Err(Problem::constant(3, format!("`compareType` {NO_COMPARE}"))),
        Some(_) | None => Ok(Prepared::Nothing),
    }
}

fn in_str<'a>(arguments: &Arguments<'_, 'a>) -> Result<Value<'a>, Failure> {
    let (Some(text), Some(wanted)) = (arguments.text(0)?, arguments.text(1)?) else { return Ok(Value::Null) };
    let start = arguments.integer(2)?.unwrap_or(1);
    let before = start.checked_sub(1).and_then(|before| usize::try_from(before).ok()).ok_or_else(|| arguments.invalid(2, NO_START))?;
    let ignores_case = match arguments.text(3)? {
        Some(compare) => ignores_case(&compare).ok_or_else(|| arguments.invalid(3, NO_COMPARE))?,
        None => false,
    };
    if before >= units(&text) {
        return Ok(Value::Integer(0));
    }
    let (skipped, rest) = text.split_at(prefix(&text, before));
    let found = if ignores_case { find_folded(rest, &wanted) } else { rest.find(&*wanted) };
    let position = found.and_then(|found| rest.get(..found)).map_or(0, |passed| units(skipped) + units(passed) + 1);
    Ok(Value::Integer(i64::try_from(position).unwrap_or(i64::MAX)))
}

fn ignores_case(compare: &str) -> Option<bool> {
    let by_number = |number: usize| number < COMPARE.len();
    let at =
        COMPARE.iter().position(|word| *word == compare).or_else(|| compare.trim().parse().ok().filter(|number| by_number(*number)))?;
    Some(at == 1)
}

/// Folding keeps the number of characters, so the place is found by counting them.
fn find_folded(text: &str, wanted: &str) -> Option<usize> {
    let folded: String = text.chars().map(case::fold).collect();
    let found = folded.find(&wanted.chars().map(case::fold).collect::<String>())?;
    let before = folded.get(..found)?.chars().count();
    Some(text.char_indices().nth(before).map_or(text.len(), |(at, _)| at))
}

#[cfg(test)]
mod tests {
    use crate::testing::check;

    #[test]
    fn the_first_place_counts_from_1() {
        check(&[
            (r#"InStr("The quick brown fox", "quick")"#, "5"),
            (r#"InStr("repEated", "e", 3, vbBinaryCompare)"#, "7"),
            (r#"InStr("repEated", "e", 3, vbTextCompare)"#, "4"),
            (r#"InStr("repEated", "E", , 0)"#, "4"),
            (r#"InStr("repEated", "E", , 1)"#, "2"),
            (r#"InStr("ÄÖ", "ö", 1, vbTextCompare)"#, "2"),
            (r#"InStr("😀x", "x")"#, "3"),
            (r#"InStr([name], "x")"#, "0"),
            (r#"InStr([name], "", 2)"#, "2"),
            (r#"InStr([name], "", 4)"#, "0"),
            (r#"InStr([empty], "")"#, "0"),
            (r#"InStr([none], "x")"#, "null"),
        ]);
    }

    #[test]
    fn what_it_cannot_take_is_refused() {
        check(&[
            (r#"InStr([name], "a", 0)"#, "refused constant: InStr: `start` counts from 1"),
            (r#"InStr([name], "a", [text:0])"#, "failed invalid_value"),
            (r#"InStr([name], "a", 1, 2)"#, "refused constant: InStr: `compareType` is neither vbTextCompare nor vbBinaryCompare"),
            (
                r#"InStr([name], "a", 1, vbTextCompar)"#,
                "refused unexpected: `vbTextCompar` is none of `vbBinaryCompare`, `vbTextCompare`, did you mean `vbTextCompare`?",
            ),
            (
                "InStr(name, \"a\")",
                "refused unexpected: `name` is neither a function with its arguments nor a value, did you mean `[name]`?",
            ),
        ]);
    }
}
