//! `RandomString(length, numbers, special, capital, lower, avoid)`: characters of chance, at least so many of each class, in random order.
//!
//! The characters are those that Windows counts for a complex password: ASCII letters, digits and punctuation. What the minima leave of the
//! length is filled from the classes that are asked for, so that `0` special characters means none; where no class is asked for, from letters
//! and digits.

use crate::evaluate::Failure;
use crate::function::{Accepts, Arguments, Depends, Function, Parameter, Prepared, Problem, Written};
use crate::value::{Kind, Value};

/// The longest text, as documented.
const LENGTH_MAX: usize = 256;

/// In the order of the parameters.
const CLASSES: [&str; 4] = ["0123456789", "!\"#$%&'()*+,-./:;<=>?@[\\]^_`{|}~", "ABCDEFGHIJKLMNOPQRSTUVWXYZ", "abcdefghijklmnopqrstuvwxyz"];

pub(crate) const RANDOM_STRING: Function = Function {
    depends: Depends::Chance,
    prepare,
    ..Function::new(
        "RandomString",
        &[
            Parameter::required("length", Accepts::Integer),
            Parameter::required("minimumNumbers", Accepts::Integer),
            Parameter::required("minimumSpecialCharacters", Accepts::Integer),
            Parameter::required("minimumCapital", Accepts::Integer),
            Parameter::required("minimumLowerCase", Accepts::Integer),
            Parameter::optional("charactersToAvoid", Accepts::Text),
        ],
        Kind::Text,
        random_string,
    )
};

/// What is asked for.
struct Recipe {
    length: usize,
    /// The characters of each class, and how many of them at least.
    classes: [(Vec<char>, usize); 4],
}

impl Recipe {
    /// A recipe of the first five arguments and the characters to avoid; otherwise which argument is wrong, and why.
    fn new(numbers: [i64; 5], avoid: &str) -> Result<Self, (usize, &'static str)> {
        let [length, minima @ ..] = numbers;
        let length = usize::try_from(length).ok().filter(|length| (1..=LENGTH_MAX).contains(length));
        let length = length.ok_or((0, "is not between 1 and 256"))?;
        let mut sum = 0_usize;
        let mut classes = CLASSES.map(|class| (class.chars().filter(|char| !avoid.contains(*char)).collect::<Vec<_>>(), 0));
        for (at, ((characters, least), minimum)) in classes.iter_mut().zip(minima).enumerate() {
            *least = usize::try_from(minimum).map_err(|_| (at + 1, "cannot be negative"))?;
            sum = sum.saturating_add(*least);
            if *least > 0 && characters.is_empty() {
                return Err((5, "leaves no character of a class that is needed"));
            }
        }
        if sum > length {
            return Err((0, "is less than the sum of the minima"));
        }
        let recipe = Self { length, classes };
        if recipe.filling().is_empty() { Err((5, "leaves no character")) } else { Ok(recipe) }
    }

    fn filling(&self) -> Vec<char> {
        let [numbers, _, capital, lower] = &self.classes;
        let asked: Vec<char> =
            self.classes.iter().filter(|(_, least)| *least > 0).flat_map(|(characters, _)| characters).copied().collect();
        if asked.is_empty() {
            [numbers, capital, lower].into_iter().flat_map(|(characters, _)| characters).copied().collect()
        } else {
            asked
        }
    }

    fn draw(&self, chance: &mut impl Iterator<Item = u8>) -> String {
        let mut drawn: Vec<char> = Vec::with_capacity(self.length);
        for (characters, least) in &self.classes {
            drawn.extend((0..*least).filter_map(|_| characters.get(below(characters.len(), chance))));
        }
        let filling = self.filling();
        drawn.extend((drawn.len()..self.length).filter_map(|_| filling.get(below(filling.len(), chance))));
        for last in (1..drawn.len()).rev() {
            drawn.swap(last, below(last + 1, chance));
        }
        drawn.into_iter().collect()
    }
}

/// A number below another one of at most 256, each as likely.
fn below(end: usize, chance: &mut impl Iterator<Item = u8>) -> usize {
    let fair = 256 - 256 % end.max(1);
    chance.map(usize::from).find(|byte| *byte < fair).map_or(0, |byte| byte % end.max(1))
}

