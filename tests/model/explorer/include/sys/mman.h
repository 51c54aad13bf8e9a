/* SPDX-License-Identifier: MIT */
#ifndef EXPLORER_SYS_MMAN_H
#define EXPLORER_SYS_MMAN_H

#include_next <sys/mman.h>

/* Pages that one execution has given back are there for the next, without the kernel. */
void *explorer_map(size_t bytes);
int explorer_unmap(void *pages, size_t bytes);
int explorer_advise(void *pages, size_t bytes, int advice);

#define mmap(at, bytes, protection, flags, descriptor, offset) explorer_map(bytes)
#define munmap(pages, bytes)                                   explorer_unmap((pages), (bytes))
#define madvise(pages, bytes, advice)                          explorer_advise((pages), (bytes), (advice))

#endif /* EXPLORER_SYS_MMAN_H */
