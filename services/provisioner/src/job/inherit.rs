//! A link takes over the object of its user's former account. Both rows change in one transaction: an object has one owner at any time.

use tracing::{info, warn};
use xtsync_domain::link::{Account, NotTakenOver};
use xtsync_domain::{UserId, version};
use xtsync_store::retry_contended;

use super::Job;
use super::end::End;
use crate::error::Result;
use crate::table::link::{self, Stored};
use crate::table::{Key, rehire, work};

impl Job<'_> {
    /// Takes over the object of the former account that an administrator has confirmed, as soon as the user is wanted with sign-in. What
    /// stands in the way by then voids the confirmation.
    pub(super) async fn inherit_confirmed(&mut self) -> Result<Option<End>> {
        let Some(former) = self.confirmed.clone() else { return Ok(None) };
        let owner = Key { user: former.clone(), ..self.key.clone() };
        let stored = link::read(&self.owned.context.store, &owner).await?;
        let confirmed = |stored: Stored| stored.link.confirmed_for(&self.stored.link, &self.owned.capabilities);
        let account = stored.map_or(Err(NotTakenOver::NotSoftDeleted), confirmed);
        match account {
            Ok(account) => {
                let end = self.inherit(&owner.record(), &account).await?;
                if end.is_none() && self.anchor_taken.is_none() {
                    info!(link = %self.key, %former, "the shadow user of the former account is taken over, as was confirmed");
                    self.confirmed = None;
                }
                Ok(end)
            }
            // It may be wanted later.
            Err(NotTakenOver::NotWanted) => Ok(None),
            Err(reason) => {
                warn!(link = %self.key, %former, reason = reason.code(), "a confirmed rehire is void");
                retry_contended(|| self.void(&former)).await?;
                self.confirmed = None;
                Ok(None)
            }
        }
    }

    async fn void(&self, former: &UserId) -> Result<()> {
        let mut tx = self.owned.begin(self.epoch).await?;
        rehire::remove(&mut tx, &self.key, former).await?;
        Ok(tx.commit().await?)
    }

    /// Takes the object over if both links are still what they were, and no other link stands in the way. Else it is looked up again a little
    /// later.
    pub(super) async fn inherit(&mut self, owner: &str, account: &Account) -> Result<Option<End>> {
        let later = Ok(Some(End::Retry("former_account_busy")));
        let Some(owner) = Key::of_record(&self.key.target, owner) else { return later };
        let moved = match retry_contended(|| self.moved(&owner, account)).await {
            Err(error) => return self.note_anchor_taken(error).await.map(|()| None),
            Ok(moved) => moved,
        };
        let Some(stored) = moved else { return later };
        self.row = stored.link.clone();
        self.stored = stored.saved();
        self.owned.limits().forget_live();
        self.owned.publish.notify_one();
        Ok(None)
    }

    /// Stores both links; returns this one as stored. A former link that is queued may be worked on by a job that knows it as it was.
    async fn moved(&self, owner: &Key, account: &Account) -> Result<Option<Stored>> {
        let (context, now) = (&self.owned.context, self.now());
        let mut tx = self.owned.begin(self.epoch).await?;
        let mut links = link::lock(&mut tx, &[self.key.clone(), owner.clone()].into()).await?;
        let is_current = links.get(&self.key).is_some_and(|stored| stored.row_version == self.stored.row_version);
        let is_confirmed = self.confirmed.as_ref() == Some(&owner.user);
        let released = |stored: &Stored| match is_confirmed {
            true => stored.link.confirmed_for(&self.stored.link, &self.owned.capabilities).ok(),
            false => stored.link.former_of(&self.stored.link),
        };
        let is_former = |stored: &Stored| released(stored).as_ref() == Some(account);
        let Some(mut former) = links.remove(owner).filter(|stored| is_current && is_former(stored)) else { return Ok(None) };
        if work::is_queued(&mut tx, owner).await? {
            return Ok(None);
        }
        let mut stored = self.stored.clone();
        stored.link.inherit(&mut former.link, account.clone());
        former.version = version::next(former.version, now);
        link::save_now(&mut tx, &former, context.store.store_id()).await?;
        // Above what the former link ever said, so that a store that is rebuilt knows whose the object is now.
        stored.version = version::next(stored.version.max(former.version), now);
        link::save(&mut tx, std::iter::once(&stored), context.store.store_id());
        if is_confirmed {
            rehire::remove(&mut tx, &self.key, &owner.user).await?;
        }
        tx.commit().await?;
        Ok(Some(stored))
    }
}
