/* SPDX-License-Identifier: MIT */
#include "base/instance.h"

#include <elf.h>
#include <link.h>
#include <stdint.h>
#include <string.h>

/*
 * Each copy carries an ELF note with the offset of its claim. The dynamic loader lists the
 * notes of all loaded objects, whatever their version scripts hide; a symbol could not be
 * found behind those.
 */
enum {
	NOTE_TYPE = 1
};

#define NOTE_NAME "reprise"

struct claim {
	const void *resource; /* under the loader's lock */
};

/* Not static: the assembler refers to it by name. */
extern struct claim instance_own_claim;
__attribute__((used)) struct claim instance_own_claim;

__asm__(".pushsection .note.reprise,\"a\",%note\n"
	"	.balign 4\n"
	"	.long 8, 4, 1\n" /* the bytes of name and content, the type */
	"	.asciz \"" NOTE_NAME "\"\n"
	"	.long instance_own_claim - .\n"
	"	.popsection\n");

struct search {
	const void *resource;
	bool is_claimed; /* by another copy */
};

static bool
is_ours(const ElfW(Nhdr) * note, const char *name)
{
	return note->n_type == NOTE_TYPE && note->n_namesz == sizeof(NOTE_NAME) &&
	       note->n_descsz == sizeof(int32_t) && memcmp(name, NOTE_NAME, sizeof(NOTE_NAME)) == 0;
}

static size_t
padded(size_t bytes, size_t alignment)
{
	return (bytes + alignment - 1) & ~(alignment - 1);
}

/* Looks through one segment of notes. */
static bool
segment_has_claim(const char *segment, size_t bytes, size_t alignment, const void *resource)
{
	ElfW(Nhdr) note;
	int32_t offset;

	for (size_t at = 0; at + sizeof(note) <= bytes;) {
		memcpy(&note, segment + at, sizeof(note));
		const size_t name = at + sizeof(note);
		const size_t content = at + padded(sizeof(note) + note.n_namesz, alignment);

		at = content + padded(note.n_descsz, alignment);
		if (at > bytes || !is_ours(&note, segment + name))
			continue;
		memcpy(&offset, segment + content, sizeof(offset));
		const struct claim *const other =
			(const struct claim *)(const void *)(segment + content + offset);

		if (other != &instance_own_claim && other->resource == resource)
			return true;
	}
	return false;
}

static int
search_object(struct dl_phdr_info *object, size_t size, void *context)
{
	struct search *const search = context;

	(void)size;
	for (size_t i = 0; i < object->dlpi_phnum && !search->is_claimed; i++) {
		const ElfW(Phdr) *const segment = &object->dlpi_phdr[i];

		if (segment->p_type != PT_NOTE)
			continue;
		/* The loader gives a number. NOLINTNEXTLINE(performance-no-int-to-ptr) */
		const char *const notes = (const char *)(object->dlpi_addr + segment->p_vaddr);

		search->is_claimed = segment_has_claim(
			notes, segment->p_memsz, segment->p_align == 8 ? 8 : 4, search->resource);
	}
	return search->is_claimed;
}

/*
 * The loader holds its lock, which is recursive, around both iterations. So two copies cannot
 * claim at once.
 */
static int
claim_locked(struct dl_phdr_info *object, size_t size, void *context)
{
	struct search *const search = context;

	(void)object, (void)size;
	if (instance_own_claim.resource == NULL) {
		(void)dl_iterate_phdr(search_object, search);
		if (!search->is_claimed)
			instance_own_claim.resource = search->resource;
	}
	return 1; /* once is enough */
}

bool
instance_claim(const void *resource)
{
	struct search search = { .resource = resource };

	(void)dl_iterate_phdr(claim_locked, &search);
	return !search.is_claimed;
}
