// SPDX-License-Identifier: MIT
// The same as ../echo.c, on Node's http.
'use strict';
const http = require('http');

const server = http.createServer((request, response) => {
	if (request.method === 'OPTIONS') {
		response.writeHead(204, { Allow: 'GET, HEAD, POST, PUT, OPTIONS' });
		response.end();
	} else if (request.method === 'GET' || request.method === 'HEAD') {
		response.end('OK');
	} else if (request.method === 'POST' || request.method === 'PUT') {
		const pieces = [];
		request.on('data', (piece) => pieces.push(piece));
		request.on('end', () => response.end(Buffer.concat(pieces)));
	} else {
		response.writeHead(405, { Allow: 'GET, HEAD, POST, PUT, OPTIONS' });
		response.end();
	}
});
server.listen(0, '127.0.0.1', () => console.log(`127.0.0.1:${server.address().port}`));
