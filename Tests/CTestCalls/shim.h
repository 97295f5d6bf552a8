// System calls that only tests make, and that Swift cannot import from the C library: GNU-only ones.
//
// Every function returns the call's result, or the negated errno.
#ifndef SERVERFS_CTESTCALLS_SHIM_H
#define SERVERFS_CTESTCALLS_SHIM_H

#include <errno.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/syscall.h>
#include <sys/xattr.h>
#include <unistd.h>

#include <linux/fs.h>

static inline long test_result(long result) { return result == -1 ? -(long)errno : result; }

// fallocate(2), without a mode
static inline long test_fallocate(int file, int64_t offset, int64_t length) {
    return test_result(syscall(SYS_fallocate, file, 0, offset, length));
}

// copy_file_range(2), at the present positions of both
static inline long test_copy_file_range(int source, int target, size_t byteCount) {
    return test_result(syscall(SYS_copy_file_range, source, (void *)0, target, (void *)0, byteCount, 0U));
}

// renameat2(2) with absolute paths: RENAME_EXCHANGE of linux/fs.h, among others
static inline long test_rename(const char *from, const char *to, unsigned flags) {
    return test_result(syscall(SYS_renameat2, -1, from, -1, to, flags));
}

// sched_setaffinity(2) of the calling thread: that processor alone, one of the first 64
static inline long test_run_on_processor(unsigned processor) {
    uint64_t mask = (uint64_t)1 << (processor & 63);
    return test_result(syscall(SYS_sched_setaffinity, 0, sizeof mask, &mask));
}

#endif
