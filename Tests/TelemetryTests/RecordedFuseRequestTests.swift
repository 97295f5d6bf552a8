import Testing

@testable import Telemetry

/// What becomes of spans and kernel records that belong together. Thread 1 is an HTTP loop, thread 2 a FUSE thread.
struct RecordedFuseRequestTests {
    private func span(
        _ kind: SpanKind, _ start: UInt64, _ end: UInt64, request: UInt64 = 0, detail: UInt64 = 0, opcode: UInt16 = 0
    ) -> Span {
        Span(
            kind, opcode: opcode, startNanoseconds: start, endNanoseconds: end, request: request, detail: detail)
    }

    /// Request 9 of an HTTP thread: resolve 100–200, open 200–900, send 900–950; until 1000 it closes the file.
    private func httpThread(pauses: [(UInt64, UInt64)] = []) -> RecordedThread {
        var switches = ThreadSwitches()
        for (out, back) in pauses {
            switches.add(out: out, isPreempted: false, isKept: true)
            switches.add(in: back, isKept: true)
        }
        return RecordedThread(
            threadID: 1, name: "http-0", buffer: nil,
            spans: [
                span(.phase, 100, 200, request: 9, detail: UInt64(RequestPhase.resolve.rawValue)),
                span(.phase, 200, 900, request: 9, detail: UInt64(RequestPhase.open.rawValue)),
                span(.phase, 900, 950, request: 9, detail: UInt64(RequestPhase.send.rawValue)),
                span(.work, 100, 1000, request: 9),
            ], switches: switches)
    }

    /// One that gets a request at 400, replies at 600, and is done at 660. Nothing to do since 300.
    private func fuseThread(
        opcode: UInt16 = 1, request: UInt64 = 9, idleSince: UInt64? = 300, from start: UInt64 = 400
    ) -> RecordedThread {
        var spans = [
            span(.fuseService, start, start + 200, request: request, detail: 44, opcode: opcode),
            span(.fuseReply, start + 200, start + 260, request: request, detail: 44, opcode: opcode),
            span(.fuse, start, start + 260, request: request, detail: 44, opcode: opcode),
        ]
        if let idleSince {
            spans.insert(span(.fuseIdle, idleSince, start, request: request, detail: 44, opcode: opcode), at: 0)
        }
        return RecordedThread(threadID: 2, name: "fuse-0", buffer: nil, spans: spans, switches: ThreadSwitches())
    }

    private func sent(_ nanoseconds: UInt64, unique: UInt64 = 44, thread: Int32 = 1) -> FuseEvent {
        FuseEvent(nanoseconds: nanoseconds, unique: unique, thread: thread, isEnd: false)
    }

    private func answered(_ nanoseconds: UInt64, unique: UInt64 = 44) -> FuseEvent {
        FuseEvent(nanoseconds: nanoseconds, unique: unique, thread: 2, isEnd: true)
    }

    private func names(_ request: RecordedFuseRequest) -> [String] {
        request.parts.map { "\($0.name) \($0.endNanoseconds - $0.startNanoseconds)" }
    }

    private func one(_ threads: [RecordedThread], _ events: [FuseEvent]) throws -> RecordedFuseRequest {
        let requests = RecordedFuseRequest.all(in: threads, events: events)
        try #require(requests.count == 1)
        return requests[0]
    }

