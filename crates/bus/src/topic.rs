//! Topics: their names, partitions and cleanup policies. The bus does not interpret what they carry.

use std::cmp::Ordering;
use std::fmt;
use std::hash::{Hash, Hasher};
use std::sync::Arc;
use std::time::Duration;

/// A kind of topics: one topic, or one for each of something, such as a tenant. Kinds are statics, compared by their address.
#[derive(Debug)]
pub struct TopicKind {
    /// The name of the topic, or the part before `.{scope}` in the names of its topics. It is unique among kinds.
    pub name: &'static str,
    /// The cleanup policy.
    pub cleanup: Cleanup,
    /// The consumer group that bulk publishing waits for while it lags, if there is one.
    pub consumer_group: Option<&'static str>,
}

/// The cleanup policy of a topic.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Cleanup {
    /// The newest record of a key stays. An older one stays at least `lag`.
    Compact {
        /// How long a superseded record stays at least.
        lag: Duration,
    },
    /// Records stay for this time.
    Retain(Duration),
}

/// A topic. Two topics are equal when their names are.
#[derive(Debug, Clone)]
pub struct Topic {
    name: Arc<str>,
    kind: &'static TopicKind,
    initial_partitions: u32,
}

impl TopicKind {
    /// The one topic of a kind that has no scope.
    #[must_use]
    pub fn topic(&'static self) -> Topic {
        Topic { name: self.name.into(), kind: self, initial_partitions: 1 }
    }

    /// The topic of one scope.
    #[must_use]
    pub fn of(&'static self, scope: impl fmt::Display) -> Topic {
        Topic { name: format!("{}.{scope}", self.name).into(), kind: self, initial_partitions: 1 }
    }

    /// The scope of a topic, if the topic is of this kind and has one.
    #[must_use]
    pub fn scope<'a>(&'static self, topic: &'a Topic) -> Option<&'a str> {
        if topic.is(self) { topic.name.strip_prefix(self.name)?.strip_prefix('.') } else { None }
    }
}

impl Topic {
    /// Its kind.
    #[must_use]
    pub fn kind(&self) -> &'static TopicKind {
        self.kind
    }

    /// Whether it is of a kind.
    #[must_use]
    pub fn is(&self, kind: &'static TopicKind) -> bool {
        std::ptr::eq(self.kind, kind)
    }

    /// The same topic, to be created with that many partitions.
    #[must_use]
    pub fn with_partitions(self, initial_partitions: u32) -> Self {
        Self { initial_partitions: initial_partitions.max(1), ..self }
    }

    /// How many partitions it is created with: one, unless [`Topic::with_partitions`] says more. How many a topic has is known to the bus
    /// alone ([`crate::Transport::partitions`]).
    #[must_use]
    pub fn initial_partitions(&self) -> u32 {
        self.initial_partitions
    }
}

impl fmt::Display for Topic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.name)
    }
}

impl PartialEq for Topic {
    fn eq(&self, other: &Self) -> bool {
        self.name == other.name
    }
}

impl Eq for Topic {}

impl PartialOrd for Topic {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Topic {
    fn cmp(&self, other: &Self) -> Ordering {
        self.name.cmp(&other.name)
    }
}

impl Hash for Topic {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.name.hash(state);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    static LINKS: TopicKind = TopicKind { name: "x.links", cleanup: Cleanup::Retain(Duration::from_secs(1)), consumer_group: None };
    static LINKS_OF_ALL: TopicKind = TopicKind { name: "x.links.all", cleanup: Cleanup::Retain(Duration::ZERO), consumer_group: None };

    #[test]
    fn a_scope_is_parsed_only_from_a_topic_of_its_kind() {
        assert_eq!(LINKS.of("hub").to_string(), "x.links.hub");
        assert_eq!(LINKS.scope(&LINKS.of("hub")), Some("hub"));
        assert_eq!(LINKS.scope(&LINKS.topic()), None);
        assert_eq!(LINKS.scope(&LINKS_OF_ALL.topic()), None);
        assert_eq!(LINKS_OF_ALL.scope(&LINKS.of("all.hub")), None);
    }

    #[test]
    fn a_topic_is_the_same_whatever_it_is_created_with() {
        let (one, six) = (LINKS.of("hub"), LINKS.of("hub").with_partitions(6));
        assert_eq!((one.initial_partitions(), six.initial_partitions()), (1, 6));
        assert_eq!(one, six);
    }
}
