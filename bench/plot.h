/* SPDX-License-Identifier: MIT */
#ifndef BENCH_PLOT_H
#define BENCH_PLOT_H

/*
 * Data for the plots, a file for each curve, and drawing them. Nothing happens where no folder
 * was asked for.
 */

#include "harness.h"

/* Forgets what an earlier run has left of this plot. */
void plot_begin(const struct harness *harness, const char *plot);

/* A point of the curve of @side. */
void plot_point(const struct harness *harness, const char *plot, const char *side, double x,
		double y);

/* The file of a curve that is written as a whole: DIR/PLOT.SIDE.SUFFIX. */
FILE *plot_file(const struct harness *harness, const char *plot, const char *side,
		const char *suffix, const char *mode);

/* Draws what there is data for, as SVG and PNG. False if gnuplot is missing or fails. */
bool plot_draw(const struct harness *harness);

#endif /* BENCH_PLOT_H */
