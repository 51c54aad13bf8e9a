/* SPDX-License-Identifier: MIT */
#ifndef BASE_SIZED_H
#define BASE_SIZED_H

#include <stdbool.h>
#include <stddef.h>

/*
 * Structs that start with their size, between a program and a library of different versions.
 *
 * sized_read   Copies the caller's options into @known, whose fields the caller does not know yet
 *              stay 0. False if the size is impossible, or if the caller sets fields that this
 *              library does not know.
 * sized_write  Copies @known into the caller's struct as far as there is room, and 0 into fields
 *              that this library does not know. Its size stays. False if the size is impossible.
 *
 * sized_has_room  Whether sized_write would succeed.
 *
 * @size_min is SIZE_MIN of the struct (base/sizes.h): the first released size.
 */
bool sized_read(void *known, size_t known_size, size_t size_min, const void *from);
bool sized_write(void *to, const void *known, size_t known_size, size_t size_min);
bool sized_has_room(const void *to, size_t size_min);

#endif /* BASE_SIZED_H */
