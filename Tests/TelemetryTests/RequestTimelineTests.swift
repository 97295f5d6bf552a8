import Testing

@testable import Telemetry

@Suite struct RequestTimelineTests {
    @Test func thePhasesOfARequestMakeUpItsLatency() {
        var timeline = RequestTimeline()
        #expect(!timeline.isRunning)
        timeline.begin(firstByteNanoseconds: 1000, nanoseconds: 1500)
        timeline.endPhase(.parse, nanoseconds: 1700)
        timeline.endPhase(.statx, nanoseconds: 2700)
        timeline.endPhase(.send, nanoseconds: 2900)
        timeline.endPhase(.wait, nanoseconds: 5000)
        timeline.endPhase(.send, nanoseconds: 5100)
        #expect(timeline.isRunning)
        #expect(timeline[.queue] == 500)
        #expect(timeline[.send] == 300)
        #expect(timeline[.wait] == 2100)
        #expect(timeline.latencyNanoseconds == 4100)
        #expect(RequestPhase.allCases.reduce(0) { $0 + timeline[$1] } == 4100)
    }

    /// Two threads have read the clock, and the second came first.
    @Test func aTimeBeforeTheLastOneIsNoTimeAtAll() {
        var timeline = RequestTimeline()
        timeline.begin(firstByteNanoseconds: 1000, nanoseconds: 900)
        timeline.endPhase(.open, nanoseconds: 3000)
        timeline.endPhase(.wait, nanoseconds: 2500)
        timeline.endPhase(.send, nanoseconds: 3500)
        #expect(timeline[.queue] == 0 && timeline[.wait] == 0 && timeline[.send] == 500)
        #expect(timeline.latencyNanoseconds == 2500)
    }

    @Test func everyPhaseHasItsPlaceInTheSums() {
        let sums = Counters<PhaseTime>()
        var timeline = RequestTimeline()
        timeline.begin(firstByteNanoseconds: 1, nanoseconds: 1)
        for (index, phase) in RequestPhase.allCases.enumerated() {
            timeline.endPhase(phase, nanoseconds: timeline.lastNanoseconds + UInt64(index) + 1)
        }
        timeline.addPhases(to: sums, .bypass)
        timeline.addPhases(to: sums, .bypass)
        for (index, phase) in RequestPhase.allCases.enumerated() {
            #expect(sums[PhaseTime(.bypass, phase)] == 2 * UInt64(index + 1))
            #expect(sums[PhaseTime(.mount, phase)] == 0)
        }
    }
}

@Suite struct UsageSharesTests {
    @Test func whatIsUsedIsSharedOutByTheRequestsMeanwhile() {
        let counters = Counters<HTTPCounter>()
        var shares = UsageShares()
        func settle(_ nanoseconds: UInt64, _ voluntary: UInt64, _ involuntary: UInt64) {
            shares.settle(
                ProcessorUsage(
                    nanoseconds: nanoseconds,
                    switches: ContextSwitches(voluntary: voluntary, involuntary: involuntary)),
                in: counters)
        }
        counters.add(.mountRequests, 30)
        counters.add(.bypassRequests, 10)
        settle(1000, 400, 40)
        #expect(counters[.mountProcessorNanoseconds] == 750)
        #expect(counters[.bypassProcessorNanoseconds] == 250)
        #expect(counters[.mountVoluntarySwitches] == 300 && counters[.bypassVoluntarySwitches] == 100)
        #expect(counters[.mountInvoluntarySwitches] == 30 && counters[.bypassInvoluntarySwitches] == 10)
        // Without a request it waits for the next one.
        settle(2000, 500, 50)
        counters.add(.bypassRequests)
        settle(3000, 600, 60)
        #expect(counters[.mountProcessorNanoseconds] == 750)
        #expect(counters[.bypassProcessorNanoseconds] == 2250)
        #expect(counters[.bypassVoluntarySwitches] == 300 && counters[.bypassInvoluntarySwitches] == 30)
    }

    @Test func noPartIsOutOfRange() {
        #expect(UsageShares.part(of: .max, .max, 0) == UInt64.max)
        #expect(UsageShares.part(of: .max, .max, .max) == UInt64.max / 2)
        #expect(UsageShares.part(of: .max, 0, .max) == 0)
        #expect(UsageShares.part(of: 10, 0, 0) == 0)
        #expect(UsageShares.part(of: 86_400_000_000_000, 50_000_000_000, 50_000_000_000) == 43_200_000_000_000)
    }
}
