/* SPDX-License-Identifier: MIT */

/*
 * Boost's lockfree::spsc_queue: a ring of 2,048 records of a fixed size, one for each host. An
 * append copies the payload into every host's ring, a host reads it in place; only as many bytes as
 * there are, but the record has room for 64, 256, 1,024, 4,096 or 65,536, whichever is enough. A
 * full ring refuses the event: the host keeps the oldest and loses the newest, and is not told.
 * There is no way to wait.
 *
 * Where the task says no host, there is one ring that nobody takes from; when it is full, the
 * writer takes the oldest out itself.
 */

#include <boost/lockfree/spsc_queue.hpp>
#include <boost/version.hpp>
#include <memory>
#include <new>
#include <type_traits>

#include "peer.h"

enum {
	PEER_DRAIN_MS = 0,
	PEER_TELLS = 0,
	WINDOW = 2048,
	HOSTS_MAX = 64,
	LINE = 64,
	RINGS_MIB_MAX = 4096,
};

struct view {
	const void *payload;
	size_t bytes;
};

template <size_t room> struct record {
	uint32_t bytes = 0;
	unsigned char payload[room];

	record() = default;

	record(const view &from) : bytes((uint32_t)from.bytes)
	{
		memcpy(payload, from.payload, from.bytes);
	}

	record(const record &from) : bytes(from.bytes)
	{
		memcpy(payload, from.payload, from.bytes);
	}

	record &operator=(const record &from)
	{
		bytes = from.bytes;
		memcpy(payload, from.payload, from.bytes);
		return *this;
	}
};

/* One host's; a base, so that the size of its records is known where it is used. */
struct host {
	size_t room;
};

template <size_t room_> struct ring : host {
	boost::lockfree::spsc_queue<record<room_>, boost::lockfree::capacity<WINDOW>> queue;
};

struct peer {
	struct host *hosts[HOSTS_MAX];
	unsigned int count;
	struct host *nobody; /* NULL: there are hosts */
};

static size_t
room_for(size_t payload_bytes)
{
	for (size_t room : { 64, 256, 1024, 4096 })
		if (payload_bytes <= room)
			return room;
	return PAYLOAD_BYTES_MAX;
}

/* The one branch between what the peer is asked and a queue whose records' size is a constant. */
template <typename Body>
static inline auto
with_room(size_t room, Body body)
{
	switch (room) {
	case 64:
		return body(std::integral_constant<size_t, 64>());
	case 256:
		return body(std::integral_constant<size_t, 256>());
	case 1024:
		return body(std::integral_constant<size_t, 1024>());
	case 4096:
		return body(std::integral_constant<size_t, 4096>());
	default:
		return body(std::integral_constant<size_t, PAYLOAD_BYTES_MAX>());
	}
}

template <typename Body>
static inline auto
with_ring(struct host *host, Body body)
{
	return with_room(host->room,
			 [=](auto room) { return body(static_cast<ring<room> *>(host)); });
}

static struct host *
ring_open(const struct task *task)
{
	const auto open = [](auto room) -> struct host *
	{
		void *const memory = aligned_alloc(LINE, sizeof(ring<room>));

		if (memory == NULL)
			peer_die("ring", "no memory");
		memset(memory, 0, sizeof(ring<room>)); /* its pages are there from now on */
		struct host *const host = new (memory) ring<room>;
		host->room = room;
		return host;
	};

	return with_room(room_for(task->payload_bytes), open);
}

static void
ring_close(struct host *host)
{
	with_ring(host, [](auto *ring) { std::destroy_at(ring); });
	free(host);
}

static const char *
peer_name(void)
{
	return "boost_spsc";
}

static const char *
peer_version(void)
{
	return "boost " BOOST_LIB_VERSION;
}

static const char *
peer_absent(void)
{
	return NULL;
}

static const char *
peer_refuses(const struct task *task)
{
	if (task->mode == MODE_PARKED && task->hosts > 0)
		return "it has no way to wait";
	if (task->hosts > HOSTS_MAX)
		return "a ring for each of more than 64 hosts";
	if (task->hosts * room_for(task->payload_bytes) * WINDOW >> 20 > RINGS_MIB_MAX)
		return "the hosts' rings take more than 4 GiB";
	return NULL;
}

static struct peer *
peer_open(const struct task *task)
{
	struct peer *const peer = new (struct peer)();

	if (task->hosts == 0)
		peer->nobody = ring_open(task);
	return peer;
}

/* A range of one: so the record is made in the ring. */
static inline bool
ring_append(struct host *host, const struct view *view)
{
	return with_ring(host,
			 [=](auto *ring) { return ring->queue.push(view, view + 1) != view; });
}

static inline bool
peer_append(struct peer *peer, const void *payload, size_t payload_bytes)
{
	const struct view view = { payload, payload_bytes };
	bool is_appended = false;

	if (peer->nobody != NULL) {
		while (!ring_append(peer->nobody, &view))
			with_ring(peer->nobody, [](auto *ring) { ring->queue.pop(); });
		return true;
	}
	for (unsigned int i = 0; i < peer->count; i++)
		is_appended |= ring_append(peer->hosts[i], &view);
	return is_appended;
}

static void
peer_flush(struct peer *peer)
{
	(void)peer;
}

static void
peer_close(struct peer *peer)
{
	if (peer->nobody != NULL)
		ring_close(peer->nobody);
	delete peer;
}

static struct host *
host_open(struct peer *peer, const struct task *task)
{
	return peer->hosts[peer->count++] = ring_open(task);
}

static inline size_t
host_take(struct host *host, struct tally *tally)
{
	return with_ring(host, [=](auto *ring) -> size_t {
		return ring->queue.consume_one([=](const auto &record) {
			tally_event(tally, record.payload, record.bytes);
		});
	});
}

static void
host_close(struct host *host)
{
	ring_close(host);
}

#define PEER_NEVER_PARKS
#include "peer_main.h"
