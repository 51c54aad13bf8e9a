// SPDX-License-Identifier: MIT

//! tokio's broadcast channel as it is: 2,048 events, each copied into an `Arc<[u8]>` of its own and sent. A host that
//! lags is told the number of lost events, and goes on with the oldest. Without anybody to send to, tokio's send fails
//! at once and does nothing: so where the task says no host, there is one who never takes.

mod peer;

use peer::{Host, Live, Peer, Tally, Task, Turn, WINDOW_EVENTS};
use std::sync::Arc;
use tokio::sync::broadcast::error::{RecvError, TryRecvError};
use tokio::sync::broadcast::{channel, Receiver, Sender};

struct Broadcast {
    sender: Sender<Arc<[u8]>>,
    _nobody: Option<Receiver<Arc<[u8]>>>,
}

struct Taker(Receiver<Arc<[u8]>>);

impl Peer for Broadcast {
    const NAME: &'static str = "tokio_broadcast";
    const VERSION: &'static str = concat!("tokio ", env!("TOKIO_VERSION"));
    const TELLS: bool = true;
    type Host = Taker;

    fn refuses(_: &Task) -> Option<&'static str> {
        None
    }

    fn open(task: &Task) -> Broadcast {
        let (sender, first) = channel(WINDOW_EVENTS);

        Broadcast { sender, _nobody: (task.hosts == 0).then(|| first) }
    }

    #[inline]
    fn append(&self, payload: &[u8]) -> bool {
        self.sender.send(Arc::from(payload)).is_ok()
    }

    fn host(&self) -> Taker {
        Taker(self.sender.subscribe())
    }
}

impl Host for Taker {
    #[inline]
    fn take(&mut self, tally: &mut Tally) -> bool {
        match self.0.try_recv() {
            Ok(payload) => tally.event(&payload),
            Err(TryRecvError::Lagged(lost)) => tally.told += lost,
            Err(TryRecvError::Empty | TryRecvError::Closed) => return false,
        }
        true
    }

    fn live(mut self, mut tally: Tally) -> Live {
        Box::pin(async move {
            let mut turn = Turn::default();

            loop {
                match self.0.recv().await {
                    Ok(payload) => tally.event(&payload),
                    Err(RecvError::Lagged(lost)) => tally.told += lost,
                    Err(RecvError::Closed) => return tally,
                }
                turn.taken().await;
            }
        })
    }
}

fn main() {
    peer::main::<Broadcast>();
}
