//! For what a link's user was counted last, so that a user counts once in a window, and once for a decision however long it takes.

use std::collections::BTreeMap;

use xtsync_domain::gate::Counter;

/// What a user was counted for: by counter, the minute, and the decision.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Counted(BTreeMap<Counter, (i64, String)>);

impl Counted {
    /// Whether the user need not be counted again: they were since that minute, or for this decision.
    pub(crate) fn covers(&self, counter: Counter, since: i64, decision: &str) -> bool {
        self.0.get(&counter).is_some_and(|(minute, counted)| *minute >= since || counted == decision)
    }

    /// Notes that the user is counted.
    pub(crate) fn note(&mut self, counter: Counter, minute: i64, decision: String) {
        self.0.insert(counter, (minute, decision));
    }

    /// Reads what was stored. What cannot be read counts as never counted: then a user may count twice.
    pub(crate) fn parse(text: Option<&str>) -> Self {
        let one = |text: &str| {
            let mut parts = text.splitn(3, ':');
            let (counter, minute) = (Counter::of_name(parts.next()?)?, parts.next()?.parse().ok()?);
            Some((counter, (minute, parts.next()?.to_owned())))
        };
        Self(text.unwrap_or_default().split(';').filter_map(one).collect())
    }

    /// As it is stored; `None` for nothing.
    pub(crate) fn stored(&self) -> Option<String> {
        let one = |(counter, (minute, decision)): (&Counter, &(i64, String))| format!("{}:{minute}:{decision}", counter.name());
        (!self.0.is_empty()).then(|| self.0.iter().map(one).collect::<Vec<_>>().join(";"))
    }
}

#[cfg(test)]
mod tests {
    use xtsync_domain::link::Verb;

    use super::*;

    #[test]
    fn a_user_counts_once_in_a_window_and_once_for_a_decision_and_that_is_stored() {
        let (delete, update) = (Counter::Verb(Verb::Delete), Counter::Verb(Verb::Update));
        let mut counted = Counted::default();
        assert_eq!(counted.stored(), None);
        counted.note(delete, 100, "7.2.4.2".to_owned());
        counted.note(Counter::LeaverDelete, 50, "6.2.4.2".to_owned());
        let read = Counted::parse(counted.stored().as_deref());
        assert_eq!(read, counted);
        for (counter, since, decision, want) in [
            (delete, 100, "9.2.4.2", true),
            (delete, 101, "7.2.4.2", true),
            (delete, 101, "9.2.4.2", false),
            (Counter::LeaverDelete, 60, "9.2.4.2", false),
            (update, 0, "7.2.4.2", false),
        ] {
            assert_eq!(read.covers(counter, since, decision), want, "{counter:?} since {since} {decision}");
        }
        assert_eq!(Counted::parse(Some("7.2.4.2")), Counted::default());
    }
}
