/* SPDX-License-Identifier: MIT */

/*
 * Pages, as the kernel gives them: zero. Large mappings are kept when they are given back, since
 * their page faults would take most of an execution's time. Small ones are the kernel's, so that an
 * access to one that was given back crashes.
 */

#include <string.h>
#include <sys/mman.h>

#include "inside.h"

enum {
	MAPPINGS_MAX = 16, /* at a time */
	LARGE_BYTES = 256 << 10,
};

static struct {
	void *pages;
	size_t bytes;
	bool is_free;
} mappings[MAPPINGS_MAX];

void *explorer_map(size_t bytes);
int explorer_unmap(void *pages, size_t bytes);
int explorer_advise(void *pages, size_t bytes, int advice);

static void *
map(size_t bytes)
{
	return mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
}

void *
explorer_map(size_t bytes)
{
	if (bytes < LARGE_BYTES)
		return map(bytes);
	for (int i = 0; i < MAPPINGS_MAX; i++) {
		if (mappings[i].pages == NULL) {
			mappings[i].pages = map(bytes);
			if (mappings[i].pages == MAP_FAILED)
				search_limit("no memory");
			mappings[i].bytes = bytes;
			mappings[i].is_free = true;
		}
		if (mappings[i].is_free && mappings[i].bytes == bytes) {
			mappings[i].is_free = false;
			return memset(mappings[i].pages, 0, bytes);
		}
	}
	search_limit("more mappings than the explorer has");
}

int
explorer_unmap(void *pages, size_t bytes)
{
	if (bytes < LARGE_BYTES)
		return munmap(pages, bytes);
	for (int i = 0; i < MAPPINGS_MAX; i++)
		if (mappings[i].pages == pages && mappings[i].bytes == bytes)
			mappings[i].is_free = true;
	return 0;
}

int
explorer_advise(void *pages, size_t bytes, int advice)
{
	if (advice == MADV_DONTNEED)
		memset(pages, 0, bytes);
	return 0;
}
