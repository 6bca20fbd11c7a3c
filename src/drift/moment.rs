//! Moments as Podman writes them (RFC 3339), as numbers that can be compared.

/// Milliseconds since 1970; nothing for what is no moment.
pub fn moment(text: &str) -> Option<i64> {
    let (date, rest) = text.split_once(['T', ' '])?;
    let mut parts = date.splitn(3, '-').map(str::parse::<i64>);
    let (year, month, day) = (parts.next()?.ok()?, parts.next()?.ok()?, parts.next()?.ok()?);
    let place = rest.find(['Z', '+', '-', ' ']).unwrap_or(rest.len());
    let (time, zone) = rest.split_at(place);
    let mut parts = time.splitn(3, ':');
    let hours: i64 = parts.next()?.parse().ok()?;
    let minutes: i64 = parts.next()?.parse().ok()?;
    let (seconds, fraction) = parts.next()?.split_once('.').unwrap_or((time.get(6..)?, "0"));
    let seconds: i64 = seconds.parse().ok()?;
    let digits: String = fraction.chars().chain("000".chars()).take(3).collect();
    let milliseconds: i64 = digits.parse().ok()?;
    let offset = offset(zone.trim_start())?;
    let minutes = days(year, month, day) * 1440 + hours * 60 + minutes - offset;
    Some((minutes * 60 + seconds) * 1000 + milliseconds)
}

/// A moment in microseconds since 1970 as text; nothing where it is not known.
pub fn text(microseconds: u64) -> Option<String> {
    if microseconds == 0 {
        return None;
    }
    let seconds = microseconds / 1_000_000;
    let (year, month, day) = date(i64::try_from(seconds / 86400).ok()?);
    let (hour, minute, second) = (seconds / 3600 % 24, seconds / 60 % 60, seconds % 60);
    Some(format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}Z"))
}

/// The date of a day since 1970, the other way round of [`days`].
fn date(days: i64) -> (i64, i64, i64) {
    let days = days + 719_468;
    let era = days.div_euclid(146_097);
    let day_of_era = days.rem_euclid(146_097);
    let leaps = day_of_era / 1460 - day_of_era / 36524 + day_of_era / 146_096;
    let year_of_era = (day_of_era - leaps) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let shifted = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * shifted + 2) / 5 + 1;
    let month = if shifted < 10 { shifted + 3 } else { shifted - 9 };
    (year_of_era + era * 400 + i64::from(month <= 2), month, day)
}

/// Minutes that a zone is ahead.
fn offset(zone: &str) -> Option<i64> {
    let sign = match zone.chars().next() {
        None | Some('Z') => return Some(0),
        Some('-') => -1,
        Some(_) => 1,
    };
    let digits: String = zone.chars().filter(char::is_ascii_digit).take(4).collect();
    let number: i64 = digits.parse().ok()?;
    Some(sign * (number / 100 * 60 + number % 100))
}

/// Days since 1970 of a date, after Howard Hinnant's algorithm.
fn days(year: i64, month: i64, day: i64) -> i64 {
    let year = if month <= 2 { year - 1 } else { year };
    let era = year.div_euclid(400);
    let year_of_era = year.rem_euclid(400);
    let shifted = (month + 9) % 12;
    let day_of_year = (153 * shifted + 2) / 5 + day - 1;
    era * 146_097 + year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year - 719_468
}

#[cfg(test)]
mod tests {
    use super::{moment, text};

    #[test]
    fn a_moment_is_told_as_it_is_read() {
        for seconds in (1_u64..4_000_000_000).step_by(9_999_973) {
            let told = text(seconds * 1_000_000).unwrap();
            assert_eq!(moment(&told), i64::try_from(seconds * 1000).ok(), "{told}");
        }
        assert_eq!(text(0), None);
    }

    #[test]
    fn moments_in_any_zone_are_the_same_number() {
        assert_eq!(moment("1970-01-01T00:00:01.5Z"), Some(1500));
        assert_eq!(moment("2026-11-21T16:14:40.615146542Z"), Some(1_795_277_680_615));
        assert_eq!(moment("2026-11-21T17:14:40.615+01:00"), Some(1_795_277_680_615));
        assert_eq!(moment("2026-11-21 11:14:40.615146542 -0500 EST"), Some(1_795_277_680_615));
        assert_eq!(moment("yesterday"), None);
    }
}
