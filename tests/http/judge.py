# SPDX-License-Identifier: MIT
"""Has h11, a strict parser of responses, read what a server answers to each kind of request.

Usage: judge.py HOST PORT   (Debian's python3-h11)
"""
import re
import socket
import sys

try:
    import h11
except ImportError:
    print('h11        left out: python3-h11 is not installed')
    sys.exit(77)

# The bytes of the client, and whether the server is to close the connection behind the response.
POST = b'POST / HTTP/1.1\r\nHost: h\r\n'
REQUESTS = [
    ('GET', b'GET / HTTP/1.1\r\nHost: h\r\n\r\n', False),
    ('GET', b'GET / HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n', True),
    ('GET', b'GET / HTTP/1.0\r\nHost: h\r\n\r\n', True),
    ('GET', b'GET / HTTP/1.0\r\nHost: h\r\nConnection: keep-alive\r\n\r\n', False),
    ('HEAD', b'HEAD / HTTP/1.1\r\nHost: h\r\n\r\n', False),
    ('OPTIONS', b'OPTIONS * HTTP/1.1\r\nHost: h\r\n\r\n', False),
    ('DELETE', b'DELETE / HTTP/1.1\r\nHost: h\r\n\r\n', False),
    ('POST', POST + b'Content-Length: 5\r\n\r\nhello', False),
    ('POST', POST + b'Content-Length: 5\r\nExpect: 100-continue\r\n\r\n', False),
    ('POST', POST + b'Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n', False),
    ('POST', POST + b'Content-Length: 99999999\r\n\r\n', True),
    ('POST', POST + b'Content-Length: x\r\n\r\n', True),
    ('GET', b'GET / HTTP/9.9\r\nHost: h\r\n\r\n', True),
    ('GET', b'GET / HTTP/1.1\r\nHost: h\r\nExpect: x\r\n\r\n', True),
    ('GET', b'GET /' + b'a' * 9000 + b' HTTP/1.1\r\nHost: h\r\n\r\n', True),
    ('GET', b'GET / HTTP/1.1\r\nHost: h\r\nX: ' + b'a' * 17000 + b'\r\n\r\n', True),
    ('PATCH', b'PATCH / HTTP/1.1\r\nHost: h\r\n\r\n', True),
    ('FOO', b'FOO / HTTP/1.1\r\nHost: h\r\n\r\n', True),
]
DATE = re.compile(rb'^(Mon|Tue|Wed|Thu|Fri|Sat|Sun), \d\d [A-Z][a-z][a-z] \d{4} \d\d:\d\d:\d\d GMT$')


def read_response(connection, client, first):
    """The final response's status and fields; the body is read to its end."""
    response = None
    while True:
        event = client.next_event()
        if event is h11.NEED_DATA:
            client.receive_data(connection.recv(65536))
        elif isinstance(event, h11.InformationalResponse):
            assert event.status_code == 100 and b'100-continue' in first, event
            connection.sendall(b'hello')
        elif isinstance(event, h11.Response):
            response = event
        elif isinstance(event, h11.EndOfMessage):
            return response
        elif isinstance(event, (h11.ConnectionClosed, h11.PAUSED)):
            raise AssertionError('the response does not say where it ends')


def judge(host, port, method, request, must_close):
    with socket.create_connection((host, port), 5) as connection:
        client = h11.Connection(h11.CLIENT)
        # h11 has to know the method; it sends nothing itself.
        client.send(h11.Request(method=method, target='/', headers=[('Host', 'h')]))
        client.send(h11.EndOfMessage())
        connection.sendall(request)
        response = read_response(connection, client, request)
        fields = dict(response.headers)
        assert DATE.match(fields[b'date']), fields
        has_framing = b'content-length' in fields or b'transfer-encoding' in fields
        assert has_framing == (response.status_code not in (204, 304)), fields
        assert (fields.get(b'connection') == b'close') == must_close, fields
        if response.status_code == 405:
            assert b'allow' in fields, fields
        if must_close:
            assert connection.recv(1) == b'', 'the connection is open'
            return
        connection.sendall(b'GET / HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n')
        rest = b''
        while True:
            some = connection.recv(65536)
            if not some:
                break
            rest += some
        assert rest.startswith(b'HTTP/1.1 200 OK\r\n'), rest


def main():
    failed = 0
    for method, request, must_close in REQUESTS:
        try:
            judge(sys.argv[1], int(sys.argv[2]), method, request, must_close)
        except (AssertionError, OSError, KeyError, h11.ProtocolError) as error:
            failed += 1
            print('h11         ', request[:60], repr(error))
    print('%-10s %-44s %3d / %3d' % ('h11', "responses, judged by h11", len(REQUESTS) - failed, len(REQUESTS)))
    return failed != 0


sys.exit(main())
