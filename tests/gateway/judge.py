# SPDX-License-Identifier: MIT
"""Judges the responses of `reprise serve` with h11, a parser of another project.

Usage: judge.py PROGRAM

Every route is asked with every method, and every error is provoked that a client can provoke. h11 judges the framing; this
file judges the fields that a response must have (V25), the form of errors (V23), and that the connection works on, or is
closed as the response says. The last line counts the scenes.
"""
import contextlib
import json
import os
import re
import socket
import sqlite3
import subprocess
import sys
import tempfile
import urllib.parse

import h11

HERE = os.path.dirname(os.path.abspath(__file__))
DATE = re.compile(r'(Mon|Tue|Wed|Thu|Fri|Sat|Sun), \d\d [A-Z][a-z][a-z] \d{4} \d\d:\d\d:\d\d GMT')
JSON = {'Content-Type': 'application/json'}
NDJSON = {'Content-Type': 'application/x-ndjson'}
BYTES = {'Content-Type': 'application/octet-stream'}
STREAM = {'Accept': 'text/event-stream'}
ADMIN, GUEST = 'admin-token-000001', 'guest-token-000001'
# Not provoked here: these need a runtime in the same process, a second process, a log that is away for 10 s, a lack of
# memory, 1,024 waiting appends, or a failure of the gateway.
NOT_JUDGED = {'session_busy', 'taken_over', 'invalidated', 'internal', 'store_full', 'log_unavailable', 'no_memory',
              'no_resources', 'too_many_requests', 'shutting_down'}
codes_seen = set()


class Response:
    """A final response: its status, its fields by lower-case names, its body, and the interim statuses before it."""

    def __init__(self, event, interim):
        self.status, self.interim, self.body = event.status_code, interim, b''
        self.fields = {}
        for name, value in event.headers:
            assert name.decode() not in self.fields, f'{name} comes twice'
            self.fields[name.decode()] = value.decode()

    def json(self):
        """The body, which must be one JSON text."""
        return json.loads(self.body)


class Client:
    """A connection. Requests may be sent before the responses of the earlier ones are read."""

    def __init__(self, server):
        self.socket = socket.create_connection(('127.0.0.1', server.port), 10)
        self.h11 = h11.Connection(h11.CLIENT)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.socket.close()

    def send(self, raw):
        """Sends bytes as they are."""
        with contextlib.suppress(BrokenPipeError, ConnectionResetError):
            self.socket.sendall(raw)

    def read(self, method='GET', continued=b''):
        """The response to a request of the method, judged. `continued` is sent when the server asks for the body."""
        if self.h11.our_state is h11.DONE:
            self.h11.start_next_cycle()
        self.h11.send(h11.Request(method=method, target='/', headers=[('Host', 'h')]))
        self.h11.send(h11.EndOfMessage())
        response, interim = None, []
        while True:
            event = self.h11.next_event()
            if event is h11.NEED_DATA:
                self.h11.receive_data(self.socket.recv(65536))
            elif isinstance(event, h11.InformationalResponse):
                interim.append(event.status_code)
                self.send(continued)
            elif isinstance(event, h11.Response):
                response = Response(event, interim)
            elif isinstance(event, h11.Data):
                response.body += event.data
            elif isinstance(event, h11.EndOfMessage):
                break
            else:
                raise AssertionError(f'the response does not say where it ends: {event}')
        judge(response, method)
        return response

    def is_closed(self):
        """Whether the server has closed the connection, with nothing more to say."""
        with contextlib.suppress(ConnectionResetError):
            return self.socket.recv(1) == b''
        return True


