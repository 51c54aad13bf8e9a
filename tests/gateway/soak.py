#!/usr/bin/python3
# SPDX-License-Identifier: MIT
# The clients of soak.sh. Each client comes on a connection of its own, acts in one of nine ways and drops. The
# clients keep their knowledge in `books`, which is compared in the end with the gateway's counters, one by one.
# Usage: soak.py PORT PROCESS MINUTES CLIENTS_A_MINUTE
import asyncio
import socket
import struct
import sys
import time

port, process = int(sys.argv[1]), sys.argv[2]
minutes, rate = float(sys.argv[3]), int(sys.argv[4])
SESSIONS = 10
GROWTH_KIB = 1024
AT_ONCE = 400  # clients, below the limits of the gateway
PATIENCE_S = 120
HEAD = 'Host: localhost\r\n'

books = {'accepted': 0, 'requests': 0, 'appended': 0, 'streamed': 0, 'resumed': 0}
faults = []
resumes = [{'id': '', 'position': 0, 'is_busy': False} for _ in range(SESSIONS)]


def resident_kib():
    with open(f'/proc/{process}/status', encoding='ascii') as lines:
        return next(int(line.split()[1]) for line in lines if line.startswith('VmRSS:'))


async def come():
    reader, writer = await asyncio.open_connection('127.0.0.1', port)
    books['accepted'] += 1
    return reader, writer


def request(writer, text, body=b''):
    """A whole head, which the gateway counts."""
    writer.write(text.encode() + b'\r\n' + body)
    books['requests'] += 1


def drop(writer, is_reset=False):
    if is_reset:
        writer.get_extra_info('socket').setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack('ii', 1, 0))
        writer.transport.abort()
    else:
        writer.close()


def stream(session, fields=''):
    return f'GET /v1/sessions/s{session}/events{"" if fields else "?from=oldest"} HTTP/1.1\r\n{HEAD}{fields}'


async def read_until(reader, mark):
    got = await asyncio.wait_for(reader.readuntil(mark), PATIENCE_S)
    if not got.startswith(b'HTTP/1.1 200'):
        faults.append(f'an answer is {got[:80]}')
    return got


async def read_and_drop(session, is_reset=False):
    """Reads a stream up to the first event."""
    reader, writer = await come()
    request(writer, stream(session))
    await read_until(reader, b'event: message')
    books['streamed'] += 1
    drop(writer, is_reset)


async def read_and_reset(session):
    await read_and_drop(session, True)


async def go_on(session):
    """Resumes behind the last event of the session's earlier client, and takes some events more."""
    state = resumes[session]
    if state['is_busy']:
        return await read_and_drop(session)
    state['is_busy'] = True
    reader, writer = await come()
    request(writer, stream(session, f'Last-Event-ID: {state["id"]}\r\n' if state['id'] else ''))
    await read_until(reader, b'\r\n\r\n')
    try:
        for _ in range(20):
            line = (await asyncio.wait_for(reader.readuntil(b'\n'), 2)).decode()
            if line.startswith('event: gap'):
                faults.append(f'session {session}: a gap behind {state["position"]}')
            if line.startswith('id: '):
                state['id'] = line[4:].strip()
                position = int(state['id'].split('.')[3])
                # hello and live repeat the position.
                if position not in (state['position'], state['position'] + 1):
                    faults.append(f'session {session}: {position} behind {state["position"]}')
                books['resumed'] += position - state['position']
                state['position'] = position
    except asyncio.TimeoutError:
        pass  # nothing was appended meanwhile
    state['is_busy'] = False
    drop(writer)


def post(session, size):
    return (f'POST /v1/sessions/s{session}/events HTTP/1.1\r\n{HEAD}Content-Type: application/json\r\n'
            f'Content-Length: {size}\r\n')


async def append(session):
    reader, writer = await come()
    body = b'{"text":"a token"}'
    request(writer, post(session, len(body)), body)
    await read_until(reader, b'"recorded":true')
    books['appended'] += 1
    drop(writer)


async def append_half(session):
    _, writer = await come()
    request(writer, post(session, 100), b'{"text":')
    await writer.drain()
    drop(writer)


async def head_half(session):
    _, writer = await come()
    writer.write(stream(session).encode())
    await writer.drain()
    drop(writer)


async def connect_alone(_):
    _, writer = await come()
    drop(writer)


async def ask_and_drop(session):
    """The head is whole, and nothing is read."""
    _, writer = await come()
    request(writer, stream(session))
    await writer.drain()
    drop(writer)


