//! Playing a recording to the terminal at its own pace: faster or slower, from a later moment, with long pauses cut short.
//!
//! What was recorded goes to the terminal as it is, so the terminal is put back to normal at the end.

use std::time::Duration;

use ostler_app::core::{
    BoxFuture, Form, FormAnswers, PromptError, Prompter, SessionId, SessionInput, TerminalSize,
};
use ostler_app::{Event, FrontEnd, PlayedEvent};
use tokio::sync::Mutex;
use tokio::time::Instant;

use crate::output::{Output, escape};
use crate::prompt::Asker;
use crate::terminal;

/// How a recording is played.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Pace {
    /// How many times faster than it happened; above 0.
    pub(crate) speed: f64,
    /// The moment to begin at. What was shown before is shown at once, so that the screen is right.
    pub(crate) from: Duration,
    /// The longest pause; none keeps pauses as they were.
    pub(crate) idle_limit: Option<Duration>,
}

/// Works out when each event is due.
#[derive(Debug)]
struct Schedule {
    pace: Pace,
    last: Duration,
    due: Duration,
}

impl Schedule {
    fn new(pace: Pace) -> Self {
        Self { pace, last: Duration::ZERO, due: Duration::ZERO }
    }

    /// Returns how long after the beginning of the play an event is due that happened `at` after the beginning of the
    /// recording.
    fn due(&mut self, at: Duration) -> Duration {
        let pause = at.saturating_sub(self.last.max(self.pace.from));
        self.last = self.last.max(at);
        let pause = self.pace.idle_limit.map_or(pause, |limit| pause.min(limit));
        // Out of range means a pause longer than anyone waits.
        let scaled =
            Duration::try_from_secs_f64(pause.as_secs_f64() / self.pace.speed).unwrap_or(Duration::MAX);
        self.due = self.due.saturating_add(scaled);
        self.due
    }
}

/// Follows whether output has switched to the alternate screen, across chunks.
#[derive(Debug, Default)]
struct Alternate {
    tail: Vec<u8>,
    inside: bool,
}

impl Alternate {
    const PREFIX: &'static [u8] = b"\x1b[?1049";

    fn feed(&mut self, bytes: &[u8]) -> bool {
        self.tail.extend_from_slice(bytes);
        let length = Self::PREFIX.len().saturating_add(1);
        for window in self.tail.windows(length) {
            match window.strip_prefix(Self::PREFIX) {
                Some(b"h") => self.inside = true,
                Some(b"l") => self.inside = false,
                _ => {}
            }
        }
        let surplus = self.tail.len().saturating_sub(length.saturating_sub(1));
        self.tail.drain(..surplus);
        self.inside
    }
}

struct Player {
    schedule: Schedule,
    start: Option<Instant>,
    alternate: Alternate,
    /// Nobody reads any more: the rest is skipped.
    broken: bool,
}

/// The front end that plays a recording.
pub(crate) struct PlayFront {
    asker: Asker,
    output: Output,
    player: Mutex<Player>,
}

impl PlayFront {
    pub(crate) fn new(asker: Asker, output: Output, pace: Pace) -> Self {
        let player = Player {
            schedule: Schedule::new(pace),
            start: None,
            alternate: Alternate::default(),
            broken: false,
        };
        Self { asker, output, player: Mutex::new(player) }
    }

    async fn played(&self, at: Duration, event: PlayedEvent) {
        let mut player = self.player.lock().await;
        if player.broken {
            return;
        }
        let due = player.schedule.due(at);
        let start = *player.start.get_or_insert_with(Instant::now);
        match start.checked_add(due) {
            Some(moment) => tokio::time::sleep_until(moment).await,
            None => std::future::pending().await,
        }
        match event {
            PlayedEvent::Output(bytes) => {
                if terminal::stdout_is_terminal() {
                    terminal::playing();
                    terminal::in_alternate_screen(player.alternate.feed(&bytes));
                }
                player.broken = terminal::write_stdout(&bytes).is_err();
            }
            PlayedEvent::Resize(size) => self.compare(size, at),
            PlayedEvent::Marker(text) => tracing::info!(marker = %escape(&text), "marker"),
            PlayedEvent::Exit(_) => {}
        }
    }

    /// Says so where the recording does not fit, before anything is shown.
    fn compare(&self, recorded: TerminalSize, at: Duration) {
        let Some(own) = terminal::size().filter(|_| at.is_zero() && terminal::stdout_is_terminal()) else {
            return;
        };
        if own.columns < recorded.columns || own.rows < recorded.rows {
            self.output.note(&format!(
                "recorded at {} x {}; this terminal has {} x {}",
                recorded.columns, recorded.rows, own.columns, own.rows
            ));
        }
    }
}

impl Prompter for PlayFront {
    fn ask<'a>(&'a self, asker: &'a str, form: &'a Form) -> BoxFuture<'a, Result<FormAnswers, PromptError>> {
        self.asker.ask(asker, form)
    }
}

impl FrontEnd for PlayFront {
    fn show(&self, event: Event) -> BoxFuture<'_, ()> {
        Box::pin(async move {
            match event {
                Event::Played { at_micros, event } => {
                    self.played(Duration::from_micros(at_micros), event).await
                }
                Event::Notice(text) => self.output.note(&text),
                _ => {}
            }
        })
    }

    fn input(&self, _session: SessionId) -> BoxFuture<'_, SessionInput> {
        Box::pin(std::future::pending())
    }

    fn terminal(&self) -> Option<(TerminalSize, String)> {
        terminal::describe()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn due(pace: Pace, events: &[u64]) -> Vec<u128> {
        let mut schedule = Schedule::new(pace);
        events.iter().map(|at| schedule.due(Duration::from_millis(*at)).as_millis()).collect()
    }

    const PLAIN: Pace = Pace { speed: 1.0, from: Duration::ZERO, idle_limit: None };

    #[test]
    fn events_keep_their_distances_divided_by_the_speed() {
        assert_eq!(due(PLAIN, &[0, 500, 2000]), [0, 500, 2000]);
        assert_eq!(due(Pace { speed: 2.0, ..PLAIN }, &[0, 500, 2000]), [0, 250, 1000]);
    }

    #[test]
    fn pauses_are_cut_to_the_limit_before_they_are_sped_up() {
        let pace = Pace { speed: 2.0, idle_limit: Some(Duration::from_secs(1)), ..PLAIN };
        assert_eq!(due(pace, &[0, 10_000, 10_500]), [0, 500, 750]);
    }

    #[test]
    fn what_happened_before_the_beginning_is_due_at_once() {
        let pace = Pace { from: Duration::from_secs(1), ..PLAIN };
        assert_eq!(due(pace, &[0, 500, 1000, 1500]), [0, 0, 0, 500]);
        assert_eq!(due(pace, &[0, 4000]), [0, 3000]);
    }

    #[test]
    fn the_alternate_screen_is_noticed_across_chunks() {
        let mut alternate = Alternate::default();
        assert!(!alternate.feed(b"\x1b[?10"));
        assert!(alternate.feed(b"49hvim"));
        assert!(alternate.feed(b"more"));
        assert!(!alternate.feed(b"\x1b[?1049l$ "));
    }
}
