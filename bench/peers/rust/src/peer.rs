// SPDX-License-Identifier: MIT

//! What the peers have in common: the protocol of the folder above, and the same work as the C peers do.
//! A peer defines how it appends and how a host takes; all of it is generic, so that it is inlined.

mod work;

use std::future::Future;
use std::io::Write as _;
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Barrier};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};
use work::{append_all, ticks, Clock, Feed};

/// Events that a window holds.
pub const WINDOW_EVENTS: usize = 2048;

const PAYLOAD_BYTES_MIN: usize = 16;
const PAYLOAD_BYTES_MAX: usize = 65536;
const WARM_UP_MIN: u64 = 3000;
const WRITERS_MAX: usize = 16;
const WRITER_SHIFT: u32 = 56; // an ordinal's highest byte is its writer's number, from 0
const CLAIM: u64 = 256; // appends that one of several writers takes on at a time
const STACK_BYTES: usize = 256 * 1024;
const TURN_EVENTS: u32 = 128;

pub type Live = Pin<Box<dyn Future<Output = Tally> + Send>>;

/// A window, which any thread may append to. Dropping it ends what is live, after what was appended.
pub trait Peer: Sync {
    const NAME: &'static str;
    /// The library's name and version.
    const VERSION: &'static str;
    /// Whether it says itself what was lost.
    const TELLS: bool;
    type Host: Host;

    /// Why it cannot do that, or nothing.
    fn refuses(task: &Task) -> Option<&'static str>;
    fn open(task: &Task) -> Self;
    /// False: nobody gets it.
    fn append(&self, payload: &[u8]) -> bool;
    fn host(&self) -> Self::Host;
}

pub trait Host: Send + 'static {
    /// Takes what is there, in bounded time; false: nothing.
    fn take(&mut self, tally: &mut Tally) -> bool;
    /// Takes all there is, asleep while there is nothing, until the peer is dropped.
    fn live(self, tally: Tally) -> Live;
}

#[derive(Clone, Copy, PartialEq)]
pub enum Mode {
    Polling,
    Parked,
    Stalled,
}

#[derive(Clone, Copy)]
pub struct Task {
    pub payload_bytes: usize,
    pub count: u64,
    pub hosts: usize,
    pub mode: Mode,
    pub pace_ns: u64,
    pub writer_core: usize,
    pub host_core: usize,
    pub writers: usize, // threads that append at the same time
}

/// The events that one host was given.
pub struct Tally {
    delivered: Arc<AtomicU64>,
    lost: u64,     // by the ordinals
    pub told: u64, // by what the library says is lost
    last: [u64; WRITERS_MAX], // ordinal, of each writer
    doubled: u64,             // or out of their writer's order
    torn: u64,
    warm_up: u64,
    seen: Option<Vec<u64>>,
}

impl Tally {
    /// Counts an event that a host has in hand.
    #[inline]
    pub fn event(&mut self, payload: &[u8]) {
        let ordinal = u64::from_le_bytes(payload[..8].try_into().unwrap());
        let intended = u64::from_le_bytes(payload[8..16].try_into().unwrap());

        let (writer, ordinal) = ((ordinal >> WRITER_SHIFT) as usize, ordinal & ((1 << WRITER_SHIFT) - 1));

        if writer >= WRITERS_MAX {
            self.torn += 1;
            return;
        }
        if ordinal <= self.last[writer] {
            self.doubled += 1;
            return;
        }
        if payload.len() > PAYLOAD_BYTES_MIN && payload[payload.len() - 1] != ordinal as u8 {
            self.torn += 1;
        }
        self.lost += ordinal - self.last[writer] - 1;
        self.last[writer] = ordinal;
        if let Some(seen) = &mut self.seen {
            if ordinal > self.warm_up {
                seen.push(ticks().wrapping_sub(intended));
            }
        }
        let delivered = self.delivered.load(Ordering::Relaxed) + 1;
        self.delivered.store(delivered, Ordering::Relaxed);
    }
}

/// Lets the other tasks go on after so many events, as tokio's sockets do to those who handle one event after another:
/// the channel alone never would, as long as there is an event.
#[derive(Default)]
pub struct Turn(u32);

impl Turn {
    #[inline]
    pub async fn taken(&mut self) {
        self.0 += 1;
        if self.0 == TURN_EVENTS {
            self.0 = 0;
            tokio::task::yield_now().await;
        }
    }
}

static IS_READY: AtomicBool = AtomicBool::new(false);
static IS_OVER: AtomicBool = AtomicBool::new(false);

/// The calling thread, to any of the cores.
fn pin(name: &str, to: &[usize]) {
    let pinned = unsafe {
        let mut cores: libc::cpu_set_t = std::mem::zeroed();
        to.iter().for_each(|&core| libc::CPU_SET(core, &mut cores));
        libc::sched_setaffinity(0, std::mem::size_of_val(&cores), &cores)
    };

    if pinned != 0 {
        eprintln!("{name}: not pinned to cores {to:?}");
    }
}

