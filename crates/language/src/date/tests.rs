//! What holds for reading and writing together.

use proptest::prelude::*;

use super::{DateTime, Format, Styles, Zone};

/// What a text gives without a format, in round-trip form.
fn parsed(text: &str) -> Option<String> {
    DateTime::parse(text).map(|time| Format::new("o").unwrap().write(time, Zone::Utc))
}

#[test]
fn a_date_is_read_without_a_format() {
    for (text, want) in [
        ("2020-03-16-07:00", "2020-03-16T07:00:00.0000000Z"),
        ("2021-06-30+08:00", "2021-06-29T16:00:00.0000000Z"),
        ("2009-06-15T01:45:30-07:00", "2009-06-15T08:45:30.0000000Z"),
        ("2009-06-15T01:45:30.1234567Z", "2009-06-15T01:45:30.1234567Z"),
        ("2009-06-15T23:59:59.99999999Z", "2009-06-16T00:00:00.0000000Z"),
        ("2020-12-31 23:59:59-08:00", "2021-01-01T07:59:59.0000000Z"),
        ("2009-06-15 13:45 +0530", "2009-06-15T08:15:00.0000000Z"),
        (" 2021-08-24 ", "2021-08-24T00:00:00.0000000Z"),
        ("2021-8-4", "2021-08-04T00:00:00.0000000Z"),
        ("2021-08", "2021-08-01T00:00:00.0000000Z"),
        ("2021/08/24 7:05 PM", "2021-08-24T19:05:00.0000000Z"),
        ("2021.08.24", "2021-08-24T00:00:00.0000000Z"),
        ("8/25/2021 5:41:18 PM", "2021-08-25T17:41:18.0000000Z"),
        ("8/25/2021 12:41 AM", "2021-08-25T00:41:00.0000000Z"),
        ("8/25/2021 12 pm", "2021-08-25T12:00:00.0000000Z"),
        ("8/25/2021 17:41 PM", "2021-08-25T17:41:00.0000000Z"),
        ("8/25/49", "2049-08-25T00:00:00.0000000Z"),
        ("8/25/50", "1950-08-25T00:00:00.0000000Z"),
        ("08-25-2021-07:00", "2021-08-25T07:00:00.0000000Z"),
        ("15 June 2009", "2009-06-15T00:00:00.0000000Z"),
        ("15-Jun-2009 10:00 GMT", "2009-06-15T10:00:00.0000000Z"),
        ("Jun 15, 2009", "2009-06-15T00:00:00.0000000Z"),
        ("june 2009", "2009-06-01T00:00:00.0000000Z"),
        ("Monday, June 15, 2009 1:45:30 PM", "2009-06-15T13:45:30.0000000Z"),
        ("Tue, 03 Jan 2017 08:08:05 GMT", "2017-01-03T08:08:05.0000000Z"),
        ("9999-12-31", "9999-12-31T00:00:00.0000000Z"),
    ] {
        assert_eq!(parsed(text).as_deref(), Some(want), "{text}");
    }
}

#[test]
fn what_is_no_date_or_may_mean_two_is_not_read() {
    for text in [
        "",
        "x",
        "2021",
        "20210824",
        "2021-02-30",
        "2021-13-01",
        "0000-01-01",
        "2021-08-24T",
        "2021-08-24T10",
        "2021-08-2410:00",
        "2021-08-24 10:61",
        "2021-08-24 24:00",
        "2021-08-24 13:00 AM",
        "2021-08-24 10:00+15:00",
        "2021-08-24 10:00 CET",
        "2021-08/24",
        "25/8/2021",
        "24.08.2021",
        "8/25",
        "15 June",
        "10:00",
        "Tuesday, June 15, 2009",
        "Mondays 15 June 2009",
        "0001-01-01+01:00",
        "9999-12-31T23:59:59.99999999",
    ] {
        assert_eq!(parsed(text), None, "{text}");
    }
}

#[test]
fn the_numbers_of_windows_and_unix_are_the_same_moments() {
    for (text, filetime, micros) in [
        ("1601-01-01", Some(0), -11_644_473_600_000_000),
        ("1970-01-01", Some(116_444_736_000_000_000), 0),
        ("2012-01-01T23:00:00", Some(129_699_324_000_000_000), 1_325_458_800_000_000),
        ("0001-01-01", None, -62_135_596_800_000_000),
        ("9999-12-31T23:59:59.999999", Some(2_650_467_743_999_999_990), 253_402_300_799_999_999),
    ] {
        let time = DateTime::parse(text).unwrap();
        assert_eq!((time.to_filetime(), time.to_unix_micros()), (filetime, micros), "{text}");
        assert_eq!(DateTime::from_unix_micros(micros), Some(time), "{text}");
        assert!(filetime.is_none_or(|filetime| DateTime::from_filetime(filetime) == Some(time)), "{text}");
    }
    assert!([-1, i64::MAX, i64::MIN].iter().all(|number| DateTime::from_filetime(*number).is_none()));
    assert!([i64::MAX, i64::MIN, 253_402_300_800_000_000].iter().all(|number| DateTime::from_unix_micros(*number).is_none()));
}

proptest! {
    #[test]
    fn what_is_written_in_full_is_read_as_the_same_moment(ticks in 0..3_155_378_976_000_000_000_i64) {
        let time = DateTime::from_ticks(ticks).unwrap();
        let format = Format::new("yyyy-MM-ddTHH:mm:ss.fffffffK").unwrap();
        for zone in [Zone::Unsaid, Zone::Utc, Zone::Offset] {
            let text = format.write(time, zone);
            prop_assert_eq!(format.read(&text, Styles::default(), DateTime::default()), Some((time, zone)));
            prop_assert_eq!(DateTime::parse(&text), Some(time));
        }
        let short = time.to_string();
        prop_assert_eq!(DateTime::parse(&short).map(|time| time.to_string()), Some(short));
    }

    #[test]
    fn no_text_breaks_the_reader(text in "\\PC*", dated in "[0-9TZAPM :/.,+-]{0,30}", format in "[ydMHhmsfFtzgKZGT'\"%\\\\ .:/é-]{0,16}") {
        let _ = (DateTime::parse(&text), DateTime::parse(&dated));
        for format in [format.as_str(), text.as_str()].into_iter().filter_map(|format| Format::new(format).ok()) {
            let now = DateTime::from_ticks(3_155_378_975_999_999_999).unwrap();
            let _ = (format.read(&text, Styles::default(), now), format.read(&dated, Styles::default(), now));
            let _ = format.read(&format.write(now, Zone::Utc), Styles::default(), now);
        }
    }
}