def judge(response, method):
    """The rules of every response."""
    fields, status = response.fields, response.status
    assert DATE.fullmatch(fields['date']), fields
    assert fields['x-content-type-options'] == 'nosniff', fields
    is_stream = status == 200 and fields.get('content-type', '').startswith('text/event-stream')
    is_durable = 'stream-next-offset' in fields and status < 400  # a cache may keep what cannot change
    is_file = 'content-security-policy' in fields and status in (200, 304)  # of the viewer
    caching = 'no-cache, no-transform' if is_stream else 'no-cache' if is_file else 'no-store'
    assert fields['cache-control'] == caching or is_durable, fields
    assert not is_stream or fields['x-accel-buffering'] == 'no', fields
    has_framing = 'content-length' in fields or 'transfer-encoding' in fields or fields.get('connection') == 'close'
    assert has_framing == (status not in (204, 304)) or fields.get('connection') == 'close', fields
    if method != 'HEAD' and 'content-length' in fields:
        assert int(fields['content-length']) == len(response.body), (fields, response.body)
    assert method != 'HEAD' or response.body == b''
    assert (status == 405) <= ('allow' in fields), fields
    assert (status == 401) == ('www-authenticate' in fields), fields
    assert (status in (429, 503)) == ('retry-after' in fields), fields
    assert 'retry-after' not in fields or re.fullmatch('[1-9][0-9]*', fields['retry-after']), fields
    if status >= 400:
        judge_error(response, method)


def judge_error(response, method):
    """The form of every error."""
    assert response.fields['content-type'] == 'application/json', response.fields
    if method == 'HEAD':
        assert int(response.fields['content-length']) > 0
        return
    assert response.body.endswith(b'}\n') and response.body.count(b'\n') == 1, response.body
    assert set(response.json()) == {'error'}, response.body
    error = response.json()['error']
    assert list(error) == ['code', 'status', 'message', 'detail'], error
    assert re.fullmatch('[a-z][a-z0-9_]*', error['code']), error
    assert error['status'] == response.status, error
    assert isinstance(error['message'], str) and error['message'], error
    assert error['detail'] is None or (isinstance(error['detail'], str) and error['detail']), error
    codes_seen.add(error['code'])


def make(method, target, fields=None, body=None, version='1.1'):
    """The bytes of a request."""
    lines = {'Host': 'localhost'} | (fields or {})
    if body is not None:
        lines.setdefault('Content-Length', str(len(body)))
    text = ''.join(f'{name}: {value}\r\n' for name, value in lines.items() if value is not None)
    return f'{method} {target} HTTP/{version}\r\n{text}\r\n'.encode() + (body or b'')


class Server:
    """`reprise serve`, which has chosen its port."""

    def __init__(self, program, folder, *arguments, token=None):
        self.folder, self.token = folder, token
        command = [program, 'serve', '--quiet', '--listen', '127.0.0.1:0', *arguments]
        self.process = subprocess.Popen(command, stdout=subprocess.PIPE)
        self.port = int(re.search(rb':(\d+)\s*$', self.process.stdout.readline()).group(1))

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.kill()
        self.process.wait()
        self.process.stdout.close()

    def fields(self, fields):
        """The fields of a request, with the token of the server's administrator."""
        return ({} if self.token is None else {'Authorization': f'Bearer {self.token}'}) | (fields or {})

    def ask(self, method, target, fields=None, body=None, code=None):
        """Asks on a new connection, and asks once more behind the response. An error has the code."""
        with Client(self) as client:
            client.send(make(method, target, self.fields(fields), body))
            response = client.read(method)
            if response.fields.get('connection') == 'close':
                assert client.is_closed(), 'the connection is open'
            else:
                client.send(make('GET', '/healthz'))
                assert client.read().status == 200
        if method != 'HEAD' and response.status >= 400:
            found = response.json()['error']['code']
            assert code in (None, found), f'{found} and not {code}'
            assert code is not None, response.body
        return response

    def expect(self, status, method, target, fields=None, body=None, code=None):
        """Asks, and expects a status."""
        response = self.ask(method, target, fields, body, code)
        assert response.status == status, f'{method} {target}: {response.status} {response.body} and not {status}'
        return response

    def raw(self, request, status, code, method='GET'):
        """Sends bytes, and expects an error that closes the connection."""
        with Client(self) as client:
            client.send(request)
            response = client.read(method)
            assert response.status == status, (request[:80], response.status)
            assert response.json()['error']['code'] == code, response.body
            assert response.fields['connection'] == 'close' and client.is_closed()
        return response


