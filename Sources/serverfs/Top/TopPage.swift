/// What `serverfs top` shows of two looks at a server: a page, or one line.
struct TopPage {
    let figures: TopFigures
    let address: String

    private static let slowRequestsMax = 8

    /// The lines of a page.
    var lines: [String] {
        var lines = [headline, state, ""]
        lines += TopText.table([
            [
                "", "requests/s", "MB/s", "open", "p50", "p90", "p99", "max", "FUSE/request", "switches/request",
                "CPU/request",
            ], row("mount", figures.mount), row("bypass", figures.bypass),
        ])
        lines += ["", trouble, ""]
        if !figures.operations.isEmpty { lines += operations + [""] }
        lines += threads
        if !figures.now.slowRequests.isEmpty { lines += ["", "last requests over 10 ms"] + slowRequests }
        return lines
    }

    /// Everything that changes most, in one line.
    var line: String {
        func part(_ name: String, _ served: TopFigures.Served) -> String {
            let latency = served.latency.map {
                " p50 \(Self.duration($0.p50Nanoseconds)) p99 \(Self.duration($0.p99Nanoseconds))"
            }
            return "\(name) \(TopText.number(served.requests)) requests/s"
                + " \(TopText.number(served.bodyBytes / 1e6, digits: 1)) MB/s\(latency ?? "")"
        }
        let fuse = figures.operations.reduce(0) { $0 + $1.rate }
        let processor = figures.threads.reduce(0) { $0 + $1.processor }
        return [
            part("mount", figures.mount), part("bypass", figures.bypass),
            "FUSE \(TopText.number(fuse)) requests/s", "CPU \(TopText.number(processor * 100)) %", state,
        ].joined(separator: " | ")
    }

    // MARK: - Parts

    private var headline: String {
        let now = figures.now
        return
            "serverfs \(now.version), process \(now.pid) at \(address), up \(TopText.uptime(seconds: now.uptimeSeconds))"
    }

    private var state: String {
        let now = figures.now
        var words: [String] = []
        if now.mounted { words.append("mounted") }
        if now.degraded { words.append("MOUNT LOST") }
        if now.bypass == nil { words.append("no mount") }
        if now.bypass == true { words.append("BYPASS ON") }
        if now.mountLosses > 0 { words.append("mount losses \(now.mountLosses)") }
        if !now.telemetry { words.append("telemetry off") }
        if now.recordingTrace { words.append("recording a trace") }
        return words.joined(separator: ", ")
    }

    private func row(_ name: String, _ served: TopFigures.Served) -> [String] {
        func latency(_ value: (TopStatus.Latency) -> UInt64) -> String {
            served.latency.map { Self.duration(value($0)) } ?? "-"
        }
        func share(_ value: Double?) -> String { value.map { TopText.number($0, digits: 2) } ?? "-" }
        return [
            name, TopText.number(served.requests), TopText.number(served.bodyBytes / 1e6, digits: 1),
            served.hits.map { "\(TopText.number($0 * 100)) %" } ?? "-", latency(\.p50Nanoseconds),
            latency(\.p90Nanoseconds), latency(\.p99Nanoseconds), latency(\.maxNanoseconds),
            share(served.fuseRequests), share(served.switches),
            served.processorNanoseconds.map { TopText.duration(nanoseconds: $0) } ?? "-",
        ]
    }

    private var trouble: String {
        let http = figures.now.http
        let accepted = TopText.number(figures.rate(\.http.connections.accepted))
        // What is most needed when something is wrong comes first: a narrow screen shows the start.
        return "stuck \(http.stuckRequests) (\(http.stuckRequestsGivenUp) given up), "
            + "cut off \(http.truncatedResponses), connections \(http.connections.open), accepted/s \(accepted), refused \(http.connections.refused), "
            + "invalid requests \(http.invalidRequests)"
    }

    private var operations: [String] {
        let rows = figures.operations.map { operation in
            [
                operation.name, TopText.number(operation.rate),
                operation.service.map { TopText.duration(nanoseconds: $0) } ?? "-",
                operation.reply.map { TopText.duration(nanoseconds: $0) } ?? "-",
                Self.duration(operation.latency.p50Nanoseconds), Self.duration(operation.latency.p99Nanoseconds),
            ]
        }
        return TopText.table([["FUSE", "requests/s", "service", "reply", "p50", "p99"]] + rows)
    }

    private var threads: [String] {
        let rows = figures.threads.map { thread in
            [
                TopText.printable(thread.name), "\(TopText.number(thread.processor * 100, digits: 1)) %",
                TopText.number(thread.voluntary), TopText.number(thread.involuntary),
            ]
        }
        return TopText.table([["thread", "CPU", "switches/s", "preempted/s"]] + rows)
    }

    private var slowRequests: [String] {
        let rows = figures.now.slowRequests.prefix(Self.slowRequestsMax).map { request in
            let phases = request.phases.filter { $0.value > 0 }.sorted { ($1.value, $0.key) < ($0.value, $1.key) }
                .prefix(3).map { "\($0.key) \(Self.duration($0.value))" }.joined(separator: ", ")
            let text = "\(request.status) \(request.via) \(TopText.printable(request.path)): \(phases)"
            return "\(Self.duration(request.latencyNanoseconds))  \(text), \(request.fuseRequests) FUSE requests"
        }
        return Array(rows)
    }

    private static func duration(_ nanoseconds: UInt64) -> String {
        TopText.duration(nanoseconds: Double(nanoseconds))
    }
}
