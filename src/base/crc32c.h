/* SPDX-License-Identifier: MIT */
#ifndef BASE_CRC32C_H
#define BASE_CRC32C_H

#include <stddef.h>
#include <stdint.h>

/* CRC-32C (Castagnoli, RFC 3720). Start with 0; pass the result on to continue. */
uint32_t crc32c(uint32_t crc, const void *data, size_t bytes);

/* The same, for a processor without an instruction for it. */
uint32_t crc32c_by_table(uint32_t crc, const void *data, size_t bytes);

#endif /* BASE_CRC32C_H */
