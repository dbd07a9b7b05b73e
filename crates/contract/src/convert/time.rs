//! Timestamps: microseconds in the domain, seconds and nanoseconds on the wire.

use prost_types::Timestamp as Wire;
use xtsync_domain::Timestamp;

use super::{Invalid, required};

const SECOND: i64 = 1_000_000;

/// Converts a timestamp to its wire form.
#[must_use]
pub fn wire_time(time: Timestamp) -> Wire {
    let nanos = i32::try_from(time.0.rem_euclid(SECOND) * 1_000).expect("less than a second");
    Wire { seconds: time.0.div_euclid(SECOND), nanos }
}

/// Reads a required timestamp, truncated to microseconds.
///
/// # Errors
/// [`Invalid::Field`] if it is missing or outside the range of 64-bit microseconds.
pub fn time(field: &'static str, wire: Option<Wire>) -> Result<Timestamp, Invalid> {
    optional_time(field, wire).and_then(|time| required(field, time))
}

/// Reads an optional timestamp.
pub(super) fn optional_time(field: &'static str, wire: Option<Wire>) -> Result<Option<Timestamp>, Invalid> {
    let Some(wire) = wire else { return Ok(None) };
    let micros = wire.seconds.checked_mul(SECOND).and_then(|micros| micros.checked_add(i64::from(wire.nanos / 1_000)));
    match micros {
        Some(micros) => Ok(Some(Timestamp(micros))),
        None => Err(Invalid::Field(field, "is out of range".to_owned())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_timestamp_keeps_its_microseconds_on_the_wire_also_before_1970() {
        for micros in [0, 1, -1, 1_763_712_000_123_456, -1_000_001] {
            assert_eq!(time("at", Some(wire_time(Timestamp(micros)))), Ok(Timestamp(micros)));
        }
        assert_eq!(wire_time(Timestamp(-1)), Wire { seconds: -1, nanos: 999_999_000 });
    }

    #[test]
    fn the_error_for_a_missing_or_out_of_range_timestamp_names_the_field() {
        let far = Wire { seconds: i64::MAX, nanos: 0 };
        assert_eq!(time("at", Some(far)), Err(Invalid::Field("at", "is out of range".to_owned())));
        assert_eq!(time("at", None), Err(Invalid::Field("at", "is missing".to_owned())));
    }
}