async def pages(session):
    reader, writer = await come()
    for _ in range(3):
        request(writer, f'GET /v1/sessions/s{session}/events?limit=5 HTTP/1.1\r\n{HEAD}')
        head = (await read_until(reader, b'\r\n\r\n')).decode().lower()
        size = int(head.split('content-length: ')[1].split('\r\n')[0])
        await asyncio.wait_for(reader.readexactly(size), PATIENCE_S)
    drop(writer)


WAYS = [read_and_drop, read_and_reset, go_on, append, append_half, head_half, connect_alone, ask_and_drop, pages]


async def act(way, session, gate):
    try:
        await way(session)
    except (OSError, asyncio.IncompleteReadError, asyncio.TimeoutError) as fault:
        faults.append(f'{way.__name__}: {fault!r}')
    finally:
        gate.release()


async def metrics():
    reader, writer = await come()
    request(writer, f'GET /metrics HTTP/1.1\r\n{HEAD}Connection: close\r\n')
    text = (await reader.read(-1)).decode()
    drop(writer)
    return {words[0]: float(words[1]) for words in map(str.split, text.split('\r\n\r\n')[1].splitlines())
            if words and words[0] != '#'}


async def settle(samples):
    """Waits until the gateway has seen that the clients are gone, and returns the differences from the books."""
    end = time.monotonic() + 60
    while True:
        found = await metrics()
        found['refused'] = sum(value for name, value in found.items() if name.startswith('reprise_gateway_refused_'))
        found['gaps'] = sum(value for name, value in found.items() if name.startswith('reprise_gateway_gaps_'))
        wanted = {'reprise_http_connections_accepted_total': books['accepted'], 'reprise_gateway_requests_total': books['requests'],
                  'reprise_gateway_events_appended_total': books['appended'],
                  'reprise_gateway_events_recorded_total': books['appended'],
                  'reprise_recorder_events_recorded_total': books['appended'], 'reprise_recorder_lag_events': 0,
                  'reprise_recorder_events_lost_total': 0, 'reprise_gateway_streams': 0,
                  'reprise_gateway_shared_streams': 0, 'reprise_gateway_behind_events': 0,
                  'reprise_gateway_subscriptions': 0, 'reprise_store_subscriptions': 0, 'reprise_store_writers': 0,
                  'reprise_gateway_jobs': None, 'reprise_http_connections': 1,
                  'reprise_http_connections_turned_away_total': 0, 'reprise_http_connections_timed_out_total': 0,
                  'reprise_http_requests_malformed_total': 0, 'refused': 0, 'gaps': 0}
        wrong = [f'{name} is {found.get(name)}, not {value}' for name, value in wanted.items()
                 if value is not None and found.get(name) != value]
        if not wrong or time.monotonic() > end:
            samples.append(resident_kib())
            return wrong
        await asyncio.sleep(0.5)


async def run():
    for session in range(SESSIONS):
        await append(session)
    gate, tasks, samples = asyncio.Semaphore(AT_ONCE), set(), []
    count, began = int(minutes * rate), time.monotonic()
    for i in range(count):
        pause = began + i * 60 / rate - time.monotonic()
        if pause > 0:
            await asyncio.sleep(pause)
        if i % max(count // 50, 1) == 0:
            samples.append(resident_kib())
        await gate.acquire()
        task = asyncio.create_task(act(WAYS[i % len(WAYS)], i // len(WAYS) % SESSIONS, gate))
        tasks.add(task)
        task.add_done_callback(tasks.discard)
    while tasks:
        await asyncio.wait(tasks)
    took = time.monotonic() - began
    wrong = await settle(samples)
    # A fifth of the time is left to the caches and the windows.
    early, late = sorted(samples[10:20]), sorted(samples[-10:])
    growth = late[len(late) // 2] - early[len(early) // 2]
    if growth > GROWTH_KIB:
        wrong.append(f'memory has grown by {growth} KiB')
    print(f'{books["accepted"]} clients in {took:.0f} s: {books["requests"]} requests, {books["streamed"]} streams, '
          f'{books["appended"]} appends, {books["resumed"]} events of resumed streams; resident {samples[0]} KiB, then '
          f'{early[len(early) // 2]}, in the end {samples[-1]}; growth {growth} (at most {GROWTH_KIB})')
    for line in (wrong + faults)[:20]:
        print(f'soak: {line}')
    return 1 if wrong or faults else 0

sys.exit(asyncio.run(run()))
