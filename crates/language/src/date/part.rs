//! The parts of date formats.

/// A part of a format.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Part {
    /// `y` and so on, by the number of letters.
    Year(usize),
    /// `M` and `MM`, by the number of digits.
    Month(usize),
    /// `MMM` and `MMMM`.
    MonthName { is_short: bool },
    /// `d` and `dd`, by the number of digits.
    Day(usize),
    /// `ddd` and `dddd`.
    DayName { is_short: bool },
    /// `g`.
    Era,
    /// `h` and `hh`, by the number of digits.
    Hour12(usize),
    /// `H` and `HH`, by the number of digits.
    Hour(usize),
    /// `m` and `mm`, by the number of digits.
    Minute(usize),
    /// `s` and `ss`, by the number of digits.
    Second(usize),
    /// `f` and so on, by the number of digits.
    Fraction(usize),
    /// `F` and so on, by the number of digits: without zeros at the end.
    ShortFraction(usize),
    /// `t` and `tt`: AM or PM.
    Half { is_short: bool },
    /// `z`, `zz` and `zzz`, by the number of letters.
    Offset(usize),
    /// `K`.
    Zone,
    /// `Z`, which is read as UTC.
    Zulu,
    /// `GMT`, which is read as UTC.
    Gmt,
    /// `.`, which may be missing with the [`ShortFraction`](Self::ShortFraction) after it.
    Point,
    /// A blank. What skips blanks skips it also where it is quoted.
    Blank { is_quoted: bool },
    /// A character as it is.
    Literal(char),
}
