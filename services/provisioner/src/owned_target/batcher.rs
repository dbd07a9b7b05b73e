//! Batching: callers queue, and one of them submits the whole queue. Callers that arrive meanwhile wait for the next batch.

use parking_lot::{Mutex, MutexGuard};

use tokio::sync::{Mutex as AsyncMutex, oneshot};

/// The waiting callers, and the lock of the caller that submits.
pub(crate) struct Batcher<T, A> {
    waiting: Mutex<Vec<Waiting<T, A>>>,
    turn: AsyncMutex<()>,
}

/// A waiting caller.
pub(crate) struct Waiting<T, A> {
    pub(crate) item: T,
    pub(crate) answer: oneshot::Sender<A>,
}

impl<T, A> Default for Batcher<T, A> {
    fn default() -> Self {
        Self { waiting: Mutex::default(), turn: AsyncMutex::default() }
    }
}

impl<T, A> Batcher<T, A> {
    /// Submits an item, alone or along with others, and returns its answer. `commit` does it for all that wait; it is not
    /// called if another caller submitted this item. `None` if that caller was dropped, or answered nothing.
    ///
    /// The item of a dropped caller is left out.
    pub(crate) async fn submit<F: Future<Output = ()>>(&self, item: T, commit: impl FnOnce(Vec<Waiting<T, A>>) -> F) -> Option<A> {
        let (answer, mut answered) = oneshot::channel();
        self.waiting().push(Waiting { item, answer });
        tokio::select! {
            biased;
            // An answered caller must not wait for earlier ones that still wait for the lock.
            answer = &mut answered => return answer.ok(),
            turn = self.turn.lock() => {
                let mut batch = std::mem::take(&mut *self.waiting());
                batch.retain(|waiting| !waiting.answer.is_closed());
                if !batch.is_empty() {
                    commit(batch).await;
                }
                drop(turn);
            }
        }
        answered.await.ok()
    }

    fn waiting(&self) -> MutexGuard<'_, Vec<Waiting<T, A>>> {
        self.waiting.lock()
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use tokio::sync::Semaphore;
    use tokio::task::{JoinHandle, yield_now};

    use super::*;

    /// A commit that runs only as often as the test allows.
    struct Fixture {
        batcher: Batcher<u32, u32>,
        allow: Semaphore,
        done: Mutex<Vec<Vec<u32>>>,
    }

    impl Fixture {
        fn new() -> Arc<Self> {
            Arc::new(Self { batcher: Batcher::default(), allow: Semaphore::new(0), done: Mutex::default() })
        }

        fn submit(self: &Arc<Self>, item: u32) -> JoinHandle<Option<u32>> {
            let fixture = Arc::clone(self);
            tokio::spawn(async move { fixture.batcher.submit(item, |waiting| fixture.commit(waiting)).await })
        }

        async fn commit(&self, waiting: Vec<Waiting<u32, u32>>) {
            self.allow.acquire().await.unwrap().forget();
            self.done.lock().push(waiting.iter().map(|waiting| waiting.item).collect());
            for Waiting { item, answer } in waiting {
                answer.send(item * 10).unwrap();
            }
        }

        /// Allows so many more batches, and lets every caller advance as far as it can.
        async fn allow(&self, times: usize) {
            self.allow.add_permits(times);
            for _ in 0..20 {
                yield_now().await;
            }
        }
    }

    #[tokio::test]
    async fn an_item_submitted_meanwhile_goes_with_the_next_batch() {
        let fixture = Fixture::new();
        let first: Vec<_> = (1..=4).map(|item| fixture.submit(item)).collect();
        fixture.allow(0).await;
        fixture.allow(1).await;
        let last = fixture.submit(5);
        fixture.allow(0).await;
        fixture.allow(1).await;
        assert!(first.iter().all(JoinHandle::is_finished), "the third turn is not theirs");
        assert!(!last.is_finished());
        fixture.allow(1).await;
        assert_eq!(last.await.unwrap(), Some(50));
        assert_eq!(*fixture.done.lock(), [vec![1], vec![2, 3, 4], vec![5]]);
    }

    #[tokio::test]
    async fn a_dropped_caller_is_not_committed_and_drops_its_batch() {
        let fixture = Fixture::new();
        let (first, second, third) = (fixture.submit(1), fixture.submit(2), fixture.submit(3));
        fixture.allow(0).await;
        second.abort();
        fixture.allow(1).await;
        third.abort();
        fixture.allow(1).await;
        assert_eq!(first.await.unwrap(), Some(10));
        let fourth = fixture.submit(4);
        fixture.allow(1).await;
        assert_eq!(fourth.await.unwrap(), Some(40));
        assert_eq!(*fixture.done.lock(), [vec![1], vec![4]]);
    }
}
