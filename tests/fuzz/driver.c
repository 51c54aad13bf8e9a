/* SPDX-License-Identifier: MIT */

/*
 * Runs a target on files, and on the files of folders: for a build without libFuzzer, for AFL++,
 * and for the corpora as tests. Ends with 1 if there was nothing to run.
 */

#include <dirent.h>
#include <string.h>

#include "fuzz.h"

enum {
	FILE_BYTES_MAX = 1 << 20,
};

static size_t files_run;

static void
run_file(FILE *file)
{
	static uint8_t all[FILE_BYTES_MAX];
	const size_t bytes = fread(all, 1, sizeof(all), file);
	/* Just as large as it is, so that a sanitizer sees who looks behind it. */
	uint8_t *const exact = malloc(bytes + (bytes == 0));

	MUST(exact != NULL);
	memcpy(exact, all, bytes);
	LLVMFuzzerTestOneInput(exact, bytes);
	free(exact);
	files_run++;
}

static void
run_path(const char *path) /* NOLINT(misc-no-recursion): as deep as the folders are */
{
	DIR *const folder = opendir(path);
	FILE *file;

	if (folder == NULL) {
		file = fopen(path, "rb");
		if (file == NULL) {
			perror(path);
			exit(1);
		}
		run_file(file);
		fclose(file);
		return;
	}
	for (const struct dirent *entry; (entry = readdir(folder)) != NULL;) {
		char name[4096];

		snprintf(name, sizeof(name), "%s/%s", path, entry->d_name);
		if (entry->d_name[0] != '.')
			run_path(name);
	}
	closedir(folder);
}

int
main(int argc, char **argv)
{
	for (int i = 1; i < argc; i++)
		run_path(argv[i]);
	printf("%zu inputs\n", files_run);
	return files_run == 0;
}
