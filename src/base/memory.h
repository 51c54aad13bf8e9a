/* SPDX-License-Identifier: MIT */
#ifndef BASE_MEMORY_H
#define BASE_MEMORY_H

#include <stddef.h>

#include <reprise/base.h>

#include "base/atomic.h"

/* A store's allocator: the caller's hooks or our own, and how much control memory is out. */
struct memory {
	struct reprise_allocator hooks;
	atomic_u64 control_bytes;
};

/* @allocator may be NULL. False if one function of a pair is given without the other. */
bool memory_init(struct memory *memory, const struct reprise_allocator *allocator);

/* Zeroed and aligned to a cache line; NULL if there is none. */
void *memory_take(struct memory *memory, size_t size);

/* @block may be NULL; @size as taken. */
void memory_give(struct memory *memory, void *block, size_t size);

/*
 * The kernel gives memory and takes it back in pieces of so many bytes: 4 KiB on x86-64; 4, 16 or
 * 64 KiB on arm64, as the kernel was built. At least PAGE_BYTES.
 */
uint64_t memory_page_bytes(void);

/* Whole pages, zeroed and untouched; NULL if there are none. */
void *memory_map(struct memory *memory, size_t size);
void memory_unmap(struct memory *memory, void *pages, size_t size);

#endif /* BASE_MEMORY_H */
