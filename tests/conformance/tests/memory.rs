//! The directory in memory passes the checks that every connector must pass.

use std::sync::Arc;
use std::time::Duration;

use xtsync_conformance::Fixture;
use xtsync_conformance::memory::{CAPABILITIES, Memory};
use xtsync_directory::{Source, Target};
use xtsync_domain::{Capabilities, UserId, Value};

/// One tenant users come from, and one they appear in.
struct InMemory {
    home: Memory,
    hub: Memory,
}

async fn fixture() -> InMemory {
    InMemory { home: Memory::new("emea.example"), hub: Memory::new("hub.example") }
}

impl Fixture for InMemory {
    fn capabilities(&self) -> Capabilities {
        CAPABILITIES
    }

    fn source(&self) -> Arc<dyn Source> {
        Arc::new(self.home.clone())
    }

    fn target(&self) -> Arc<dyn Target> {
        Arc::new(self.hub.clone())
    }

    fn add_user(&self, name: &str) -> UserId {
        self.home.add_user(name)
    }

    fn set(&self, user: &UserId, attribute: &str, value: Option<&str>) {
        self.home.set(user, attribute, value.map_or(Value::Null, Value::from));
    }

    fn remove(&self, user: &UserId) {
        self.home.remove(user);
    }

    fn lose_cursors(&self) {
        self.home.lose_cursors();
    }

    fn repeat_objects(&self) {
        self.home.repeat_objects();
    }

    fn throttle_source(&self, wait: Duration) {
        self.home.throttle_reading(wait);
    }

    fn throttle_target(&self, wait: Duration) {
        self.hub.throttle_creation(wait);
    }

    fn lose_creation_answer(&self) {
        self.hub.lose_creation_answer();
    }

    fn occupy(&self, address: &str) {
        self.hub.occupy(address);
    }

    fn writes(&self) -> usize {
        self.hub.writes()
    }
}

xtsync_conformance::suite!(fixture());