def post(server, session, body=b'{"n":1}', fields=None, query=''):
    """Appends, which must succeed."""
    return server.expect(200, 'POST', f'/v1/sessions/{session}/events{query}', JSON if fields is None else fields, body).json()


def blocks_of(body):
    """The blocks of a stream: lists of lines."""
    assert body.endswith(b'\n\n')
    return [block.split('\n') for block in body.decode()[:-2].split('\n\n')]


# --- every route with every method ----------------------------------------------------------------

METHODS = ['GET', 'HEAD', 'POST', 'PUT', 'DELETE', 'OPTIONS']
# Of a session that has ended, except where a row says something else: the path, and the methods with their statuses.
ROUTES = [
    ('/v1/sessions', {'GET': 200}),
    ('/v1/sessions/ended/events', {'GET': 200, 'POST': (409, 'session_ended')}),
    ('/v1/sessions/ended/events?limit=10', {'GET': 200, 'POST': (400, 'bad_query')}),
    ('/v1/sessions/ended/cursor?at=oldest', {'GET': 200}),
    ('/v1/sessions/ended/end', {'POST': 200}),
    ('/v1/sessions/to_invalidate/invalidate', {'POST': 204}),
    ('/v1/sessions/to_delete', {'GET': 200, 'DELETE': 204}),
    ('/healthz', {'GET': 200}),
    ('/readyz', {'GET': 200}),
    ('/metrics', {'GET': 200}),
    ('/', {'GET': 200}),
    ('/viewer/viewer.css', {'GET': 200}),
]


def every_route_answers_every_method(server):
    post(server, 'ended')
    server.expect(200, 'POST', '/v1/sessions/ended/end', JSON, b'{"status":0}')
    for target, taken in ROUTES:
        taken = taken | ({'HEAD': taken['GET']} if 'GET' in taken else {})
        for method in METHODS:
            if target.endswith('to_delete'):
                post(server, 'to_delete')
            if method == 'POST' and target.endswith('/invalidate'):
                post(server, 'to_invalidate')
            is_post = method in ('POST', 'PUT')
            ask = (method, target, JSON if is_post else None, b'{"status":0}' if is_post else None)
            wanted = taken.get(method, 204 if method == 'OPTIONS' else (405, 'method_not_allowed'))
            status, code = wanted if isinstance(wanted, tuple) else (wanted, None)
            response = server.expect(status, *ask, code=code)
            if method == 'OPTIONS' or status == 405:
                allowed = set(response.fields['allow'].split(', '))
                assert allowed == set(taken) | {'OPTIONS'}, (target, allowed)
    assert 'DELETE' in server.expect(204, 'OPTIONS', '*').fields['allow']


def a_head_has_the_fields_of_its_get(server):
    post(server, 'ended')
    server.expect(200, 'POST', '/v1/sessions/ended/end', JSON, b'')
    post(server, 'to_delete')
    for target in [target for target, taken in ROUTES if 'GET' in taken] + ['/nothing', '/v1/sessions/none/cursor']:
        code = {'/nothing': 'no_route', '/v1/sessions/none/cursor': 'unknown_session'}.get(target)
        get, head = server.ask('GET', target, code=code), server.ask('HEAD', target)
        assert head.status == get.status
        one, other = (dict(response.fields, date='') for response in (get, head))
        if target == '/metrics':  # the counters have gone on
            one['content-length'] = other['content-length'] = ''
        assert one == other, (one, other)


# --- every error ----------------------------------------------------------------------------------

