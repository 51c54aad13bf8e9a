/* SPDX-License-Identifier: MIT */
#ifndef BENCH_GATEWAY_ROWS_H
#define BENCH_GATEWAY_ROWS_H

/* Shared by the measurements of the gateway: one server with its clients. */

#include "gateway_place.h"
#include "result.h"

struct site {
	struct place place;
	bool is_there;
	char read_target[TARGET_BYTES], write_target[TARGET_BYTES];
	struct crowd crowd;
	struct publisher publisher;
	uint64_t posted;  /* events of the session; each is numbered, from 0 */
	uint64_t due;     /* events of all clients, delivered or not */
	uint64_t doubled; /* of all clients, as accounted for */
	double values[RUNS_MAX];
	double cpu_ns[RUNS_MAX]; /* of the server, for a delivered event */
};

/*
 * Starts the server of site->place, posts the first event of the session "bench", and makes room
 * for @room clients. False: a row @name tells why not.
 */
bool site_open(struct harness *harness, struct site *site, const char *name, size_t room);
void site_close(struct site *site);

/* Posts one event, which is due at each client from now on; does not wait for the answer. */
void site_post(struct site *site);

/* A client joins. Dies if it cannot. */
void site_add(struct site *site);

/* Clients join until the crowd has @count; each gets all events so far. Dies if it cannot. */
void site_join(struct site *site, size_t count);

/* New accounts: all events so far have come. */
void site_begin(struct site *site);

/* Waits for all events that are due. False: some did not come within the patience. */
bool site_await(struct site *site);

/*
 * Ends the accounts of the clients: an event that has not come is lost. Sets what was delivered and
 * lost in @result, and adds the doubled events to its parameters. Accounting is broken if the
 * figures do not add up to what was due.
 */
void site_account(struct harness *harness, struct site *site, struct result *result);

/* Prints @runs values of a side as a row of its own; @parameters begin the row's parameters. */
void site_print(struct harness *harness, struct site *site, const char *name, const char *unit,
		const char *parameters, size_t runs, enum goal goal_is, double goal);

#endif /* BENCH_GATEWAY_ROWS_H */
