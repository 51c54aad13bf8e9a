/* SPDX-License-Identifier: MIT */
#include "credentials.h"

#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include <nats/nats.h>

#include "nats_folder.h"
#include "nats_server.h"
#include "support.h"

enum {
	KEY_BYTES = 32,
	PREFIX_SEED = 18 << 3,
	PREFIX_OPERATOR = 14 << 3,
	PREFIX_ACCOUNT = 0,
	PREFIX_USER = 20 << 3,
	CLAIMS_BYTES = 2048,
};

struct identity {
	char public_key[80];
	char seed[80];
};

static struct identity operator_of_all, account, user, stranger, server;

/* CRC-16 of XMODEM. */
static unsigned int
checksum(const unsigned char *bytes, size_t size)
{
	unsigned int sum = 0;

	for (size_t i = 0; i < size; i++) {
		sum ^= (unsigned int)bytes[i] << 8;
		for (int bit = 0; bit < 8; bit++)
			sum = (sum & 0x8000) != 0 ? (sum << 1 ^ 0x1021) & 0xffff
						  : sum << 1 & 0xffff;
	}
	return sum;
}

/* The bytes and their checksum, in letters of base 32. */
static void
write_key(char *text, const unsigned char *bytes, size_t size)
{
	static const char letters[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
	unsigned char all[KEY_BYTES + 4];
	const unsigned int sum = checksum(bytes, size);
	unsigned int bits = 0, held = 0;

	memcpy(all, bytes, size);
	all[size] = (unsigned char)(sum & 0xff);
	all[size + 1] = (unsigned char)(sum >> 8);
	for (size_t i = 0; i < size + 2; i++) {
		held = held << 8 | all[i];
		for (bits += 8; bits >= 5; bits -= 5)
			*text++ = letters[held >> (bits - 5) & 31];
	}
	if (bits > 0)
		*text++ = letters[held << (5 - bits) & 31];
	*text = '\0';
}

/* The last bytes of what openssl has written there. */
static void
read_key(const char *name, unsigned char *ret_bytes)
{
	const char *const path = nats_server_path(name);
	FILE *const file = fopen(path, "re");

	cr_assert(ne(ptr, file, NULL), "%s", path);
	cr_assert(eq(int, fseek(file, -KEY_BYTES, SEEK_END), 0));
	cr_assert(eq(sz, fread(ret_bytes, 1, KEY_BYTES, file), (size_t)KEY_BYTES));
	fclose(file);
}

static struct identity
make_identity(unsigned int prefix)
{
	struct identity made;
	unsigned char bytes[KEY_BYTES + 2];

	if (!nats_folder_run("openssl genpkey -algorithm ed25519 -outform DER -out seed && "
			     "openssl pkey -inform DER -in seed -pubout -outform DER -out public"))
		cr_skip_test("no openssl here that makes keys of Ed25519");
	bytes[0] = (unsigned char)prefix;
	read_key("public", bytes + 1);
	write_key(made.public_key, bytes, KEY_BYTES + 1);
	/* As a user's: nats_Sign takes no operator's. The signature is the same. */
	bytes[0] = PREFIX_SEED | PREFIX_USER >> 5;
	bytes[1] = (PREFIX_USER & 31) << 3;
	read_key("seed", bytes + 2);
	write_key(made.seed, bytes, KEY_BYTES + 2);
	return made;
}

/* In letters of base 64, those for URLs, behind what is there. */
static void
add_letters(char *text, const void *from, size_t size)
{
	static const char letters[] =
		"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
	const unsigned char *const bytes = from;
	unsigned int bits = 0, held = 0;

	text += strlen(text);
	for (size_t i = 0; i < size; i++) {
		held = held << 8 | bytes[i];
		for (bits += 8; bits >= 6; bits -= 6)
			*text++ = letters[held >> (bits - 6) & 63];
	}
	if (bits > 0)
		*text++ = letters[held << (6 - bits) & 63];
	*text = '\0';
}

static void
add_dot(char *text)
{
	const size_t size = strlen(text);

	text[size] = '.';
	text[size + 1] = '\0';
}

/* The claims of @issuer about @subject, signed. */
static void
sign(char ret_token[2 * CLAIMS_BYTES], const struct identity *issuer,
     const struct identity *subject, const char *claims)
{
	static const char header[] = "{\"typ\":\"JWT\",\"alg\":\"ed25519-nkey\"}";
	char text[CLAIMS_BYTES];
	unsigned char *signature = NULL;
	int signature_size = 0;

	snprintf(text, sizeof(text),
		 "{\"jti\":\"test\",\"iat\":%lld,\"iss\":\"%s\",\"sub\":\"%s\",\"name\":\"test\","
		 "\"nats\":{%s,\"version\":2}}",
		 (long long)time(NULL), issuer->public_key, subject->public_key, claims);
	ret_token[0] = '\0';
	add_letters(ret_token, header, sizeof(header) - 1);
	add_dot(ret_token);
	add_letters(ret_token, text, strlen(text));
	cr_assert(
		eq(int, nats_Sign(issuer->seed, ret_token, &signature, &signature_size), NATS_OK));
	add_dot(ret_token);
	add_letters(ret_token, signature, (size_t)signature_size);
	free(signature);
}

#define ACCOUNT_CLAIMS(storage)                                                                   \
	"\"type\":\"account\",\"limits\":{\"subs\":-1,\"data\":-1,\"payload\":-1,\"imports\":-1," \
	"\"exports\":-1,\"wildcards\":true,\"conn\":-1,\"leaf\":-1" storage "},"                  \
	"\"default_permissions\":{\"pub\":{},\"sub\":{}}"
#define KEPT        ",\"mem_storage\":-1,\"disk_storage\":-1,\"streams\":-1"
#define USER_CLAIMS "\"type\":\"user\",\"pub\":{},\"sub\":{},\"subs\":-1,\"data\":-1,\"payload\":-1"

static void
write_file(const char *path, const char *token, const struct identity *owner)
{
	FILE *const file = fopen(path, "we");

	cr_assert(ne(ptr, file, NULL), "%s", path);
	fprintf(file,
		"-----BEGIN NATS USER JWT-----\n%s\n------END NATS USER JWT------\n\n"
		"-----BEGIN USER NKEY SEED-----\n%s\n------END USER NKEY SEED------\n",
		token, owner->seed);
	fclose(file);
}

const char *
credentials_file(bool is_stranger)
{
	char token[2 * CLAIMS_BYTES];
	const char *const path = nats_server_path(is_stranger ? "stranger.creds" : "user.creds");

	sign(token, is_stranger ? &stranger : &account, &user, USER_CLAIMS);
	write_file(path, token, &user);
	return path;
}

void
credentials_make(char ret_lines[CREDENTIALS_LINES_BYTES])
{
	char of_operator[2 * CLAIMS_BYTES], of_account[2 * CLAIMS_BYTES],
		of_server[2 * CLAIMS_BYTES];

	/* This makes the tables that nats_Sign reads. */
	cr_assert(eq(int, nats_Open(-1), NATS_OK));
	operator_of_all = make_identity(PREFIX_OPERATOR);
	account = make_identity(PREFIX_ACCOUNT);
	user = make_identity(PREFIX_USER);
	stranger = make_identity(PREFIX_ACCOUNT);
	sign(of_operator, &operator_of_all, &operator_of_all, "\"type\":\"operator\"");
	sign(of_account, &operator_of_all, &account, ACCOUNT_CLAIMS(KEPT));
	server = make_identity(PREFIX_ACCOUNT);
	sign(of_server, &operator_of_all, &server, ACCOUNT_CLAIMS(""));
	snprintf(ret_lines, CREDENTIALS_LINES_BYTES,
		 "operator: %s\nsystem_account: %s\nresolver: MEMORY\n"
		 "resolver_preload: { %s: \"%s\", %s: \"%s\" }",
		 of_operator, server.public_key, account.public_key, of_account, server.public_key,
		 of_server);
}
