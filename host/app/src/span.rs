//! Spans of time as people write them: `8h`, `45m`, `30s`, `1d`, or `never`.

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use serde::{Deserialize, Serialize};

/// The longest span, in seconds: a year.
const LONGEST: u64 = 366 * 86_400;

/// The units, the largest first, in seconds.
const UNITS: [(char, u64); 4] = [('d', 86_400), ('h', 3_600), ('m', 60), ('s', 1)];

/// A span of time; none has no end.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Span(pub Option<Duration>);

/// What is written is no span of time.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("'{0}' is no time: expected a number with s, m, h or d, such as 30m, up to a year; or never")]
pub struct SpanError(String);

impl FromStr for Span {
    type Err = SpanError;

    fn from_str(text: &str) -> Result<Self, SpanError> {
        if text == "never" {
            return Ok(Self(None));
        }
        let fault = || SpanError(text.to_owned());
        let unit = text.chars().last().ok_or_else(fault)?;
        let (_, seconds) = UNITS.into_iter().find(|(name, _)| *name == unit).ok_or_else(fault)?;
        let number: u64 = text.strip_suffix(unit).and_then(|digits| digits.parse().ok()).ok_or_else(fault)?;
        let whole = number.checked_mul(seconds).filter(|whole| (1..=LONGEST).contains(whole));
        Ok(Self(Some(Duration::from_secs(whole.ok_or_else(fault)?))))
    }
}

impl fmt::Display for Span {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Some(span) = self.0 else { return f.write_str("never") };
        // In the largest unit that leaves no rest.
        let unit = UNITS.into_iter().find(|(_, seconds)| span.as_secs().is_multiple_of(*seconds));
        let (name, seconds) = unit.unwrap_or(('s', 1));
        write!(f, "{}{name}", span.as_secs() / seconds)
    }
}

impl TryFrom<String> for Span {
    type Error = SpanError;

    fn try_from(text: String) -> Result<Self, SpanError> {
        text.parse()
    }
}

impl From<Span> for String {
    fn from(span: Span) -> Self {
        span.to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spans_are_read_as_people_write_them() {
        let seconds = |text: &str| text.parse::<Span>().unwrap().0.map(|span| span.as_secs());
        assert_eq!(["90s", "45m", "8h", "2d"].map(seconds), [90, 2_700, 28_800, 172_800].map(Some));
        assert_eq!(seconds("never"), None);
        for (text, again) in
            [("90s", "90s"), ("60m", "1h"), ("36h", "36h"), ("48h", "2d"), ("never", "never")]
        {
            assert_eq!(text.parse::<Span>().unwrap().to_string(), again);
        }
    }

    #[test]
    fn what_is_no_span_is_refused() {
        for text in ["", "8", "h", "-1h", "1w", "0s", "99999999999d", "400d", "½h", "8 h"] {
            assert!(text.parse::<Span>().is_err(), "{text:?}");
        }
    }
}
