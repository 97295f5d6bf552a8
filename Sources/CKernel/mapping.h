// Mappings of files that others may cut short at any time: what is read there may be gone (SIGBUS).
#ifndef SERVERFS_CKERNEL_MAPPING_H
#define SERVERFS_CKERNEL_MAPPING_H

#include <setjmp.h>
#include <signal.h>

// What follows keeps two variables, in functions because Swift's import defines no others: one Swift file uses it all, so that
// there is one of each.

// Where the calling thread goes on when the byte that it loads is not there; null while it loads none.
static inline sigjmp_buf *volatile *kernel_load_failure(void) {
    static _Thread_local sigjmp_buf *volatile failure;
    return &failure;
}

// What SIGBUS did before.
static inline struct sigaction *kernel_former_bus_action(void) {
    static struct sigaction action;
    return &action;
}

// Whether a signal was sent, by a process or by the kernel for memory that nobody has touched yet: no instruction of the
// thread has failed, and none will again.
static inline int kernel_is_sent(int number, int code) {
    return code <= 0 || (number == SIGBUS && code == BUS_MCEERR_AO);
}

static inline void kernel_bus_error(int number, siginfo_t *information, void *context) {
    int isSent = kernel_is_sent(number, information->si_code);
    sigjmp_buf *failure = *kernel_load_failure();
    if (failure && !isSent) siglongjmp(*failure, 1);
    // Nobody's load: what would have happened happens.
    const struct sigaction *former = kernel_former_bus_action();
    int isDefault = former->sa_handler == SIG_DFL, isIgnored = former->sa_handler == SIG_IGN;
    if (isDefault || (isIgnored && !isSent)) {
        signal(number, SIG_DFL);
        if (isSent) raise(number);
    } else if (!isIgnored && former->sa_flags & SA_SIGINFO) {
        former->sa_sigaction(number, information, context);
    } else if (!isIgnored) {
        former->sa_handler(number);
    }
}

// Once a process, before the first load.
static inline int kernel_catch_load_failures(void) {
    struct sigaction action = {.sa_sigaction = kernel_bus_error, .sa_flags = SA_SIGINFO | SA_ONSTACK | SA_NODEFER};
    sigemptyset(&action.sa_mask);
    // Known before the handler may need it.
    if (sigaction(SIGBUS, (void *)0, kernel_former_bus_action())) return -1;
    return sigaction(SIGBUS, &action, (void *)0);
}

// A byte of a mapping; -1 where the file has no page any more. SIGBUS must not be blocked.
static inline __attribute__((noinline)) int kernel_load(const void *address) {
    sigjmp_buf failure;
    int byte;
    if (sigsetjmp(failure, 0)) {
        byte = -1;
    } else {
        *kernel_load_failure() = &failure;
        byte = *(const volatile unsigned char *)address;
    }
    *kernel_load_failure() = (void *)0;
    return byte;
}

// vmsplice(2): the pages that hold `byteCount` bytes go into a pipe, as they are. Bytes taken: fewer where a page is gone.
static inline long kernel_vmsplice(int pipe, const void *address, size_t byteCount, unsigned flags) {
    struct iovec bytes = {.iov_base = (void *)address, .iov_len = byteCount};
    return kernel_result(syscall(SYS_vmsplice, pipe, &bytes, 1UL, flags));
}

// pipe2(2)
static inline long kernel_pipe(int ends[2], int flags) { return kernel_result(syscall(SYS_pipe2, ends, flags)); }

#endif
