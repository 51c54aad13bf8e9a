/* SPDX-License-Identifier: MIT */
/*
 * Sends the requests of files to a server, all at once, each on a connection of its own, and judges
 * the answers. Prints a line for each section, and each case that failed. The format is that of
 * vectors/README.md.
 *
 * Usage: vectors [--gateway] HOST PORT NAME FILE ...   The exit status is 1 if a case failed.
 *
 * With --gateway the server is `reprise serve` with the token of the variable VECTORS_TOKEN: then
 * the gateway takes any host. The first POST to / appends bytes to a session with the name of the
 * case, and another first request of / asks for /healthz. Bodies of answers are not compared. A
 * case that must be refused must not leave a session behind.
 */
#include <ctype.h>
#include <errno.h>
#include <netdb.h>
#include <poll.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum {
	CASES_MAX = 512,
	REQUEST_BYTES_MAX = 1 << 17,
	ANSWER_BYTES_MAX = 1 << 17,
	LINE_BYTES_MAX = 2048,
	QUIET_MS = 500, /* a server that says nothing for so long waits */
	LONG_MS = 5000, /* until a server that has to close must have closed */
	AT_ONCE = 64,   /* cases in flight */
};

struct answer {
	char bytes[ANSWER_BYTES_MAX];
	size_t size;
	bool is_closed;
};

struct vector {
	char line[LINE_BYTES_MAX];
	char section[64];
	const char *expected, *name, *request;
	bool has_passed;
	char said[64];
};

static const char *host, *port;
static bool is_gateway;
static const char *token = "";
static struct vector vectors[CASES_MAX];
static int vectors_count, next_vector;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;

/* --- bytes ------------------------------------------------------------------------------------ */

struct bytes {
	char data[REQUEST_BYTES_MAX];
	size_t size;
};

static void
add_byte(struct bytes *bytes, int byte)
{
	if (bytes->size == sizeof(bytes->data)) {
		fprintf(stderr, "vectors: a request is too long\n");
		exit(2);
	}
	bytes->data[bytes->size++] = (char)byte;
}

static int
hex_pair(const char *digits)
{
	char text[3];

	snprintf(text, sizeof(text), "%.2s", digits);
	return (int)strtol(text, NULL, 16);
}

static const char *add_escape(struct bytes *bytes, const char *at);

/* Until @end, or a step's end. */
static const char *
add_bytes(struct bytes *bytes, const char *at, char end) /* NOLINT(misc-no-recursion): two levels */
{
	while (*at != '\0' && *at != end) {
		if (at[0] == '\\' && (at[1] == '|' || at[1] == '!'))
			break;
		if (at[0] == '\\') {
			at = add_escape(bytes, at + 1);
		} else {
			add_byte(bytes, *at);
			at++;
		}
	}
	return at;
}

static const char *
add_escape(struct bytes *bytes, const char *at) /* NOLINT(misc-no-recursion): two levels */
{
	static const char from[] = "rnt\\", to[] = "\r\n\t\\";
	const char *const plain = strchr(from, *at);
	char *text;
	long times;

	if (plain != NULL && *at != '\0') {
		add_byte(bytes, to[plain - from]);
		return at + 1;
	}
	if (*at == 'x') {
		add_byte(bytes, hex_pair(at + 1));
		return at + 3;
	}
	if (*at != '{') {
		fprintf(stderr, "vectors: an escape is unknown: %s\n", at);
		exit(2);
	}
	times = strtol(at + 1, &text, 10);
	at = text;
	for (long i = 0; i < times; i++)
		at = add_bytes(bytes, text + 1, '}');
	return at + 1;
}

/* --- a connection ----------------------------------------------------------------------------- */

static int
connect_to_server(void)
{
	const struct addrinfo hints = { .ai_socktype = SOCK_STREAM };
	struct addrinfo *info;
	int fd;

	if (getaddrinfo(host, port, &hints, &info) != 0)
		exit(2);
	fd = socket(info->ai_family, SOCK_STREAM, 0);
	if (fd < 0 || connect(fd, info->ai_addr, info->ai_addrlen) != 0) {
		perror("vectors: connect");
		exit(2);
	}
	freeaddrinfo(info);
	return fd;
}

static void
send_all(int fd, const struct bytes *bytes)
{
	for (size_t sent = 0; sent < bytes->size;) {
		const ssize_t some = send(fd, bytes->data + sent, bytes->size - sent, MSG_NOSIGNAL);

		if (some <= 0)
			return; /* a server may refuse before it has read everything */
		sent += (size_t)some;
	}
}

