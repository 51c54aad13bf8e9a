/* SPDX-License-Identifier: MIT */
#ifndef GATEWAY_OPTIONS_H
#define GATEWAY_OPTIONS_H

#include <stdbool.h>

#include <reprise/gateway.h>

enum {
	GATEWAY_LISTENS_MAX = 8, /* addresses and descriptors together */
	GATEWAY_ORIGIN_BYTES_MAX = 255,
};

/* Copies the options with their defaults. @given may be NULL. The texts stay the caller's. */
reprise_status options_resolve(const struct reprise_gateway_options *given,
			       struct reprise_gateway_options *ret_options,
			       struct reprise_error *error);
/* Whether every address and descriptor is of loopback. */
bool options_are_loopback(const struct reprise_gateway_options *options);

#endif /* GATEWAY_OPTIONS_H */
