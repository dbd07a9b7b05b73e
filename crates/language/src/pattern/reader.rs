//! The state of reading a pattern.

use super::dialect::Piece;
use super::groups::Written;

/// The options that are followed here.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Options {
    /// `m`: `^` and `$` match at lines.
    pub(super) lines: bool,
    /// `s`: `.` matches line feeds.
    pub(super) dot_all: bool,
    /// `n`: brackets without a name are no groups.
    pub(super) names_only: bool,
    /// `x`: blanks and comments do not count.
    pub(super) spaced: bool,
}

/// What stands before a place.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Last {
    Nothing,
    Item,
    Repeated,
}

/// Reads a pattern, character by character, and collects what it says.
pub(super) struct Reader {
    pub(super) chars: Vec<char>,
    pub(super) at: usize,
    pub(super) options: Options,
    /// The brackets that are open, with the options that hold after them.
    pub(super) open: Vec<(usize, Options)>,
    pub(super) groups: Vec<Written>,
    pub(super) pieces: Vec<Piece>,
    pub(super) last: Last,
}

/// What is wrong, with its place.
pub(super) fn error(at: usize, message: impl std::fmt::Display) -> String {
    format!("at character {} of the pattern: {message}", at + 1)
}

impl Reader {
    pub(super) fn new(pattern: &str) -> Self {
        Self {
            chars: pattern.chars().collect(),
            at: 0,
            options: Options::default(),
            open: Vec::new(),
            groups: Vec::new(),
            pieces: Vec::new(),
            last: Last::Nothing,
        }
    }

    /// Adds a text, which by itself cannot be repeated.
    pub(super) fn push(&mut self, text: &str) {
        match self.pieces.last_mut() {
            Some(Piece::Text(last)) => last.push_str(text),
            Some(Piece::End | Piece::Reference(..)) | None => self.pieces.push(Piece::Text(text.to_owned())),
        }
    }

    /// Adds something that can be repeated.
    pub(super) fn item(&mut self, text: &str) {
        self.push(text);
        self.last = Last::Item;
    }

    /// Adds something that can be repeated, and is no text yet.
    pub(super) fn special(&mut self, piece: Piece) {
        self.pieces.push(piece);
        self.last = Last::Item;
    }

    pub(super) fn peek(&self) -> Option<char> {
        self.chars.get(self.at).copied()
    }

    pub(super) fn next(&mut self) -> Option<char> {
        let next = self.peek();
        self.at += usize::from(next.is_some());
        next
    }

    /// Whether the next character is this one, which is read then.
    pub(super) fn eat(&mut self, char: char) -> bool {
        let is_next = self.peek() == Some(char);
        self.at += usize::from(is_next);
        is_next
    }

    /// What stands before the next such character, which is read as well; `None` if there is none.
    pub(super) fn until(&mut self, end: char) -> Option<String> {
        let length = self.chars.iter().skip(self.at).position(|char| *char == end)?;
        let text = self.chars.iter().skip(self.at).take(length).collect();
        self.at += length + 1;
        Some(text)
    }
}
