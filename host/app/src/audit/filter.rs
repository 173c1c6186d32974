//! Which events are shown or exported.

use std::collections::VecDeque;

use jiff::tz::TimeZone;
use ostler_audit::{AuditRecord, ReadFrom};
use ostler_core::Timestamp;
use serde::{Deserialize, Serialize};

use crate::span::Span;
use crate::{AppError, Host};

/// Which events are wanted. Every condition that is given must hold.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct AuditFilter {
    /// Not before: a time (RFC 3339), a date, or how long ago, such as `2h`.
    pub since: Option<String>,
    /// Not after, in the same words.
    pub until: Option<String>,
    /// A class, or the beginning of its name up to a dot, such as `session`.
    pub class: Option<String>,
    /// The id of a session, or its beginning.
    pub session: Option<String>,
    /// A connection: its name, or its id or the beginning of it.
    pub connection: Option<String>,
}

/// A filter that was understood.
pub(super) struct Wanted {
    since: Timestamp,
    until: Timestamp,
    class: Option<String>,
    session: Option<String>,
    connection: Option<String>,
}

impl Wanted {
    /// Whether every event is wanted.
    fn all(&self) -> bool {
        (self.since, self.until) == (Timestamp(i64::MIN), Timestamp(i64::MAX))
            && self.class.is_none()
            && self.session.is_none()
            && self.connection.is_none()
    }

    pub(super) fn holds(&self, record: &AuditRecord) -> bool {
        let event = &record.event;
        let class = |class: &String| {
            event
                .class
                .strip_prefix(class.as_str())
                .is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
        };
        let begins =
            |id: Option<String>, wanted: &String| id.is_some_and(|id| id.starts_with(wanted.as_str()));
        (self.since..=self.until).contains(&record.time)
            && self.class.as_ref().is_none_or(class)
            && self
                .session
                .as_ref()
                .is_none_or(|wanted| begins(event.session.map(|id| id.to_string()), wanted))
            && (self.connection.as_ref())
                .is_none_or(|wanted| begins(event.connection.map(|id| id.to_string()), wanted))
    }
}

impl Host {
    /// Works out what a filter means now.
    pub(super) fn wanted(&self, filter: &AuditFilter) -> Result<Wanted, AppError> {
        let now = self.now();
        let time = |what: &str, text: &Option<String>, otherwise| {
            match text {
            None => Ok(Timestamp(otherwise)),
            Some(text) => moment(text, now).ok_or_else(|| {
                AppError::bad(
                    what,
                    format!("'{text}' is no time such as 2026-01-31T12:00:00Z, no date such as 2026-01-31, and no age such as 2h or 3d"),
                )
            }),
        }
        };
        let connection = match &filter.connection {
            None => None,
            // What was deleted has no name any more, but its id is in the log.
            Some(name) => Some(match self.snapshot()?.tree.find_connection(name) {
                Ok(connection) => connection.id.to_string(),
                Err(_)
                    if !name.is_empty()
                        && name.bytes().all(|byte| byte.is_ascii_hexdigit() || byte == b'-') =>
                {
                    name.clone()
                }
                Err(error) => return Err(error.into()),
            }),
        };
        Ok(Wanted {
            since: time("since", &filter.since, i64::MIN)?,
            until: time("until", &filter.until, i64::MAX)?,
            class: filter.class.as_ref().map(|class| class.trim_end_matches(['.', '*']).to_owned()),
            session: filter.session.clone(),
            connection,
        })
    }

    /// Returns the events that are wanted, the newest `last` of them, and the line after the newest event.
    pub(super) fn filtered(
        &self,
        wanted: &Wanted,
        last: Option<u64>,
    ) -> Result<(Vec<AuditRecord>, u64), AppError> {
        let Some(last) = last else {
            let (records, next) = self.matching(wanted, ReadFrom::Line(0))?;
            return Ok((records, next.unwrap_or(0)));
        };
        let most = usize::try_from(last).unwrap_or(usize::MAX);
        // Without a condition the end of the log is enough; lines that open a batch are lines too, hence some more.
        let mut lines = if wanted.all() { last.saturating_mul(2).saturating_add(8) } else { u64::MAX };
        loop {
            let mut kept = VecDeque::new();
            let mut next = 0;
            let vault = self.vault()?;
            for record in self.audit_records(&vault, ReadFrom::Last(lines))? {
                let record = record?;
                next = record.sequence + 1;
                if wanted.holds(&record) {
                    kept.push_back(record);
                    if kept.len() > most {
                        kept.pop_front();
                    }
                }
            }
            if kept.len() >= most || lines == u64::MAX {
                return Ok((kept.into(), next));
            }
            lines = u64::MAX;
        }
    }

    /// Returns the events from a place on that are wanted, and the line after the newest event, if there is one.
    pub(super) fn matching(
        &self,
        wanted: &Wanted,
        from: ReadFrom,
    ) -> Result<(Vec<AuditRecord>, Option<u64>), AppError> {
        let mut records = Vec::new();
        let mut next = None;
        let vault = self.vault()?;
        for record in self.audit_records(&vault, from)? {
            let record = record?;
            next = Some(record.sequence + 1);
            if wanted.holds(&record) {
                records.push(record);
            }
        }
        Ok((records, next))
    }
}

/// Understands a time, a date (its beginning in UTC), or an age.
fn moment(text: &str, now: Timestamp) -> Option<Timestamp> {
    if let Ok(time) = text.parse::<jiff::Timestamp>() {
        return Some(Timestamp(time.as_microsecond()));
    }
    if let Ok(date) = text.parse::<jiff::civil::Date>() {
        let midnight = date.to_zoned(TimeZone::UTC).ok()?;
        return Some(Timestamp(midnight.timestamp().as_microsecond()));
    }
    let age = i64::try_from(text.parse::<Span>().ok()?.0?.as_micros()).ok()?;
    now.0.checked_sub(age).map(Timestamp)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_moment_is_a_time_a_date_or_an_age() {
        let now = Timestamp(1_700_000_000_000_000);
        assert_eq!(moment("2023-11-14T22:13:20Z", now), Some(now));
        assert_eq!(moment("2023-11-14T23:13:20+01:00", now), Some(now));
        assert_eq!(moment("2023-11-14", now), Some(Timestamp(1_699_920_000_000_000)));
        assert_eq!(moment("2h", now), Some(Timestamp(now.0 - 7_200_000_000)));
        assert_eq!(moment("3d", now), Some(Timestamp(now.0 - 259_200_000_000)));
        for text in ["", "h", "2", "2x", "99999999999999999999d", "soon", "-2h", "never"] {
            assert_eq!(moment(text, now), None, "{text}");
        }
    }
}