def bad_requests_are_told(server):
    events = '/v1/sessions/s/events'
    for query in ['?nothing=1', '?from=oldest&from=newest', '?from=middle', '?limit=x', '?kinds=70000', '?frame=none', '?format=xml']:
        server.expect(400, 'GET', events + query, code='bad_query')
    server.expect(400, 'GET', '/v1/sessions/' + 'x' * 129 + '/events', code='bad_session_id')
    server.expect(400, 'GET', '/v1/sessions/%ff/events', code='bad_session_id')
    server.expect(400, 'GET', events, STREAM | {'Last-Event-ID': 'nonsense'}, code='malformed_cursor')
    cursor = post(server, 'one')['cursor']
    server.expect(400, 'GET', events, STREAM | {'Last-Event-ID': cursor}, code='wrong_session')
    server.expect(400, 'POST', events, JSON, b'{', code='bad_body')
    server.expect(400, 'POST', events, NDJSON, b'1\n{\n', code='bad_body')
    server.expect(400, 'POST', events, JSON, b'', code='empty_body')
    server.expect(400, 'POST', events, JSON | {'Reprise-Kind': '65536'}, b'1', code='bad_kind')
    server.expect(400, 'POST', events, JSON | {'Reprise-Revision': '-1'}, b'1', code='bad_field')
    server.expect(400, 'POST', events + '?wait=recorded', JSON, b'1', code='no_log')
    server.expect(404, 'GET', '/v1/sessions/s/cursor', code='unknown_session')


def foreign_pages_are_refused(server):
    events = '/v1/sessions/s/events'
    server.expect(403, 'GET', '/v1/sessions', {'Host': 'evil.example'}, code='foreign_host')
    server.expect(403, 'POST', events, JSON | {'Origin': 'https://evil.example'}, b'1', code='foreign_origin')
    for kind in ['text/plain', 'application/x-www-form-urlencoded', 'multipart/form-data; boundary=x', None]:
        server.expect(403, 'POST', events, {'Content-Type': kind}, b'1', code='simple_type')


def unknown_things_are_told(server):
    for target in ['/viewer/none', '/viewer/', '/v1', '/v1/sessions/a/b', '/v1/sessions/a/events/', '/healthz/', '/%2e%2e/etc/passwd', '/HEALTHZ']:
        server.expect(404, 'GET', target, code='no_route')
    for method, target in [('GET', ''), ('GET', 'cursor'), ('POST', 'end'), ('POST', 'invalidate')]:
        body = b'' if method == 'POST' else None
        server.expect(404, method, f'/v1/sessions/none/{target}'.rstrip('/'), JSON, body, code='unknown_session')
    server.expect(404, 'DELETE', '/v1/sessions/none', code='unknown_session')


def an_end_is_the_end(server):
    post(server, 'over', query='?end=7')
    server.expect(200, 'POST', '/v1/sessions/over/end', JSON, b'{"status":7}')
    server.expect(409, 'POST', '/v1/sessions/over/end', JSON, b'{"status":8}', code='session_ended')
    server.expect(409, 'POST', '/v1/sessions/over/events', JSON, b'1', code='session_ended')
    server.expect(400, 'POST', '/v1/sessions/over/end', JSON, b'{"status":"x"}', code='bad_body')


def limits_are_told(server):
    server.expect(413, 'POST', '/v1/sessions/s/events', BYTES, b'x' * 9000, code='too_large')
    server.expect(413, 'POST', '/v1/sessions/s/events', BYTES, b'x' * 20000, code='http_body_too_large')
    for i in range(4):
        response = server.ask('POST', f'/v1/sessions/limit{i}/events', JSON, b'1', code='too_many_sessions')
    assert response.status == 429


def the_room_http_refuses_in_the_same_form(server):
    host = b'Host: localhost\r\n'
    get, events = b'GET /healthz HTTP/1.1\r\n', b'POST /v1/sessions/s/events HTTP/1.1\r\n' + host
    server.raw(get + b'\r\n', 400, 'http_host_missing')
    server.raw(get + host + b'Transfer-Encoding: chunked\r\n\r\n', 400, 'http_body_unexpected')
    server.raw(events + b'Content-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n', 400, 'http_two_lengths', 'POST')
    server.raw(events + b'Content-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\nx\r\n', 400, 'http_chunk_size', 'POST')
    server.raw(events + b'Transfer-Encoding: gzip\r\n\r\n', 501, 'http_transfer_coding_unknown', 'POST')
    server.raw(get + host + b'Expect: nothing\r\n\r\n', 417, 'http_expectation')
    server.raw(b'GET /' + b'a' * 9000 + b' HTTP/1.1\r\n' + host + b'\r\n', 414, 'http_target_too_long')
    server.raw(get + host + b'X: ' + b'a' * 17000 + b'\r\n\r\n', 431, 'http_head_too_large')
    server.raw(get + host + b'X: a\r\n' * 101 + b'\r\n', 431, 'http_too_many_fields')
    server.raw(b'GET / HTTP/3.0\r\n' + host + b'\r\n', 505, 'http_version_unknown')
    server.raw(b'NOTHING / HTTP/1.1\r\n' + host + b'\r\n', 501, 'http_method_unknown')
    for method in ['PATCH', 'TRACE', 'CONNECT']:
        server.raw(f'{method} / HTTP/1.1\r\n'.encode() + host + b'\r\n', 405, 'http_method_not_allowed', 'GET')