fn take_all<H: Host>(hosts: &mut [(H, Tally)]) -> bool {
    hosts.iter_mut().fold(false, |any, (host, tally)| host.take(tally) | any)
}

fn drained<H: Host>(mut hosts: Vec<(H, Tally)>) -> Vec<Tally> {
    while take_all(&mut hosts) {}
    hosts.into_iter().map(|(_, tally)| tally).collect()
}

fn poll<H: Host>(mut hosts: Vec<(H, Tally)>) -> Vec<Tally> {
    IS_READY.store(true, Ordering::Release);
    while !IS_OVER.load(Ordering::Acquire) {
        take_all(&mut hosts);
    }
    drained(hosts)
}

/// A task each on one runtime, which has no sockets and no timers to look after.
fn park<H: Host>(hosts: Vec<(H, Tally)>) -> Vec<Tally> {
    let runtime = tokio::runtime::Builder::new_current_thread().build().expect("a runtime");

    runtime.block_on(async {
        let tasks: Vec<_> = hosts.into_iter().map(|(host, tally)| tokio::spawn(host.live(tally))).collect();
        let mut tallies = Vec::new();

        IS_READY.store(true, Ordering::Release);
        for task in tasks {
            tallies.push(task.await.expect("a tally"));
        }
        tallies
    })
}

fn start<P: Peer>(hosts: Vec<(P::Host, Tally)>, task: Task) -> JoinHandle<Vec<Tally>> {
    IS_OVER.store(false, Ordering::Relaxed);
    IS_READY.store(false, Ordering::Relaxed);
    let main = move || {
        pin(P::NAME, &[task.host_core]);
        if task.mode == Mode::Parked { park(hosts) } else { poll(hosts) }
    };
    let thread = thread::Builder::new().stack_size(STACK_BYTES).spawn(main).expect("a thread");

    while !IS_READY.load(Ordering::Acquire) {
        thread::yield_now();
    }
    thread
}

fn samples(name: &str, samples: &[u64], clock: &Clock) -> String {
    let text: Vec<_> = samples.iter().map(|&sample| format!("{:.0}", sample as f64 / clock.ticks_per_ns)).collect();

    format!(" {name}={}", text.join(","))
}

/// The results of the measured part of a task.
#[derive(Default)]
struct Measured {
    ns: f64,                    // of one append
    taken: u64,                 // by all hosts meanwhile
    totals: [u64; WRITERS_MAX], // events of each writer, warm-up included
    cost: Vec<u64>,             // of each append, with a pace
}

/// One thread appends: the calling one.
fn measure_one<P: Peer>(peer: &P, task: &Task, clock: &Clock, warm_up: u64, delivered: impl Fn() -> u64) -> Measured {
    let is_paced = task.pace_ns > 0;
    let mut cost = vec![0; if is_paced { task.count as usize } else { 0 }];
    let mut warm_up_cost = vec![0; if is_paced { warm_up as usize } else { 0 }];
    let mut feed = Feed::new(task.payload_bytes, 0);

    append_all(peer, &mut feed, clock, task, warm_up, &mut warm_up_cost);
    let taken_before = delivered();
    let begin = Instant::now();

    append_all(peer, &mut feed, clock, task, task.count, &mut cost);
    let ns = begin.elapsed().as_nanos() as f64 / task.count as f64;
    let mut totals = [0; WRITERS_MAX];

    totals[0] = warm_up + task.count;
    Measured { ns, taken: delivered() - taken_before, totals, cost }
}

/// Threads append at the same time, each a small share after another of what is due, so that all end together.
fn measure_many<P: Peer>(peer: &P, task: &Task, clock: &Clock, warm_up: u64, delivered: impl Fn() -> u64) -> Measured {
    let due = [warm_up, task.count];
    let claimed = [AtomicU64::new(0), AtomicU64::new(0)];
    let turn = Barrier::new(task.writers + 1);
    let (claimed, turn) = (&claimed, &turn);
    let mut measured = Measured::default();
    let write = move |writer: usize| {
        let mut feed = Feed::new(task.payload_bytes, (writer as u64) << WRITER_SHIFT);
        let mut appended = 0;

        pin(P::NAME, &[task.writer_core, task.host_core]);
        for (due, claimed) in due.iter().zip(claimed) {
            turn.wait();
            loop {
                let count = due.saturating_sub(claimed.fetch_add(CLAIM, Ordering::Relaxed)).min(CLAIM);

                if count == 0 {
                    break;
                }
                append_all(peer, &mut feed, clock, task, count, &mut []);
                appended += count;
            }
            turn.wait();
        }
        appended
    };

    thread::scope(|scope| {
        let writers: Vec<_> = (0..task.writers).map(|writer| scope.spawn(move || write(writer))).collect();

        turn.wait();
        turn.wait();
        let taken_before = delivered();
        let begin = Instant::now();

        turn.wait();
        turn.wait();
        measured.ns = begin.elapsed().as_nanos() as f64 / task.count as f64;
        measured.taken = delivered() - taken_before;
        for (total, writer) in measured.totals.iter_mut().zip(writers) {
            *total = writer.join().expect("a total");
        }
    });
    measured
}