/* Until the server closes, or says nothing for @quiet_ms. */
static void
receive(int fd, struct answer *answer, int quiet_ms)
{
	while (!answer->is_closed && answer->size < sizeof(answer->bytes) - 1) {
		struct pollfd ready = { .fd = fd, .events = POLLIN };
		ssize_t some;

		if (poll(&ready, 1, quiet_ms) <= 0)
			return;
		some = recv(fd, answer->bytes + answer->size,
			    sizeof(answer->bytes) - 1 - answer->size, 0);
		answer->is_closed = some <= 0;
		answer->size += some > 0 ? (size_t)some : 0;
	}
}

static void
exchange_bytes(const char *request, bool must_close, struct answer *answer)
{
	struct bytes *const bytes = malloc(sizeof(*bytes));
	const int fd = connect_to_server();

	if (bytes == NULL)
		exit(2);
	for (const char *at = request;;) {
		bytes->size = 0;
		at = add_bytes(bytes, at, '\0');
		send_all(fd, bytes);
		if (at[0] == '\\' && at[1] == '|') {
			receive(fd, answer, QUIET_MS);
			at += 2;
			continue;
		}
		if (at[0] == '\\' && at[1] == '!')
			shutdown(fd, SHUT_WR);
		break;
	}
	receive(fd, answer, must_close ? LONG_MS : QUIET_MS);
	answer->bytes[answer->size] = '\0';
	close(fd);
	free(bytes);
}

/* --- what an answer says ---------------------------------------------------------------------- */

/* The response at @at; false if there is none. */
static bool
find_response(const struct answer *answer, const char *at, int *ret_status, const char **ret_body)
{
	const char *const end = answer->bytes + answer->size;
	const char *head_end;

	if (end - at < 12 || strncmp(at, "HTTP/1.", 7) != 0)
		return false;
	*ret_status = atoi(at + 9);
	head_end = strstr(at, "\r\n\r\n");
	*ret_body = head_end == NULL ? end : head_end + 4;
	return true;
}

/* Where a field's value begins, within a head; NULL without one. */
static const char *
find_field(const char *head, const char *body, const char *name)
{
	for (const char *line = strstr(head, "\r\n"); line != NULL && line + 2 < body;
	     line = strstr(line + 2, "\r\n"))
		if (strncasecmp(line + 2, name, strlen(name)) == 0 && line[2 + strlen(name)] == ':')
			return line + 3 + strlen(name) + strspn(line + 3 + strlen(name), " ");
	return NULL;
}

/* Chunks joined in place; the body's bytes. */
static size_t
join_chunks(const char *body, char *joined, size_t room)
{
	size_t size = 0;

	for (;;) {
		char *line_end;
		const size_t chunk = strtoul(body, &line_end, 16);
		const char *const data = strstr(line_end, "\r\n");

		if (chunk == 0 || data == NULL || size + chunk >= room)
			return size;
		memcpy(joined + size, data + 2, chunk);
		size += chunk;
		body = data + 2 + chunk + 2;
	}
}

static bool
has_body(const struct answer *answer, const char *head, const char *body, const char *wanted)
{
	const char *const coding = find_field(head, body, "Transfer-Encoding");
	static __thread char joined[4096];
	struct bytes *const text = calloc(1, sizeof(*text));
	size_t size = (size_t)(answer->bytes + answer->size - body);
	bool is_same;

	if (text == NULL)
		exit(2);
	add_bytes(text, wanted, '\0');
	if (coding != NULL && strncasecmp(coding, "chunked", 7) == 0)
		size = join_chunks(body, joined, sizeof(joined));
	else
		snprintf(joined, sizeof(joined), "%.*s", (int)size, body);
	is_same = size == text->size && memcmp(joined, text->data, size) == 0;
	free(text);
	return is_same;
}

static int
count_final(const struct answer *answer)
{
	int count = 0;

	for (const char *at = answer->bytes; (at = strstr(at, "HTTP/1.")) != NULL; at += 7)
		count += isdigit((unsigned char)at[7]) && at[8] == ' ' && at[9] >= '2' &&
			 at[9] <= '5';
	return count;
}

static bool
is_alive(void)
{
	struct answer *const answer = calloc(1, sizeof(*answer));
	bool is_answered;

	if (answer == NULL)
		exit(2);
	exchange_bytes("GET / HTTP/1.1\\r\\nHost: localhost\\r\\n\\r\\n\\!", false, answer);
	is_answered = strncmp(answer->bytes, "HTTP/1.", 7) == 0;
	free(answer);
	return is_answered;
}

static bool
matches_status(const char *word, int status)
{
	if (word[1] == 'x')
		return status / 100 == word[0] - '0';
	return status == atoi(word);
}

