// SPDX-License-Identifier: MIT

//! The clock, the payloads, and the appends.

use super::{Peer, Task, PAYLOAD_BYTES_MIN};
use std::time::{Duration, Instant};

const FEED_SLOTS: u64 = 16; // payloads that are made ahead: one just written is slower to copy
const FEED_AHEAD: u64 = 8;
const CLOCK_LOOKS: usize = 1001;

/// Ticks of the cheapest clock that all cores share.
#[cfg(target_arch = "x86_64")]
#[inline]
pub fn ticks() -> u64 {
    unsafe { core::arch::x86_64::_rdtsc() }
}

#[cfg(not(target_arch = "x86_64"))]
#[inline]
pub fn ticks() -> u64 {
    let mut now = libc::timespec { tv_sec: 0, tv_nsec: 0 };

    unsafe { libc::clock_gettime(libc::CLOCK_MONOTONIC, &mut now) };
    now.tv_sec as u64 * 1_000_000_000 + now.tv_nsec as u64
}

pub struct Clock {
    pub ticks_per_ns: f64,
    look_ticks: u64, // what two readings take
}

impl Clock {
    pub fn new() -> Clock {
        let (begin, begin_ticks) = (Instant::now(), ticks());
        while begin.elapsed() < Duration::from_millis(20) {}
        let ticks_per_ns = (ticks() - begin_ticks) as f64 / begin.elapsed().as_nanos() as f64;
        let mut looks: Vec<u64> = (0..CLOCK_LOOKS)
            .map(|_| {
                let before = ticks();
                ticks() - before
            })
            .collect();

        looks.sort_unstable();
        Clock { ticks_per_ns, look_ticks: looks[CLOCK_LOOKS / 2] }
    }
}

/// Payloads, with or without a name.
pub struct Feed {
    slots: Vec<Vec<u8>>,
    writer: u64,  // its number, where ordinals have it
    ordinal: u64, // of the one that was given last
}

impl Feed {
    pub fn new(payload_bytes: usize, writer: u64) -> Feed {
        let slots = (0..FEED_SLOTS).map(|_| vec![0; payload_bytes]).collect();
        let mut feed = Feed { slots, writer, ordinal: 0 };

        (1..=FEED_AHEAD).for_each(|ordinal| feed.name(ordinal));
        feed
    }

    #[inline]
    fn name(&mut self, ordinal: u64) {
        let payload = &mut self.slots[(ordinal % FEED_SLOTS) as usize];

        payload[..8].copy_from_slice(&(self.writer | ordinal).to_le_bytes());
        if payload.len() > PAYLOAD_BYTES_MIN {
            *payload.last_mut().unwrap() = ordinal as u8;
        }
    }

    #[inline]
    fn next(&mut self) -> &mut [u8] {
        self.ordinal += 1;
        self.name(self.ordinal + FEED_AHEAD);
        &mut self.slots[(self.ordinal % FEED_SLOTS) as usize]
    }
}

fn append_paced<P: Peer>(peer: &P, feed: &mut Feed, clock: &Clock, pace_ns: u64, cost: &mut [u64]) {
    let pace = pace_ns as f64 * clock.ticks_per_ns;
    let begin = ticks();

    for (i, cost) in cost.iter_mut().enumerate() {
        let intended = begin + (i as f64 * pace) as u64;
        let payload = feed.next();

        payload[8..16].copy_from_slice(&intended.to_le_bytes());
        let mut before = ticks();
        while before < intended {
            before = ticks();
        }
        peer.append(payload);
        *cost = (ticks() - before).saturating_sub(clock.look_ticks);
    }
}

/// The time of each append, with a pace.
pub fn append_all<P: Peer>(peer: &P, feed: &mut Feed, clock: &Clock, task: &Task, count: u64, cost: &mut [u64]) {
    if task.pace_ns > 0 {
        append_paced(peer, feed, clock, task.pace_ns, cost);
    } else if task.hosts > 0 {
        for _ in 0..count {
            peer.append(feed.next());
        }
    } else {
        for _ in 0..count {
            peer.append(&feed.slots[0]);
        }
    }
}
