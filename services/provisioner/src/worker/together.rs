//! Many who want the same done, one who does it for all: whoever comes while it is being done waits, and goes with the next.

use parking_lot::{Mutex, MutexGuard};

use tokio::sync::{Mutex as AsyncMutex, oneshot};

/// Who waits, and the turn to do it.
pub(crate) struct Together<T, A> {
    waiting: Mutex<Vec<Waiting<T, A>>>,
    turn: AsyncMutex<()>,
}

/// Somebody who waits.
pub(crate) struct Waiting<T, A> {
    pub(crate) what: T,
    pub(crate) answer: oneshot::Sender<A>,
}

impl<T, A> Default for Together<T, A> {
    fn default() -> Self {
        Self { waiting: Mutex::default(), turn: AsyncMutex::default() }
    }
}

impl<T, A> Together<T, A> {
    /// Has something done, by oneself or along with others, and gives the answer to it. `carry` does it for all that wait; it is not
    /// called where somebody else took this along. `None` when whoever did was dropped, or answered nothing.
    ///
    /// Who was dropped is not taken along.
    pub(crate) async fn go<F: Future<Output = ()>>(&self, what: T, carry: impl FnOnce(Vec<Waiting<T, A>>) -> F) -> Option<A> {
        let (answer, mut answered) = oneshot::channel();
        self.waiting().push(Waiting { what, answer });
        tokio::select! {
            biased;
            // Answered, one must not wait for those who came before and still wait for the turn.
            answer = &mut answered => return answer.ok(),
            turn = self.turn.lock() => {
                let mut together = std::mem::take(&mut *self.waiting());
                together.retain(|waiting| !waiting.answer.is_closed());
                if !together.is_empty() {
                    carry(together).await;
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

    /// What is done only as often as it is let.
    struct Stage {
        together: Together<u32, u32>,
        let_in: Semaphore,
        done: Mutex<Vec<Vec<u32>>>,
    }

    impl Stage {
        fn new() -> Arc<Self> {
            Arc::new(Self { together: Together::default(), let_in: Semaphore::new(0), done: Mutex::default() })
        }

        fn go(self: &Arc<Self>, what: u32) -> JoinHandle<Option<u32>> {
            let stage = Arc::clone(self);
            tokio::spawn(async move { stage.together.go(what, |waiting| stage.carry(waiting)).await })
        }

        async fn carry(&self, waiting: Vec<Waiting<u32, u32>>) {
            self.let_in.acquire().await.unwrap().forget();
            self.done.lock().push(waiting.iter().map(|waiting| waiting.what).collect());
            for Waiting { what, answer } in waiting {
                answer.send(what * 10).unwrap();
            }
        }

        /// Lets it be done so many times more, and everybody come as far as they do.
        async fn let_in(&self, times: usize) {
            self.let_in.add_permits(times);
            for _ in 0..20 {
                yield_now().await;
            }
        }
    }

    #[tokio::test]
    async fn whoever_comes_meanwhile_goes_with_the_next_and_waits_for_no_later_turn() {
        let stage = Stage::new();
        let first: Vec<_> = (1..=4).map(|what| stage.go(what)).collect();
        stage.let_in(0).await;
        stage.let_in(1).await;
        let last = stage.go(5);
        stage.let_in(0).await;
        stage.let_in(1).await;
        assert!(first.iter().all(JoinHandle::is_finished), "the third turn is not theirs");
        assert!(!last.is_finished());
        stage.let_in(1).await;
        assert_eq!(last.await.unwrap(), Some(50));
        assert_eq!(*stage.done.lock(), [vec![1], vec![2, 3, 4], vec![5]]);
    }

    #[tokio::test]
    async fn whoever_is_dropped_is_not_taken_along_and_drops_whom_it_took_along() {
        let stage = Stage::new();
        let (first, second, third) = (stage.go(1), stage.go(2), stage.go(3));
        stage.let_in(0).await;
        second.abort();
        stage.let_in(1).await;
        third.abort();
        stage.let_in(1).await;
        assert_eq!(first.await.unwrap(), Some(10));
        let fourth = stage.go(4);
        stage.let_in(1).await;
        assert_eq!(fourth.await.unwrap(), Some(40));
        assert_eq!(*stage.done.lock(), [vec![1], vec![4]]);
    }
}
