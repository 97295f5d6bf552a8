import Glibc
import Platform
import Testing

@testable import Telemetry

/// What event loops record while a trace is taken.
@Suite(.timeLimit(.minutes(1))) struct RequestSpanTests {
    private let measurements: Measurements

    /// Answers requests for `path` on a thread of its own and returns what it has recorded under `trace`.
    private func spans(
        trace: UInt64, requests: Int = 1, path: StaticString = "folder/a long name of a file"
    ) throws -> (buffer: SpanBuffer, spans: [Span]) {
        let meters = Guarded<[RequestMeter]>([])
        let measurements = measurements
        try NamedThread("http-test") {
            let meter = RequestMeter(measurements, threadName: "http-test", samplesAll: false)
            meters.withLock { $0.append(meter) }
            meter.enter()
            meter.beginTurn()
            usleep(100)
            meter.beginTasks()
            for _ in 0..<requests {
                meter.received()
                meter.begin(firstByteNanoseconds: meter.turnNanoseconds, isRest: false)
                meter.endPhase(.parse)
                meter.setPath(
                    UnsafeRawBufferPointer(start: path.utf8Start, count: path.utf8CodeUnitCount), isFolder: true)
                meter.endPhase(.resolve)
                usleep(200)
                meter.endPhase(.open)
                meter.count(.mount)
                meter.setStatus(206)
                meter.endTracedPhase(.prepare)
                meter.endPhase(.send)
                meter.finish(closedFile: true)
            }
            meter.leave()
        }.join()
        let buffer = meters.withLock { $0[0].spans }
        return (buffer, buffer.spans(trace: trace).spans)
    }

    @Test func aTracedRequestIsAnUnbrokenRowOfPhasesWithinItsWork() throws {
        let trace = try #require(measurements.tracer.begin(oneIn: 1))
        let (buffer, spans) = try spans(trace: trace)
        measurements.tracer.end()
        let request = try #require(spans.first { $0.kind == .request })
        let work = try #require(spans.first { $0.kind == .work })
        let phases = spans.filter { $0.kind == .phase }
        #expect(spans.count == phases.count + 2)
        #expect(spans.allSatisfy { $0.request == request.request && $0.request != 0 })
        #expect(
            phases.map { RequestPhase(rawValue: Int($0.detail)) }
                == [.queue, .receive, .parse, .resolve, .open, .prepare, .send])
        #expect(phases.first?.startNanoseconds == request.startNanoseconds)
        #expect(phases.last?.endNanoseconds == request.endNanoseconds)
        for (phase, next) in zip(phases, phases.dropFirst()) { #expect(phase.endNanoseconds == next.startNanoseconds) }
        // The queue is before the work, and what is done after the last byte is in it still.
        #expect(work.startNanoseconds == phases[1].startNanoseconds)
        #expect(work.endNanoseconds >= request.endNanoseconds)
        #expect(buffer.text(work.detail) == "/folder/a long name of a file/")
        #expect(request.detail == 206 | 1 << 32)
        #expect(buffer.threadName == "http-test" && buffer.threadID != 0)
    }

    @Test func oneRequestInSoManyIsTracedEachWithANumberOfItsOwn() throws {
        let trace = try #require(measurements.tracer.begin(oneIn: 10))
        let spans = try spans(trace: trace, requests: 50).spans
        let numbers = spans.filter { $0.kind == .request }.map(\.request)
        #expect(numbers.count == 5)
        #expect(Set(numbers).count == 5)
        #expect(!numbers.contains(0))
    }

    @Test func withoutATraceNothingIsRecorded() throws {
        #expect(try spans(trace: 1).spans.isEmpty)
        let trace = try #require(measurements.tracer.begin(oneIn: 1))
        measurements.tracer.end()
        #expect(try spans(trace: trace).spans.isEmpty)
    }

    /// `--telemetry off`: a trace is whole all the same, and nothing else is timed.
    @Test func aTraceNeedsNoTelemetry() throws {
        let measurements = Measurements(isTiming: false)
        let trace = try #require(measurements.tracer.begin(oneIn: 1))
        let spans = try RequestSpanTests(measurements).spans(trace: trace).spans
        #expect(spans.filter { $0.kind == .request }.count == 1)
        #expect(spans.filter { $0.kind == .phase }.count == 7)
        #expect(measurements.requestLatency.summary(.mount).count == 0)
    }

    /// FUSE threads see which request their caller works on, and only while it does.
    @Test func theCallerNamesItsRequestWhileItWorks() throws {
        let trace = try #require(measurements.tracer.begin(oneIn: 2))
        let seen = Guarded<[UInt64]>([])
        let measurements = measurements
        try NamedThread("http-test") {
            let meter = RequestMeter(measurements, threadName: "http-test", samplesAll: false)
            meter.enter()
            meter.beginTurn()
            meter.beginTasks()
            let caller = FuseCaller.find(threadID: UInt32(bitPattern: NamedThread.currentID))
            func note() { seen.withLock { $0.append(caller?.request ?? .max) } }
            var request = SuspendedRequest()
            note()
            meter.begin(firstByteNanoseconds: meter.turnNanoseconds, isRest: false)
            note()
            meter.finish(closedFile: false)
            meter.begin(firstByteNanoseconds: meter.turnNanoseconds, isRest: false)
            note()
            meter.suspend(into: &request)
            note()
            meter.resume(request)
            note()
            meter.abandon()
            note()
            meter.leave()
        }.join()
        let numbers = seen.withLock { $0 }
        #expect(numbers.count == 6 && !numbers.contains(.max))
        #expect(numbers.map { $0 == 0 } == [true, true, false, true, false, true])
        #expect(numbers[2] == numbers[4])
        #expect(trace != 0)
    }

    /// One whose last byte another thread has sent: what this one did meanwhile is not work on it.
    @Test func workBeginsWhereTheThreadsLastWorkEnded() throws {
        let measurements = measurements
        let trace = try #require(measurements.tracer.begin(oneIn: 1))
        let works = Guarded<[Span]>([])
        try NamedThread("http-test") {
            let meter = RequestMeter(measurements, threadName: "http-test", samplesAll: false)
            meter.enter()
            meter.beginTurn()
            meter.beginTasks()
            var sent = SuspendedRequest()
            meter.begin(firstByteNanoseconds: meter.turnNanoseconds, isRest: false)
            meter.endPhase(.send)
            meter.suspend(into: &sent)
            usleep(1_000)
            meter.begin(firstByteNanoseconds: meter.turnNanoseconds, isRest: false)
            usleep(1_000)
            meter.endPhase(.send)
            meter.finish(closedFile: true)
            meter.resume(sent, isSent: true)
            meter.finish(closedFile: true)
            let spans = meter.spans.spans(trace: trace).spans
            works.withLock { $0 = spans.filter { $0.kind == .work } }
            meter.leave()
        }.join()
        measurements.tracer.end()
        let all = works.withLock { $0 }
        #expect(all.count == 3)
        for (work, next) in zip(all, all.dropFirst()) { #expect(work.endNanoseconds <= next.startNanoseconds) }
    }

    /// One that was left when the trace ended is not of the next one.
    @Test func aRequestBelongsToOneTrace() throws {
        let measurements = measurements
        _ = try #require(measurements.tracer.begin(oneIn: 1))
        let second = Guarded<UInt64?>(nil)
        let count = Guarded(-1)
        try NamedThread("http-test") {
            let meter = RequestMeter(measurements, threadName: "http-test", samplesAll: false)
            meter.enter()
            meter.beginTurn()
            meter.beginTasks()
            var request = SuspendedRequest()
            meter.begin(firstByteNanoseconds: meter.turnNanoseconds, isRest: false)
            meter.suspend(into: &request)
            measurements.tracer.end()
            let next = measurements.tracer.begin(oneIn: 1)
            second.withLock { $0 = next }
            meter.beginTurn()
            meter.beginTasks()
            meter.resume(request)
            meter.endPhase(.send)
            meter.finish(closedFile: false)
            count.withLock { $0 = meter.spans.spans(trace: next ?? 0).spans.count }
            meter.leave()
        }.join()
        #expect(second.withLock { $0 } != nil)
        #expect(count.withLock { $0 } == 0)
    }
}

extension RequestSpanTests {
    private init(_ measurements: Measurements) { self.measurements = measurements }

    init() { self.init(Measurements()) }
}
