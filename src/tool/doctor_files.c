/* SPDX-License-Identifier: MIT */
/*
 * The folder, the file system and the files of a log in SQLite, without opening any of the files. A
 * log needs a folder that may be written: beside the database stand -wal, -shm and -lock.
 */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <libgen.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "tool/doctor_checks.h"

#define SPACE_LEAST (UINT64_C(16) << 20)
#define SPACE_GOOD  (UINT64_C(256) << 20)
#define WAL_GOOD    (UINT64_C(64) << 20)

enum kind {
	KIND_LOCAL,
	KIND_NETWORK, /* the locks of other machines do not hold */
	KIND_MEMORY,  /* gone with the machine */
	KIND_LAYER,   /* gone with the container */
};

static const struct file_system {
	const char *name;
	uint32_t magic;
	enum kind kind;
} file_systems[] = {
	{ "ext4", 0xef53, KIND_LOCAL },       { "XFS", 0x58465342, KIND_LOCAL },
	{ "Btrfs", 0x9123683e, KIND_LOCAL },  { "ZFS", 0x2fc12fc1, KIND_LOCAL },
	{ "F2FS", 0xf2f52010, KIND_LOCAL },   { "tmpfs", 0x01021994, KIND_MEMORY },
	{ "ramfs", 0x858458f6, KIND_MEMORY }, { "overlayfs", 0x794c7630, KIND_LAYER },
	{ "NFS", 0x6969, KIND_NETWORK },      { "SMB", 0x517b, KIND_NETWORK },
	{ "CIFS", 0xff534d42, KIND_NETWORK }, { "SMB2", 0xfe534d42, KIND_NETWORK },
	{ "Ceph", 0x00c36400, KIND_NETWORK }, { "AFS", 0x5346414f, KIND_NETWORK },
	{ "9P", 0x01021997, KIND_NETWORK },   { "FUSE", 0x65735546, KIND_NETWORK },
	{ "GFS2", 0x01161970, KIND_NETWORK }, { "Lustre", 0x0bd00bd0, KIND_NETWORK },
};

static const struct {
	enum doctor_level level;
	const char *finding, *advice;
} kinds[] = {
	[KIND_LOCAL] = { DOCTOR_OK, "", NULL },
	[KIND_NETWORK] = { DOCTOR_WARN,
			   ": the locks of SQLite's write-ahead log do not hold between machines",
			   "keep the file on a local file system, or the log in PostgreSQL" },
	[KIND_MEMORY] = { DOCTOR_WARN, ": the log is gone when the machine starts again",
			  "keep the file on a disk" },
	[KIND_LAYER] = { DOCTOR_WARN, ": the log may be gone with the container",
			 "keep the file in a volume" },
};

/* --- the folder ------------------------------------------------------------------------------ */

static bool
check_folder(struct doctor_report *report, const char *folder)
{
	struct stat status;

	if (stat(folder, &status) != 0)
		doctor_say(report, DOCTOR_FAIL, "log-folder",
			   "make the folder: only a missing file is created", "%s: %s", folder,
			   strerror(errno));
	else if (!S_ISDIR(status.st_mode))
		doctor_say(report, DOCTOR_FAIL, "log-folder", "name a file in a folder",
			   "%s is not a folder", folder);
	else if (faccessat(AT_FDCWD, folder, W_OK | X_OK, AT_EACCESS) != 0)
		doctor_say(report, DOCTOR_FAIL, "log-folder",
			   "give the user write permission for the folder: SQLite keeps -wal and "
			   "-shm beside the file",
			   "%s cannot be written: %s", folder, strerror(errno));
	else {
		doctor_say(report, DOCTOR_OK, "log-folder", NULL, "%s can be written", folder);
		return true;
	}
	return false;
}

static void
check_file_system(struct doctor_report *report, const char *folder)
{
	struct statfs status;

	if (statfs(folder, &status) != 0) {
		doctor_say_unknown(report, "log-disk", "statfs(2)");
		return;
	}
	for (size_t i = 0; i < sizeof(file_systems) / sizeof(file_systems[0]); i++) {
		const struct file_system *const known = &file_systems[i];

		if (known->magic != (uint32_t)status.f_type)
			continue;
		doctor_say(report, kinds[known->kind].level, "log-disk", kinds[known->kind].advice,
			   "%s%s", known->name, kinds[known->kind].finding);
		return;
	}
	doctor_say(report, DOCTOR_WARN, "log-disk",
		   "make sure that the file system is local, and keeps files at a power failure",
		   "unknown: a file system of the type 0x%" PRIx32, (uint32_t)status.f_type);
}

static void
check_space(struct doctor_report *report, const char *folder)
{
	struct statvfs status;
	char text[DOCTOR_SIZE_BYTES];

	if (statvfs(folder, &status) != 0) {
		doctor_say_unknown(report, "log-space", "statvfs(2)");
		return;
	}
	const uint64_t bytes = (uint64_t)status.f_bavail * status.f_frsize;
	const bool has_no_names = status.f_files != 0 && status.f_favail < 4;

	doctor_say(report,
		   bytes < SPACE_LEAST || has_no_names ? DOCTOR_FAIL
		   : bytes < SPACE_GOOD                ? DOCTOR_WARN
						       : DOCTOR_OK,
		   "log-space",
		   "free space: on a full disk appends are refused until there is space again",
		   "%s free%s", doctor_size(bytes, text),
		   has_no_names ? ", and no inode for a new file" : "");
}