    @Test func aRequestSplitsIntoThePartsOfItsWayWithoutGaps() throws {
        let request = try one(
            [httpThread(pauses: [(260, 700)]), fuseThread()], [sent(250), sent(250, unique: 46), answered(630)])
        #expect(
            names(request) == [
                "kernel queue 50", "wake-up of the daemon 100", "service 200", "reply 30", "wake-up of the caller 70",
            ])
        #expect(request.startNanoseconds == 250 && request.endNanoseconds == 700)
        #expect(request.causingThread == 0)
        #expect(request.causingSpan?.phase == .open)
    }

    @Test func anIdleDaemonHasNoQueueAndACallerThatDidNotSleepNoWakeUp() throws {
        let request = try one([httpThread(), fuseThread(idleSince: 100)], [sent(250), answered(630)])
        #expect(names(request) == ["wake-up of the daemon 150", "service 200", "reply 30"])
    }

    @Test func withoutTracepointsThereIsWhatTheFuseThreadKnows() throws {
        let request = try one([httpThread(pauses: [(260, 700)]), fuseThread()], [])
        #expect(names(request) == ["service 200", "reply 60"])
        #expect(request.causingSpan?.phase == .open)
    }

    @Test func aRequestWithoutReplyIsServiceAlone() throws {
        let thread = RecordedThread(
            threadID: 2, name: "fuse-0", buffer: nil,
            spans: [
                span(.fuseService, 400, 600, detail: 44, opcode: 2), span(.fuse, 400, 600, detail: 44, opcode: 2),
            ], switches: ThreadSwitches())
        #expect(names(try one([httpThread(), thread], [])) == ["service 200"])
    }

    /// RELEASE names no caller, and nobody waits for it: its cause is known by the thread that sent it.
    @Test func whatNobodyWaitsForBelongsToWhoSentItAndWakesNobody() throws {
        let request = try one(
            [httpThread(pauses: [(990, 1300)]), fuseThread(opcode: 18, request: 0, idleSince: 900, from: 1000)],
            [sent(970), answered(1230)])
        #expect(request.cause == 9)
        #expect(request.causingSpan?.kind == .work)
        #expect(names(request) == ["wake-up of the daemon 30", "service 200", "reply 30"])
    }

    @Test func aSleepThatEndsAfterThePhaseIsNotTheCallersWakeUp() throws {
        let request = try one([httpThread(pauses: [(260, 901)]), fuseThread()], [sent(250), answered(630)])
        #expect(request.resumedNanoseconds == nil)
    }

    @Test func recordsOfAnotherMountsRequestOfThatNumberAreTold() throws {
        let events = [sent(50), sent(250), sent(500), answered(350), answered(630), answered(800)]
        for events in [events, events.reversed()] {
            let request = try one([httpThread(), fuseThread()], events)
            #expect(request.sentNanoseconds == 250)
            #expect(request.answeredNanoseconds == 630)
        }
    }

    @Test func aCauseWhoseSpansAreNotThereIsNoCauseToPointFrom() throws {
        let request = try one([httpThread(), fuseThread(request: 8, from: 5000)], [])
        #expect(request.cause == 8)
        #expect(request.causingSpan == nil && request.causingThread == nil)
    }

    // MARK: - What its thread did for it

    private func sending(_ threads: [RecordedThread], _ events: [FuseEvent]) throws -> [UInt64] {
        let sending = try #require(try one(threads, events).sending)
        return [sending.startNanoseconds, sending.endNanoseconds]
    }

    @Test func itIsSentUntilItsThreadSleepsOrItIsReceived() throws {
        #expect(try sending([httpThread(pauses: [(120, 130), (260, 700)]), fuseThread()], [sent(250)]) == [250, 260])
        #expect(try sending([httpThread(pauses: [(410, 700)]), fuseThread()], [sent(250)]) == [250, 400])
        #expect(try sending([httpThread(), fuseThread()], [sent(250)]) == [250, 400])
        // By another thread, which the kernel had do it, while its own slept.
        #expect(try sending([httpThread(pauses: [(240, 700)]), fuseThread()], [sent(250, thread: 7)]) == [250, 250])
    }

    @Test func withoutTracepointsItWasSentWhenItsThreadFellAsleepAtTheLatest() throws {
        #expect(try sending([httpThread(pauses: [(120, 130), (260, 700)]), fuseThread()], []) == [260, 260])
        #expect(try sending([httpThread(), fuseThread()], []) == [400, 400])
        // Received long after its phase.
        #expect(try sending([httpThread(), fuseThread(from: 2000)], []) == [950, 950])
    }

    /// As with READs ahead: nothing of one is within the other.
    @Test func ofTwoThatAreSentTheFirstEndsWhereTheSecondBegins() throws {
        func spans(_ start: UInt64, unique: UInt64) -> [Span] {
            [.fuseService, .fuse].map { span($0, start, start + 10, request: 9, detail: unique, opcode: 15) }
        }
        let fuse = RecordedThread(
            threadID: 2, name: "fuse-0", buffer: nil, spans: spans(400, unique: 44) + spans(500, unique: 46),
            switches: ThreadSwitches())
        let requests = RecordedFuseRequest.all(
            in: [httpThread(pauses: [(300, 700)]), fuse], events: [sent(250), sent(270, unique: 46)])
        #expect(requests.map { $0.sending?.startNanoseconds } == [250, 270])
        #expect(requests.map { $0.sending?.endNanoseconds } == [270, 300])
    }

    @Test func onlyPausesWithinWhatIsRecordedConcernIt() {
        let thread = httpThread(pauses: [(10, 20), (90, 110), (300, 400), (950, 1100), (1200, 1300)])
        #expect(thread.pausesWithinSpans.map(\.startNanoseconds) == [90, 300, 950])
    }
}
