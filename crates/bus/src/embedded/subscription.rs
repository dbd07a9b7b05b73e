//! Membership in a group of the embedded log: one member, which owns all partitions from the start.

use std::collections::BTreeSet;
use std::sync::Arc;

use crate::topic::Topic;
use async_trait::async_trait;

use super::cursor::{Cursor, Cursors};
use super::log::{self, Log};
use super::shared::Shared;
use crate::{Assigned, BATCH_MAX, Committed, Error, Event, Partition, Subscription};

/// The one member of a group.
#[derive(Debug)]
pub(super) struct Member {
    membership: GroupMembership,
    cursors: Cursors,
    /// Revoked cursors that may still be committed, until they are released.
    draining: Vec<Cursor>,
    /// Assignments not reported yet.
    assigned: Vec<Assigned>,
    /// Revocations not reported yet.
    revoked: Vec<Partition>,
}

/// A group that has its member until this is dropped.
#[derive(Debug)]
struct GroupMembership {
    shared: Arc<Shared>,
    group: String,
}

impl Drop for GroupMembership {
    fn drop(&mut self) {
        self.shared.leave_group(&self.group);
    }
}

impl Member {
    /// Joins a group.
    pub(super) async fn join(shared: &Arc<Shared>, group: &str, topics: &[Topic]) -> Result<Self, Error> {
        if !shared.join_group(group) {
            return Err(Error::Refused(format!("group {group} has a member already; the embedded bus allows one")));
        }
        let membership = GroupMembership { shared: Arc::clone(shared), group: group.to_owned() };
        let cursors = Cursors::new(shared);
        let mut member = Self { membership, cursors, draining: Vec::new(), assigned: Vec::new(), revoked: Vec::new() };
        member.resubscribe(topics).await?;
        Ok(member)
    }

    async fn assign(&mut self, topic: &Topic) -> Result<(), Error> {
        let GroupMembership { shared, group } = &self.membership;
        let log = shared.log(topic).await?;
        for part in 0..log.partitions() {
            let committed = log::committed(&shared.readers, group, &log, part).await?;
            self.assigned.push(Assigned { partition: log.partition(part), committed });
        }
        self.cursors.add(&log, (0..log.partitions()).map(|part| Cursor { log: Arc::clone(&log), part, next: None }));
        Ok(())
    }

    /// Finds the partitions in the log, if this member owns all of them.
    fn owned<'a>(&'a self, positions: &'a [(Partition, Committed)]) -> Result<Vec<(&'a Log, u32, &'a Committed)>, Error> {
        let owned = |(partition, committed): &'a (Partition, Committed)| {
            let is_draining = |cursor: &&Cursor| cursor.part == partition.index && cursor.log.topic == partition.topic;
            let cursor = self.cursors.get(partition).or_else(|| self.draining.iter().find(is_draining));
            cursor.map(|cursor| (&*cursor.log, cursor.part, committed)).ok_or_else(|| Error::fenced(partition))
        };
        positions.iter().map(owned).collect()
    }
}

#[async_trait]
impl Subscription for Member {
    async fn next(&mut self) -> Result<Event, Error> {
        if !self.revoked.is_empty() {
            return Ok(Event::Revoked(std::mem::take(&mut self.revoked)));
        }
        if !self.assigned.is_empty() {
            return Ok(Event::Assigned(std::mem::take(&mut self.assigned)));
        }
        self.cursors.next(BATCH_MAX, None).await.map(Event::Records)
    }

    async fn start(&mut self, from: &[(Partition, Option<i64>)]) -> Result<(), Error> {
        from.iter().for_each(|(partition, next)| self.cursors.start(partition, next.unwrap_or(0)));
        Ok(())
    }

    async fn commit(&mut self, positions: Vec<(Partition, Committed)>) -> Result<(), Error> {
        let owned = self.owned(&positions)?;
        let mut tx = self.membership.shared.writer.begin_with("BEGIN IMMEDIATE").await?;
        for (log, part, committed) in owned {
            log::commit(&mut tx, &self.membership.group, log, part, committed).await?;
        }
        Ok(tx.commit().await?)
    }

    fn released(&mut self, partitions: &[Partition]) {
        self.draining.retain(|cursor| !partitions.contains(&cursor.partition()));
    }

    async fn resubscribe(&mut self, topics: &[Topic]) -> Result<(), Error> {
        let topics: BTreeSet<&Topic> = topics.iter().collect();
        let known = self.cursors.topics();
        for topic in topics.iter().filter(|topic| !known.contains(**topic)) {
            self.assign(topic).await?;
        }
        let gone = self.cursors.retain(|topic| topics.contains(topic));
        self.revoked.extend(gone.iter().map(Cursor::partition));
        self.draining.extend(gone);
        self.assigned.retain(|assigned| topics.contains(&assigned.partition.topic));
        Ok(())
    }
}
