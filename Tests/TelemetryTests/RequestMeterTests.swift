import Glibc
import Platform
import Synchronization
import Testing

@testable import Telemetry

/// Requests as an event loop measures them, on threads of their own as there.
@Suite(.timeLimit(.minutes(1))) struct RequestMeterTests {
    /// Runs `body` on a thread with a meter that has entered.
    private func onThread(
        _ measurements: Measurements, samplesAll: Bool = false, _ body: @escaping @Sendable (RequestMeter) -> Void
    ) throws {
        try NamedThread("http-test") {
            let meter = RequestMeter(measurements, threadName: "http-test", samplesAll: samplesAll)
            meter.enter()
            body(meter)
            meter.leave()
        }.join()
    }

    /// A turn with requests for one path.
    private static func answer(_ meter: RequestMeter, _ count: Int, _ servingPath: ServingPath = .mount) {
        meter.beginTurn()
        meter.beginTasks()
        for _ in 0..<count {
            meter.begin(firstByteNanoseconds: meter.turnNanoseconds, isRest: false)
            meter.endPhase(.parse)
            meter.endPhase(.resolve)
            meter.count(servingPath)
            meter.setStatus(200)
            meter.endPhase(.send)
            meter.finish(closedFile: false)
        }
    }

    @Test func latenciesAndPhasesAreRecordedByTheWayTheFileWasRead() throws {
        let measurements = Measurements()
        try onThread(measurements) { meter in
            Self.answer(meter, 10, .mount)
            Self.answer(meter, 3, .bypass)
        }
        for (path, count) in [(ServingPath.mount, UInt64(10)), (.bypass, 3)] {
            let summary = measurements.requestLatency.summary(path)
            #expect(summary.count == count)
            #expect(measurements.http[.requests(path)] == count)
            let phases = RequestPhase.allCases.reduce(0) { $0 + measurements.phases[PhaseTime(path, $1)] }
            #expect(phases == summary.sumNanoseconds)
            #expect(measurements.phases[PhaseTime(path, .queue)] > 0)
        }
    }

    @Test func withoutTelemetryRequestsAreCountedAndNotTimed() throws {
        let measurements = Measurements(isTiming: false)
        try onThread(measurements) { meter in
            Self.answer(meter, 100)
            #expect(meter.present == nil)
        }
        #expect(measurements.http[.mountRequests] == 100)
        #expect(measurements.requestLatency.summary(.mount).count == 0)
        #expect(measurements.http[.mountSampledRequests] == 0)
        #expect(RequestPhase.allCases.allSatisfy { measurements.phases[PhaseTime(.mount, $0)] == 0 })
    }

    @Test func oneRequestIn64HasItsContextSwitchesLookedAt() throws {
        let measurements = Measurements()
        try onThread(measurements) { Self.answer($0, 640, .bypass) }
        #expect(measurements.http[.bypassSampledRequests] == 10)
        #expect(measurements.http[.mountSampledRequests] == 0)
    }

    @Test func theSwitchesOfAThreadThatSleepsInARequestAreThatRequests() throws {
        let measurements = Measurements()
        try onThread(measurements, samplesAll: true) { meter in
            meter.beginTurn()
            meter.beginTasks()
            for naps in 1...3 {
                meter.begin(firstByteNanoseconds: meter.turnNanoseconds, isRest: false)
                meter.count(.mount)
                for _ in 0..<naps { usleep(2_000) }
                meter.endPhase(.open)
                meter.finish(closedFile: false)
            }
        }
        #expect(measurements.http[.mountSampledRequests] == 3)
        #expect((6...12).contains(measurements.http[.mountSampledVoluntary]))
    }

    @Test func fuseRequestsAreCountedForTheRequestWhoseThreadMadeThem() throws {
        let measurements = Measurements()
        let seen = Guarded<[UInt64]>([])
        try onThread(measurements) { meter in
            let caller = FuseCaller.find(threadID: UInt32(bitPattern: NamedThread.currentID))
            // Between requests: nobody's.
            caller?.countRequest()
            meter.beginTurn()
            meter.beginTasks()
            for count in 1...3 {
                meter.begin(firstByteNanoseconds: meter.turnNanoseconds, isRest: false)
                for _ in 0..<count {
                    caller?.countRequest()
                    caller?.addService(nanoseconds: 100)
                }
                if let present = meter.present { seen.withLock { $0.append(present.fuseRequests) } }
                meter.count(.mount)
                meter.finish(closedFile: true)
                caller?.countRequest()
            }
        }
        #expect(seen.withLock { $0 } == [1, 2, 3])
        #expect(measurements.http[.mountFuseRequests] == 6)
        #expect(measurements.http[.mountFuseServiceNanoseconds] == 600)
    }

    /// As with a thread that was stuck: another one goes on with the request, and no time is lost.
    @Test func aRequestThatGoesOverToAnotherThreadKeepsItsTime() throws {
        let measurements = Measurements()
        let request = Guarded(SuspendedRequest())
        let path: StaticString = "folder/file"
        try onThread(measurements) { meter in
            meter.beginTurn()
            meter.beginTasks()
            meter.begin(firstByteNanoseconds: meter.turnNanoseconds, isRest: false)
            meter.setPath(
                UnsafeRawBufferPointer(start: path.utf8Start, count: path.utf8CodeUnitCount), isFolder: false)
            usleep(3_000)
            meter.endPhase(.open)
            request.withLock { meter.suspend(into: &$0) }
        }
        usleep(10_000)
        try onThread(measurements) { meter in
            meter.beginTurn()
            meter.beginTasks()
            meter.resume(request.withLock { $0 })
            meter.count(.mount)
            meter.setStatus(200)
            meter.endPhase(.send)
            meter.finish(closedFile: false)
        }
        let slow = try #require(measurements.slowRequests.latest.first)
        #expect(slow.path == "/folder/file" && slow.status == 200 && slow.servingPath == .mount)
        #expect(slow.timeline[.open] >= 3_000_000)
        #expect(slow.timeline[.wait] >= 10_000_000)
        #expect(RequestPhase.allCases.reduce(0) { $0 + slow.timeline[$1] } == slow.timeline.latencyNanoseconds)
        #expect(measurements.requestLatency.summary(.mount).count == 1)
    }

    /// The loop's tick ends it: there is no turn in which the loop was told of anything.
    @Test func whoseTimeIsUpHasWaitedUntilThen() throws {
        let measurements = Measurements()
        try onThread(measurements) { meter in
            var request = SuspendedRequest()
            meter.beginTurn()
            meter.beginTasks()
            meter.begin(firstByteNanoseconds: meter.turnNanoseconds, isRest: false)
            meter.suspend(into: &request)
            usleep(20_000)
            meter.skip()
            meter.resume(request, isTimeUp: true)
            meter.count(.mount)
            meter.endPhase(.send)
            meter.finish(closedFile: false)
        }
        #expect(measurements.phases[PhaseTime(.mount, .wait)] >= 20_000_000)
        #expect(measurements.phases[PhaseTime(.mount, .queue)] < 20_000_000)
    }

    @Test func whatATaskWithoutARequestTakesIsTheNextOnesQueue() throws {
        let measurements = Measurements()
        try onThread(measurements) { meter in
            meter.beginTurn()
            meter.beginTasks()
            usleep(20_000)
            meter.abandon()
            meter.begin(firstByteNanoseconds: meter.turnNanoseconds, isRest: false)
            meter.endPhase(.parse)
            meter.count(.mount)
            meter.finish(closedFile: false)
        }
        #expect(measurements.phases[PhaseTime(.mount, .queue)] >= 20_000_000)
        #expect(measurements.phases[PhaseTime(.mount, .parse)] < 20_000_000)
    }

    @Test func whatIsGivenUpIsSlowAndOnlyWhatIsAnsweredHasALatency() throws {
        let measurements = Measurements()
        try onThread(measurements) { meter in
            let start = Clock.monotonicNanoseconds
            meter.recordStuck(firstByteNanoseconds: start - 1_000_000_000, path: "/a", .mount, status: 504)
            meter.recordStuck(firstByteNanoseconds: start - 1_000_000_000, path: "/b", .mount, status: nil)
        }
        #expect(measurements.slowRequests.latest.map(\.path) == ["/b", "/a"])
        #expect(measurements.slowRequests.latest.map(\.status) == [0, 504])
        #expect(measurements.requestLatency.summary(.mount).count == 1)
        #expect(measurements.http[.mountRequests] == 1)
    }
}
