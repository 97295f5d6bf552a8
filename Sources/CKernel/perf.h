// What the kernel records of a thread for performance tools (perf_event_open(2)): its context switches, and tracepoints.
#ifndef SERVERFS_CKERNEL_PERF_H
#define SERVERFS_CKERNEL_PERF_H

#include <linux/perf_event.h>
#include <stdint.h>
#include <sys/ioctl.h>
#include <time.h>

enum {
    KERNEL_PERF_RECORD_LOST = PERF_RECORD_LOST,
    KERNEL_PERF_RECORD_SAMPLE = PERF_RECORD_SAMPLE,
    KERNEL_PERF_RECORD_SWITCH = PERF_RECORD_SWITCH,
    KERNEL_PERF_SWITCH_OUT = PERF_RECORD_MISC_SWITCH_OUT,
    KERNEL_PERF_SWITCH_OUT_PREEMPT = PERF_RECORD_MISC_SWITCH_OUT_PREEMPT,
};

// Times are CLOCK_MONOTONIC. Every record ends with the thread and the time: { u32 pid, tid; u64 time }; a sample begins with them.
static inline long kernel_perf_open(struct perf_event_attr attributes, int thread) {
    attributes.size = sizeof attributes;
    attributes.use_clockid = 1;
    attributes.clockid = CLOCK_MONOTONIC;
    attributes.sample_id_all = 1;
    return kernel_result(syscall(SYS_perf_event_open, &attributes, thread, -1, -1, PERF_FLAG_FD_CLOEXEC));
}

// The context switches of a thread. What happens in the kernel itself may be beyond an ordinary user's rights.
static inline long kernel_perf_open_switches(int thread, int excludesKernel) {
    struct perf_event_attr attributes = {
        .type = PERF_TYPE_SOFTWARE,
        .config = PERF_COUNT_SW_DUMMY,
        .sample_type = PERF_SAMPLE_TID | PERF_SAMPLE_TIME,
        .context_switch = 1,
        .exclude_kernel = excludesKernel != 0,
    };
    return kernel_perf_open(attributes, thread);
}

// A tracepoint, each time that the thread passes it: { u32 size; u8 data[size] } after the thread and the time.
static inline long kernel_perf_open_tracepoint(int thread, uint64_t number) {
    struct perf_event_attr attributes = {
        .type = PERF_TYPE_TRACEPOINT,
        .config = number,
        .sample_period = 1,
        .sample_type = PERF_SAMPLE_TID | PERF_SAMPLE_TIME | PERF_SAMPLE_RAW,
    };
    return kernel_perf_open(attributes, thread);
}

// Makes one event of a thread record into the memory of another.
static inline long kernel_perf_set_output(int event, int target) {
    return kernel_result(ioctl(event, PERF_EVENT_IOC_SET_OUTPUT, target));
}

// How far the kernel has written into the memory behind the first page, in bytes since the beginning.
static inline uint64_t kernel_perf_head(const void *memory) {
    return __atomic_load_n(&((const struct perf_event_mmap_page *)memory)->data_head, __ATOMIC_ACQUIRE);
}

static inline uint64_t kernel_perf_tail(const void *memory) {
    return ((const struct perf_event_mmap_page *)memory)->data_tail;
}

// Says how far it is read: the kernel may write there again.
static inline void kernel_perf_set_tail(void *memory, uint64_t tail) {
    __atomic_store_n(&((struct perf_event_mmap_page *)memory)->data_tail, tail, __ATOMIC_RELEASE);
}

#endif
