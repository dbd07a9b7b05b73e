//! Offsets from UTC in a text, in minutes to the east.

use super::cursor::Cursor;

/// Minutes of the farthest offset that .NET takes.
const MINUTES_MAX: i64 = 14 * 60;

impl Cursor<'_> {
    /// A sign and hours, such as `+8`, of at least so many digits: `z` and `zz`.
    pub(super) fn offset_hours(&mut self, least: usize) -> Option<i64> {
        let sign = self.sign()?;
        offset(sign, self.digits(least, 2)?, 0)
    }

    /// A sign, hours and minutes, such as `+08:00`, also without the colon: `zzz` and `K`.
    pub(super) fn offset(&mut self) -> Option<i64> {
        let (sign, hours) = (self.sign()?, self.digits(1, 2)?);
        self.take(':');
        offset(sign, hours, self.digits(2, 2)?)
    }

    /// A sign, hours and perhaps minutes, such as `+8`, `+08:00` or `+0800`, as they are read without a format.
    pub(super) fn free_offset(&mut self) -> Option<i64> {
        let sign = self.sign()?;
        let mut short = *self;
        match (short.digits(1, 2)?, short.peek()) {
            (hours, Some(':')) => {
                short.take(':');
                *self = short;
                offset(sign, hours, self.digits(1, 2)?)
            }
            (_, Some('0'..='9')) => {
                let number = self.digits(3, 4)?;
                offset(sign, number / 100, number % 100)
            }
            (hours, _) => {
                *self = short;
                offset(sign, hours, 0)
            }
        }
    }

    fn sign(&mut self) -> Option<i64> {
        match self.take_any(&['+', '-'])? {
            '-' => Some(-1),
            _ => Some(1),
        }
    }
}

fn offset(sign: i64, hours: u32, minutes: u32) -> Option<i64> {
    let total = i64::from(hours) * 60 + i64::from(minutes);
    (minutes < 60 && total <= MINUTES_MAX).then_some(sign * total)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_form_has_its_digits() {
        for (text, hours, two_hours, long, free) in [
            ("+8", Some(480), None, None, Some(480)),
            ("-08", Some(-480), Some(-480), None, Some(-480)),
            ("+05:30", Some(300), Some(300), Some(330), Some(330)),
            ("+0530", Some(300), Some(300), Some(330), Some(330)),
            ("+530", None, None, None, Some(330)),
            ("+14:00", Some(840), Some(840), Some(840), Some(840)),
            ("+14:01", Some(840), Some(840), None, None),
            ("+05:60", Some(300), Some(300), None, None),
            ("8", None, None, None, None),
        ] {
            let read = |form: fn(&mut Cursor<'_>) -> Option<i64>| form(&mut Cursor::new(text));
            assert_eq!(read(|cursor| cursor.offset_hours(1)), hours, "z {text}");
            assert_eq!(read(|cursor| cursor.offset_hours(2)), two_hours, "zz {text}");
            assert_eq!(read(|cursor| cursor.offset()), long, "zzz {text}");
            assert_eq!(read(|cursor| cursor.free_offset()), free, "{text}");
        }
    }
}
