//! Classifies an endpoint by the share of slow answers within [`Delivery::window`].

use std::collections::VecDeque;

use tokio::time::Instant;

use super::Delivery;

/// The share of slow answers above which an endpoint is slow, and above which its notifications are dropped.
const SLOW: f64 = 0.10;
const DROPPED: f64 = 0.15;
/// The most answers that are kept.
const ANSWERS_MAX: usize = 10_000;

/// The state of an endpoint: notified at once, notified with a delay, or not notified.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum State {
    Well,
    Slow,
    Dropped,
}

/// The answers of one endpoint: when, and whether they were slow.
#[derive(Debug, Default)]
pub(super) struct Health(VecDeque<(Instant, bool)>);

impl Health {
    pub(super) fn note(&mut self, slow: bool) {
        if self.0.len() == ANSWERS_MAX {
            self.0.pop_front();
        }
        self.0.push_back((Instant::now(), slow));
    }

    pub(super) fn state(&mut self, delivery: &Delivery) -> State {
        while self.0.front().is_some_and(|(at, _)| at.elapsed() > delivery.window) {
            self.0.pop_front();
        }
        if self.0.len() < delivery.judged_from.max(1) {
            return State::Well;
        }
        let share = self.0.iter().filter(|(_, slow)| *slow).count() as f64 / self.0.len() as f64;
        match share {
            share if share > DROPPED => State::Dropped,
            share if share > SLOW => State::Slow,
            _ => State::Well,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn the_share_of_slow_answers_in_the_window_determines_the_state() {
        let delivery = Delivery::default();
        let past = Delivery { window: Duration::ZERO, ..delivery };
        for (slow, quick, want) in
            [(0, 100, State::Well), (10, 90, State::Well), (11, 89, State::Slow), (16, 84, State::Dropped), (50, 0, State::Well)]
        {
            let mut health = Health::default();
            (0..slow).for_each(|_| health.note(true));
            (0..quick).for_each(|_| health.note(false));
            assert_eq!(health.state(&delivery), want, "{slow} of {}", slow + quick);
            assert_eq!(health.state(&past), State::Well, "old answers do not count");
        }
    }
}
