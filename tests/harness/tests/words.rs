//! Retired words do not come back: `docs/glossary.md` lists them, and this test looks for them in sources, protobuf, documents, scenario
//! scripts and recorded output.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::process::Command;

/// Files that must hold such words: the list itself and this test of it, a licence, generated code, and a user of the operating system.
const EXEMPT: [&str; 7] = [
    "docs/glossary.md",
    "tests/harness/tests/words.rs",
    "tests/harness/src/postgres/install.rs",
    "LICENSE",
    "Cargo.lock",
    "package-lock.json",
    "/gen/",
];

/// The retired words of the glossary.
struct Retired {
    /// Matched as whole words, in any case.
    words: Vec<String>,
    /// Matched as parts of names in CamelCase or snake_case, in this case.
    identifiers: Vec<String>,
}

#[test]
fn no_retired_word_is_used() {
    let retired = Retired::read(&std::fs::read_to_string(root().join("docs/glossary.md")).unwrap());
    let mut found = String::new();
    for path in files() {
        // What is no text holds no words.
        let Ok(text) = std::fs::read_to_string(root().join(&path)) else { continue };
        for (index, line) in text.lines().enumerate() {
            for word in retired.in_line(line) {
                writeln!(found, "{path}:{}: {word}", index + 1).unwrap();
            }
        }
    }
    assert!(found.is_empty(), "retired words; see docs/glossary.md\n{found}");
}

#[test]
fn words_are_found_whole_and_identifiers_as_parts_of_names() {
    let retired = Retired { words: vec!["he".to_owned(), "who is".to_owned()], identifiers: vec!["Knife".to_owned(), "bury".to_owned()] };
    for (line, want) in [
        ("the other heir", vec![]),
        ("He left", vec!["he"]),
        ("a user who is disabled; he", vec!["he", "who is"]),
        ("struct KnifeEdge; knife", vec!["Knife"]),
        ("fn bury_all()", vec!["bury"]),
        ("fn canterbury() { Buryat }", vec![]),
    ] {
        assert_eq!(retired.in_line(line), want, "{line}");
    }
}

impl Retired {
    fn read(glossary: &str) -> Self {
        let block = |name: &str| {
            let (_, rest) = glossary.split_once(&format!("```{name}\n")).expect("the glossary has the block");
            let (block, _) = rest.split_once("```").expect("the block ends");
            block.lines().map(str::trim).filter(|line| !line.is_empty()).map(str::to_owned).collect()
        };
        Self { words: block("words"), identifiers: block("identifiers") }
    }

    /// The retired words in a line, in the order of the lists.
    fn in_line(&self, line: &str) -> Vec<&str> {
        let lower = line.to_lowercase();
        let words = self.words.iter().filter(|word| is_part(&lower, word, |c| !c.is_alphanumeric() && c != '_' && c != '\''));
        let identifiers = self.identifiers.iter().filter(|name| {
            let ends = |c: char| if name.starts_with(char::is_uppercase) { !c.is_lowercase() } else { !c.is_alphanumeric() };
            is_part(line, name, ends)
        });
        words.chain(identifiers).map(String::as_str).collect()
    }
}

/// Whether a text holds a word with nothing but its ends around it, or the text's own.
fn is_part(text: &str, word: &str, is_end: impl Fn(char) -> bool) -> bool {
    text.match_indices(word).any(|(at, _)| {
        let (before, after) = (text[..at].chars().next_back(), text[at + word.len()..].chars().next());
        // A capital begins a part of a name whatever stands before it.
        (before.is_none_or(&is_end) || word.starts_with(char::is_uppercase)) && after.is_none_or(&is_end)
    })
}

/// The files under version control.
fn files() -> Vec<String> {
    let listed = Command::new("git").args(["ls-files"]).current_dir(root()).output().expect("git lists the files");
    assert!(listed.status.success(), "{}", String::from_utf8_lossy(&listed.stderr));
    let listed = String::from_utf8(listed.stdout).expect("names of files are UTF-8");
    listed.lines().filter(|path| !EXEMPT.iter().any(|exempt| path.contains(exempt))).map(str::to_owned).collect()
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}