/* One word of an expectation. */
static bool
holds(const char *word, const struct answer *answer)
{
	const char *at = answer->bytes, *body = at;
	int first = 0, status = 0;
	const bool has_answer = find_response(answer, at, &first, &body);
	bool has_final = has_answer;

	/* The room http accepted the request: the gateway alone refuses an empty body. */
	if (is_gateway && first == 400 && strstr(body, "\"empty_body\"") != NULL)
		first = 200;
	status = first;
	while (has_final && status < 200) {
		at = body;
		has_final = find_response(answer, at, &status, &body);
	}
	if (strcmp(word, "close") == 0)
		return answer->size == 0 && answer->is_closed;
	if (strcmp(word, "waits") == 0)
		return answer->size == 0 && !answer->is_closed;
	if (strcmp(word, "closed") == 0)
		return answer->is_closed;
	if (strcmp(word, "once") == 0)
		return count_final(answer) == 1;
	if (strcmp(word, "twice") == 0)
		return count_final(answer) == 2;
	if (strcmp(word, "alive") == 0)
		return is_alive();
	if (word[0] == '!')
		return has_answer && first != atoi(word + 1);
	if (strcmp(word, "any") == 0)
		return has_answer && first >= 100 && first <= 599;
	if (isdigit((unsigned char)word[0]) && !(word[0] == '2' && word[1] == 'x'))
		return has_answer && matches_status(word, first);
	if (!has_final)
		return false;
	if (strcmp(word, "bodiless") == 0)
		return body == answer->bytes + answer->size;
	if (strcmp(word, "framed") == 0)
		return find_field(at, body, "Content-Length") != NULL ||
		       find_field(at, body, "Transfer-Encoding") != NULL ||
		       find_field(at, body, "Connection") != NULL;
	if (word[0] == '=')
		return is_gateway || has_body(answer, at, body, word + 1);
	return matches_status(word, status);
}

/* Alternatives of words that must all hold. */
static bool
meets(const char *expected, const struct answer *answer)
{
	char copy[256], *rest = copy, *one;

	snprintf(copy, sizeof(copy), "%s", expected);
	while ((one = strsep(&rest, "|")) != NULL) {
		bool is_met = true;
		char *word;

		while ((word = strsep(&one, "+")) != NULL)
			is_met = is_met && holds(word, answer);
		if (is_met)
			return true;
	}
	return false;
}

/* --- the files -------------------------------------------------------------------------------- */

static void
read_file(const char *path)
{
	FILE *const file = fopen(path, "r");
	char line[LINE_BYTES_MAX], section[64] = "";

	if (file == NULL) {
		perror(path);
		exit(2);
	}
	while (fgets(line, sizeof(line), file) != NULL) {
		struct vector *const vector = &vectors[vectors_count];
		char *rest = vector->line;

		line[strcspn(line, "\n")] = '\0';
		if (strncmp(line, "## ", 3) == 0)
			snprintf(section, sizeof(section), "%.60s", line + 3);
		if (line[0] == '#' || line[0] == '\0')
			continue;
		if (vectors_count == CASES_MAX)
			exit(2);
		memcpy(vector->line, line, sizeof(line));
		memcpy(vector->section, section, sizeof(section));
		vector->expected = strsep(&rest, " ");
		vector->name = strsep(&rest, " ");
		vector->request = rest;
		if (rest == NULL) {
			fprintf(stderr, "%s: not a case: %s\n", path, line);
			exit(2);
		}
		vectors_count++;
	}
	fclose(file);
}

/* --- a gateway -------------------------------------------------------------------------------- */

/* The request as a gateway gets it: @text has room for a line and the path of a session. */
static void
aim_at_gateway(const struct vector *vector, char *text, size_t room)
{
	static const char *const asks[] = { "GET / ", "GET http://h/ ", "HEAD / ", "OPTIONS / ",
					    "DELETE / " };
	static const char post[] = "POST / HTTP/1.";
	const char *const request = vector->request;
	const size_t line_bytes = sizeof(post) - 1 + strlen("1\\r\\n");

	snprintf(text, room, "%s", request);
	for (size_t i = 0; i < sizeof(asks) / sizeof(*asks); i++)
		if (strncmp(request, asks[i], strlen(asks[i])) == 0)
			snprintf(text, room, "%.*shealthz%s", (int)strlen(asks[i]) - 1, request,
				 request + strlen(asks[i]) - 1);
	if (strncmp(request, post, sizeof(post) - 1) == 0 && strlen(request) > line_bytes)
		snprintf(text, room,
			 "POST /v1/sessions/%s/events%.*sAuthorization: Bearer %s\\r\\n%s",
			 vector->name, (int)(line_bytes - strlen("POST /")),
			 request + strlen("POST /"), token, request + line_bytes);
}

