/// What happened between two looks at a server, by the second.
struct TopFigures {
    let before: TopStatus
    let now: TopStatus
    /// Between the two.
    let seconds: Double
    private let isSameProcess: Bool

    init(_ before: TopStatus, _ now: TopStatus) {
        self.before = before
        self.now = now
        isSameProcess = before.pid == now.pid && before.uptimeSeconds <= now.uptimeSeconds
        seconds = max(now.uptimeSeconds - (isSameProcess ? before.uptimeSeconds : 0), 1e-3)
    }

    func rate(_ value: (TopStatus) -> UInt64) -> Double {
        // Another process begins at 0.
        let (before, now) = (isSameProcess ? value(before) : 0, value(now))
        return now > before ? Double(now - before) / seconds : 0
    }

    /// One of the two ways: its figures, for a row.
    struct Served {
        let requests: Double
        let bodyBytes: Double
        /// Of requests: of those that looked for their file, how many found it open; nil when none did.
        let hits: Double?
        /// For each request; nil when there was none.
        let fuseRequests: Double?
        let switches: Double?
        let processorNanoseconds: Double?
        let latency: TopStatus.Latency?
    }

    func served(_ name: String, _ part: @escaping (TopStatus.HTTP) -> TopStatus.Served) -> Served {
        func rate(_ value: @escaping (TopStatus.Served) -> UInt64) -> Double { self.rate { value(part($0.http)) } }
        let requests = rate(\.requests)
        func share(_ value: Double) -> Double? { requests > 0 ? value / requests : nil }
        let (hits, misses) = (rate(\.openFileHits), rate(\.openFileMisses))
        return Served(
            requests: requests, bodyBytes: rate(\.bodyBytes), hits: hits + misses > 0 ? hits / (hits + misses) : nil,
            fuseRequests: share(rate(\.fuseRequests)),
            switches: share(rate(\.voluntarySwitches) + rate(\.involuntarySwitches)),
            processorNanoseconds: share(rate(\.processorNanoseconds)),
            latency: now.interval.http[name].flatMap { $0.latency.count > 0 ? $0.latency : nil })
    }

    var mount: Served { served("mount", \.mount) }
    var bypass: Served { served("bypass", \.bypass) }

    /// FUSE requests by operation, the most frequent first, then by name; those that there have been.
    var operations: [(name: String, rate: Double, service: Double?, reply: Double?, latency: TopStatus.Latency)] {
        now.fuse.operations.filter { $0.value.requests > 0 }.map { name, operation in
            func rate(_ value: @escaping (TopStatus.Operation) -> UInt64) -> Double {
                self.rate { $0.fuse.operations[name].map(value) ?? 0 }
            }
            // Of those whose time was taken, which may be switched off.
            let timed = rate(\.latency.count)
            func share(_ value: @escaping (TopStatus.Operation) -> UInt64) -> Double? {
                timed > 0 ? rate(value) / timed : nil
            }
            return (name, rate(\.requests), share(\.serviceNanoseconds), share(\.replyNanoseconds), operation.latency)
        }.sorted { ($1.1, $0.0) < ($0.1, $1.0) }
    }

    /// Threads by name, with the share of a processor that they use, and their context switches.
    var threads: [(name: String, processor: Double, voluntary: Double, involuntary: Double)] {
        now.threads.map { thread in
            func rate(_ value: @escaping (TopStatus.Thread) -> UInt64) -> Double {
                self.rate { status in status.threads.first { $0.name == thread.name }.map(value) ?? 0 }
            }
            return (
                thread.name, rate(\.processorNanoseconds) / 1e9, rate(\.voluntarySwitches), rate(\.involuntarySwitches)
            )
        }
    }
}
