//! Date expressions of rules.
//!
//! For: whether a moment lies in a range or has certain fields of the calendar, in UTC.
//! Never: a clock, a time zone's table.
//! Source: Pacemaker Explained, "Date/Time Expressions".

use jiff::civil::{Date, DateTime, ISOWeekDate, Time, Weekday};
use jiff::{SignedDuration, Span};

use crate::spec::DateExpr;

/// Whether `expr` holds at `now`, seconds since 1970. A date that cannot be read never holds.
pub(super) fn holds(expr: &DateExpr, now: i64) -> bool {
    let Some(at) = moment(now) else { return false };
    match expr {
        DateExpr::After(start) => parse(start).is_some_and(|start| at > start),
        DateExpr::Before(end) => parse(end).is_some_and(|end| at < end),
        DateExpr::Within { start, end, duration } => {
            let start = start.as_deref().map(parse);
            let end = match (end, start) {
                (Some(end), _) => Some(parse(end)),
                (None, Some(Some(start))) if !duration.is_empty() => Some(later(start, duration)),
                (None, _) => None,
            };
            let after = start.is_none_or(|start| start.is_some_and(|start| at >= start));
            let before = end.is_none_or(|end| end.is_some_and(|end| at <= end));
            after && before && (start.is_some() || end.is_some())
        }
        DateExpr::Spec(fields) => fields.iter().all(|(name, range)| has(at, name, range)),
    }
}

/// Seconds since 1970 of a date.
pub(super) fn seconds(text: &str) -> Option<i64> {
    Some(parse(text)?.duration_since(moment(0)?).as_secs())
}

fn moment(now: i64) -> Option<DateTime> {
    let epoch = Date::new(1970, 1, 1).ok()?.to_datetime(Time::midnight());
    epoch.checked_add(SignedDuration::from_secs(now)).ok()
}

fn later(start: DateTime, duration: &[(String, String)]) -> Option<DateTime> {
    let mut at = start;
    for (name, value) in duration {
        let Some(value) = super::rules::integer(value) else { continue };
        let span = match name.as_str() {
            "years" => Span::new().try_years(value),
            "months" => Span::new().try_months(value),
            "weeks" => Span::new().try_weeks(value),
            "days" | "monthdays" | "weekdays" | "yeardays" => Span::new().try_days(value),
            "hours" => Span::new().try_hours(value),
            "minutes" => Span::new().try_minutes(value),
            "seconds" => Span::new().try_seconds(value),
            _ => continue,
        };
        at = at.checked_add(span.ok()?).ok()?;
    }
    Some(at)
}

fn has(at: DateTime, name: &str, range: &str) -> bool {
    let week = at.date().iso_week_date();
    let is = match name {
        "seconds" => i64::from(at.second()),
        "minutes" => i64::from(at.minute()),
        "hours" => i64::from(at.hour()),
        "monthdays" => i64::from(at.day()),
        "months" => i64::from(at.month()),
        "years" => i64::from(at.year()),
        "yeardays" => i64::from(at.day_of_year()),
        "weekdays" => i64::from(at.weekday().to_monday_one_offset()),
        "weeks" => i64::from(week.week()),
        "weekyears" => i64::from(week.year()),
        // The moon is not looked at.
        _ => return true,
    };
    let number = |text: &str| text.trim().parse::<i64>().ok();
    match range.trim().split_once('-') {
        None => number(range) == Some(is),
        Some(("", high)) => number(high).is_some_and(|high| is <= high),
        Some((low, "")) => number(low).is_some_and(|low| is >= low),
        Some((low, high)) => number(low).zip(number(high)).is_some_and(|(low, high)| (low..=high).contains(&is)),
    }
}

/// Reads a date, or a date and a time, with or without an offset: `2026-11-30`, `20261130T101500Z`, `2026-334`,
/// `2026-W49-1 10:15:00 +01:00`.
pub(super) fn parse(text: &str) -> Option<DateTime> {
    let text = text.trim();
    let split = text.find(['T', ' ']);
    let (day, rest) = match split {
        Some(at) => (text.get(..at)?, text.get(at + 1..)?.trim()),
        None => (text, ""),
    };
    let date = date(day)?;
    let offset_at = rest.find(['Z', '+', '-']);
    let (clock, offset) = match offset_at {
        Some(at) => (rest.get(..at)?.trim(), rest.get(at..)?),
        None => (rest, ""),
    };
    let time = time(clock)?;
    date.to_datetime(Time::midnight()).checked_add(SignedDuration::from_secs(time - seconds_of_offset(offset)?)).ok()
}

