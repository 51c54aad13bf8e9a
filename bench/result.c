/* SPDX-License-Identifier: MIT */
#include "result.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

static int
compare(const void *a, const void *b)
{
	const double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

static void
sort_into(double *sorted, const double *values, size_t count)
{
	memcpy(sorted, values, count * sizeof(*sorted));
	qsort(sorted, count, sizeof(*sorted), compare);
}

double
median_of(const double *values, size_t count)
{
	double *const sorted = harness_allocate(count, sizeof(*sorted));
	double median;

	sort_into(sorted, values, count);
	median = count % 2 == 1 ? sorted[count / 2]
				: (sorted[count / 2 - 1] + sorted[count / 2]) / 2;
	free(sorted);
	return median;
}

void
result_add(struct result *result, const char *key, const char *value)
{
	const size_t used = strlen(result->parameters);

	snprintf(result->parameters + used, sizeof(result->parameters) - used, "%s\"%s\":\"%s\"",
		 used == 0 ? "" : ",", key, value);
}

static bool
is_met(const struct result *result, double median)
{
	return result->goal_is == GOAL_AT_MOST ? median <= result->goal : median >= result->goal;
}

static void
print_json(struct harness *harness, const struct result *result, const double *sorted,
	   double median)
{
	FILE *const file = harness->json;

	fprintf(file,
		"{\"name\":\"%s\",\"parameters\":{%s},\"unit\":\"%s\",\"median\":%.4g,\"min\":%.4g,"
		"\"max\":%.4g,\"runs\":%zu,\"ns\":%.2f,\"over_ns\":%.2f,\"delivered\":%" PRIu64
		",\"lost\":%" PRIu64,
		result->name, result->parameters, result->unit, median, sorted[0],
		sorted[result->runs - 1], result->runs, result->ns, result->over_ns,
		result->delivered, result->lost);
	if (result->goal_is == GOAL_NONE)
		fprintf(file, ",\"goal\":null,\"met\":null");
	else
		fprintf(file, ",\"goal\":\"%s %g\",\"met\":%s",
			result->goal_is == GOAL_AT_MOST ? "<=" : ">=", result->goal,
			is_met(result, median) ? "true" : "false");
	fprintf(file, ",\"quick\":%s,\"commit\":\"%s\",\"machine\":\"%s\"}\n",
		harness->is_quick ? "true" : "false", harness->commit, harness->machine);
	fflush(file);
}

/* The parameters without JSON's quotes. */
static void
print_parameters(FILE *file, const char *parameters)
{
	int width = 0;

	for (const char *c = parameters; *c != '\0'; c++)
		if (*c != '"') {
			fputc(*c == ':' ? '=' : *c == ',' ? ' ' : *c, file);
			width++;
		}
	fprintf(file, "%*s", width < 62 ? 62 - width : 1, "");
}

void
result_print(struct harness *harness, const struct result *result)
{
	double sorted[RUNS_MAX];

	if (result->runs == 0)
		return;
	sort_into(sorted, result->values, result->runs);
	const double median = median_of(result->values, result->runs);

	if (harness->json != NULL)
		print_json(harness, result, sorted, median);
	if (harness->table == NULL)
		return;
	fprintf(harness->table, "%-8s ", result->name);
	print_parameters(harness->table, result->parameters);
	fprintf(harness->table, "%9.4g %-8s [%.4g .. %.4g]", median, result->unit, sorted[0],
		sorted[result->runs - 1]);
	if (result->over_ns != 0)
		fprintf(harness->table, "  %.1f / %.1f ns", result->ns, result->over_ns);
	else if (result->ns != 0)
		fprintf(harness->table, "  %.1f ns", result->ns);
	if (result->delivered + result->lost > 0)
		fprintf(harness->table, "  delivered %" PRIu64 " lost %" PRIu64, result->delivered,
			result->lost);
	if (result->goal_is != GOAL_NONE)
		fprintf(harness->table, "  goal %s %g: %s",
			result->goal_is == GOAL_AT_MOST ? "<=" : ">=", result->goal,
			is_met(result, median) ? "met" : "MISSED");
	fprintf(harness->table, "%s\n", harness->is_quick ? "  (quick)" : "");
	fflush(harness->table);
}

/* Without what would need escaping. */
static void
print_text(FILE *file, const char *text)
{
	for (const char *c = text; *c != '\0'; c++)
		if ((unsigned char)*c >= ' ' && *c != '"' && *c != '\\')
			fputc(*c, file);
}

/* A line that is not a measurement. */
static void
print_note(struct harness *harness, const char *name, const char *peer, const char *key,
	   const char *text)
{
	if (harness->json == NULL)
		return;
	fprintf(harness->json, "{\"name\":\"%s\",\"parameters\":{\"peer\":\"%s\"},\"%s\":\"", name,
		peer, key);
	print_text(harness->json, text);
	fprintf(harness->json, "\",\"commit\":\"%s\",\"machine\":\"%s\"}\n", harness->commit,
		harness->machine);
	fflush(harness->json);
}

void
result_peer(struct harness *harness, const char *peer, const char *version)
{
	print_note(harness, "peer", peer, "version", version);
	if (harness->table != NULL)
		fprintf(harness->table, "%-8s peer=%-20s %s\n", "peer", peer, version);
}

void
result_skip(struct harness *harness, const char *name, const char *peer, const char *reason)
{
	print_note(harness, name, peer, "skipped", reason);
	if (harness->table != NULL)
		fprintf(harness->table, "%-8s peer=%-20s skipped: %s\n", name, peer, reason);
}
