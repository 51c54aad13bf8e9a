/* SPDX-License-Identifier: MIT */
#include "base/memory.h"

#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/numbers.h"

static void *
own_allocate(void *context, size_t size, size_t alignment)
{
	(void)context;
	return aligned_alloc(alignment, round_up(size, alignment));
}

static void
own_release(void *context, void *memory, size_t size)
{
	(void)context, (void)size;
	free(memory);
}

static void *
own_map(void *context, size_t size)
{
	(void)context;
	void *const pages = mmap(NULL, size, PROT_READ | PROT_WRITE,
				 MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

	return pages == MAP_FAILED ? NULL : pages;
}

static void
own_unmap(void *context, void *memory, size_t size)
{
	(void)context;
	munmap(memory, size);
}

bool
memory_init(struct memory *memory, const struct reprise_allocator *allocator)
{
	struct reprise_allocator hooks = { 0 };

	if (allocator != NULL)
		hooks = *allocator;
	if ((hooks.allocate == NULL) != (hooks.release == NULL))
		return false;
	if ((hooks.map == NULL) != (hooks.unmap == NULL))
		return false;
	if (hooks.allocate == NULL) {
		hooks.allocate = own_allocate;
		hooks.release = own_release;
	}
	if (hooks.map == NULL) {
		hooks.map = own_map;
		hooks.unmap = own_unmap;
	}
	memory->hooks = hooks;
	atomic_init(&memory->control_bytes, 0);
	return true;
}

void *
memory_take(struct memory *memory, size_t size)
{
	void *const block = memory->hooks.allocate(memory->hooks.context, size, CACHE_LINE_BYTES);

	if (block != NULL) {
		memset(block, 0, size);
		fetch_add_relaxed(&memory->control_bytes, size);
	}
	return block;
}

void
memory_give(struct memory *memory, void *block, size_t size)
{
	if (block == NULL)
		return;
	fetch_sub_relaxed(&memory->control_bytes, size);
	memory->hooks.release(memory->hooks.context, block, size);
}

uint64_t
memory_page_bytes(void)
{
	return greatest((uint64_t)sysconf(_SC_PAGESIZE), PAGE_BYTES);
}

void *
memory_map(struct memory *memory, size_t size)
{
	void *const pages = memory->hooks.map(memory->hooks.context, size);

	/* One event should cost a page of 4 KiB, not one of 2 MiB. Refusal costs memory alone. */
	if (pages != NULL)
		(void)madvise(pages, size, MADV_NOHUGEPAGE);
	return pages;
}

void
memory_unmap(struct memory *memory, void *pages, size_t size)
{
	memory->hooks.unmap(memory->hooks.context, pages, size);
}
