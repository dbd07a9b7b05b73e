//! The words of scenario scripts. One command a line; `#` begins a comment; values with spaces stand in quotes.

use anyhow::{Context as _, Result, bail, ensure};

/// One line of a script.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Command {
    words: Vec<String>,
}

impl Command {
    /// The line as written.
    pub(crate) fn words(&self) -> String {
        self.words.join(" ")
    }

    /// What to do.
    pub(crate) fn verb(&self) -> &str {
        self.words.first().map_or("", String::as_str)
    }

    /// The word at a place, the verb being 0.
    pub(crate) fn word(&self, index: usize) -> Result<&str> {
        self.words.get(index).map(String::as_str).with_context(|| format!("'{}' wants more words", self.words()))
    }

    /// The command that the words from a place on are.
    pub(crate) fn rest(&self, index: usize) -> Self {
        Self { words: self.after(index).to_vec() }
    }

    /// The words from a place on.
    pub(crate) fn after(&self, index: usize) -> &[String] {
        self.words.get(index..).unwrap_or_default()
    }

    /// The tenants of `a -> b`.
    pub(crate) fn pair(&self) -> Result<(&str, &str)> {
        ensure!(self.word(2)? == "->", "'{}' wants SOURCE -> TARGET", self.words());
        Ok((self.word(1)?, self.word(3)?))
    }

    /// `name=value` words.
    pub(crate) fn values(&self) -> impl Iterator<Item = (&str, &str)> {
        self.words.iter().filter_map(|word| word.split_once('='))
    }

    /// The value of one name.
    pub(crate) fn value(&self, name: &str) -> Option<&str> {
        self.values().find(|(found, _)| *found == name).map(|(_, value)| value)
    }

    /// Whether a bare word stands in it.
    pub(crate) fn has_word(&self, word: &str) -> bool {
        self.words.iter().any(|found| found == word)
    }

    /// The words after `in`.
    pub(crate) fn groups(&self) -> &[String] {
        let place = self.words.iter().position(|word| word == "in");
        place.map_or(&[], |place| &self.words[place + 1..])
    }
}

/// How the names of directory extensions begin.
pub(crate) const EXTENSION: &str = "extension_0123456789abcdef0123456789abcdef_";

/// How scripts write that.
const SHORT: &str = "extension_app_";

/// A text with the names of extensions as scripts write them.
pub(crate) fn shortened(text: &str) -> String {
    text.replace(EXTENSION, SHORT)
}

/// The commands of a script with their line numbers.
pub(crate) fn parse(text: &str) -> Result<Vec<(usize, Command)>> {
    let mut commands = Vec::new();
    for (index, line) in text.lines().enumerate() {
        let words = split(&line.replace(SHORT, EXTENSION)).with_context(|| format!("line {}", index + 1))?;
        if !words.is_empty() {
            commands.push((index + 1, Command { words }));
        }
    }
    Ok(commands)
}

fn split(line: &str) -> Result<Vec<String>> {
    let mut words = Vec::new();
    let (mut word, mut quoted) = (String::new(), false);
    for letter in line.chars() {
        match letter {
            '"' => quoted = !quoted,
            '#' if !quoted => break,
            ' ' if !quoted => words.push(std::mem::take(&mut word)),
            other => word.push(other),
        }
    }
    if quoted {
        bail!("a quote is not closed");
    }
    words.push(word);
    words.retain(|word| !word.is_empty());
    Ok(words)
}

#[test]
fn quotes_keep_words_together_and_comments_are_passed_over() {
    let commands = parse("# a story\nset emea ana jobTitle=\"Head of Law\" # really\n\n").unwrap();
    assert_eq!(commands.len(), 1);
    assert_eq!((commands[0].0, commands[0].1.value("jobTitle")), (2, Some("Head of Law")));
    assert!(parse("set \"open").is_err());
}
