// What Swift sees of libevent: the event core only. No evhttp, no bufferevents.
#ifndef SERVERFS_CLIBEVENT_SHIM_H
#define SERVERFS_CLIBEVENT_SHIM_H

// libevent's headers define _GNU_SOURCE, and some system types look different then. Reading a system header first settles
// that they look as they do to Swift's Glibc module.
#include <sys/types.h>

#include <event2/event.h>

#endif
