import Glibc
import Platform
import TestSupport
import Testing

@testable import Telemetry

@Suite(.timeLimit(.minutes(1)))
struct TraceTests {
    private let measurements = Measurements()
    private var tracer: Tracer { measurements.tracer }

    private func span(_ start: UInt64, _ end: UInt64, request: UInt64 = 0) -> Span {
        Span(.work, startNanoseconds: start, endNanoseconds: end, request: request)
    }

    // MARK: - Buffers

    @Test func aBufferDropsAndCountsWhatDoesNotFit() throws {
        let buffer = tracer.makeBuffer(threadName: "test")
        let trace = try #require(tracer.begin(oneIn: 1))
        for index in 0..<UInt64(SpanBuffer.capacity + 5) { buffer.add(span(index, index + 1), trace: trace) }
        tracer.stop()
        let (spans, dropped) = buffer.spans(trace: trace)
        #expect(spans.count == SpanBuffer.capacity)
        #expect(spans.last?.startNanoseconds == UInt64(SpanBuffer.capacity - 1))
        #expect(dropped == 5)
        tracer.end()
    }

    @Test func aBufferBeginsAnewWithEachTraceAndTakesNothingOfOneBefore() throws {
        let buffer = tracer.makeBuffer(threadName: "test")
        let first = try #require(tracer.begin(oneIn: 1))
        let text = "/a path"
        let detail = Array(text.utf8).withUnsafeBytes { buffer.addText($0, trace: first) }
        buffer.add(span(1, 2), trace: first)
        #expect(buffer.text(detail) == text)
        tracer.end()
        let second = try #require(tracer.begin(oneIn: 1))
        #expect(buffer.spans(trace: second).spans.isEmpty)
        buffer.add(span(3, 4), trace: second)
        buffer.add(span(1, 5), trace: first)
        #expect(buffer.spans(trace: second).spans.map(\.startNanoseconds) == [3])
        #expect(buffer.spans(trace: first).spans.isEmpty)
        tracer.end()
    }

    @Test func aThreadThatEndsLeavesItsSpansToTheTrace() throws {
        let buffer = tracer.makeBuffer(threadName: "test")
        let trace = try #require(tracer.begin(oneIn: 1))
        buffer.add(span(1, 2), trace: trace)
        tracer.retire(buffer)
        #expect(tracer.buffers.contains { $0 === buffer })
        tracer.end()
        #expect(tracer.buffers.isEmpty)
        tracer.retire(tracer.makeBuffer(threadName: "test"))
        #expect(tracer.buffers.isEmpty)
    }

    /// Only threads that have recorded anything are kept, and of the rest it is known what is missing.
    @Test func whatThereIsNoRoomForOfEndedThreadsIsCounted() throws {
        let trace = try #require(tracer.begin(oneIn: 1))
        for _ in 0..<100 { tracer.retire(tracer.makeBuffer(threadName: "empty")) }
        for _ in 0..<66 {
            let buffer = tracer.makeBuffer(threadName: "test")
            for _ in 0..<3 { buffer.add(span(1, 2), trace: trace) }
            tracer.retire(buffer)
        }
        #expect(tracer.buffers.count == 64)
        #expect(tracer.droppedSpans == 6)
        tracer.end()
        #expect(tracer.droppedSpans == 0)
    }

    // MARK: - Sampling

    @Test func fewerRequestsAreTakenWhereABufferWouldNotLast() throws {
        let buffer = tracer.makeBuffer(threadName: "test")
        let trace = try #require(tracer.begin(oneIn: 2))
        let began = Clock.monotonicNanoseconds
        var sampling = TraceSampling(began: began, deadline: began + 86_400_000_000_000)
        func fill(_ share: Double) {
            for _ in 0..<Int(Double(SpanBuffer.capacity) * share) { buffer.add(span(1, 2), trace: trace) }
            usleep(1000)
            sampling.adapt(tracer, trace: trace)
        }
        fill(0)
        fill(0.02)
        #expect(tracer.oneIn == 2)
        fill(0.08)
        // At that rate a day would need many times the room.
        #expect(tracer.oneIn > 1000)
        tracer.end()
    }

