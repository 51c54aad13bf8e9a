// SPDX-License-Identifier: MIT

//! Live replay as it is built on tokio: a lock around the newest 2,048 events, each with the text of its cursor, and a
//! broadcast channel beside it. Hosts replay what they have not had from the window, then go on live, less what was
//! replayed already; whoever lags replays again, so that only what has left the window is lost. Where one task appends
//! to a session, it sends when it has given the lock back; where several do, they send under it, so that the channel
//! has the window's order. Events are kept without any host, too: there is none where
//! the task says none.

mod peer;

use peer::{Host, Live, Peer, Tally, Task, Turn, WINDOW_EVENTS};
use std::collections::VecDeque;
use std::fmt::Write as _;
use std::sync::{Arc, Mutex};
use tokio::sync::broadcast::error::{RecvError, TryRecvError};
use tokio::sync::broadcast::{channel, Receiver, Sender};

const CURSOR_BYTES: usize = 64; // enough for most, so that the text is allocated once
const SESSION: &str = "session-id";
const INCARNATION: u64 = 0x5f0c_1d5e_7f3a_4a86;

#[allow(dead_code)] // a host would send the cursor along
struct Event {
    position: u64,
    cursor: String,
    payload: Box<[u8]>,
}

struct Window {
    events: VecDeque<Arc<Event>>,
    next_position: u64,
    revision: u64,
    incarnation: u64,
    session: String,
}

impl Window {
    #[inline]
    fn cursor(&self) -> String {
        let mut text = String::with_capacity(CURSOR_BYTES);

        write!(text, "v1.{:x}.{}.{}.{}", self.incarnation, self.revision, self.next_position, self.session)
            .expect("a text");
        text
    }

    /// The newest, and the one that has left to make room.
    #[inline]
    fn push(&mut self, payload: &[u8], revision: u64) -> (Arc<Event>, Option<Arc<Event>>) {
        self.revision = self.revision.max(revision);
        let event = Arc::new(Event { position: self.next_position, cursor: self.cursor(), payload: payload.into() });
        let displaced = if self.events.len() == WINDOW_EVENTS { self.events.pop_front() } else { None };

        self.next_position += 1;
        self.events.push_back(event.clone());
        (event, displaced)
    }

    /// The remaining events after a position.
    fn after(&self, position: u64) -> VecDeque<Arc<Event>> {
        let oldest = self.next_position - self.events.len() as u64;
        let had = (position + 1).saturating_sub(oldest) as usize;

        self.events.range(had..).cloned().collect()
    }
}

struct Session {
    window: Arc<Mutex<Window>>,
    sender: Sender<Arc<Event>>,
    is_shared: bool, // several threads append
}

struct Subscription {
    window: Arc<Mutex<Window>>,
    replay: VecDeque<Arc<Event>>,
    live: Receiver<Arc<Event>>,
    position: u64, // of the one that was taken last
}

impl Peer for Session {
    const NAME: &'static str = "tokio_window";
    const VERSION: &'static str = concat!("tokio ", env!("TOKIO_VERSION"));
    const TELLS: bool = true;
    type Host = Subscription;

    fn refuses(_: &Task) -> Option<&'static str> {
        None
    }

    fn open(task: &Task) -> Session {
        let window = Window {
            events: VecDeque::with_capacity(WINDOW_EVENTS),
            next_position: 1,
            revision: 17,
            incarnation: INCARNATION,
            session: SESSION.to_string(),
        };

        Session {
            window: Arc::new(Mutex::new(window)),
            sender: channel(WINDOW_EVENTS).0,
            is_shared: task.writers > 1,
        }
    }

    #[inline]
    fn append(&self, payload: &[u8]) -> bool {
        let mut window = self.window.lock().unwrap();
        let (event, displaced) = window.push(payload, 0);
        let held = self.is_shared.then(|| window); // else it is given back here

        let _ = self.sender.send(event); // fails if nobody is live; it is in the window all the same
        drop(held);
        drop(displaced);
        true
    }

    fn host(&self) -> Subscription {
        let live = self.sender.subscribe();
        let position = self.window.lock().unwrap().next_position - 1;

        Subscription { window: self.window.clone(), replay: VecDeque::new(), live, position }
    }
}

impl Subscription {
    #[inline]
    fn give(&mut self, event: &Event, tally: &mut Tally) {
        if event.position <= self.position {
            return; // it was replayed
        }
        tally.told += event.position - self.position - 1;
        self.position = event.position;
        tally.event(&event.payload);
    }

    fn replay_again(&mut self) {
        self.replay = self.window.lock().unwrap().after(self.position);
    }
}

impl Host for Subscription {
    #[inline]
    fn take(&mut self, tally: &mut Tally) -> bool {
        if let Some(event) = self.replay.pop_front() {
            self.give(&event, tally);
            return true;
        }
        match self.live.try_recv() {
            Ok(event) => self.give(&event, tally),
            Err(TryRecvError::Lagged(_)) => self.replay_again(),
            Err(TryRecvError::Empty | TryRecvError::Closed) => return false,
        }
        true
    }

    fn live(mut self, mut tally: Tally) -> Live {
        Box::pin(async move {
            let mut turn = Turn::default();

            loop {
                while let Some(event) = self.replay.pop_front() {
                    self.give(&event, &mut tally);
                    turn.taken().await;
                }
                match self.live.recv().await {
                    Ok(event) => self.give(&event, &mut tally),
                    Err(RecvError::Lagged(_)) => self.replay_again(),
                    Err(RecvError::Closed) => return tally,
                }
                turn.taken().await;
            }
        })
    }
}

fn main() {
    peer::main::<Session>();
}
