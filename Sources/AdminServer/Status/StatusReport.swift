import Glibc
import Platform
import Telemetry

/// What `/status` and the events say: the counters since the start, and the last second's share of them. Admin thread only.
struct StatusReport {
    let subject: AdminSubject
    /// What the last second began with, and what there was in it.
    private var before: Sample
    private var interval: JSONValue = .null

    /// The HTTP latencies at one moment.
    private struct Sample {
        let nanoseconds: UInt64
        let requests: [UInt64]
        let latencies: [LatencySummary]

        init(_ measurements: Measurements) {
            nanoseconds = Clock.monotonicNanoseconds
            requests = ServingPath.allCases.map { measurements.http[HTTPCounter.requests($0)] }
            latencies = ServingPath.allCases.map { measurements.requestLatency.summary($0) }
        }
    }

    init(_ subject: AdminSubject) {
        self.subject = subject
        before = Sample(subject.measurements)
        interval = Self.difference(from: before, to: before)
    }

    /// A second has passed.
    mutating func tick() {
        let now = Sample(subject.measurements)
        interval = Self.difference(from: before, to: now)
        before = now
    }

    private static func difference(from before: Sample, to now: Sample) -> JSONValue {
        let paths = ServingPath.allCases.map { path -> (name: String, value: JSONValue) in
            let index = path.rawValue
            return (
                "\(path)",
                [
                    "requests": .integer(now.requests[index] &- before.requests[index]),
                    "latency": .latency(now.latencies[index].since(before.latencies[index])),
                ]
            )
        }
        return ["seconds": .number(Double(now.nanoseconds - before.nanoseconds) / 1e9), "http": .object(paths)]
    }

    /// The present status.
    func make(isRecordingTrace: Bool) -> JSONValue {
        let state = subject.state()
        var now = timespec()
        clock_gettime(CLOCK_REALTIME, &now)
        return [
            "version": .string(subject.version),
            "pid": .integer(getpid()),
            "uptimeSeconds": .number(Double(Clock.monotonicNanoseconds - subject.startNanoseconds) / 1e9),
            "timeUnixSeconds": .number(Double(now.tv_sec) + Double(now.tv_nsec) / 1e9),
            "options": .object(subject.options()),
            "requestedOptions": .object(subject.requestedOptions),
            "bypass": state.bypass.map(JSONValue.bool) ?? .null,
            "mounted": .bool(state.isMounted),
            "degraded": .bool(state.isDegraded),
            "mountLosses": .integer(state.mountLosses),
            "telemetry": .bool(subject.measurements.isTiming),
            "recordingTrace": .bool(isRecordingTrace),
            "http": http,
            "fuse": fuse(state),
            "threads": .array(ThreadUsage.all().map(JSONValue.thread)),
            "slowRequests": .array(subject.measurements.slowRequests.latest.map(JSONValue.slowRequest)),
            "interval": interval,
        ]
    }

    private var http: JSONValue {
        let counters = subject.measurements.http
        return [
            "mount": served(.mount),
            "bypass": served(.bypass),
            "connections": [
                "open": .integer(counters.openConnections),
                "accepted": .integer(counters[.connectionsAccepted]),
                "refused": .integer(counters[.connectionsRefused]),
            ],
            "invalidRequests": .integer(counters[.invalidRequests]),
            "truncatedResponses": .integer(counters[.truncatedResponses]),
            "stuckRequests": .integer(counters[.stuckRequests]),
            "stuckRequestsGivenUp": .integer(counters[.stuckRequestsGivenUp]),
        ]
    }

