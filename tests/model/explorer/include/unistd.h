/* SPDX-License-Identifier: MIT */
#ifndef EXPLORER_UNISTD_H
#define EXPLORER_UNISTD_H

#include_next <unistd.h>

/* Of descriptors (eventfd): the system's own, but others may go on before, and are woken after. */
ssize_t explorer_write(int descriptor, const void *from, size_t bytes);
ssize_t explorer_read(int descriptor, void *to, size_t bytes);

#define write(descriptor, from, bytes) explorer_write((descriptor), (from), (bytes))
#define read(descriptor, to, bytes)    explorer_read((descriptor), (to), (bytes))

#endif /* EXPLORER_UNISTD_H */
