import Platform
import Synchronization

/// What one event loop's thread measures of the HTTP requests that it works on, one at a time: where their time goes, the FUSE
/// requests they cause, their context switches, and their spans while a trace is taken.
///
/// A request begins (`begin`), its phases end one after the other (`endPhase`), and it is done (`finish`), or left for later and
/// taken up again, perhaps by another thread (`suspend`, `resume`). The time of the end of one thing is that of the beginning of
/// the next: the clock is read about four times a request.
///
/// Everything here is the thread's own, but for `counters`, which any may read, and what is said to be for one that takes over.
/// So accesses need no check whether another is under way: the checks would cost as much as what is measured.
package final class RequestMeter: @unchecked Sendable {
    package let counters: Counters<HTTPCounter>
    let phaseTimes: Counters<PhaseTime>
    let latencies: Latencies<ServingPath>
    let measurements: Measurements
    private let samplesAll: Bool
    let spans: SpanBuffer
    /// nil when there are too many threads: the FUSE requests of this one are nobody's.
    @exclusivity(unchecked) private var caller: FuseCaller?

    /// The request at hand; not running where there is none, or where no times are taken.
    @exclusivity(unchecked) private(set) var timeline = RequestTimeline()
    /// Where its path can be read, without the slash at its start; empty before there is one.
    @exclusivity(unchecked) private var path = UnsafeRawBufferPointer(start: nil, count: 0)
    @exclusivity(unchecked) private var isFolder = false
    /// Its path, where another thread had read it.
    @exclusivity(unchecked) private var keptPath: String?

    /// Whether times are taken in this turn of the event loop, if only for a trace.
    @exclusivity(unchecked) private var isMeasuring = false
    /// Whether they are taken for all requests, which are recorded then. Looked at once a turn, as it may be switched at any time.
    @exclusivity(unchecked) private var isRecording = false
    /// CLOCK_MONOTONIC, when the event loop was first told of something in this turn.
    @exclusivity(unchecked) package private(set) var turnNanoseconds: UInt64 = 0
    /// CLOCK_MONOTONIC, the end of what the thread did last.
    @exclusivity(unchecked) private var lastNanoseconds: UInt64 = 0
    /// CLOCK_MONOTONIC, when the bytes were received that come next; 0 where that is not of interest.
    @exclusivity(unchecked) private var receivedNanoseconds: UInt64 = 0
    @exclusivity(unchecked) private var requestCount: UInt64 = 0
    @exclusivity(unchecked) private var shares = UsageShares()

    // The work on the request at hand, since it began or was taken up again.
    @exclusivity(unchecked) private var isWorking = false
    /// Whether there was any work since `abandon` was called last.
    @exclusivity(unchecked) private var hasWorked = false
    @exclusivity(unchecked) private(set) var workNanoseconds: UInt64 = 0
    @exclusivity(unchecked) private var fuseRequestsBefore: UInt64 = 0
    @exclusivity(unchecked) private var fuseServiceBefore: UInt64 = 0
    @exclusivity(unchecked) private var switchesBefore = ContextSwitches()

    /// One request in so many has its context switches looked at.
    static let switchSampling: UInt64 = 64

    /// - Parameters:
    ///   - threadName: for traces.
    ///   - samplesAll: whether the context switches of every request are looked at.
    package init(_ measurements: Measurements, threadName: String, samplesAll: Bool) {
        self.measurements = measurements
        self.samplesAll = samplesAll
        counters = measurements.http.makeCounters()
        phaseTimes = measurements.phases.makeCounters()
        latencies = measurements.requestLatency.makeLatencies()
        spans = measurements.tracer.makeBuffer(threadName: threadName)
    }

    /// What it has counted and recorded stays in the sums.
    deinit {
        measurements.http.retire(counters)
        measurements.phases.retire(phaseTimes)
        measurements.requestLatency.retire(latencies)
        measurements.tracer.retire(spans)
    }

    // MARK: - The thread

    /// On the thread, before everything else.
    package func enter() {
        caller = FuseCaller.enter()
        spans.bind()
    }

    /// On the thread, when it ends.
    package func leave() {
        settleUsage()
        caller?.leave()
        caller = nil
    }

    /// Once a second: counts what the thread has used.
    package func settleUsage() { shares.settle(.ofCurrentThread, in: counters) }

    // MARK: - Turns of the event loop

    /// The loop is told of the first thing that is to be done in this turn.
    package func beginTurn() {
        isRecording = measurements.isTiming
        isMeasuring = isRecording || measurements.tracer.current != 0
        turnNanoseconds = isMeasuring ? Clock.monotonicNanoseconds : 0
    }

    /// Goes on in the middle of a turn, in place of a thread that is stuck.
    package func takeOver(_ other: RequestMeter) {
        isMeasuring = other.isMeasuring
        isRecording = other.isRecording
        turnNanoseconds = other.turnNanoseconds
        beginTasks()
    }

    /// It has been told of everything, and begins.
    package func beginTasks() { if isMeasuring { lastNanoseconds = Clock.monotonicNanoseconds } }

    /// Something else than a request was done.
    package func skip() {
        if isMeasuring { lastNanoseconds = max(lastNanoseconds, Clock.monotonicNanoseconds) }
    }

    /// Bytes have been received: the request that begins next has come with them.
    package func received() {
        receivedNanoseconds = measurements.tracer.current == 0 ? 0 : Clock.monotonicNanoseconds
    }

    // MARK: - A request

    /// Works on a request from now on, which is to say since the last thing was done.
    ///
    /// - Parameters:
    ///   - firstByteNanoseconds: when its first byte came; 0 where that is not known.
    ///   - isRest: whether only now the rest of its head came: it was waited for.
    package func begin(firstByteNanoseconds first: UInt64, isRest: Bool) {
        requestCount &+= 1
        path = UnsafeRawBufferPointer(start: nil, count: 0)
        keptPath = nil
        if isMeasuring {
            let isTraced = choose()
            // One that began to come while no times were taken is shorter here than it was.
            let isWhole = first != 0
            let first = isWhole ? first : turnNanoseconds
            timeline.begin(firstByteNanoseconds: first, nanoseconds: first)
            timeline.isRecorded = isRecording && isWhole
            timeline.isSampled = samplesAll || isTraced || requestCount % Self.switchSampling == 0
            if isTraced {
                timeline.trace = measurements.tracer.current
                timeline.traceNumber = RequestNumbers.next()
            }
            if isRest { endPhase(.wait, nanoseconds: turnNanoseconds) }
            endPhase(.queue, nanoseconds: lastNanoseconds)
        }
        beginWork()
        if timeline.traceNumber != 0, receivedNanoseconds != 0 {
            endPhase(.receive, nanoseconds: receivedNanoseconds)
        }
        receivedNanoseconds = 0
    }

    /// Whether this request is traced.
    private func choose() -> Bool {
        measurements.tracer.current != 0 && requestCount % measurements.tracer.oneIn == 0
    }

    /// Its path is known: where it can be read until the request is done or suspended, without the slash at its start.
    package func setPath(_ path: UnsafeRawBufferPointer, isFolder: Bool) {
        self.path = path
        self.isFolder = isFolder
    }

    /// Where its file is read is known: it is counted.
    package func count(_ servingPath: ServingPath) {
        counters.add(.requests(servingPath))
        timeline.servingPath = servingPath
    }

    package func setStatus(_ code: UInt16) { timeline.status = code }

    /// What has passed since the last phase's end was this phase.
    package func endPhase(_ phase: RequestPhase) {
        guard timeline.isRunning else { return }
        endPhase(phase, nanoseconds: Clock.monotonicNanoseconds)
    }

    /// The same for a phase that only traces tell from the next one.
    package func endTracedPhase(_ phase: RequestPhase) { if timeline.traceNumber != 0 { endPhase(phase) } }

    private func endPhase(_ phase: RequestPhase, nanoseconds: UInt64) {
        let start = timeline.lastNanoseconds
        timeline.endPhase(phase, nanoseconds: nanoseconds)
        if timeline.traceNumber != 0 { addSpan(phase, from: start) }
    }

    /// The request is answered, its last byte sent at the end of the last phase.
    ///
    /// - Parameter closedFile: whether something was done since, which is not the next request's.
    package func finish(closedFile: Bool) {
        endWork(readsClock: closedFile)
        guard timeline.isRunning else { return }
        record()
        timeline.end()
    }

    /// A task is over: a request that is not is over without an answer, or without a whole one. Where there was none at all, what
    /// the task took is not the next one's.
    package func abandon() {
        if !isWorking, !hasWorked { skip() }
        hasWorked = false
        guard isWorking else { return }
        endWork(readsClock: true)
        if timeline.traceNumber != 0 { addRequestSpan() }
        timeline.end()
    }

    /// Leaves the request for later, or for another thread.
    package func suspend(into request: inout SuspendedRequest) {
        endWork(readsClock: true)
        guard timeline.isRunning else { return }
        request.timeline = timeline
        if request.path == nil { request.path = pathText }
        timeline.end()
    }

    /// Takes a request up again, if its time is taken.
    ///
    /// - Parameters:
    ///   - isSent: whether its last byte was sent when it was suspended: what passed since is not its time.
    ///   - isTimeUp: whether it has waited until now: not for something that the event loop was told of in this turn.
    package func resume(_ request: SuspendedRequest, isSent: Bool = false, isTimeUp: Bool = false) {
        keptPath = request.path
        if isMeasuring, request.timeline.isRunning {
            timeline = request.timeline
            if timeline.trace != measurements.tracer.current { timeline.traceNumber = 0 }
            if !isSent {
                endPhase(.wait, nanoseconds: isTimeUp ? lastNanoseconds : turnNanoseconds)
                endPhase(.queue, nanoseconds: lastNanoseconds)
            }
        }
        beginWork()
    }

    /// Its path, as text. A thread that takes over may ask for it too.
    package var pathText: String {
        if let keptPath { return keptPath }
        return "/" + String(decoding: path, as: UTF8.self) + (isFolder && !path.isEmpty ? "/" : "")
    }

    // MARK: - Work

    private func beginWork() {
        (isWorking, hasWorked) = (true, true)
        // Of one that was sent before, the last phase ended while this thread was at others.
        workNanoseconds = max(timeline.lastNanoseconds, lastNanoseconds)
        if let caller {
            fuseRequestsBefore = caller.requests
            fuseServiceBefore = caller.serviceNanoseconds
            if timeline.traceNumber != 0 { caller.request = timeline.traceNumber }
        }
        if timeline.isSampled { switchesBefore = .ofCurrentThread }
    }

    private func endWork(readsClock: Bool) {
        guard isWorking else { return }
        isWorking = false
        addUse(to: &timeline)
        if let caller {
            counters.add(.mountFuseRequests, caller.requests &- fuseRequestsBefore)
            counters.add(.mountFuseServiceNanoseconds, caller.serviceNanoseconds &- fuseServiceBefore)
            if timeline.traceNumber != 0 { caller.request = 0 }
        }
        guard isMeasuring else { return }
        lastNanoseconds = readsClock ? Clock.monotonicNanoseconds : max(timeline.lastNanoseconds, lastNanoseconds)
        if timeline.isRunning, timeline.traceNumber != 0 { addWorkSpan(until: lastNanoseconds) }
    }

    /// Adds what the calls have used since the work began.
    private func addUse(to timeline: inout RequestTimeline) {
        if let caller {
            timeline.fuseRequests &+= caller.requests &- fuseRequestsBefore
            timeline.fuseServiceNanoseconds &+= caller.serviceNanoseconds &- fuseServiceBefore
        }
        if timeline.isSampled {
            timeline.contextSwitches = timeline.contextSwitches &+ (.ofCurrentThread &- switchesBefore)
        }
    }

    /// The request at hand as it is now; nil where no times are taken.
    package var present: RequestTimeline? {
        guard timeline.isRunning else { return nil }
        var present = timeline
        addUse(to: &present)
        return present
    }
}

/// A request that no thread works on at present.
package struct SuspendedRequest: Sendable {
    package var timeline = RequestTimeline()
    /// nil where no times are taken.
    package var path: String?

    package init() {}
}

/// Numbers for the requests that are traced, unique in the process. Any thread.
enum RequestNumbers {
    private static let last = Atomic<UInt64>(0)

    static func next() -> UInt64 { last.add(1, ordering: .relaxed).newValue }
}
