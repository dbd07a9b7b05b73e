//! A place in a text that is read from the left.

/// A place in a text. What is not found is not taken.
#[derive(Debug, Clone, Copy)]
pub(super) struct Cursor<'t> {
    rest: &'t str,
}

impl<'t> Cursor<'t> {
    /// The beginning of a text.
    pub(super) fn new(text: &'t str) -> Self {
        Self { rest: text }
    }

    /// Whether everything was taken.
    pub(super) fn is_end(self) -> bool {
        self.rest.is_empty()
    }

    /// The next character.
    pub(super) fn peek(self) -> Option<char> {
        self.rest.chars().next()
    }

    /// Takes that character; returns whether it was there.
    pub(super) fn take(&mut self, wanted: char) -> bool {
        self.take_any(&[wanted]).is_some()
    }

    /// Takes one of those characters; returns which.
    pub(super) fn take_any(&mut self, wanted: &[char]) -> Option<char> {
        let next = self.peek().filter(|next| wanted.contains(next))?;
        self.skip(next.len_utf8());
        Some(next)
    }

    /// Takes a text of ASCII in whatever case; returns whether it was there.
    pub(super) fn take_text(&mut self, wanted: &str) -> bool {
        let is_there = self.rest.get(..wanted.len()).is_some_and(|next| next.eq_ignore_ascii_case(wanted));
        if is_there {
            self.skip(wanted.len());
        }
        is_there
    }

    /// The same where no other letter follows.
    pub(super) fn take_word(&mut self, wanted: &str) -> bool {
        let mut after = *self;
        let is_there = after.take_text(wanted) && !after.peek().is_some_and(char::is_alphabetic);
        if is_there {
            *self = after;
        }
        is_there
    }

    /// Takes blanks.
    pub(super) fn blanks(&mut self) {
        self.rest = self.rest.trim_start();
    }

    /// Takes whichever of those characters come next; returns whether there were any.
    pub(super) fn take_all(&mut self, wanted: &[char]) -> bool {
        let before = self.rest.len();
        self.rest = self.rest.trim_start_matches(wanted);
        self.rest.len() < before
    }

    /// Takes a number of at least and at most so many digits.
    pub(super) fn digits(&mut self, least: usize, most: usize) -> Option<u32> {
        self.take_digits(least, most)?.parse().ok()
    }

    /// Takes at least and at most so many digits of a fraction; returns units of 100 ns, rounded.
    pub(super) fn fraction(&mut self, least: usize, most: usize) -> Option<u32> {
        let digits = self.take_digits(least, most)?.as_bytes();
        let padded = digits.iter().chain(std::iter::repeat(&b'0')).take(7);
        let ticks = padded.fold(0, |ticks, digit| ticks * 10 + u32::from(digit - b'0'));
        let is_up = digits.get(7).is_some_and(|digit| *digit >= b'5');
        Some(ticks + u32::from(is_up))
    }

    fn take_digits(&mut self, least: usize, most: usize) -> Option<&'t str> {
        let count = self.rest.bytes().take(most).take_while(u8::is_ascii_digit).count();
        let digits = self.rest.get(..count).filter(|_| count > 0 && count >= least)?;
        self.skip(count);
        Some(digits)
    }

    fn skip(&mut self, bytes: usize) {
        self.rest = self.rest.get(bytes..).unwrap_or_default();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_there_is_not_taken() {
        let mut cursor = Cursor::new("é7z");
        assert!(!cursor.take('e') && !cursor.take_text("e") && cursor.digits(1, 2).is_none());
        assert!(cursor.take('é') && cursor.digits(2, 2).is_none());
        assert_eq!(cursor.digits(1, 2), Some(7));
        assert!(!cursor.take_word("") && cursor.take_word("Z") && cursor.is_end());
    }

    #[test]
    fn a_fraction_is_rounded_to_100_ns() {
        for (text, most, want) in [
            ("1", 1, Some(1_000_000)),
            ("1234567", 7, Some(1_234_567)),
            ("12", 1, Some(1_000_000)),
            ("12345678", usize::MAX, Some(1_234_568)),
            ("99999999", usize::MAX, Some(10_000_000)),
            ("x", 7, None),
        ] {
            assert_eq!(Cursor::new(text).fraction(1, most), want, "{text}");
        }
    }
}
