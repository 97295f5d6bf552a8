// System calls that Swift cannot make by itself: the C library shows them to GNU programs only, or does not have them
// yet, and syscall() is variadic. Each returns the call's result, or the negated errno.
#ifndef SERVERFS_BENCH_KERNEL_CALLS_H
#define SERVERFS_BENCH_KERNEL_CALLS_H

#include <errno.h>
#include <stdint.h>
#include <sys/syscall.h>
#include <unistd.h>

// The same number on every architecture.
#ifndef SYS_cachestat
#define SYS_cachestat 451
#endif

struct bench_cachestat_range {
    uint64_t offset;
    uint64_t length;
};

struct bench_cachestat {
    uint64_t cached;
    uint64_t dirty;
    uint64_t writeback;
    uint64_t evicted;
    uint64_t recently_evicted;
};

// cachestat(2), of Linux 6.5: how many pages of the file are in its page cache.
static inline int64_t bench_cached_pages(int descriptor) {
    struct bench_cachestat_range whole = {0, 0};
    struct bench_cachestat figures = {0};
    if (syscall(SYS_cachestat, descriptor, &whole, &figures, 0u) != 0) return -(int64_t)errno;
    return (int64_t)figures.cached;
}

// syncfs(2)
static inline int64_t bench_syncfs(int descriptor) {
    return syscall(SYS_syncfs, descriptor) == 0 ? 0 : -(int64_t)errno;
}

#endif