def tokens_are_asked_for(server):
    server.expect(401, 'GET', '/v1/sessions', {'Authorization': None}, code='token_missing')
    server.expect(401, 'GET', '/v1/sessions', {'Authorization': 'Basic eDp5'}, code='token_missing')
    server.expect(401, 'GET', '/v1/sessions', {'Authorization': 'Bearer unknown-token-00001'}, code='token_unknown')
    guest = {'Authorization': f'Bearer {GUEST}'}
    server.expect(200, 'GET', '/v1/sessions', guest)
    server.expect(403, 'POST', '/v1/sessions/a/events', JSON | guest, b'1', code='not_permitted')
    server.expect(403, 'GET', '/metrics', guest, code='not_permitted')
    server.expect(415, 'POST', '/v1/sessions/a/events', {'Content-Type': 'multipart/form-data'}, b'1', code='unsupported_type')
    server.expect(415, 'POST', '/v1/sessions/a/events', JSON | {'Content-Encoding': 'gzip'}, b'1', code='unsupported_type')
    for target in ['/healthz', '/readyz']:
        server.expect(200, 'GET', target, {'Authorization': None})


def pages_of_a_listed_origin_are_given_leave(server):
    page = {'Origin': 'https://app.example'}
    response = server.expect(200, 'GET', '/v1/sessions', page)
    assert response.fields['access-control-allow-origin'] == 'https://app.example' and response.fields['vary'] == 'Origin'
    response = server.expect(404, 'GET', '/nothing', page, code='no_route')
    assert response.fields['access-control-allow-origin'] == 'https://app.example'
    ask = page | {'Authorization': None, 'Access-Control-Request-Method': 'POST'}
    response = server.expect(204, 'OPTIONS', '/v1/sessions/a/events', ask)
    assert 'POST' in response.fields['access-control-allow-methods']
    assert 'access-control-allow-origin' not in server.ask('GET', '/v1/sessions', {'Origin': 'https://b.example'}).fields


def a_log_that_is_locked_is_told(server):
    events = '/v1/sessions/logged/events'
    post(server, 'logged')
    log = sqlite3.connect(os.path.join(server.folder, 'log'), timeout=10, isolation_level=None)
    log.execute('BEGIN IMMEDIATE')
    response = server.expect(503, 'POST', events, JSON, b'2', code='not_recorded')
    assert response.json()['error']['detail'] == 'first 2, last 2', response.body
    batch = b'3\n' * 1500
    server.expect(200, 'POST', events + '?wait=none', NDJSON, batch)
    server.expect(503, 'POST', events + '?wait=none', NDJSON, batch, code='window_full')
    log.execute('ROLLBACK')
    log.close()


def too_many_connections_and_requests_are_told(program, folder):
    with Server(program, folder, '--connections-max', '1') as server, Client(server) as first:
        first.send(make('GET', '/healthz'))
        assert first.read().status == 200
        server.raw(make('GET', '/healthz'), 503, 'http_too_many_connections')
    with Server(program, folder, '--connections-per-peer-max', '1') as server, Client(server) as first:
        first.send(make('GET', '/healthz'))
        assert first.read().status == 200
        server.raw(make('GET', '/healthz'), 429, 'http_too_many_connections')
    with Server(program, folder, '--requests-per-second', '1') as server, Client(server) as client:
        client.send(make('GET', '/healthz') * 20)
        for _ in range(20):
            response = client.read()
            if response.status == 429:
                break
        assert response.json()['error']['code'] == 'http_too_many_requests', response.body


