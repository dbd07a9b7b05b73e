//! The parts of a request's address: the segments of its path, and its query options.

/// The query options of a request.
#[derive(Debug, Default)]
pub(crate) struct Query(Vec<(String, String)>);

impl Query {
    pub(crate) fn parse(text: &str) -> Self {
        Self(url::form_urlencoded::parse(text.as_bytes()).into_owned().collect())
    }

    /// The option of that name; the leading `$` may be missing in the request, as Graph allows.
    pub(crate) fn get(&self, name: &str) -> Option<&str> {
        let same =
            |known: &str| known.eq_ignore_ascii_case(name) || name.strip_prefix('$').is_some_and(|bare| known.eq_ignore_ascii_case(bare));
        self.0.iter().find(|(known, _)| same(known)).map(|(_, value)| value.as_str())
    }

    /// All options, decoded.
    pub(crate) fn decoded(&self) -> String {
        self.0.iter().map(|(name, value)| format!("{name}={value}")).collect::<Vec<_>>().join("&")
    }

    /// The first option that is not in the list.
    pub(crate) fn other_than(&self, names: &[&str]) -> Option<&str> {
        let known = |name: &str| !name.starts_with('$') || names.iter().any(|known| known.eq_ignore_ascii_case(name));
        self.0.iter().map(|(name, _)| name.as_str()).find(|name| !known(name))
    }
}

/// The segments of a path, decoded, in one spelling: `microsoft.graph.delta()`, `delta()` and `delta` are the same.
pub(crate) fn segments(path: &str) -> Vec<String> {
    let plain = |segment: String| {
        let bare = segment.strip_prefix("microsoft.graph.").or_else(|| segment.strip_prefix("graph.")).unwrap_or(&segment);
        bare.strip_suffix("()").unwrap_or(bare).to_owned()
    };
    path.split('/').filter(|segment| !segment.is_empty()).map(|segment| plain(decode(segment))).collect()
}

/// Percent-decodes a path segment. Unlike in a form, `+` stands for itself.
fn decode(segment: &str) -> String {
    let form = segment.replace('+', "%2B").replace('&', "%26").replace('=', "%3D");
    url::form_urlencoded::parse(form.as_bytes()).next().map(|(name, _)| name.into_owned()).unwrap_or_default()
}
