package import Platform

extension MetricsText {
    /// Adds how the mount fares.
    package mutating func add(isDegraded: Bool, mountLosses: UInt64) {
        family(
            "serverfs_mount_degraded", type: "gauge", help: "1 while the mount is lost and not made again yet.",
            samples: [("", isDegraded ? 1 : 0)])
        family(
            "serverfs_mount_losses_total", type: "counter", help: "How often the mount was lost.",
            samples: [("", mountLosses)])
    }

    /// Adds what all FUSE threads have counted and timed, and the gauges of the inode table.
    package mutating func addFUSE(_ measurements: Measurements, inodes: Int) {
        let fuse = measurements.fuse
        family(
            "serverfs_fuse_requests_total", type: "counter", help: "FUSE requests that reached the daemon.",
            samples: FuseOperation.allCases.map { ("operation=\"\($0.name)\"", fuse[FuseCounter($0)]) })
        histograms(
            "serverfs_fuse_request_duration_seconds", help: "From the receipt of a FUSE request to its reply.",
            samples: FuseOperation.allCases.map { ("operation=\"\($0.name)\"", measurements.fuseLatency.summary($0)) })
        family(
            "serverfs_fuse_seconds_total", type: "counter",
            help: "Time of FUSE threads: from the receipt to the reply, and for the reply.",
            samples: FuseOperation.allCases.flatMap { operation in
                FuseTime.Part.allCases.map { part in
                    Sample(
                        "operation=\"\(operation.name)\",part=\"\(part)\"",
                        .nanoseconds(measurements.fuseTimes[FuseTime(operation, part)]))
                }
            })
        family(
            "serverfs_fuse_read_bytes_total", type: "counter", help: "Bytes of READ replies.",
            samples: [("", fuse[.readBytes])])
        family(
            "serverfs_fuse_error_replies_total", type: "counter", help: "FUSE replies that were an error.",
            samples: [("", fuse[.errorReplies])])
        family(
            "serverfs_fuse_deadlocks_avoided_total", type: "counter",
            help: "FUSE requests made by a FUSE thread, which were refused.", samples: [("", fuse[.deadlocksAvoided])])
        family(
            "serverfs_fuse_invalidations_total", type: "counter",
            help: "Notifications to the kernel that something has changed in the docroot.",
            samples: [("", measurements.invalidations)])
        family(
            "serverfs_fuse_inodes", type: "gauge", help: "Inodes the kernel knows, the root among them.",
            samples: [("", UInt64(inodes))])
    }

    /// Adds what the threads of the process have used.
    package mutating func add(_ threads: [ThreadUsage]) {
        family(
            "serverfs_thread_cpu_seconds_total", type: "counter", help: "Processor time of the threads of a name.",
            samples: threads.map {
                Sample("thread=\(Self.quoted($0.name))", .nanoseconds($0.processorNanoseconds))
            })
        family(
            "serverfs_thread_context_switches_total", type: "counter",
            help: "Context switches of the threads of a name: it waited, or was made to.",
            samples: threads.flatMap { thread in
                let label = "thread=\(Self.quoted(thread.name))"
                return [
                    ("\(label),kind=\"voluntary\"", thread.voluntarySwitches),
                    ("\(label),kind=\"involuntary\"", thread.involuntarySwitches),
                ]
            })
    }
}