# --- connections, bodies and streams --------------------------------------------------------------

def requests_in_one_piece_are_answered_in_order(server):
    with Client(server) as client:
        asked = [('GET', '/healthz', None, 200), ('HEAD', '/healthz', None, 200), ('GET', '/nothing', None, 404),
                 ('POST', '/v1/sessions/pipe/events', b'1', 200), ('POST', '/v1/sessions/pipe/events', b'2', 200),
                 ('DELETE', '/healthz', None, 405), ('OPTIONS', '/healthz', None, 204),
                 ('GET', '/v1/sessions/pipe/events?limit=9', None, 200), ('GET', '/readyz', None, 200)]
        client.send(b''.join(make(method, target, JSON if body else None, body) for method, target, body, _ in asked))
        for method, target, _, status in asked:
            response = client.read(method)
            assert response.status == status, (method, target, response.status)
            if 'limit' in target:
                assert len(response.json()['events']) == 2, response.body


def a_connection_is_kept_or_closed_as_asked(server):
    for fields, version, is_closed in [({'Connection': 'close'}, '1.1', True), ({}, '1.0', True),
                                       ({'Connection': 'keep-alive'}, '1.0', False), ({}, '1.1', False)]:
        for target in ['/healthz', '/nothing', '/v1/sessions']:
            with Client(server) as client:
                client.send(make('GET', target, fields, version=version))
                response = client.read()
                assert (response.fields.get('connection') == 'close') == is_closed, (target, fields, response.fields)
                if is_closed:
                    assert client.is_closed()
                    continue
                client.send(make('GET', '/healthz', {'Connection': 'close'}))
                assert client.read().status == 200 and client.is_closed()


def a_body_is_asked_for_unless_the_answer_is_known(server):
    wait = JSON | {'Content-Length': '1', 'Expect': '100-continue'}
    with Client(server) as client:
        for _ in range(2):
            client.send(make('POST', '/v1/sessions/expected/events', wait))
            response = client.read('POST', b'1')
            assert response.status == 200 and response.interim == [100]
    for target, fields, status in [('/nothing', {}, 404), ('/healthz', {}, 405), ('/v1/sessions/a/events', {'Host': 'b.example'}, 403),
                                   ('/v1/sessions/a/events', {'Content-Length': '99999999'}, 413)]:
        with Client(server) as client:
            client.send(make('POST', target, wait | fields))
            response = client.read('POST')
            assert response.status == status and response.interim == []
            assert response.fields['connection'] == 'close' and client.is_closed()


def bodies_may_come_in_chunks(server):
    with Client(server) as client:
        client.send(make('POST', '/v1/sessions/chunked/events', NDJSON | {'Transfer-Encoding': 'chunked'}))
        for chunk in (b'1', b'\n{"a"', b':2}\n'):
            client.send(b'%x\r\n%s\r\n' % (len(chunk), chunk))
        client.send(b'0\r\n\r\n')
        assert client.read('POST').json()['count'] == 2


