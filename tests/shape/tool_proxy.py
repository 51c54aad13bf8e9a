# SPDX-License-Identifier: MIT
"""A proxy on a free port of 127.0.0.1, which spoils what passes. The first line of its output is the port.

usage: tool_proxy.py PORT MODE [ARGUMENT ...]

PORT is the port of the gateway. The modes:

  pass                    nothing is spoilt
  cut STEP MOST           the answer on the connection i is cut behind 1 + i * STEP % MOST bytes
  stall BYTES             the first answer stops behind BYTES, and the connection stays open
  forget BYTES            the first answer is cut behind BYTES, and no request has the field Last-Event-ID
  hide TEXT               the event of the kind 0 with the data TEXT gets a name that nobody knows
  lose NUMBER             the POST with this number is passed on, and its answer is dropped
  drop NUMBER             the POST with this number is read and dropped
  say COUNT STATUS SECONDS BODY
                          the first COUNT requests are answered with STATUS and BODY, and Retry-After if SECONDS
                          is not 0; later requests pass

Each mode has the gateway's own pause before a reconnect shortened from 1000 ms to 1 ms.
"""
import itertools
import socket
import sys
import threading

gateway, mode, arguments = int(sys.argv[1]), sys.argv[2], sys.argv[3:]
connections = itertools.count()
posts = itertools.count(1)
requests = itertools.count(1)


def read_request(client):
    """The bytes of one request, or nothing at the end of the connection."""
    request = b""
    while b"\r\n\r\n" not in request:
        piece = client.recv(65536)
        if not piece:
            return b""
        request += piece
    head, body = request.split(b"\r\n\r\n", 1)
    length = 0
    for line in head.split(b"\r\n")[1:]:
        name, value = line.split(b":", 1)
        if name.lower() == b"content-length":
            length = int(value)
    while len(body) < length:
        piece = client.recv(65536)
        if not piece:
            return b""
        body += piece
    return head + b"\r\n\r\n" + body


def spoil_request(request):
    if mode != "forget":
        return request
    head, body = request.split(b"\r\n\r\n", 1)
    kept = [line for line in head.split(b"\r\n") if not line.lower().startswith(b"last-event-id:")]
    return b"\r\n".join(kept) + b"\r\n\r\n" + body


def spoil_answer(piece):
    piece = piece.replace(b"retry: 1000", b"retry: 0001")
    if mode == "hide":
        text = arguments[0].encode()
        piece = piece.replace(b"event: 0\ndata: " + text + b"\n", b"event: Z\ndata: " + text + b"\n")
    return piece


def limit_of(number):
    """How many bytes of the answer pass on this connection; None: all."""
    if mode == "cut":
        return 1 + number * int(arguments[0]) % int(arguments[1])
    if mode in ("stall", "forget") and number == 0:
        return int(arguments[0])
    return None


def pass_answer(upstream, client, number):
    """Passes bytes until one side closes or the limit is reached."""
    limit = limit_of(number)
    while limit is None or limit > 0:
        piece = upstream.recv(65536)
        if not piece:
            return
        piece = spoil_answer(piece)[:limit]
        client.sendall(piece)
        if limit is not None:
            limit -= len(piece)
    while mode == "stall" and client.recv(65536):
        pass


def read_answer(upstream):
    """One answer with a length."""
    answer = b""
    while b"\r\n\r\n" not in answer:
        answer += upstream.recv(65536)
    head, body = answer.split(b"\r\n\r\n", 1)
    length = next(int(line.split(b":", 1)[1]) for line in head.split(b"\r\n")
                  if line.lower().startswith(b"content-length:"))
    while len(body) < length:
        body += upstream.recv(65536)
    return head + b"\r\n\r\n" + body


def canned():
    status, seconds, body = arguments[1], arguments[2], arguments[3].encode()
    kind = b"application/json" if body.startswith(b"{") else b"text/html"
    retry = b"" if seconds == "0" else b"Retry-After: " + seconds.encode() + b"\r\n"
    return (b"HTTP/1.1 " + status.encode() + b" Canned\r\nContent-Type: " + kind + b"\r\n" + retry +
            b"Content-Length: " + str(len(body)).encode() + b"\r\n\r\n" + body)


def serve_posts(client, upstream):
    """One request after the other, on a kept connection."""
    while request := read_request(client):
        is_chosen = mode in ("lose", "drop") and request.startswith(b"POST") and next(posts) == int(arguments[0])
        if mode == "say" and next(requests) <= int(arguments[0]):
            client.sendall(canned())
            continue
        if is_chosen and mode == "drop":
            return
        upstream.sendall(request)
        if mode == "say" and request.startswith(b"GET"):
            pass_answer(upstream, client, 0)
            return
        answer = read_answer(upstream)
        if is_chosen:
            return
        client.sendall(answer)


def serve(client, number):
    upstream = socket.create_connection(("127.0.0.1", gateway))
    try:
        if mode in ("lose", "drop", "say"):
            serve_posts(client, upstream)
        elif request := read_request(client):
            upstream.sendall(spoil_request(request))
            pass_answer(upstream, client, number)
    except OSError:
        pass
    finally:
        if mode == "cut" and number % 2 == 0:  # a reset, and not a polite end
            client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
        client.close()
        upstream.close()


listener = socket.create_server(("127.0.0.1", 0))
print(listener.getsockname()[1], flush=True)
while True:
    accepted, _ = listener.accept()
    threading.Thread(target=serve, args=(accepted, next(connections)), daemon=True).start()
