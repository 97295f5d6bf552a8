// File change notification: fanotify(7) with file handles, which is newer than what Swift can import.
#ifndef SERVERFS_CKERNEL_NOTIFY_H
#define SERVERFS_CKERNEL_NOTIFY_H

#include <linux/fanotify.h>
#include <stdint.h>

// The bytes of a file handle and what they are prefixed with (struct file_handle).
struct kernel_file_handle {
    uint32_t byteCount;
    int32_t type;
    uint8_t bytes[128];
};

// fanotify_init(2)
static inline long kernel_fanotify_init(unsigned flags, unsigned eventFlags) {
    return kernel_result(syscall(SYS_fanotify_init, flags, eventFlags));
}

// fanotify_mark(2) on what `directory` names
static inline long kernel_fanotify_mark(int group, unsigned flags, uint64_t mask, int directory) {
    return kernel_result(syscall(SYS_fanotify_mark, group, flags, mask, directory, "."));
}

// name_to_handle_at(2) of an open file
static inline long kernel_name_to_handle(int file, struct kernel_file_handle *handle) {
    int mountID = 0;
    handle->byteCount = sizeof handle->bytes;
    return kernel_result(syscall(SYS_name_to_handle_at, file, "", handle, &mountID, KERNEL_AT_EMPTY_PATH));
}

// open_by_handle_at(2)
static inline long kernel_open_by_handle(int mount, struct kernel_file_handle *handle, int flags) {
    return kernel_result(syscall(SYS_open_by_handle_at, mount, handle, flags));
}

#endif
