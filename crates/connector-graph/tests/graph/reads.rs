//! Reads that gather while others are under way go together, and each has its own answer.

use std::time::Duration;

use futures::future::join_all;
use xtsync_connector_graph::Writer;
use xtsync_directory::{Error, Target};
use xtsync_domain::TargetId;
use xtsync_domain::shadow::Object;
use xtsync_tenant_sim::{Rule, Sim};

use crate::tenants::Tenants;

/// Requests that are under way before reads gather.
const REQUESTS: usize = 4;

/// A read that gathers with others.
const GATHERED: usize = REQUESTS + 1;

/// A tenant with so many users, and a writer that has read what it needs beforehand.
async fn emea(users: usize) -> (Tenants, Writer, Vec<TargetId>) {
    let tenants = Tenants::with_people(users).await;
    let ids: Vec<TargetId> = tenants.tenant("emea").users().iter().map(|id| TargetId(id.to_string())).collect();
    let writer = tenants.writer("emea");
    writer.read(&ids[0]).await.unwrap();
    (tenants, writer, ids)
}

/// Requests for single users and for several, since before.
fn requests(sim: &Sim) -> [u64; 3] {
    [
        sim.count("GET", "/v1.0/users/{id}"),
        sim.count("GET", "/v1.0/users"),
        sim.count("GET", "/v1.0/directory/deletedItems/microsoft.graph.user"),
    ]
}

async fn counted(
    sim: &Sim,
    reads: impl Future<Output = Vec<Result<Option<Object>, Error>>>,
) -> (Vec<Result<Option<Object>, Error>>, [u64; 3]) {
    let before = requests(sim);
    let answers = reads.await;
    let after = requests(sim);
    (answers, std::array::from_fn(|kind| after[kind] - before[kind]))
}

fn read_all<'a>(writer: &'a Writer, ids: &'a [TargetId]) -> impl Future<Output = Vec<Result<Option<Object>, Error>>> + 'a {
    join_all(ids.iter().map(|id| writer.read(id)))
}

fn ids_of(answers: &[Result<Option<Object>, Error>]) -> Vec<Option<&TargetId>> {
    answers.iter().map(|answer| answer.as_ref().unwrap().as_ref().map(|object| &object.id)).collect()
}

#[tokio::test]
async fn reads_that_gather_share_requests_of_fifteen() {
    let (tenants, writer, ids) = emea(REQUESTS + 15 + 3).await;
    let (answers, requests) = counted(&tenants.sim, read_all(&writer, &ids)).await;
    assert_eq!(ids_of(&answers), ids.iter().map(Some).collect::<Vec<_>>());
    assert_eq!(requests, [REQUESTS as u64, 2, 0]);
    let (answers, requests) = counted(&tenants.sim, read_all(&writer, &ids[..1])).await;
    assert_eq!((ids_of(&answers), requests), (vec![Some(&ids[0])], [1, 0, 0]), "one that is alone is asked for as such");
    let alone = writer.read(&ids[9]).await.unwrap();
    let (answers, _) = counted(&tenants.sim, read_all(&writer, &ids[..12])).await;
    assert_eq!(answers[9], Ok(alone), "and shows the same");
}

#[tokio::test]
async fn what_a_shared_answer_lacks_is_asked_for_alone() {
    let (tenants, writer, ids) = emea(REQUESTS + 3).await;
    writer.soft_delete(&ids[GATHERED]).await.unwrap();
    let reads = [ids.clone(), vec![TargetId("00000000-0000-0000-0000-000000000001".to_owned())]].concat();
    let (answers, requests) = counted(&tenants.sim, read_all(&writer, &reads)).await;
    assert_eq!(ids_of(&answers), ids.iter().map(Some).chain([None]).collect::<Vec<_>>());
    assert!(answers[GATHERED].as_ref().unwrap().as_ref().is_some_and(|object| object.soft_deleted.is_some()));
    assert_eq!(requests, [REQUESTS as u64 + 2, 1, 2]);
}

#[tokio::test]
async fn a_directory_that_throttles_throttles_each() {
    let (tenants, writer, ids) = emea(REQUESTS + 3).await;
    let wait = Duration::from_secs(7);
    tenants.sim.script().install(Rule::on("GET", "/users").times(1).fail(429).retry_after(Some(wait))).unwrap();
    let (answers, requests) = counted(&tenants.sim, read_all(&writer, &ids)).await;
    assert!(answers[REQUESTS..].iter().all(|answer| *answer == Err(Error::Throttled { wait })), "{answers:?}");
    assert_eq!(requests, [REQUESTS as u64, 1, 0], "and is not asked again at once");
}

#[tokio::test]
async fn one_that_is_refused_takes_no_other_with_it() {
    for status in [400, 403, 500] {
        let (tenants, writer, ids) = emea(REQUESTS + 3).await;
        tenants.sim.script().install(Rule::on("GET", "").about(&ids[GATHERED].0).fail(status)).unwrap();
        let (answers, requests) = counted(&tenants.sim, read_all(&writer, &ids)).await;
        let failed: Vec<usize> = (0..answers.len()).filter(|read| answers[*read].is_err()).collect();
        assert_eq!(failed, [GATHERED], "{status}: {answers:?}");
        assert_eq!(requests, [REQUESTS as u64 + 3, 1, 0]);
    }
}

#[tokio::test]
async fn a_caller_that_is_dropped_leaves_the_others_answered() {
    let (_tenants, writer, ids) = emea(REQUESTS + 4).await;
    let mut reads: Vec<_> = ids.iter().map(|id| Box::pin(writer.read(id))).collect();
    for read in &mut reads {
        assert!(futures::poll!(read).is_pending());
    }
    let mut rest = reads.split_off(REQUESTS);
    for read in reads {
        read.await.unwrap();
    }
    // The first has a permit now and sends for all; the second only waits.
    assert!(futures::poll!(&mut rest[0]).is_pending());
    rest.drain(..2).for_each(drop);
    for (read, id) in rest.into_iter().zip(&ids[REQUESTS + 2..]) {
        assert_eq!(read.await.unwrap().map(|object| object.id).as_ref(), Some(id));
    }
}
