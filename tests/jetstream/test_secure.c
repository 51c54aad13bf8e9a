/* SPDX-License-Identifier: MIT */
/* B07: how a writer proves who it is, and who the server is. */
#include <stdio.h>

#include "credentials.h"
#include "deltas.h"
#include "world.h"

/* A world whose server is set up so; nothing is open but the store. */
static void
begin(struct world *world, const struct nats_server_settings *settings)
{
	world_begin(world, INNER_SQLITE, settings);
	world->store = world_store(world);
	create(world->store, "t");
}

static void
expect_open(struct world *world, const struct reprise_jetstream_options *options)
{
	struct reprise_jetstream *const writer = world_writer(world->store, options);

	cr_assert(eq(u64, append_new(writer, 1), 1));
	cr_assert(eq(u64, flush(writer, "t").applied, 1));
	reprise_jetstream_close(writer);
}

/* With words of the server's or the library's own. */
static void
expect_refused(struct world *world, const struct reprise_jetstream_options *options,
	       reprise_status status)
{
	struct reprise_error error;

	cr_expect(eq(int, world_open_status(world->store, options, &error), status), "%s: %s",
		  error.what, error.detail);
	cr_expect(error.detail[0] != '\0' || error.what[0] != '\0');
}

Test(jetstream, B07_a_user_needs_the_right_password)
{
	static const struct nats_server_settings settings = { .user = "agent",
							      .password = "s3cret" };
	struct world world;

	begin(&world, &settings);
	struct reprise_jetstream_options options = world_options(&world);

	options.deadline_ns = 5 * one_second;
	expect_refused(&world, &options, REPRISE_E_IO);
	options.user = "agent";
	options.password = "wrong";
	expect_refused(&world, &options, REPRISE_E_IO);
	options.user = "other";
	options.password = "s3cret";
	expect_refused(&world, &options, REPRISE_E_IO);
	options.user = "agent";
	expect_open(&world, &options);
	world_end(&world);
	expect_no_leaks();
}

Test(jetstream, B07_a_user_and_a_password_may_stand_in_the_URL)
{
	static const struct nats_server_settings settings = { .user = "agent",
							      .password = "s3cret" };
	struct world world;
	char url[128];

	begin(&world, &settings);
	struct reprise_jetstream_options options = world_options(&world);

	snprintf(url, sizeof(url), "nats://agent:s3cret@%s",
		 nats_server_url(world.server) + strlen("nats://"));
	options.servers = url;
	expect_open(&world, &options);
	world_end(&world);
	expect_no_leaks();
}

Test(jetstream, B07_a_token_must_be_the_right_one)
{
	static const struct nats_server_settings settings = { .token = "t0ken" };
	struct world world;

	begin(&world, &settings);
	struct reprise_jetstream_options options = world_options(&world);

	options.deadline_ns = 5 * one_second;
	expect_refused(&world, &options, REPRISE_E_IO);
	options.token = "wrong";
	expect_refused(&world, &options, REPRISE_E_IO);
	options.token = "t0ken";
	expect_open(&world, &options);
	world_end(&world);
	expect_no_leaks();
}

Test(jetstream, B07_a_proof_is_given_again_after_a_reconnect)
{
	static const struct nats_server_settings settings = { .user = "agent",
							      .password = "s3cret" };
	struct world world;

	begin(&world, &settings);
	struct reprise_jetstream_options options = world_options(&world);

	options.user = "agent";
	options.password = "s3cret";
	struct reprise_jetstream *const writer = world_writer(world.store, &options);

	append_new(writer, 1);
	nats_server_kill(world.server);
	nats_server_restart(world.server);
	cr_assert(append_at_last(writer, "t", delta(2), NULL));
	cr_assert(eq(u64, flush(writer, "t").applied, 2));
	reprise_jetstream_close(writer);
	world_end(&world);
	expect_no_leaks();
}