/* Whether the gateway knows a session with the name of the case. */
static bool
has_session(const struct vector *vector)
{
	struct answer *const answer = calloc(1, sizeof(*answer));
	char request[256];
	bool is_there;

	if (answer == NULL)
		exit(2);
	snprintf(request, sizeof(request),
		 "GET /v1/sessions/%s/cursor?at=oldest HTTP/1.1\\r\\nHost: localhost\\r\\n"
		 "Authorization: Bearer %s\\r\\nConnection: close\\r\\n\\r\\n",
		 vector->name, token);
	exchange_bytes(request, true, answer);
	is_there = strncmp(answer->bytes, "HTTP/1.1 404 ", strlen("HTTP/1.1 404 ")) != 0;
	free(answer);
	return is_there;
}

static bool
must_be_refused(const struct vector *vector)
{
	static const char *const accepting[] = { "2xx", "any", "alive", "!", "100" };

	for (size_t i = 0; i < sizeof(accepting) / sizeof(*accepting); i++)
		if (strstr(vector->expected, accepting[i]) != NULL)
			return false;
	return strncmp(vector->request, "POST / ", strlen("POST / ")) == 0;
}

/* A refused POST has appended nothing. */
static void
look_behind(struct vector *vector)
{
	if (!vector->has_passed || !must_be_refused(vector) || !has_session(vector))
		return;
	vector->has_passed = false;
	snprintf(vector->said, sizeof(vector->said), "a refusal, and a session");
}

static void *
run_some(void *argument)
{
	char request[LINE_BYTES_MAX + 256];
	struct answer *const answer = malloc(sizeof(*answer));

	(void)argument;
	if (answer == NULL)
		exit(2);
	for (;;) {
		struct vector *vector;

		pthread_mutex_lock(&lock);
		vector = next_vector == vectors_count ? NULL : &vectors[next_vector++];
		pthread_mutex_unlock(&lock);
		if (vector == NULL)
			break;
		memset(answer, 0, sizeof(*answer));
		snprintf(request, sizeof(request), "%s", vector->request);
		if (is_gateway)
			aim_at_gateway(vector, request, sizeof(request));
		exchange_bytes(request, strstr(vector->expected, "closed") != NULL, answer);
		vector->has_passed = meets(vector->expected, answer);
		snprintf(vector->said, sizeof(vector->said), "%.30s%s",
			 answer->size == 0 ? "nothing" : answer->bytes,
			 answer->is_closed ? ", closed" : "");
		vector->said[strcspn(vector->said, "\r\n")] = '\0';
		if (is_gateway)
			look_behind(vector);
	}
	free(answer);
	return NULL;
}

/* The cases of one section, in one line. Answers how many failed. */
static int
print_section(const char *name, int begin, int end)
{
	int passed = 0;

	for (int i = begin; i < end; i++)
		passed += vectors[i].has_passed;
	printf("%-10s %-44s %3d / %3d\n", name, vectors[begin].section, passed, end - begin);
	if (getenv("VECTORS_QUIET") != NULL)
		return end - begin - passed;
	for (int i = begin; i < end; i++)
		if (!vectors[i].has_passed)
			printf("%-10s   %s: expected %s, got: %s\n", name, vectors[i].name,
			       vectors[i].expected, vectors[i].said);
	return end - begin - passed;
}

int
main(int argc, char **argv)
{
	pthread_t threads[AT_ONCE];
	int failed = 0;

	is_gateway = argc > 1 && strcmp(argv[1], "--gateway") == 0;
	argc -= is_gateway;
	argv += is_gateway;
	if (is_gateway && getenv("VECTORS_TOKEN") != NULL)
		token = getenv("VECTORS_TOKEN");
	if (argc < 5) {
		fprintf(stderr, "usage: vectors [--gateway] HOST PORT NAME FILE ...\n");
		return 2;
	}
	host = argv[1];
	port = argv[2];
	for (int i = 4; i < argc; i++)
		read_file(argv[i]);
	for (int i = 0; i < AT_ONCE; i++)
		if (pthread_create(&threads[i], NULL, run_some, NULL) != 0)
			return 2;
	for (int i = 0; i < AT_ONCE; i++)
		pthread_join(threads[i], NULL);
	for (int begin = 0, end; begin < vectors_count; begin = end) {
		for (end = begin + 1; end < vectors_count; end++)
			if (strcmp(vectors[end].section, vectors[begin].section) != 0)
				break;
		failed += print_section(argv[3], begin, end);
	}
	printf("%-10s %-44s %3d / %3d\n", argv[3], "in all", vectors_count - failed, vectors_count);
	return failed != 0;
}
