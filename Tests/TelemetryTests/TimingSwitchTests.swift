import Glibc
import Platform
import Testing

@testable import Telemetry

/// Times that are switched on and off while requests are under way: one is recorded with all of its time, or not at all.
@Suite(.timeLimit(.minutes(1))) struct TimingSwitchTests {
    private let measurements = Measurements(isTiming: false)

    /// Runs `body` on a thread with a meter that has entered.
    private func onThread(_ body: @escaping @Sendable (RequestMeter, Measurements) -> Void) throws {
        let measurements = measurements
        try NamedThread("http-test") {
            let meter = RequestMeter(measurements, threadName: "http-test", samplesAll: true)
            meter.enter()
            body(meter, measurements)
            meter.leave()
        }.join()
    }

    private var recorded: UInt64 { measurements.requestLatency.summary(.mount).count }
    private var phases: UInt64 {
        RequestPhase.allCases.reduce(0) { $0 + measurements.phases[PhaseTime(.mount, $1)] }
    }

    private func expectNothingRecorded() {
        #expect(recorded == 0)
        #expect(phases == 0)
        #expect(measurements.http[.mountSampledRequests] == 0)
        #expect(measurements.slowRequests.count == 0)
    }

    private static func turn(_ meter: RequestMeter) {
        meter.beginTurn()
        meter.beginTasks()
    }

    private static func begin(_ meter: RequestMeter) {
        meter.begin(firstByteNanoseconds: meter.turnNanoseconds, isRest: false)
        meter.endPhase(.parse)
        meter.count(.mount)
    }

    private static func finish(_ meter: RequestMeter) {
        meter.setStatus(200)
        meter.endPhase(.send)
        meter.finish(closedFile: false)
    }

    /// Others of the same turn are not timed either: it began without a look at the clock.
    @Test func whatBeganWithoutTimesIsNotRecorded() throws {
        try onThread { meter, measurements in
            Self.turn(meter)
            Self.begin(meter)
            measurements.setTiming(true)
            Self.finish(meter)
            Self.begin(meter)
            Self.finish(meter)
        }
        expectNothingRecorded()
        #expect(measurements.http[.mountRequests] == 2)
        try onThread { meter, _ in
            Self.turn(meter)
            Self.begin(meter)
            Self.finish(meter)
        }
        #expect(recorded == 1)
        #expect(phases == measurements.requestLatency.summary(.mount).sumNanoseconds)
    }

    @Test func whatWasTimedThroughoutIsRecordedThoughTimesWereSwitchedOffMeanwhile() throws {
        measurements.setTiming(true)
        try onThread { meter, measurements in
            Self.turn(meter)
            Self.begin(meter)
            measurements.setTiming(false)
            usleep(2_000)
            Self.finish(meter)
            Self.turn(meter)
            Self.begin(meter)
            Self.finish(meter)
        }
        #expect(recorded == 1)
        #expect(measurements.requestLatency.summary(.mount).sumNanoseconds >= 2_000_000)
        #expect(measurements.http[.mountRequests] == 2)
    }

    /// Left and taken up again: of what began with times off nothing is known, and what began with times on is dropped where it
    /// ends with times off.
    @Test(arguments: [false, true])
    func whatIsTakenUpAfterTheSwitchIsNotRecorded(_ beganOn: Bool) throws {
        measurements.setTiming(beganOn)
        try onThread { meter, measurements in
            var request = SuspendedRequest()
            Self.turn(meter)
            Self.begin(meter)
            meter.suspend(into: &request)
            measurements.setTiming(!beganOn)
            Self.turn(meter)
            meter.resume(request)
            Self.finish(meter)
        }
        expectNothingRecorded()
    }

    @Test func whatIsTakenUpWithTimesOnAgainHasAllItsTime() throws {
        measurements.setTiming(true)
        try onThread { meter, measurements in
            var request = SuspendedRequest()
            Self.turn(meter)
            Self.begin(meter)
            meter.suspend(into: &request)
            measurements.setTiming(false)
            Self.turn(meter)
            Self.begin(meter)
            Self.finish(meter)
            usleep(20_000)
            measurements.setTiming(true)
            Self.turn(meter)
            meter.resume(request)
            Self.finish(meter)
        }
        #expect(recorded == 1)
        #expect(measurements.phases[PhaseTime(.mount, .wait)] >= 20_000_000)
        #expect(phases == measurements.requestLatency.summary(.mount).sumNanoseconds)
    }

    /// Its first bytes came while nobody looked at the clock.
    @Test func whoseFirstByteHasNoTimeIsNotRecorded() throws {
        measurements.setTiming(true)
        try onThread { meter, _ in
            Self.turn(meter)
            meter.begin(firstByteNanoseconds: 0, isRest: true)
            meter.count(.mount)
            #expect(meter.present != nil)
            Self.finish(meter)
        }
        expectNothingRecorded()
    }

    /// A trace has its times taken; they are not recorded for that.
    @Test func whatWasOnlyTracedIsNotRecorded() throws {
        let trace = try #require(measurements.tracer.begin(oneIn: 1))
        try onThread { meter, measurements in
            var request = SuspendedRequest()
            Self.turn(meter)
            Self.begin(meter)
            meter.suspend(into: &request)
            measurements.setTiming(true)
            Self.turn(meter)
            meter.resume(request)
            Self.finish(meter)
        }
        expectNothingRecorded()
        #expect(trace != 0)
    }

    @Test func whatIsStuckAndGivenUpIsRecordedWithTimesOnFromItsFirstByte() throws {
        try onThread { meter, measurements in
            let start = Clock.monotonicNanoseconds - 1_000_000_000
            meter.recordStuck(firstByteNanoseconds: start, path: "/off", .mount, status: 504)
            measurements.setTiming(true)
            meter.recordStuck(firstByteNanoseconds: 0, path: "/unknown", .mount, status: 504)
        }
        expectNothingRecorded()
        #expect(measurements.http[.mountRequests] == 2)
    }
}
