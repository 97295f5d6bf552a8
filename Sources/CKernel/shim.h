// Kernel calls that Swift cannot import from the C library: GNU-only or variadic ones, and ABI newer than its headers.
//
// Every function returns the call's result, or the negated errno: the error is taken where the call is made, and
// nothing can change it on the way.
#ifndef SERVERFS_CKERNEL_SHIM_H
#define SERVERFS_CKERNEL_SHIM_H

#include <errno.h>
#include <stdint.h>
#include <sys/socket.h>
#include <sys/statfs.h>
#include <sys/syscall.h>
#include <sys/types.h>
#include <sys/uio.h>
#include <unistd.h>

#include <linux/openat2.h>
#include <linux/stat.h>

static inline long kernel_result(long result) { return result == -1 ? -(long)errno : result; }

// Flags that <fcntl.h> shows only to GNU programs (values of x86-64 and arm64 alike, but for O_DIRECT; O_DIRECTORY and
// O_NOFOLLOW differ too, but the C library names them for everybody).
enum {
    KERNEL_O_PATH = 010000000,
    KERNEL_O_NOATIME = 01000000,
#ifdef __aarch64__
    KERNEL_O_DIRECT = 0200000,
#else
    KERNEL_O_DIRECT = 040000,
#endif
    KERNEL_AT_EMPTY_PATH = 0x1000,
    KERNEL_AT_NO_AUTOMOUNT = 0x800,
    KERNEL_AT_STATX_DONT_SYNC = 0x4000,
    KERNEL_AT_STATX_FORCE_SYNC = 0x2000,
    KERNEL_SHUT_WR = SHUT_WR,
    KERNEL_SHUT_RDWR = SHUT_RDWR,
    KERNEL_SPLICE_F_NONBLOCK = 2,
    KERNEL_MNT_FORCE = 1,
    KERNEL_MNT_DETACH = 2,
    KERNEL_UMOUNT_NOFOLLOW = 8,
    KERNEL_PR_SET_NAME = 15,
    KERNEL_EFD_CLOEXEC = 02000000,
    KERNEL_EFD_NONBLOCK = 04000,
};

// openat2(2)
static inline long kernel_openat2(int directory, const char *path, uint64_t flags, uint64_t resolve) {
    struct open_how how = {.flags = flags, .mode = 0, .resolve = resolve};
    return kernel_result(syscall(SYS_openat2, directory, path, &how, sizeof how));
}

// statx(2)
static inline long kernel_statx(int directory, const char *path, int flags, unsigned mask, struct statx *result) {
    return kernel_result(syscall(SYS_statx, directory, path, flags, mask, result));
}

// getdents64(2)
static inline long kernel_getdents64(int directory, void *buffer, size_t byteCount) {
    return kernel_result(syscall(SYS_getdents64, directory, buffer, byteCount));
}

// sendfile(2), with the file offset given and advanced
static inline long kernel_sendfile(int socket, int file, int64_t *offset, size_t byteCount) {
    return kernel_result(syscall(SYS_sendfile, socket, file, offset, byteCount));
}

// splice(2), at the present positions of both
static inline long kernel_splice(int source, int target, size_t byteCount, unsigned flags) {
    // libfuse reads errno itself: this one call keeps the C library's convention.
    return syscall(SYS_splice, source, (void *)0, target, (void *)0, byteCount, flags);
}

// process_vm_readv(2) from this process itself: a copy that fails with EFAULT where a mapping has no page, instead of SIGBUS
static inline long kernel_copy_mapped(void *target, const void *source, size_t byteCount) {
    struct iovec to = {.iov_base = target, .iov_len = byteCount};
    struct iovec from = {.iov_base = (void *)source, .iov_len = byteCount};
    return kernel_result(syscall(SYS_process_vm_readv, getpid(), &to, 1UL, &from, 1UL, 0UL));
}

// madvise(2) with MADV_POPULATE_READ
static inline long kernel_populate(const void *address, size_t byteCount) {
    return kernel_result(syscall(SYS_madvise, address, byteCount, 22L));
}

// accept4(2), the peer's address not asked for
static inline long kernel_accept4(int listener, int flags) {
    return kernel_result(syscall(SYS_accept4, listener, (void *)0, (void *)0, flags));
}

// eventfd2(2)
static inline long kernel_eventfd(unsigned initial, int flags) {
    return kernel_result(syscall(SYS_eventfd2, initial, flags));
}

// fstatfs(2): the file system's magic number (linux/magic.h)
static inline long kernel_file_system_type(int file) {
    struct statfs status;
    long result = kernel_result(syscall(SYS_fstatfs, file, &status));
    return result < 0 ? result : (long)(uint32_t)status.f_type;
}

// signalfd4(2): `signals` has bit n - 1 set for signal n
static inline long kernel_signalfd(uint64_t signals) {
    return kernel_result(syscall(SYS_signalfd4, -1, &signals, 8UL, KERNEL_EFD_CLOEXEC));
}

// umount2(2)
static inline long kernel_umount2(const char *target, int flags) {
    return kernel_result(syscall(SYS_umount2, target, flags));
}

// dup3(2), close-on-exec: `number`, which is open, becomes another descriptor of what `descriptor` is open on
static inline long kernel_duplicate_onto(int descriptor, int number) {
    return kernel_result(syscall(SYS_dup3, descriptor, number, KERNEL_EFD_CLOEXEC));
}

// gettid(2)
static inline long kernel_gettid(void) { return syscall(SYS_gettid); }

// prctl(PR_SET_NAME): the calling thread's name, at most 15 bytes are kept
static inline long kernel_set_thread_name(const char *name) {
    return kernel_result(syscall(SYS_prctl, KERNEL_PR_SET_NAME, name, 0, 0, 0));
}

#include "fuse.h"
#include "mapping.h"
#include "notify.h"
#include "perf.h"
#include "process.h"

#endif
