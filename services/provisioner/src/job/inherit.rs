//! A link takes over the object of its user's former account. Both rows change in one transaction: an object has one owner at any time.

use xtsync_domain::link::Account;
use xtsync_domain::{TenantName, version};
use xtsync_store::retry_contended;

use super::Job;
use super::end::End;
use crate::error::Result;
use crate::table::link::{self, Stored};
use crate::table::{Key, work};

impl Job<'_> {
    /// Takes the object over if both links are still what they were. Else it is looked up again a little later.
    pub(super) async fn inherit(&mut self, owner: &str, account: &Account) -> Result<Option<End>> {
        let later = Ok(Some(End::Retry("former_account_busy")));
        let Some((source, user)) = owner.split_once('/') else { return later };
        let Ok(source) = TenantName::new(source) else { return later };
        let owner = Key { target: self.key.target.clone(), source, user: user.into() };
        let Some(stored) = retry_contended(|| self.moved(&owner, account)).await? else { return later };
        self.row = stored.link.clone();
        self.stored = Stored { row_version: stored.row_version + 1, ..stored };
        self.worker.publish.notify_one();
        Ok(None)
    }

    /// Stores both links; returns this one as stored. A former link that is queued may be worked on by a job that knows it as it was.
    async fn moved(&self, owner: &Key, account: &Account) -> Result<Option<Stored>> {
        let (context, now) = (&self.worker.context, self.now());
        let mut tx = self.worker.begin(self.epoch).await?;
        let mut links = link::lock(&mut tx, &[self.key.clone(), owner.clone()].into()).await?;
        let is_current = links.get(&self.key).is_some_and(|stored| stored.row_version == self.stored.row_version);
        let is_former = |stored: &Stored| stored.link.former_of(&self.stored.link).as_ref() == Some(account);
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
        tx.commit().await?;
        Ok(Some(stored))
    }
}
