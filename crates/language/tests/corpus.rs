//! The inputs that fuzzing begins with, and those that it found, each exercised as fuzzing does.
#![cfg(test)]

#[path = "../fuzz/exercise.rs"]
mod exercise;

use std::path::Path;

use proptest::prelude::*;

/// The inputs of a target.
fn inputs(target: &str) -> Vec<String> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz/corpus").join(target);
    let files = std::fs::read_dir(folder).unwrap();
    files.map(|file| String::from_utf8(std::fs::read(file.unwrap().path()).unwrap()).unwrap()).collect()
}

#[test]
fn no_input_of_the_corpus_breaks_a_promise() {
    for (target, exercise) in [("expression", exercise::expression as fn(&str)), ("filter", exercise::filter)] {
        let inputs = inputs(target);
        assert!(inputs.len() >= 10, "{target}");
        inputs.iter().for_each(|input| exercise(input));
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 3000, failure_persistence: None, ..ProptestConfig::default() })]

    /// As a fuzzer changes what it begins with: a part of one input replaces a part of another, and a character changes.
    #[test]
    fn no_mixture_of_two_inputs_breaks_a_promise(
        target in 0_usize..2,
        picks in (any::<prop::sample::Index>(), any::<prop::sample::Index>()),
        cuts in (any::<prop::sample::Index>(), any::<prop::sample::Index>()),
        changed in (any::<prop::sample::Index>(), any::<char>()),
    ) {
        let inputs = inputs(["expression", "filter"][target]);
        let (one, other) = (picks.0.get(&inputs), picks.1.get(&inputs));
        let chars = |text: &str| text.chars().collect::<Vec<_>>();
        let (one, other) = (chars(one), chars(other));
        let mut mixed: Vec<char> = one[..cuts.0.index(one.len() + 1)].to_vec();
        mixed.extend(&other[cuts.1.index(other.len() + 1)..]);
        if !mixed.is_empty() {
            let at = changed.0.index(mixed.len());
            mixed[at] = changed.1;
        }
        let mixed: String = mixed.into_iter().collect();
        if target == 0 { exercise::expression(&mixed) } else { exercise::filter(&mixed) }
    }
}
