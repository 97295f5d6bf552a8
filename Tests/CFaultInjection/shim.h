// Makes a thread of another process fault by itself, as a defect in it would: what Swift cannot import (ptrace(2) is variadic).
#ifndef SERVERFS_CFAULTINJECTION_SHIM_H
#define SERVERFS_CFAULTINJECTION_SHIM_H

#include <elf.h>
#include <errno.h>
#include <stdint.h>
#include <sys/ptrace.h>
#include <sys/types.h>
#include <sys/uio.h>
#include <sys/user.h>
#include <sys/wait.h>

// Stops one thread, points it at an address where there is no code, and lets it go on: a genuine SIGSEGV in that thread. It
// waits until the thread leaves the kernel: not for one that is stuck there.
//
// Returns 0, or the negated errno.
static inline int fault_injection_trap(pid_t thread) {
    if (ptrace(PTRACE_SEIZE, thread, 0, 0) == -1) return -errno;
    if (ptrace(PTRACE_INTERRUPT, thread, 0, 0) == -1) return -errno;
    int status;
    if (waitpid(thread, &status, __WALL) != thread) return -errno;

    struct user_regs_struct registers;
    struct iovec whole = {.iov_base = &registers, .iov_len = sizeof registers};
    if (ptrace(PTRACE_GETREGSET, thread, (void *)(uintptr_t)NT_PRSTATUS, &whole) == -1) return -errno;
#if defined(__x86_64__)
    registers.rip = 8;
    // No system call is to be started again.
    registers.orig_rax = (unsigned long long)-1;
#elif defined(__aarch64__)
    registers.pc = 8;
#else
#error "which register says where a thread goes on?"
#endif
    if (ptrace(PTRACE_SETREGSET, thread, (void *)(uintptr_t)NT_PRSTATUS, &whole) == -1) return -errno;
    return ptrace(PTRACE_DETACH, thread, 0, 0) == -1 ? -errno : 0;
}

#endif
