//! Durations, points in time and scores. Each of the three times has its own type, because a sum of two of
//! them is meaningless: `Monotonic` (this boot of this node), `LogTime` (stamped by the leader, safe in the
//! fold) and `WallTime` (for people).

use std::fmt;
use std::ops::Add;

use minicbor::{Decode, Encode};
use serde::{Deserialize, Serialize};

/// A duration in milliseconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, Encode, Decode, Default)]
#[serde(transparent)]
#[cbor(transparent)]
pub struct Millis(#[n(0)] pub u64);

impl Millis {
    /// No time at all.
    pub const ZERO: Self = Self(0);

    /// The duration of `seconds`.
    pub const fn secs(seconds: u64) -> Self {
        Self(seconds.saturating_mul(1000))
    }

    /// The whole milliseconds of `span`.
    pub fn of(span: std::time::Duration) -> Self {
        Self(u64::try_from(span.as_millis()).unwrap_or(u64::MAX))
    }

    /// This many times the duration.
    #[must_use]
    pub const fn times(self, factor: u64) -> Self {
        Self(self.0.saturating_mul(factor))
    }

    /// The duration scaled by `numerator / denominator`, rounded up. `denominator` must not be 0; if it is, the
    /// duration comes back unchanged.
    #[must_use]
    pub const fn scaled(self, numerator: u64, denominator: u64) -> Self {
        if denominator == 0 {
            return self;
        }
        Self(self.0.saturating_mul(numerator).div_ceil(denominator))
    }

    /// The difference, or zero.
    #[must_use]
    pub const fn minus(self, other: Self) -> Self {
        Self(self.0.saturating_sub(other.0))
    }
}

impl Add for Millis {
    type Output = Self;
    fn add(self, other: Self) -> Self {
        Self(self.0.saturating_add(other.0))
    }
}

impl fmt::Display for Millis {
    /// `250ms`, `4s`, `1.5s`, `2min`, `1h`: the shortest exact form.
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        let ms = self.0;
        let text = match ms {
            0 => "0s".to_owned(),
            _ if ms.is_multiple_of(3_600_000) => format!("{}h", ms / 3_600_000),
            _ if ms.is_multiple_of(60_000) => format!("{}min", ms / 60_000),
            _ if ms.is_multiple_of(1000) => format!("{}s", ms / 1000),
            _ if ms > 1000 && ms.is_multiple_of(100) => format!("{}.{}s", ms / 1000, ms % 1000 / 100),
            _ => format!("{ms}ms"),
        };
        f.pad(&text)
    }
}

/// A point in time on this boot of this node, in microseconds of `CLOCK_BOOTTIME`: it goes on during suspend,
/// and no wall clock can move it. It means nothing on another node.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Monotonic(u64);

impl Monotonic {
    /// The instant this many microseconds after boot.
    pub const fn from_micros(micros: u64) -> Self {
        Self(micros)
    }

    /// Microseconds since boot.
    pub const fn as_micros(self) -> u64 {
        self.0
    }

    /// Whole milliseconds since `earlier`, rounded down; zero if `earlier` is later.
    pub const fn since(self, earlier: Self) -> Millis {
        Millis(self.0.saturating_sub(earlier.0) / 1000)
    }

    /// The instant `span` before, or the boot itself.
    #[must_use]
    pub const fn minus(self, span: Millis) -> Self {
        Self(self.0.saturating_sub(span.0.saturating_mul(1000)))
    }
}

impl Add<Millis> for Monotonic {
    type Output = Self;
    fn add(self, span: Millis) -> Self {
        Self(self.0.saturating_add(span.0.saturating_mul(1000)))
    }
}