/* --- the files ------------------------------------------------------------------------------- */

/* The file @path with @ending beside the database. */
static bool
find_beside(const char *path, const char *ending, struct stat *ret_status)
{
	char beside[PATH_MAX];

	return snprintf(beside, sizeof(beside), "%s%s", path, ending) < (int)sizeof(beside) &&
	       stat(beside, ret_status) == 0;
}

/* Of a file that is not there. A file that was moved alone has left its -wal or -lock behind. */
static void
check_missing(struct doctor_report *report, const char *path, bool may_create)
{
	static const char advice[] =
		"move the file back, or move all four files together; to begin a new log, remove "
		"the files with the endings -wal, -shm and -lock";
	struct stat beside;

	if (find_beside(path, "-wal", &beside) && beside.st_size > 0)
		doctor_say(report, DOCTOR_FAIL, "log-file", advice,
			   "%s does not exist, but its -wal does: the file was moved or removed "
			   "without events that are in the -wal",
			   path);
	else if (find_beside(path, "-lock", &beside))
		doctor_say(report, DOCTOR_WARN, "log-file", advice,
			   "%s does not exist, but its -lock does: the file was moved or removed",
			   path);
	else
		doctor_say(report, DOCTOR_OK, "log-file", NULL, "%s does not exist%s", path,
			   may_create ? "; serve creates the file" : "");
}

static void
check_owner(struct doctor_report *report, const char *path, const struct stat *status)
{
	const uid_t user = geteuid();

	if (status->st_uid == user)
		doctor_say(report, DOCTOR_OK, "log-file", NULL,
			   "%s is a file of this user, and can be written", path);
	else
		doctor_say(report, DOCTOR_WARN, "log-file",
			   "run the program as the owner of the file: files beside it may else "
			   "belong to another user",
			   "%s belongs to the user %u, and this is the user %u", path,
			   (unsigned int)status->st_uid, (unsigned int)user);
}

/* The answer is whether opening the file can have any other end than these words. */
static bool
check_file(struct doctor_report *report, const char *path, bool may_create)
{
	struct stat status;

	if (stat(path, &status) != 0 && errno == ENOENT) {
		check_missing(report, path, may_create);
		return false;
	}
	if (faccessat(AT_FDCWD, path, R_OK, AT_EACCESS) != 0) {
		doctor_say(report, DOCTOR_FAIL, "log-file",
			   "give the user permission to read and write the file",
			   "%s cannot be read: %s", path, strerror(errno));
		return false;
	}
	if (!S_ISREG(status.st_mode)) {
		doctor_say(report, DOCTOR_FAIL, "log-file", "name a regular file",
			   "%s is not a regular file", path);
		return false;
	}
	if (status.st_nlink > 1)
		doctor_say(report, DOCTOR_FAIL, "log-file",
			   "remove the other name: two names lead to two sets of -wal and -lock",
			   "%s has a second name (a hard link)", path);
	else if (faccessat(AT_FDCWD, path, W_OK, AT_EACCESS) != 0)
		doctor_say(report, DOCTOR_FAIL, "log-file",
			   "give the user permission to write the file, or serve with --reads-only",
			   "%s cannot be written: %s", path, strerror(errno));
	else
		check_owner(report, path, &status);
	return true;
}

static void
check_wal(struct doctor_report *report, const char *path)
{
	struct stat status;
	char text[DOCTOR_SIZE_BYTES];

	if (find_beside(path, "-journal", &status) && status.st_size > 0)
		doctor_say(report, DOCTOR_WARN, "log-wal",
			   "open the log with `reprise log ls`: SQLite rolls the change back",
			   "a -journal stands beside the file: a change was cut off");
	else if (!find_beside(path, "-wal", &status))
		doctor_say(report, DOCTOR_OK, "log-wal", NULL,
			   "no -wal: every event is in the file, and no program has the log open");
	else
		doctor_say(report, (uint64_t)status.st_size > WAL_GOOD ? DOCTOR_WARN : DOCTOR_OK,
			   "log-wal",
			   "end programs that keep a read of the file open: the -wal cannot be "
			   "emptied meanwhile",
			   "the -wal has %s: keep it with the file",
			   doctor_size((uint64_t)status.st_size, text));
}

bool
doctor_check_files(struct doctor_report *report, const char *file)
{
	char folder[PATH_MAX];

	if (snprintf(folder, sizeof(folder), "%s", file) >= (int)sizeof(folder)) {
		doctor_say(report, DOCTOR_FAIL, "log-file", "choose a shorter path",
			   "the path is too long");
		return false;
	}
	const char *const name = dirname(folder);
	const bool is_writable = check_folder(report, name);

	if (access(name, F_OK) != 0)
		return false;
	check_file_system(report, name);
	check_space(report, name);
	if (!check_file(report, file, is_writable))
		return false;
	check_wal(report, file);
	return true;
}
