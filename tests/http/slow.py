#!/usr/bin/python3
# SPDX-License-Identifier: MIT
# A healthy client beside slow ones, see slow.sh. The client has an address of its own, so that the limit of the slow
# clients' address does not meet it. Prints a line, and ends with 1 if a goal is missed.
# Usage: slow.py HOST PORT PROCESS KIND SECONDS CONNECTIONS PATH MARK     (MARK: the text that the client waits for)
# The kind settle waits until the server has no connection.
import socket
import sys
import time

FIRST_MS = 10
KEPT_KIB = 1024
PAUSE_S = 0.02
SETTLE_S = 30

host, port, process, kind = sys.argv[1], int(sys.argv[2]), sys.argv[3], sys.argv[4]
seconds, connections = float(sys.argv[5]), int(sys.argv[6])
path, mark = sys.argv[7].encode(), sys.argv[8].encode()


def resident_kib():
    with open(f'/proc/{process}/status', encoding='ascii') as lines:
        return next(int(line.split()[1]) for line in lines if line.startswith('VmRSS:'))


def established():
    """The server's connections, by its own port."""
    count = 0
    with open('/proc/net/tcp', encoding='ascii') as lines:
        for line in list(lines)[1:]:
            fields = line.split()
            count += int(fields[1].split(':')[1], 16) == port and fields[3] == '01'
    return count


def ask():
    """Milliseconds to the mark in a new connection's response."""
    began = time.monotonic()
    with socket.create_connection((host, port), 30, ('127.0.0.2', 0)) as client:
        client.sendall(b'GET ' + path + b' HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n')
        got = b''
        while mark not in got:
            piece = client.recv(4096)
            if not piece or time.monotonic() - began > 30:
                sys.exit(f'slow: {kind}: the healthy client got {got[:60]}')
            got += piece
        took = (time.monotonic() - began) * 1000
        if not got.startswith(b'HTTP/1.1 200'):
            sys.exit(f'slow: {kind}: the healthy client got {got[:60]}')
    return took


before, most, peak = resident_kib(), 0, 0
times = []
if kind == 'warm':
    # libevent keeps a small entry for each descriptor, and the entries pin pages between what connections used: 2.4 MiB
    # behind the first wave of 1,000 connections, and nothing behind the next ones. So the first wave is not judged.
    wave = [socket.create_connection((host, port)) for _ in range(connections)]
    for client in wave:
        client.sendall(b'GET / HTTP/1.1\r\nHost: ')
    time.sleep(1)
    most, peak = established(), resident_kib()
    for client in wave:
        client.close()
if kind == 'settle':
    end = time.monotonic() + SETTLE_S
    while established() and time.monotonic() < end:
        time.sleep(0.2)
    sys.exit()
end = time.monotonic() + seconds
while time.monotonic() < end:
    times.append(ask())
    if len(times) % 25 == 1:  # the list of all connections of the machine takes longer than a request
        most, peak = max(most, established()), max(peak, resident_kib())
    time.sleep(PAUSE_S)
settle = time.monotonic() + SETTLE_S
while (established() or (kind != 'warm' and resident_kib() - before > KEPT_KIB)) and time.monotonic() < settle:
    time.sleep(0.2)
times.sort()
p99 = times[min(len(times) - 1, int(len(times) * 0.99))]
# Less than before is memory of an earlier wave that went back late.
kept = resident_kib() - before
is_good = most >= connections * 0.9 and (kind == 'warm' or (p99 <= FIRST_MS and kept <= KEPT_KIB))
print(f'{kind:7} {most:5} slow clients at once; {len(times):5} requests beside: first answer p50 '
      f'{times[len(times) // 2]:.2f} ms, p99 {p99:.2f} ms (goal {FIRST_MS}); resident {before} KiB, at most {peak}, '
      f'then {kept:+} (goal {KEPT_KIB}): {"good" if is_good else "MISSED"}', flush=True)
sys.exit(not is_good)