fn digits(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit())
}

fn date(text: &str) -> Option<Date> {
    let parts: Vec<&str> = text.split('-').collect();
    match *parts.as_slice() {
        [year, week, day] if week.starts_with('W') => week_date(year, week.get(1..)?, day),
        [year, week] if week.starts_with('W') => week_date(year, week.get(1..)?, "1"),
        [year, month, day] => Date::new(year.parse().ok()?, month.parse().ok()?, day.parse().ok()?).ok(),
        [year, day] if day.len() == 3 => ordinal(year, day),
        [year, month] => Date::new(year.parse().ok()?, month.parse().ok()?, 1).ok(),
        [whole] if digits(whole) && whole.len() == 8 => {
            let part = |range: std::ops::Range<usize>| whole.get(range);
            Date::new(part(0..4)?.parse().ok()?, part(4..6)?.parse().ok()?, part(6..8)?.parse().ok()?).ok()
        }
        [whole] if digits(whole) && whole.len() == 7 => ordinal(whole.get(..4)?, whole.get(4..)?),
        [whole] => match whole.split_once('W') {
            Some((year, rest)) => {
                week_date(year, rest.get(..2)?, rest.get(2..).filter(|d| !d.is_empty()).unwrap_or("1"))
            }
            None => Date::new(whole.parse().ok()?, 1, 1).ok(),
        },
        _ => None,
    }
}

fn ordinal(year: &str, day: &str) -> Option<Date> {
    let first = Date::new(year.parse().ok()?, 1, 1).ok()?;
    let day: i64 = day.parse().ok()?;
    first.checked_add(Span::new().try_days(day - 1).ok()?).ok().filter(|date| date.year() == first.year())
}

fn week_date(year: &str, week: &str, day: &str) -> Option<Date> {
    let weekday = Weekday::from_monday_one_offset(day.parse().ok()?).ok()?;
    ISOWeekDate::new(year.parse().ok()?, week.parse().ok()?, weekday).ok().map(ISOWeekDate::date)
}

/// Seconds since midnight.
fn time(text: &str) -> Option<i64> {
    if text.is_empty() {
        return Some(0);
    }
    let text = text.split(['.', ',']).next()?;
    let parts: Vec<&str> = if text.contains(':') {
        text.split(':').collect()
    } else {
        let part = |from: usize| text.get(from..from + 2).or_else(|| text.get(from..).filter(|rest| !rest.is_empty()));
        [0, 2, 4].into_iter().filter_map(part).collect()
    };
    let number = |place: usize| parts.get(place).map_or(Some(0), |text| text.trim().parse::<i64>().ok());
    Some(number(0)? * 3600 + number(1)? * 60 + number(2)?)
}

fn seconds_of_offset(text: &str) -> Option<i64> {
    let text = text.trim();
    match text.as_bytes() {
        [] | [b'Z'] => Some(0),
        [b'+', ..] => time(text.get(1..)?.trim()),
        [b'-', ..] => time(text.get(1..)?.trim()).map(|seconds| -seconds),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_are_read_in_all_usual_forms() {
        for text in ["2026-11-30 10:15:00Z", "20261130T101500Z", "2026-334T10:15", "2026-W49-1 11:15:00 +01:00"] {
            assert_eq!(seconds(text), Some(1_796_033_700), "{text}");
        }
        for bad in ["", "x", "2026-13-01", "2026-366", "2026-W60-1"] {
            assert_eq!(seconds(bad), None, "{bad}");
        }
    }

    #[test]
    fn both_ends_of_a_range_belong_to_it() {
        let within = |duration: &str, now| {
            let duration = vec![("hours".to_owned(), duration.to_owned())];
            let start = Some("2026-11-30 10:15:00Z".to_owned());
            holds(&DateExpr::Within { start, end: None, duration }, now)
        };
        let at = 1_796_033_700;
        assert!(within("1", at) && within("1", at + 3600));
        assert!(!within("1", at - 1) && !within("1", at + 3601));
        assert!(!holds(&DateExpr::After("2026-11-30 10:15:00Z".into()), at), "later means later");
    }

    #[test]
    fn every_field_of_the_calendar_must_fit() {
        let spec = |pairs: &[(&str, &str)]| {
            DateExpr::Spec(pairs.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect())
        };
        let at = 1_796_033_700;
        assert!(holds(&spec(&[("weekdays", "1-5"), ("hours", "9-16"), ("weeks", "49"), ("years", "2026-")]), at));
        assert!(!holds(&spec(&[("weekdays", "1-5"), ("hours", "-9")]), at));
    }
}