def a_stream_is_whole_at_the_end_of_its_session(server):
    post(server, 'stream', b'{"n":1}\n"two"\n3\n', NDJSON, '?end=5')
    target = '/v1/sessions/stream/events?from=oldest'
    response = server.expect(200, 'GET', target, STREAM)
    assert response.fields['transfer-encoding'] == 'chunked' and response.fields['content-type'] == 'text/event-stream'
    blocks = blocks_of(response.body)
    assert blocks[0][0].startswith('retry: ') and blocks[0][1] == 'event: hello' and blocks[0][-1].startswith('id: ')
    assert [block[1] for block in blocks[1:4]] == ['data: {"n":1}', 'data: "two"', 'data: 3']
    assert blocks[4][0] == 'event: end' and json.loads(blocks[4][1][6:])['status'] == 5 and len(blocks) == 5
    # Behind the end: once more the end, for each way to say where the client is.
    last = blocks[4][-1][4:]
    for query in [f'lastEventId={last}', f'last_event_id={last}', f'cursor={last}']:
        assert 'event: end' in server.expect(200, 'GET', f'/v1/sessions/stream/events?{query}', STREAM).body.decode()
    bare = server.expect(200, 'GET', target + '&frame=bare&done=1', STREAM)
    assert [block[0] for block in blocks_of(bare.body)][-1] == 'data: [DONE]', bare.body
    # HTTP/1.0 has no chunks: the end of the connection is the end of the stream.
    with Client(server) as client:
        client.send(make('GET', target, STREAM, version='1.0'))
        old = client.read()
        assert 'transfer-encoding' not in old.fields and old.body == response.body and client.is_closed()


def json_texts_come_back_as_sent(server):
    payloads = [text.strip(b' \t\r\n') for text in accepted_texts()]
    payloads = [text for text in payloads if b'\n' not in text]
    answer = post(server, 'texts', b'\n'.join(payloads), NDJSON, '?end=0')
    assert answer['count'] == len(payloads) == 114, (answer, len(payloads))
    stream = server.expect(200, 'GET', '/v1/sessions/texts/events?from=oldest&frame=bare', STREAM).body
    found = [line[6:] for line in stream.split(b'\n') if line.startswith(b'data: ')]
    assert found == payloads
    page = server.expect(200, 'GET', '/v1/sessions/texts/events?limit=200').body
    for payload in payloads:
        assert payload in page, payload


def accepted_texts():
    """The texts of json_cases.txt that are accepted."""
    with open(os.path.join(HERE, 'json_cases.txt'), encoding='ascii') as file:
        for line in file:
            kind, _, text = line.rstrip('\n').partition(' ')
            if kind in ('accepted', 'free_accepted'):
                text = text.partition(' ')[2]
                text = re.sub(r'\\\{(\d+) ([^}]*)\}', lambda found: int(found[1]) * found[2], text)
                yield re.sub(rb'\\(x..|.)', unescape, text.encode())


def unescape(found):
    """The byte of an escape."""
    word = found[1]
    return bytes([int(word[1:], 16)]) if word[:1] == b'x' else {b'n': b'\n', b'r': b'\r', b't': b'\t', b'\\': b'\\'}[word]


def a_gateway_that_only_reads_takes_no_post(server):
    for method, target in [('POST', '/v1/sessions/a/events'), ('POST', '/v1/sessions/a/end'), ('DELETE', '/v1/sessions/a')]:
        response = server.expect(405, method, target, JSON, b'1' if method == 'POST' else None, code='method_not_allowed')
        assert 'POST' not in response.fields['allow'] and 'DELETE' not in response.fields['allow']


def a_session_of_the_log_alone_has_no_window(server):
    server.expect(409, 'POST', '/v1/sessions/logged/invalidate', JSON, b'', code='no_window')


TEXT = {'Content-Type': 'text/plain'}


