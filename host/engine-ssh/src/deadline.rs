//! The time that opening a session may take. It stands still while a person is asked: people are slower than servers.

use std::future::Future;
use std::time::Duration;

use tokio::sync::watch;
use tokio::time::{Instant, sleep_until};

/// A moment that can be put off.
#[derive(Debug)]
pub(crate) struct Deadline {
    /// None while a person is asked.
    moment: watch::Sender<Option<Instant>>,
}

impl Deadline {
    pub(crate) fn new(limit: Duration) -> Self {
        Self { moment: watch::Sender::new(Some(Instant::now() + limit)) }
    }

    /// Returns how much time is left; all there is while a person is asked.
    pub(crate) fn remaining(&self) -> Duration {
        let moment = *self.moment.borrow();
        moment.map_or(Duration::MAX, |moment| moment.saturating_duration_since(Instant::now()))
    }

    /// Waits for the person, off the clock. Questions follow each other, so that this is never nested.
    pub(crate) async fn off_the_clock<T>(&self, question: impl Future<Output = T>) -> T {
        let remaining = self.remaining();
        self.moment.send_replace(None);
        let answer = question.await;
        self.moment.send_replace(Some(Instant::now() + remaining));
        answer
    }

    /// Waits until no time is left.
    pub(crate) async fn expired(&self) {
        let mut moments = self.moment.subscribe();
        loop {
            let moment = *moments.borrow_and_update();
            let put_off = async {
                if moments.changed().await.is_err() {
                    // The sender lives as long as self, so this can't be; waiting on is harmless.
                    std::future::pending::<()>().await;
                }
            };
            match moment {
                Some(moment) => tokio::select! {
                    () = sleep_until(moment) => return,
                    () = put_off => {}
                },
                None => put_off.await,
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn run(test: impl Future<Output = ()>) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
        runtime.block_on(test);
    }

    #[test]
    fn time_that_a_person_takes_does_not_count() {
        run(async {
            let limit = Duration::from_millis(20);
            let deadline = Deadline::new(limit);
            let longer = Deadline::new(limit * 4);
            let person = deadline.off_the_clock(async {
                longer.expired().await;
                "yes"
            });
            tokio::select! {
                biased;
                () = deadline.expired() => panic!("the clock ran on"),
                answer = person => assert_eq!(answer, "yes"),
            }
            deadline.expired().await;
        });
    }
}
