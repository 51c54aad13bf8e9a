// SPDX-License-Identifier: MIT

//! crossbeam's ArrayQueue: a bounded queue that any thread may put into and take from, without locks. There is one of
//! 2,048 events for each host, because what one host takes the others do not get. An append allocates the payload for
//! each queue and displaces the oldest where it is full (`force_push`); the host is not told. One queue has one order
//! of the events of all writers; several queues have an order each. There is no way to wait.
//!
//! Where the task says no host, there is one queue that nobody takes from.

#[allow(dead_code)] // nobody lives here
mod peer;

use crossbeam_queue::ArrayQueue;
use peer::{Host, Live, Mode, Peer, Tally, Task, WINDOW_EVENTS};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::Arc;

type Queue = ArrayQueue<Box<[u8]>>;

struct Queues {
    queues: Vec<Arc<Queue>>,
    given: AtomicUsize, // to hosts
}

struct Taker(Arc<Queue>);

impl Peer for Queues {
    const NAME: &'static str = "crossbeam";
    const VERSION: &'static str = concat!("crossbeam-queue ", env!("CROSSBEAM_VERSION"));
    const TELLS: bool = false;
    type Host = Taker;

    fn refuses(task: &Task) -> Option<&'static str> {
        (task.mode == Mode::Parked && task.hosts > 0).then(|| "there is no way to wait")
    }

    fn open(task: &Task) -> Queues {
        let queues = (0..task.hosts.max(1)).map(|_| Arc::new(Queue::new(WINDOW_EVENTS))).collect();

        Queues { queues, given: Default::default() }
    }

    #[inline]
    fn append(&self, payload: &[u8]) -> bool {
        for queue in &self.queues {
            drop(queue.force_push(Box::from(payload)));
        }
        true
    }

    fn host(&self) -> Taker {
        let next = self.given.fetch_add(1, Ordering::Relaxed);

        Taker(self.queues[next].clone())
    }
}

impl Host for Taker {
    #[inline]
    fn take(&mut self, tally: &mut Tally) -> bool {
        match self.0.pop() {
            Some(payload) => tally.event(&payload),
            None => return false,
        }
        true
    }

    fn live(self, _: Tally) -> Live {
        unreachable!("a task with hosts that park is refused")
    }
}

fn main() {
    peer::main::<Queues>();
}
