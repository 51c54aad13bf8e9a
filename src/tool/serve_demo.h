/* SPDX-License-Identifier: MIT */
#ifndef TOOL_SERVE_DEMO_H
#define TOOL_SERVE_DEMO_H

#include "tool/arguments.h"

/*
 * `reprise demo --serve`: a runtime that serves its own store over HTTP (rule V37). Answers the
 * exit status.
 */
int serve_demo_run(const struct demo_options *options);

#endif /* TOOL_SERVE_DEMO_H */
