// What Swift sees of libfuse 3: both its APIs, at the version this project is written for.
#ifndef SERVERFS_CFUSE3_SHIM_H
#define SERVERFS_CFUSE3_SHIM_H

#define FUSE_USE_VERSION 314
#include <fuse3/fuse.h>
#include <fuse3/fuse_lowlevel.h>

#endif