    private func served(_ path: ServingPath) -> JSONValue {
        let measurements = subject.measurements
        let counters = measurements.http
        let phases = RequestPhase.allCases.map { phase in
            (name: phase.name, value: JSONValue.integer(measurements.phases[PhaseTime(path, phase)]))
        }
        return [
            "requests": .integer(counters[.requests(path)]),
            "bodyBytes": .integer(counters[.bodyBytes(path)]),
            "mappedBodyBytes": .integer(counters[.mappedBodyBytes(path)]),
            "openFileHits": .integer(counters[.openFileHits(path)]),
            "openFileMisses": .integer(counters[.openFileMisses(path)]),
            "latency": .latency(measurements.requestLatency.summary(path)),
            // Only what goes through the mount can cause any.
            "fuseRequests": .integer(path == .mount ? counters[.mountFuseRequests] : 0),
            "phases": .object(phases),
            "sampled": [
                "requests": .integer(counters[.sampledRequests(path)]),
                "voluntarySwitches": .integer(counters[.sampledVoluntary(path)]),
                "involuntarySwitches": .integer(counters[.sampledInvoluntary(path)]),
            ],
            "processorNanoseconds": .integer(counters[.processorNanoseconds(path)]),
            "voluntarySwitches": .integer(counters[.voluntarySwitches(path)]),
            "involuntarySwitches": .integer(counters[.involuntarySwitches(path)]),
        ]
    }

    private func fuse(_ state: ServerState) -> JSONValue {
        let measurements = subject.measurements
        let operations = FuseOperation.allCases.map { operation -> (name: String, value: JSONValue) in
            (
                operation.name,
                [
                    "requests": .integer(measurements.fuse[FuseCounter(operation)]),
                    "serviceNanoseconds": .integer(measurements.fuseTimes[FuseTime(operation, .service)]),
                    "replyNanoseconds": .integer(measurements.fuseTimes[FuseTime(operation, .reply)]),
                    "latency": .latency(measurements.fuseLatency.summary(operation)),
                ]
            )
        }
        return [
            "operations": .object(operations),
            "readBytes": .integer(measurements.fuse[.readBytes]),
            "invalidations": .integer(measurements.invalidations),
            "errorReplies": .integer(measurements.fuse[.errorReplies]),
            "deadlocksAvoided": .integer(measurements.fuse[.deadlocksAvoided]),
            "inodes": .integer(state.inodes),
            "watch": state.watch.map(JSONValue.string) ?? .null,
        ]
    }
}

extension JSONValue {
    fileprivate static func latency(_ summary: LatencySummary) -> JSONValue {
        let percentiles = summary.nanoseconds(percentiles: [50, 90, 99, 99.9])
        return [
            "count": .integer(summary.count),
            "sumNanoseconds": .integer(summary.sumNanoseconds),
            "p50Nanoseconds": .integer(percentiles[0]),
            "p90Nanoseconds": .integer(percentiles[1]),
            "p99Nanoseconds": .integer(percentiles[2]),
            "p999Nanoseconds": .integer(percentiles[3]),
            "maxNanoseconds": .integer(summary.maxNanoseconds),
        ]
    }

    fileprivate static func thread(_ usage: ThreadUsage) -> JSONValue {
        [
            "name": .string(usage.name),
            "threadID": .integer(usage.threadID),
            "voluntarySwitches": .integer(usage.voluntarySwitches),
            "involuntarySwitches": .integer(usage.involuntarySwitches),
            "processorNanoseconds": .integer(usage.processorNanoseconds),
        ]
    }

    fileprivate static func slowRequest(_ request: SlowRequest) -> JSONValue {
        let timeline = request.timeline
        return [
            "number": .integer(request.number),
            "path": .string(request.path),
            "via": .string("\(request.servingPath)"),
            "status": .integer(request.status),
            "endedUnixSeconds": .number(request.endedUnixSeconds),
            "latencyNanoseconds": .integer(timeline.latencyNanoseconds),
            "phases": .object(
                RequestPhase.allCases.map { (name: $0.name, value: JSONValue.integer(timeline[$0])) }),
            "fuseRequests": .integer(timeline.fuseRequests),
            "fuseServiceNanoseconds": .integer(timeline.fuseServiceNanoseconds),
            // They are looked at for some requests only.
            "voluntarySwitches": timeline.isSampled ? .integer(timeline.contextSwitches.voluntary) : .null,
            "involuntarySwitches": timeline.isSampled ? .integer(timeline.contextSwitches.involuntary) : .null,
        ]
    }
}
