/* SPDX-License-Identifier: MIT */
#ifndef GATEWAY_DURABLE_PUT_H
#define GATEWAY_DURABLE_PUT_H

/*
 * A PUT of a durable stream. A PUT holds the stream exclusively until the answer, so that of two
 * equal PUTs the second finds the stream of the first.
 *
 *    body ──► the source, of a fork ──► the stream ──► the source has the fork ──► copy ──► append
 *                                                      (of a fork alone)
 */

#include "gateway/durable_batch.h"

struct durable_put {
	struct request *request;
	struct durable_look look; /* of the stream, exclusive */
	struct durable_batch batch;
	struct durable_settings settings;
	struct durable_removal removal; /* of an expired stream of the same name */
	bool has_type;
	bool closes;
	bool is_started; /* the append goes on without the client */
	bool is_found;   /* the stream was there; the append waits for the stream's record */
	char *location;  /* of the answer 201 */

	/* Of a fork: */
	bool is_fork;
	bool is_from_beginning; /* nothing of the source is copied */
	struct durable_look source;
	struct durable_control control;
	struct job job;
	reprise_position first;   /* of the source: the data begin behind */
	reprise_position through; /* copied */
	enum error_code refusal;  /* the result of a job that refuses */
};

/* durable_create.c */

/* Looks for the stream; then answers, creates the stream, or goes on with durable_fork_make. */
void durable_put_look(struct durable_put *put);
/* Appends the first batch, and answers. */
void durable_put_append(struct durable_put *put);
/* Answers with an error, and lets go of what is held. */
void durable_put_refuse(struct durable_put *put, enum error_code code, const char *detail);
void durable_put_fail(struct durable_put *put, enum error_code code, reprise_status status,
		      const struct reprise_error *error);

/* durable_fork.c */

/* Reads the fields of a fork. NULL on success, else words. */
const char *durable_fork_read(struct durable_put *put, const struct http_head *head);
/* Looks for the source, settles what is copied, and goes on with durable_put_look. */
void durable_fork_begin(struct durable_put *put);
/* The stream does not exist: copies the source, and goes on with durable_put_append. */
void durable_fork_make(struct durable_put *put);

#endif /* GATEWAY_DURABLE_PUT_H */
