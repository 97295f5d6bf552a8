// What Swift sees of libevent: the event core, and for the admin side evhttp with what it is made of. The file server's own
// connections use neither evhttp nor bufferevents.
#ifndef SERVERFS_CLIBEVENT_SHIM_H
#define SERVERFS_CLIBEVENT_SHIM_H

// libevent's headers define _GNU_SOURCE, and some system types look different then. Reading a system header first settles
// that they look as they do to Swift's Glibc module.
#include <sys/types.h>

#include <event2/buffer.h>
#include <event2/bufferevent.h>
#include <event2/event.h>
#include <event2/http.h>
#include <event2/keyvalq_struct.h>
#include <event2/listener.h>

#endif