def durable_streams_are_answered_in_the_same_form(server):
    stream = '/v1/stream/a/b'
    server.expect(404, 'GET', stream, code='unknown_stream')
    server.expect(404, 'HEAD', stream)
    server.expect(404, 'DELETE', stream, code='unknown_stream')
    assert server.expect(201, 'PUT', stream, TEXT, b'one').fields['location'].endswith(stream)
    server.expect(200, 'PUT', stream, TEXT, b'one')
    server.expect(409, 'PUT', stream, JSON, b'[]', code='conflict')
    old = server.expect(204, 'POST', stream, TEXT, b'two').fields['stream-next-offset']
    first = {**TEXT, 'Producer-Id': 'p', 'Producer-Epoch': '1', 'Producer-Seq': '0'}
    server.expect(200, 'POST', stream, first, b'three')
    server.expect(204, 'POST', stream, first, b'three')
    server.expect(403, 'POST', stream, {**first, 'Producer-Epoch': '0'}, b'three', code='stale_producer')
    whole = server.expect(200, 'GET', stream)
    assert whole.body == b'onetwothree', whole.body
    server.expect(304, 'GET', stream, {'If-None-Match': whole.fields['etag']})
    server.expect(200, 'HEAD', stream)
    server.expect(400, 'GET', f'{stream}?offset=1', code='bad_offset')
    server.expect(204, 'POST', stream, {'Stream-Closed': 'true'}, b'')
    server.expect(409, 'POST', stream, TEXT, b'four', code='stream_closed')
    for live in ['long-poll', 'sse']:
        server.expect(200, 'GET', f'{stream}?offset=-1&live={live}')
    server.expect(201, 'PUT', '/v1/stream/fork', {'Stream-Forked-From': stream}, b'')
    server.expect(204, 'DELETE', stream)
    server.expect(410, 'GET', stream, code='stream_gone')
    server.expect(204, 'DELETE', '/v1/stream/fork')
    server.expect(201, 'PUT', stream, TEXT, b'five')
    expired = server.expect(410, 'GET', f'{stream}?offset={old}', code='offset_expired')
    assert expired.fields['stream-earliest-offset'] > old, expired.fields


# --- the settings ---------------------------------------------------------------------------------

PLAIN = [every_route_answers_every_method, a_head_has_the_fields_of_its_get, bad_requests_are_told, foreign_pages_are_refused,
         unknown_things_are_told, an_end_is_the_end, the_room_http_refuses_in_the_same_form,
         requests_in_one_piece_are_answered_in_order, a_connection_is_kept_or_closed_as_asked,
         a_body_is_asked_for_unless_the_answer_is_known, bodies_may_come_in_chunks,
         a_stream_is_whole_at_the_end_of_its_session, json_texts_come_back_as_sent]


def every_error_was_provoked(_):
    with open(os.path.join(HERE, '../../src/gateway/errors.h'), encoding='ascii') as file:
        codes = set(re.findall(r'X\([A-Z_]+, \d+, "([a-z_]+)"', file.read()))
    assert len(codes) > 30 and NOT_JUDGED <= codes
    assert codes - codes_seen == NOT_JUDGED, (codes - codes_seen) ^ NOT_JUDGED


def main():
    program = sys.argv[1]
    failed = passed = 0

    def play(scene, *arguments):
        nonlocal failed, passed
        try:
            scene(*arguments)
            passed += 1
        except (AssertionError, OSError, KeyError, ValueError, IndexError, h11.ProtocolError) as error:
            failed += 1
            print(f'not ok  {scene.__name__}: {error!r}')

    with tempfile.TemporaryDirectory() as folder:
        tokens, log = os.path.join(folder, 'tokens'), os.path.join(folder, 'log')
        with open(os.open(tokens, os.O_WRONLY | os.O_CREAT, 0o600), 'w', encoding='ascii') as file:
            file.write(f'{ADMIN} default * admin\n{GUEST} default * read\n')
        for scene in PLAIN:
            with Server(program, folder) as server:
                play(scene, server)
        with Server(program, folder, '--bytes-max', '8192', '--body-bytes-max', '16384', '--sessions-max', '2') as server:
            play(limits_are_told, server)
        settings = ['--token-file', tokens, '--log', f'sqlite:{log}', '--recorded-wait', '300', '--origin', 'https://app.example']
        with Server(program, folder, *settings, token=ADMIN) as server:
            for scene in [tokens_are_asked_for, pages_of_a_listed_origin_are_given_leave, a_log_that_is_locked_is_told]:
                play(scene, server)
        with Server(program, folder, '--log', f'sqlite:{log}') as server:
            play(a_session_of_the_log_alone_has_no_window, server)
            play(durable_streams_are_answered_in_the_same_form, server)
        with Server(program, folder, '--log', f'sqlite:{log}', '--reads-only') as server:
            play(a_gateway_that_only_reads_takes_no_post, server)
        play(too_many_connections_and_requests_are_told, program, folder)
        play(every_error_was_provoked, None)
    print(f'{passed} passed, {failed} failed')
    return failed != 0


sys.exit(main())
