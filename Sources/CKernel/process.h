// Processes and mounts: calls that Swift hides or the C library does not have.
#ifndef SERVERFS_CKERNEL_PROCESS_H
#define SERVERFS_CKERNEL_PROCESS_H

#include <linux/mount.h>
#include <sys/prctl.h>
#include <unistd.h>

// fork(3): Swift's import hides it, because a process with several threads could do little afterwards
static inline long kernel_fork(void) { return kernel_result(fork()); }

// pidfd_open(2): a descriptor that is readable once the process has ended
static inline long kernel_pidfd_open(int process) { return kernel_result(syscall(SYS_pidfd_open, process, 0U)); }

// close_range(2)
static inline long kernel_close_range(unsigned first, unsigned last) {
    return kernel_result(syscall(SYS_close_range, first, last, 0U));
}

// A mount of a file system without a device that is in nobody's mount table: a descriptor of its root (fsopen(2), fsmount(2)).
static inline long kernel_mount_detached(const char *type) {
    long context = kernel_result(syscall(SYS_fsopen, type, FSOPEN_CLOEXEC));
    if (context < 0) return context;
    long result = kernel_result(syscall(SYS_fsconfig, (int)context, FSCONFIG_CMD_CREATE, (void *)0, (void *)0, 0));
    if (result >= 0) result = kernel_result(syscall(SYS_fsmount, (int)context, FSMOUNT_CLOEXEC, 0U));
    close((int)context);
    return result;
}

#endif
