//! How strictly a text is read by a format: .NET's `DateTimeStyles`.

/// A set of styles.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Styles(u8);

/// The styles by name.
const NAMES: [(&str, Styles); 10] = [
    ("None", Styles(0)),
    ("AllowLeadingWhite", Styles::LEADING),
    ("AllowTrailingWhite", Styles::TRAILING),
    ("AllowInnerWhite", Styles::INNER),
    ("AllowWhiteSpaces", Styles(Styles::LEADING.0 | Styles::TRAILING.0 | Styles::INNER.0)),
    ("NoCurrentDateDefault", Styles::NO_DATE),
    ("AdjustToUniversal", Styles::UNIVERSAL),
    ("AssumeLocal", Styles::ASSUME_LOCAL),
    ("AssumeUniversal", Styles::ASSUME_UNIVERSAL),
    ("RoundtripKind", Styles::ROUNDTRIP),
];

/// Sets of which two cannot be asked for together.
const EXCLUSIVE: [(Styles, Styles); 2] = [
    (Styles::ASSUME_LOCAL, Styles::ASSUME_UNIVERSAL),
    (Styles::ROUNDTRIP, Styles(Styles::ASSUME_LOCAL.0 | Styles::ASSUME_UNIVERSAL.0 | Styles::UNIVERSAL.0)),
];

impl Styles {
    /// Blanks before the date are passed over.
    pub(super) const LEADING: Self = Self(1);
    /// Blanks after the date are passed over.
    pub(super) const TRAILING: Self = Self(2);
    /// Blanks within the date are passed over.
    pub(super) const INNER: Self = Self(4);
    /// A time without a date is on the first day that there is.
    pub(super) const NO_DATE: Self = Self(8);
    /// What has a time zone is given in UTC.
    pub(super) const UNIVERSAL: Self = Self(16);
    /// What has no time zone is local.
    pub(super) const ASSUME_LOCAL: Self = Self(32);
    /// What has no time zone is UTC.
    pub(super) const ASSUME_UNIVERSAL: Self = Self(64);
    /// What a text says of its time zone is kept.
    pub(super) const ROUNDTRIP: Self = Self(128);

    /// Reads names, separated by commas, each perhaps after `DateTimeStyles.`; nothing means the default.
    ///
    /// # Errors
    /// Why they name no styles.
    pub(crate) fn new(names: &str) -> Result<Self, String> {
        if names.trim().is_empty() {
            return Ok(Self::default());
        }
        let mut styles = Self(0);
        for name in names.split([',', '|']).map(str::trim) {
            let plain = name.strip_prefix("DateTimeStyles.").unwrap_or(name);
            let (_, style) = NAMES.iter().find(|(known, _)| *known == plain).ok_or_else(|| format!("there is no date style `{name}`"))?;
            styles.0 |= style.0;
        }
        match EXCLUSIVE.iter().any(|(one, other)| styles.has(*one) && styles.has(*other)) {
            true => Err(format!("the date styles `{names}` exclude each other")),
            false => Ok(styles),
        }
    }

    /// Whether it has one of those.
    pub(super) fn has(self, style: Self) -> bool {
        self.0 & style.0 != 0
    }
}

/// What is used where none are written, as documented: `RoundtripKind`, `AllowLeadingWhite`, `AllowTrailingWhite`.
impl Default for Styles {
    fn default() -> Self {
        Self(Self::ROUNDTRIP.0 | Self::LEADING.0 | Self::TRAILING.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_read_with_and_without_their_type() {
        for (names, want) in [
            ("", Some(131)),
            ("None", Some(0)),
            ("AllowWhiteSpaces", Some(7)),
            ("DateTimeStyles.RoundtripKind, DateTimeStyles.AllowLeadingWhite", Some(129)),
            ("AssumeUniversal|AdjustToUniversal", Some(80)),
            ("AssumeUniversal, AssumeLocal", None),
            ("RoundtripKind, AdjustToUniversal", None),
            ("roundtripkind", None),
            ("None,", None),
        ] {
            assert_eq!(Styles::new(names).ok().map(|styles| styles.0), want, "{names}");
        }
    }
}