    // MARK: - Recorder

    private func record(
        seconds: Double = 0.05, endsWhenFull: Bool = false, stopping: WakeUp? = nil, recorder: TraceRecorder? = nil
    ) throws -> TraceDocument {
        let folder = try PrivateFolder()
        let path = "\(folder.path)/trace.json"
        let file = try Files.create(path)
        try (recorder ?? TraceRecorder(measurements)).record(
            seconds: seconds, oneIn: 1, endsWhenFull: endsWhenFull, stopping: stopping, to: file.rawValue)
        return try TraceDocument(readFile(Array(path.utf8)))
    }

    @Test func aTraceOfNothingIsWellFormedAndNamesItsSources() throws {
        let document = try record()
        #expect(document.fact("sources", "spans") == "present")
        for source in ["contextSwitches", "fuseTracepoints"] {
            let text = document.fact("sources", source)
            #expect(text == "present" || text.hasPrefix("absent: "), "\(source): \(text)")
        }
        #expect(document.fact("sampling") == "all requests")
        #expect(document.events.contains { $0.name == "process_name" })
    }

    @Test func descriptorsThatOthersMayNeedAreLeftToThem() {
        let kernel = KernelEvents(descriptorsMax: 3)
        kernel.addThreads(fuseThreads: [])
        #expect(kernel.missingSwitches != nil)
        kernel.end()
        #expect(kernel.switches.isEmpty)
    }

    @Test func twoTracesAtOnceAreRefused() throws {
        let stopping = try WakeUp()
        let recorder = TraceRecorder(measurements)
        let isDone = SharedFlag()
        try withExtendedLifetime(stopping) {
            let threads = try ClientThreads(1) { _ in
                _ = try record(seconds: 60, stopping: stopping)
                isDone.set()
            }
            #expect(eventually(seconds: 10) { tracer.current != 0 })
            let descriptor = try Files.open("/dev/null", flags: O_WRONLY)
            #expect(throws: TraceFailure.isRecording) {
                try recorder.record(seconds: 1, oneIn: 1, stopping: nil, to: descriptor.rawValue)
            }
            #expect(!isDone.isSet)
            stopping.signal()
            try threads.join()
        }
        #expect(tracer.current == 0)
        _ = try record()
    }

    @Test func aTraceThatCannotBeWrittenSaysWhyAndLeavesRoomForTheNext() throws {
        let full = try Files.open("/dev/full", flags: O_WRONLY)
        #expect(throws: TraceFailure.write(.noSpace)) {
            try TraceRecorder(measurements).record(seconds: 0, oneIn: 1, stopping: nil, to: full.rawValue)
        }
        _ = try record(seconds: 0)
    }

    @Test func aRecordingMayEndWhenABufferIsFull() throws {
        let threads = try ClientThreads(1) { _ in
            let buffer = tracer.makeBuffer(threadName: "filler")
            buffer.bind()
            _ = eventually(seconds: 10) { tracer.current != 0 }
            let trace = tracer.current
            for _ in 0..<SpanBuffer.capacity { buffer.add(span(1, 2), trace: trace) }
        }
        let time = try seconds { _ = try record(seconds: 60, endsWhenFull: true) }
        try threads.join()
        #expect(time < 50)
    }

    // MARK: - JSON

    @Test func textsAreEscapedAndTimesKeepTheirNanoseconds() throws {
        let folder = try PrivateFolder()
        let file = try Files.create("\(folder.path)/json")
        var json = JSONLines(file.rawValue)
        json.raw("[")
        json.string("a\"b\\c\n\u{1}ü")
        json.raw(",")
        json.microseconds(1_234_567_089)
        json.raw(",")
        json.number(.max)
        json.raw("]")
        try json.flush()
        let text = String(decoding: try readFile(Array("\(folder.path)/json".utf8)), as: UTF8.self)
        #expect(text == #"["a\"b\\c\u000a\u0001ü",1234567.089,18446744073709551615]"#)
    }
}
