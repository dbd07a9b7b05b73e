//! The four-part version, and the origin of a record.

use xtsync_domain::{Origin, Version};

use super::{Invalid, enumeration, missing};
use crate::events;

impl From<Version> for events::Version {
    fn from(version: Version) -> Self {
        Self { delta: version.delta, facts: version.facts, revision: version.revision, rules: version.rules }
    }
}

impl From<events::Version> for Version {
    fn from(version: events::Version) -> Self {
        Self { delta: version.delta, facts: version.facts, revision: version.revision, rules: version.rules }
    }
}

impl From<Origin> for events::Origin {
    fn from(origin: Origin) -> Self {
        match origin {
            Origin::Initial => Self::Initial,
            Origin::Live => Self::Live,
            Origin::Replay => Self::Replay,
            Origin::Republish => Self::Republish,
        }
    }
}

impl TryFrom<events::Origin> for Origin {
    type Error = Invalid;

    fn try_from(origin: events::Origin) -> Result<Self, Invalid> {
        match origin {
            events::Origin::Unspecified => Err(missing("origin")),
            events::Origin::Initial => Ok(Self::Initial),
            events::Origin::Live => Ok(Self::Live),
            events::Origin::Replay => Ok(Self::Replay),
            events::Origin::Republish => Ok(Self::Republish),
        }
    }
}

/// Reads an origin from its enum number.
pub(super) fn origin(number: i32) -> Result<Origin, Invalid> {
    enumeration::<events::Origin>("origin", number)?.try_into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_origin_survives_a_round_trip_and_an_unknown_one_is_reported_as_newer_writer() {
        for known in [Origin::Initial, Origin::Live, Origin::Replay, Origin::Republish] {
            assert_eq!(origin(events::Origin::from(known).into()), Ok(known));
        }
        assert_eq!(origin(0), Err(Invalid::Field("origin", "is missing".to_owned())));
        assert_eq!(origin(99), Err(Invalid::NewerWriter("origin")));
    }
}
