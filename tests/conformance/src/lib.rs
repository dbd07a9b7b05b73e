//! What every connector must do, as checks that each connector crate runs against a stand-in of its directory; and a directory in memory of
//! another kind than Entra, by which the checks and the pipeline are shown not to assume Graph.
//!
//! A connector crate names this one among its dev-dependencies, implements [`Fixture`] for its stand-in and says
//! `xtsync_conformance::suite!(fixture())`. What its [`Capabilities`] deny, the checks expect to be [unsupported](Error::Unsupported).

#![allow(clippy::unwrap_used, clippy::missing_panics_doc, reason = "tests: a panic is the report")]

pub mod memory;
pub mod source;
pub mod target;

use std::sync::Arc;
use std::time::Duration;

use xtsync_directory::{Error, Source, Target};
use xtsync_domain::{Capabilities, GroupId, UserId};

/// A stand-in of a directory: a source tenant and a target tenant, which may be one, both without users. Its methods act as the
/// administrators of the two would, or prepare a fault.
pub trait Fixture: Send + Sync {
    /// What the connector says of the directory.
    fn capabilities(&self) -> Capabilities;

    /// The source through the connector. It lists two users a page.
    fn source(&self) -> Arc<dyn Source>;

    /// The target through the connector. Its census lists two objects a page, if it takes one.
    fn target(&self) -> Arc<dyn Target>;

    /// Adds a user to the source, with a display name, a mail address and the city `Paris`.
    fn add_user(&self, name: &str) -> UserId;

    /// Sets or clears an attribute of a user of the source, by Graph's name of it.
    fn set(&self, user: &UserId, attribute: &str, value: Option<&str>);

    /// Deletes a user of the source.
    fn remove(&self, user: &UserId);

    /// Adds a group to the source with one member. Called where the directory has group membership.
    fn add_group(&self, _name: &str, _member: &UserId) -> GroupId {
        panic!("a directory with group membership adds a group")
    }

    /// Takes a member out of a group of the source. Called where the directory has group membership.
    fn leave(&self, _group: &GroupId, _member: &UserId) {
        panic!("a directory with group membership removes a member")
    }

    /// Deletes a group of the source. Called where the directory has group membership.
    fn remove_group(&self, _group: &GroupId) {
        panic!("a directory with group membership deletes a group")
    }

    /// Makes every cursor given out so far void.
    fn lose_cursors(&self);

    /// Makes every answer about users mention each object twice from now on.
    fn repeat_objects(&self);

    /// Refuses the next request for users of the source, and asks to wait so long.
    fn throttle_source(&self, wait: Duration);

    /// Refuses the next creation in the target, and asks to wait so long.
    fn throttle_target(&self, wait: Duration);

    /// Carries out the next creation in the target, and loses the answer.
    fn lose_creation_answer(&self);

    /// Adds an object of the target's own that holds an address.
    fn occupy(&self, address: &str);

    /// How many writes to users the target has carried out.
    fn writes(&self) -> usize;
}

/// Whether a verb is said to be unsupported.
fn is_unsupported<T>(answer: &Result<T, Error>) -> bool {
    matches!(answer, Err(Error::Unsupported { .. }))
}

/// Makes a test of each check; the expression makes a fresh [`Fixture`] for each, in a future.
#[macro_export]
macro_rules! suite {
    ($fixture:expr) => {
        $crate::suite!(source, $fixture,
            a_full_reading_lists_every_user_with_what_is_asked_for,
            an_incremental_reading_lists_what_has_changed,
            a_deleted_user_is_gone,
            of_an_object_mentioned_repeatedly_the_last_word_holds,
            what_was_not_read_is_never_empty,
            a_lost_cursor_asks_for_a_full_reading,
            a_throttled_reading_says_how_long_to_wait,
            groups_are_listed_with_their_members_or_there_are_none,
            the_tenant_has_one_identity_and_an_access_policy,
            notifications_are_subscribed_to_or_unsupported);
        $crate::suite!(target, $fixture,
            a_user_is_created_once_and_read_back,
            a_creation_whose_answer_is_lost_is_found,
            only_what_differs_is_updated,
            sign_in_is_blocked_and_sessions_are_revoked_where_that_can_be,
            a_deleted_user_is_restored_or_created_anew,
            an_address_that_another_object_holds_is_a_conflict,
            a_throttled_creation_did_nothing,
            an_object_that_is_not_there_is_said_not_to_be,
            objects_read_at_once_are_each_answered,
            what_a_census_does_not_list_is_not_found);
    };
    ($part:ident, $fixture:expr, $($check:ident),*) => {
        $(
            #[tokio::test]
            async fn $check() {
                let fixture = $fixture.await;
                $crate::$part::$check(&fixture).await;
            }
        )*
    };
}