fn prepare(written: &Written<'_>) -> Result<Prepared, Problem> {
    let mut numbers = [0; 5];
    for (argument, number) in numbers.iter_mut().enumerate() {
        match written.integer(argument)? {
            Some(constant) => *number = constant,
            None => return Ok(Prepared::Nothing),
        }
    }
    let avoid = match (written.is_given(5), written.text(5)) {
        (false, _) => String::new(),
        (true, Some(avoid)) => avoid,
        (true, None) => return Ok(Prepared::Nothing),
    };
    let parameter = |argument: usize| RANDOM_STRING.parameter(argument).map_or("", |parameter| parameter.name);
    let problem = |(argument, reason)| Problem::constant(argument, format!("`{}` {reason}", parameter(argument)));
    Recipe::new(numbers, &avoid).map_err(problem).map(|_| Prepared::Nothing)
}

fn random_string<'a>(arguments: &Arguments<'_, 'a>) -> Result<Value<'a>, Failure> {
    let mut numbers = [0; 5];
    for (argument, number) in numbers.iter_mut().enumerate() {
        *number = arguments.integer(argument)?.ok_or_else(|| arguments.invalid(argument, "is missing"))?;
    }
    let avoid = arguments.text(5)?.unwrap_or_default();
    let recipe = Recipe::new(numbers, &avoid).map_err(|(argument, reason)| arguments.invalid(argument, reason))?;
    arguments.sized(recipe.draw(&mut arguments.chance()))
}

#[cfg(test)]
mod tests {
    use crate::testing::{check, show};

    fn drawn(expression: &str) -> String {
        // As it is shown, a quote and a backslash have a backslash before them.
        let shown = show(&format!("ConvertToUTF8Hex({expression})"));
        let hex: Vec<char> = shown.trim_matches('"').chars().collect();
        let bytes = hex.chunks(2).map(|pair| u8::from_str_radix(&pair.iter().collect::<String>(), 16).unwrap());
        bytes.map(char::from).collect()
    }

    #[test]
    fn each_class_comes_as_often_as_it_must() {
        //   expression                             length digits special capital lower
        for (expression, length, minima) in [
            ("RandomString(6,3,0,0,3)", 6, [3, 0, 0, 3]),
            (r#"RandomString(10,2,2,2,1,"?,")"#, 10, [2, 2, 2, 1]),
            ("RandomString(256,64,64,64,64)", 256, [64, 64, 64, 64]),
            ("RandomString(40,0,0,0,0)", 40, [0, 0, 0, 0]),
            ("RandomString([count],0,0,[count],0,[none])", 3, [0, 0, 3, 0]),
        ] {
            let text = drawn(expression);
            let count = |is: fn(&char) -> bool| text.chars().filter(is).count();
            let found = [char::is_ascii_digit, char::is_ascii_punctuation, char::is_ascii_uppercase, char::is_ascii_lowercase].map(count);
            assert_eq!(text.chars().count(), length, "{expression}: {text}");
            assert!(found.iter().zip(minima).all(|(found, least)| *found >= least), "{expression}: {text}");
            assert_eq!(found[1] > 0, minima[1] > 0, "{expression}: {text}");
            assert!(!text.contains(['?', ',']) || !expression.contains("?,"), "{expression}: {text}");
            assert_eq!(text, drawn(expression));
        }
    }

    #[test]
    fn what_cannot_be_is_refused() {
        check(&[
            ("RandomString(257,0,0,0,0)", "refused constant: RandomString: `length` is not between 1 and 256"),
            ("RandomString(0,0,0,0,0)", "refused constant: RandomString: `length` is not between 1 and 256"),
            ("RandomString(6,3,0,0,4)", "refused constant: RandomString: `length` is less than the sum of the minima"),
            ("RandomString(6,-1,0,0,4)", "refused constant: RandomString: `minimumNumbers` cannot be negative"),
            (
                r#"RandomString(6,1,0,0,0,"0123456789")"#,
                "refused constant: RandomString: `charactersToAvoid` leaves no character of a class that is needed",
            ),
            ("RandomString([text:6],[text:9223372036854775807],1,1,1)", "failed invalid_value"),
            ("RandomString([none],1,1,1,1)", "failed invalid_value"),
        ]);
    }
}
