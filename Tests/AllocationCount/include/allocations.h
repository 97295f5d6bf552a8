// What a server that counts its allocations shares with the test that asks for them: the first page of a file.
#ifndef SERVERFS_ALLOCATION_COUNT_H
#define SERVERFS_ALLOCATION_COUNT_H

#include <stdint.h>

struct allocation_counts {
    // Set by the test: whether allocations are counted.
    uint64_t is_counting;
    // Of threads named http-…
    uint64_t http;
    // Of threads named fuse-…
    uint64_t fuse;
};

#endif
