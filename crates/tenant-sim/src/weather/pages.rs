//! What the weather does to one page of a delta query. The token of the page decides, so that asking again gives the same page again.

use std::sync::Arc;

use serde_json::Value as Json;
use uuid::Uuid;

use super::{Luck, Sky, Strike, Weather};

/// How often in a row a page is put off or sent again.
const ATTEMPTS_MAX: u64 = 2;
/// How many numbers of the log a next round goes back, at most.
const REPLAYED_MAX: u64 = 12;

/// The draws of one page; none while it is calm.
#[derive(Debug)]
pub(crate) struct PageLuck(Option<(Sky, Arc<Weather>, Luck)>);

impl PageLuck {
    /// The draws of a page of that tenant, kind and place.
    pub(crate) fn of(sky: &Sky, tenant: Uuid, kind: &str, place: &[u64]) -> Self {
        let drawn = |weather: Arc<Weather>| {
            let (high, low) = tenant.as_u64_pair();
            let numbers: Vec<u64> = [high, low].into_iter().chain(place.iter().copied()).collect();
            let luck = Luck::of(weather.seed, kind, &numbers);
            (sky.clone(), weather, luck)
        };
        Self(sky.weather().map(drawn))
    }

    /// Whether an empty page comes before this one.
    pub(crate) fn is_empty(&mut self, attempt: u64) -> bool {
        self.draw(Strike::PageEmpty, |weather| if attempt < ATTEMPTS_MAX { weather.delta.empty } else { 0.0 })
    }

    /// Whether the round, which begins here, comes from its newest change to its oldest.
    pub(crate) fn reorders_round(&mut self) -> bool {
        self.draw(Strike::RoundReordered, |weather| weather.delta.reorders)
    }

    /// Whether the same page comes next.
    pub(crate) fn repeats_page(&mut self, attempt: u64) -> bool {
        self.draw(Strike::PageRepeated, |weather| if attempt < ATTEMPTS_MAX { weather.delta.repeats } else { 0.0 })
    }

    /// How many numbers of the log the next round goes back, of those that this one told.
    pub(crate) fn replays(&mut self, told: u64) -> u64 {
        if told == 0 || !self.draw(Strike::RoundReplayed, |weather| weather.delta.repeats) {
            return 0;
        }
        let number = self.0.as_mut().map_or(0.0, |(_, _, luck)| luck.number());
        1 + (number * told.min(REPLAYED_MAX) as f64) as u64
    }

    /// Mixes the objects of the page, perhaps.
    pub(crate) fn mix(&mut self, objects: &mut [Json]) {
        if let Some((_, weather, luck)) = &mut self.0
            && luck.strikes(weather.delta.reorders)
        {
            luck.shuffle(objects);
        }
    }

    fn draw(&mut self, strike: Strike, share: impl FnOnce(&Weather) -> f64) -> bool {
        let Some((sky, weather, luck)) = &mut self.0 else {
            return false;
        };
        let strikes = luck.strikes(share(weather));
        if strikes {
            sky.note(strike);
        }
        strikes
    }
}
