// Kernel FUSE interface that is newer than the distribution's headers, or that Swift cannot call: the ioctls of /dev/fuse.
#ifndef SERVERFS_CKERNEL_FUSE_H
#define SERVERFS_CKERNEL_FUSE_H

#include <stdint.h>
#include <sys/ioctl.h>

// FUSE_DEV_IOC_CLONE: makes `clone`, freshly opened from /dev/fuse, another channel of the connection of `session`.
static inline long kernel_fuse_clone(int clone, int session) {
    uint32_t descriptor = (uint32_t)session;
    return kernel_result(ioctl(clone, _IOR(229, 0, uint32_t), &descriptor));
}

struct kernel_fuse_backing_map {
    int32_t fd;
    uint32_t flags;
    uint64_t padding;
};

// FUSE_DEV_IOC_BACKING_OPEN (Linux 6.9): registers an open file for passthrough; its id, above 0.
static inline long kernel_fuse_backing_open(int session, int file) {
    struct kernel_fuse_backing_map map = {.fd = file, .flags = 0, .padding = 0};
    return kernel_result(ioctl(session, _IOW(229, 1, struct kernel_fuse_backing_map), &map));
}

// FUSE_DEV_IOC_BACKING_CLOSE
static inline long kernel_fuse_backing_close(int session, uint32_t id) {
    return kernel_result(ioctl(session, _IOW(229, 2, uint32_t), &id));
}

#endif