/// Milliseconds of cluster life, stamped by the leader from its monotonic clock and carried on by the next leader
/// from the last entry [S-21]. It stands still while there is no leader, and never steps.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, Encode, Decode, Default)]
#[serde(transparent)]
#[cbor(transparent)]
pub struct LogTime(#[n(0)] pub u64);

impl LogTime {
    /// The time passed since `earlier`; zero if `earlier` is later.
    pub const fn since(self, earlier: Self) -> Millis {
        Millis(self.0.saturating_sub(earlier.0))
    }
}

impl Add<Millis> for LogTime {
    type Output = Self;
    fn add(self, span: Millis) -> Self {
        Self(self.0.saturating_add(span.0))
    }
}

/// Milliseconds since 1970-01-01 UTC, for people and date rules only. No lease and no expiry looks at it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, Encode, Decode, Default)]
#[serde(transparent)]
#[cbor(transparent)]
pub struct WallTime(#[n(0)] pub u64);

/// A preference in points. `INFINITY` (1,000,000) and beyond are one value; minus infinity wins over plus infinity.
///
/// Source: Pacemaker Explained, "Scores".
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, Encode, Decode, Default)]
#[serde(transparent)]
#[cbor(transparent)]
pub struct Score(#[n(0)] i32);

impl Score {
    /// No preference.
    pub const ZERO: Self = Self(0);
    /// Must.
    pub const INFINITY: Self = Self(1_000_000);
    /// Must not.
    pub const MINUS_INFINITY: Self = Self(-1_000_000);

    /// The score of `points`, clamped to plus or minus infinity.
    pub const fn new(points: i64) -> Self {
        // `clamp` is not const; the cast is exact because both bounds fit.
        if points >= 1_000_000 {
            return Self::INFINITY;
        }
        if points <= -1_000_000 {
            return Self::MINUS_INFINITY;
        }
        #[allow(clippy::as_conversions, clippy::cast_possible_truncation, reason = "bounded by the two returns above")]
        Self(points as i32)
    }

    /// The score in points, `-1_000_000..=1_000_000`.
    pub const fn points(self) -> i64 {
        #[allow(clippy::as_conversions, reason = "widening, and `From` is not const")]
        let points = self.0 as i64;
        points
    }

    /// Whether the score forbids: any negative one does.
    pub const fn forbids(self) -> bool {
        self.0 < 0
    }

    /// Reads `100`, `-5`, `+inf`, `INFINITY`, `-infinity`. Returns `None` for anything else.
    pub fn parse(text: &str) -> Option<Self> {
        let (sign, rest) = match text.as_bytes() {
            [b'-', ..] => (-1, text.get(1..)?),
            [b'+', ..] => (1, text.get(1..)?),
            _ => (1, text),
        };
        if rest.eq_ignore_ascii_case("inf") || rest.eq_ignore_ascii_case("infinity") {
            return Some(Self::new(sign * 1_000_000));
        }
        if rest.is_empty() || !rest.bytes().all(|b| b.is_ascii_digit()) {
            return None;
        }
        // Longer numbers are infinite anyway.
        let points: i64 = if rest.len() > 12 { 1_000_000 } else { rest.parse().ok()? };
        Some(Self::new(sign * points))
    }
}

impl Add for Score {
    type Output = Self;
    /// Minus infinity absorbs everything, plus infinity everything else.
    fn add(self, other: Self) -> Self {
        if self == Self::MINUS_INFINITY || other == Self::MINUS_INFINITY {
            return Self::MINUS_INFINITY;
        }
        if self == Self::INFINITY || other == Self::INFINITY {
            return Self::INFINITY;
        }
        Self::new(self.points() + other.points())
    }
}

impl fmt::Display for Score {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        match *self {
            Self::INFINITY => f.pad("inf"),
            Self::MINUS_INFINITY => f.pad("-inf"),
            Self(points) => f.pad(&points.to_string()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn minus_infinity_wins_and_infinity_absorbs() {
        let (inf, minus, five) = (Score::INFINITY, Score::MINUS_INFINITY, Score::new(5));
        assert_eq!(inf + minus, minus);
        assert_eq!(inf + five, inf);
        assert_eq!(minus + five, minus);
        assert_eq!(Score::new(999_999) + five, inf);
    }

    #[test]
    fn scores_are_read_as_operators_write_them() {
        assert_eq!(Score::parse("-inf"), Some(Score::MINUS_INFINITY));
        assert_eq!(Score::parse("+INFINITY"), Some(Score::INFINITY));
        assert_eq!(Score::parse("99999999999999999999"), Some(Score::INFINITY));
        assert_eq!(Score::parse("100").map(Score::points), Some(100));
        for bad in ["", "-", "x", "1x", "1.5"] {
            assert_eq!(Score::parse(bad), None, "{bad}");
        }
    }

    #[test]
    fn durations_print_in_their_shortest_exact_form() {
        let shown: Vec<String> =
            [0, 250, 1000, 1500, 60_000, 90_000, 3_600_000, 1501].map(|ms| Millis(ms).to_string()).into();
        assert_eq!(shown, ["0s", "250ms", "1s", "1.5s", "1min", "90s", "1h", "1501ms"]);
    }
}