Test(jetstream, B07_a_permission_that_is_missing_is_told)
{
	static const struct nats_server_settings settings = {
		.more = "authorization { users: [\n"
			" { user: \"all\", password: \"p\" }\n"
			" { user: \"few\", password: \"p\", permissions: { publish: \"x\","
			" subscribe: \"_INBOX.>\" } }\n"
			"] }",
	};
	struct world world;

	begin(&world, &settings);
	struct reprise_jetstream_options options = world_options(&world);

	options.user = "few";
	options.password = "p";
	options.deadline_ns = one_second;
	struct reprise_error error;
	const reprise_status status = world_open_status(world.store, &options, &error);

	cr_assert(status == REPRISE_E_IO || status == REPRISE_E_TIMEOUT, "%s",
		  reprise_status_name(status));
	options.user = "all";
	options.deadline_ns = 20 * one_second;
	expect_open(&world, &options);
	world_end(&world);
	expect_no_leaks();
}

Test(jetstream, B07_a_credentials_file_that_is_missing_or_empty_is_told)
{
	struct world world;

	begin(&world, NULL);
	struct reprise_jetstream_options options = world_options(&world);
	struct reprise_error error;

	options.deadline_ns = 5 * one_second;
	options.credentials_file = "/nonexistent/agent.creds";
	reprise_status status = world_open_status(world.store, &options, &error);

	cr_assert(status == REPRISE_E_IO || status == REPRISE_E_INVALID, "%s",
		  reprise_status_name(status));
	cr_assert(strstr(error.what, "credentials") != NULL ||
			  strstr(error.detail, "agent.creds") != NULL ||
			  strstr(error.detail, "credentials") != NULL,
		  "\"%s\" \"%s\"", error.what, error.detail);
	world_end(&world);
	expect_no_leaks();
}

Test(jetstream, B07_a_credentials_file_is_the_users_proof)
{
	char lines[CREDENTIALS_LINES_BYTES];
	struct world world;

	credentials_make(lines);
	const struct nats_server_settings settings = { .more = lines };

	begin(&world, &settings);
	struct reprise_jetstream_options options = world_options(&world);

	options.deadline_ns = 5 * one_second;
	expect_refused(&world, &options, REPRISE_E_IO);
	options.credentials_file = credentials_file(true);
	expect_refused(&world, &options, REPRISE_E_IO);
	options.credentials_file = credentials_file(false);
	options.deadline_ns = 20 * one_second;
	expect_open(&world, &options);
	world_end(&world);
	expect_no_leaks();
}

/* The paths of what nats_server_make_certificate makes. */
static const char *
certificate(const char *name)
{
	char file[64];

	snprintf(file, sizeof(file), "%s.pem", name);
	return nats_server_path(file);
}

static const char *
key(const char *name)
{
	char file[64];

	snprintf(file, sizeof(file), "%s.key", name);
	return nats_server_path(file);
}

static void
begin_encrypted(struct world *world, bool is_mutual)
{
	nats_server_make_certificate("authority", NULL);
	nats_server_make_certificate("stranger", NULL);
	nats_server_make_certificate("server", "authority");
	nats_server_make_certificate("agent", "authority");
	const struct nats_server_settings settings = {
		.certificate = certificate("server"),
		.key = key("server"),
		.client_authority = is_mutual ? certificate("authority") : NULL,
	};

	begin(world, &settings);
}

Test(jetstream, B07_a_server_must_be_signed_by_the_authority)
{
	struct world world;

	begin_encrypted(&world, false);
	struct reprise_jetstream_options options = world_options(&world);

	options.deadline_ns = 5 * one_second;
	expect_refused(&world, &options, REPRISE_E_IO);
	options.tls_ca_file = certificate("stranger");
	expect_refused(&world, &options, REPRISE_E_IO);
	options.tls_ca_file = certificate("authority");
	options.deadline_ns = 20 * one_second;
	expect_open(&world, &options);
	world_end(&world);
	expect_no_leaks();
}

