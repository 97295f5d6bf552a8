import Glibc
import Testing
// Every file of this target uses it.
@_exported import TestSupport

/// Everything that runs the real `serverfs` on real mounts and real sockets. One test at a time: each may load the machine,
/// and several measure time.
@Suite(
    .serialized, .onDedicatedThread,
    .enabled(if: Capability.mounting, "mounting needs /dev/fuse, and root or fusermount3"))
enum EndToEnd {}
