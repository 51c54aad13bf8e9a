/* SPDX-License-Identifier: MIT */
#include "base/siphash.h"

#include <endian.h>
#include <string.h>

static inline uint64_t
rotate_left(uint64_t word, unsigned int bits)
{
	return word << bits | word >> (64 - bits);
}

struct state {
	uint64_t a, b, c, d;
};

static inline struct state
round_of(struct state v)
{
	v.a += v.b;
	v.c += v.d;
	v.b = rotate_left(v.b, 13) ^ v.a;
	v.d = rotate_left(v.d, 16) ^ v.c;
	v.a = rotate_left(v.a, 32);
	v.c += v.b;
	v.a += v.d;
	v.b = rotate_left(v.b, 17) ^ v.c;
	v.d = rotate_left(v.d, 21) ^ v.a;
	v.c = rotate_left(v.c, 32);
	return v;
}

static inline struct state
take_word(struct state v, uint64_t word)
{
	v.d ^= word;
	v = round_of(round_of(v));
	v.a ^= word;
	return v;
}

/* Up to 7 bytes as a little-endian number. */
static inline uint64_t
rest_of(const unsigned char *data, size_t bytes)
{
	uint64_t word = 0;

	for (size_t i = 0; i < bytes; i++)
		word |= (uint64_t)data[i] << (8 * i);
	return word;
}

static inline uint64_t
word_of(const unsigned char *data)
{
	uint64_t word;

	memcpy(&word, data, sizeof(word));
	return le64toh(word);
}

uint64_t
siphash(const struct siphash_key *key, const void *data, size_t bytes)
{
	const unsigned char *at = data;
	struct state v = {
		key->words[0] ^ UINT64_C(0x736f6d6570736575),
		key->words[1] ^ UINT64_C(0x646f72616e646f6d),
		key->words[0] ^ UINT64_C(0x6c7967656e657261),
		key->words[1] ^ UINT64_C(0x7465646279746573),
	};

	for (size_t left = bytes; left >= 8; left -= 8, at += 8)
		v = take_word(v, word_of(at));
	v = take_word(v, rest_of(at, bytes % 8) | (uint64_t)bytes << 56);
	v.c ^= 0xff;
	v = round_of(round_of(round_of(round_of(v))));
	return v.a ^ v.b ^ v.c ^ v.d;
}