fn run<P: Peer>(task: &Task, clock: &Clock) -> String {
    let warm_up = WARM_UP_MIN.max(task.count / 10);
    let is_paced = task.pace_ns > 0;
    let is_seen = is_paced && task.hosts == 1 && task.mode != Mode::Stalled;

    pin(P::NAME, &[task.writer_core]);
    let peer = P::open(task);
    let tally = |_| Tally {
        delivered: Arc::new(AtomicU64::new(0)),
        lost: 0,
        told: 0,
        last: [0; WRITERS_MAX],
        doubled: 0,
        torn: 0,
        warm_up,
        seen: is_seen.then(|| Vec::with_capacity(task.count as usize)),
    };
    let mut hosts: Vec<_> = (0..task.hosts).map(|i| (peer.host(), tally(i))).collect();
    let delivered: Vec<_> = hosts.iter().map(|(_, tally)| tally.delivered.clone()).collect();
    let delivered_by_now = || delivered.iter().map(|delivered| delivered.load(Ordering::Relaxed)).sum::<u64>();
    let is_stalled = task.hosts == 0 || task.mode == Mode::Stalled;
    let thread = (!is_stalled).then(|| start::<P>(std::mem::take(&mut hosts), *task));
    // Hosts that park have to fall asleep.
    let asleep_us = if task.mode == Mode::Parked { task.hosts as u64 * 100 } else { 0 };
    let settled = Instant::now() + Duration::from_micros(1000 + asleep_us);

    while Instant::now() < settled {
        thread::yield_now();
    }
    let measure = if task.writers > 1 { measure_many } else { measure_one };
    let measured = measure(&peer, task, clock, warm_up, delivered_by_now);

    IS_OVER.store(true, Ordering::Release);
    drop(peer);
    let tallies = match thread {
        Some(thread) => thread.join().expect("tallies"),
        None => drained(hosts),
    };
    let sum = |of: fn(&Tally) -> u64| tallies.iter().map(of).sum::<u64>();
    let appended = measured.totals.iter().sum::<u64>();
    let lost = sum(|tally| tally.lost) + tallies.iter().map(|tally| appended - tally.last.iter().sum::<u64>()).sum::<u64>();
    let told = if P::TELLS { sum(|tally| tally.told).to_string() } else { "-".to_string() };
    let mut line = format!(
        "result ns={:.4} delivered={} lost={lost} told={told} taken={} doubled={} torn={}",
        measured.ns,
        delivered_by_now(),
        measured.taken,
        sum(|tally| tally.doubled),
        sum(|tally| tally.torn)
    );

    if is_paced {
        line += &samples("append", &measured.cost, clock);
    }
    if let Some(seen) = tallies.first().and_then(|tally| tally.seen.as_ref()) {
        line += &samples("seen", seen, clock);
    }
    line
}

fn parse(line: &str) -> Option<Task> {
    let words: Vec<_> = line.strip_prefix("run ")?.split_whitespace().collect();
    let word = |name: &str| words.iter().find_map(|word| word.strip_prefix(name)?.strip_prefix('='));
    let task = Task {
        payload_bytes: word("payload")?.parse().ok()?,
        count: word("count")?.parse().ok()?,
        hosts: word("hosts")?.parse().ok()?,
        mode: match word("mode")? {
            "polling" => Mode::Polling,
            "parked" => Mode::Parked,
            "stalled" => Mode::Stalled,
            _ => return None,
        },
        pace_ns: word("pace")?.parse().ok()?,
        writer_core: word("writer")?.parse().ok()?,
        host_core: word("host")?.parse().ok()?,
        writers: word("writers").map_or(Some(1), |writers| writers.parse().ok())?,
    };
    let is_one = (PAYLOAD_BYTES_MIN..=PAYLOAD_BYTES_MAX).contains(&task.payload_bytes)
        && task.count > 0
        && (1..=WRITERS_MAX).contains(&task.writers)
        && words.len() == if word("writers").is_some() { 8 } else { 7 };

    is_one.then(|| task)
}

fn say(line: &str) {
    let mut out = std::io::stdout().lock();

    writeln!(out, "{line}").and_then(|_| out.flush()).expect("somebody to tell");
}

pub fn main<P: Peer>() {
    // The allocator's locks cost nothing in a process of one thread: so there are always two.
    thread::spawn(|| loop {
        thread::sleep(Duration::from_secs(1000));
    });
    let clock = Clock::new();

    say(&format!("ready {} {}", P::NAME, P::VERSION));
    for line in std::io::stdin().lines() {
        let line = line.expect("a task");

        match parse(&line) {
            Some(task) if task.writers > 1 && task.pace_ns > 0 => say("refused a pace is for one writer"),
            Some(task) => match P::refuses(&task) {
                Some(reason) => say(&format!("refused {reason}")),
                None => say(&run::<P>(&task, &clock)),
            },
            None => {
                eprintln!("{}: not a task: {line}", P::NAME);
                std::process::exit(2);
            }
        }
    }
}