Test(jetstream, B07_a_servers_name_is_checked)
{
	struct world world;
	char url[64];

	begin_encrypted(&world, false);
	struct reprise_jetstream_options options = world_options(&world);

	options.deadline_ns = 5 * one_second;
	options.tls_ca_file = certificate("authority");
	snprintf(url, sizeof(url), "tls://localhost%s",
		 strrchr(nats_server_url(world.server), ':'));
	options.servers = url;
	expect_refused(&world, &options, REPRISE_E_IO);
	world_end(&world);
	expect_no_leaks();
}

Test(jetstream, B07_a_file_of_TLS_that_is_missing_is_told)
{
	struct world world;

	begin_encrypted(&world, false);
	struct reprise_jetstream_options options = world_options(&world);
	struct reprise_error error;

	options.deadline_ns = 5 * one_second;
	options.tls_ca_file = "/nonexistent/authority.pem";
	const reprise_status status = world_open_status(world.store, &options, &error);

	cr_assert(status == REPRISE_E_IO || status == REPRISE_E_INVALID);
	cr_assert(strstr(error.what, "tls_ca_file") != NULL, "\"%s\" \"%s\"", error.what,
		  error.detail);
	options.tls_ca_file = certificate("authority");
	options.tls_certificate_file = "/nonexistent/agent.pem";
	options.tls_key_file = "/nonexistent/agent.key";
	cr_assert(ne(int, world_open_status(world.store, &options, &error), REPRISE_OK));
	cr_assert(strstr(error.what, "tls_certificate_file") != NULL, "\"%s\" \"%s\"", error.what,
		  error.detail);
	world_end(&world);
	expect_no_leaks();
}

Test(jetstream, B07_a_server_may_ask_for_the_writers_certificate)
{
	struct world world;

	begin_encrypted(&world, true);
	struct reprise_jetstream_options options = world_options(&world);

	options.deadline_ns = 5 * one_second;
	options.tls_ca_file = certificate("authority");
	expect_refused(&world, &options, REPRISE_E_IO);
	options.tls_certificate_file = certificate("stranger");
	options.tls_key_file = key("stranger");
	expect_refused(&world, &options, REPRISE_E_IO);
	options.tls_certificate_file = certificate("agent");
	options.tls_key_file = key("agent");
	options.deadline_ns = 20 * one_second;
	expect_open(&world, &options);
	world_end(&world);
	expect_no_leaks();
}

/* libnats writes them as they are into a line of JSON. */
Test(jetstream, B07_a_password_with_quotes_is_taken_or_refused_by_name)
{
	static const struct nats_server_settings settings = {
		.more = "authorization { user: agent, password: 's\"3\\cret' }",
	};
	struct world world;
	struct reprise_error error;

	begin(&world, &settings);
	struct reprise_jetstream_options options = world_options(&world);

	options.user = "agent";
	options.password = "s\"3\\cret";
	const reprise_status status = world_open_status(world.store, &options, &error);

	cr_assert(status == REPRISE_OK ||
			  (status == REPRISE_E_INVALID && strstr(error.what, "password") != NULL),
		  "%s: %s: %s", reprise_status_name(status), error.what, error.detail);
	options = world_options(&world);
	options.token = "t\r\nPUB x 1";
	cr_assert(eq(int, world_open_status(world.store, &options, &error), REPRISE_E_INVALID));
	cr_assert(strstr(error.what, "token") != NULL, "%s", error.what);
	world_end(&world);
	expect_no_leaks();
}

SQLITE_TEST(B07_a_URL_needs_no_port)
{
	struct reprise_jetstream_options options = world_options(world);
	struct reprise_error error;

	options.deadline_ns = one_second;
	options.servers = "nats://user:secret@127.0.0.1";
	cr_assert(ne(int, world_open_status(world->store, &options, &error), REPRISE_E_INVALID));
	options.servers = "127.0.0.1";
	cr_assert(ne(int, world_open_status(world->store, &options, &error), REPRISE_E_INVALID));
}
