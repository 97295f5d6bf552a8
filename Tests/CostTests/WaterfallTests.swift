import Telemetry
import Testing

@testable import Cost
@testable import Platform

@Suite struct WaterfallTests {
    private typealias Cause = CostWaterfall.Cause

    private func time(_ cause: Cause, _ waterfall: CostWaterfall) throws -> Int {
        try #require(waterfall.steps.first { $0.cause == cause }).time.tenths
    }

    @Test func aWorkersTimeIsItsShareOfThroughput() {
        let run = Rounds.run(31.2, [:])
        #expect(abs(run.workerNanoseconds - 31_200) < 0.01)
        #expect(abs(run.requestsPerSecond - 2e9 / 31_200) < 0.01)
    }

    @Test func eachStepIsWhatItSaysItIs() throws {
        let waterfall = CostWaterfall(Rounds.seedRound, hasShares: true)
        #expect(waterfall.bypass.tenths == 312)
        #expect(waterfall.mount.tenths == 2280)
        #expect(waterfall.steps.map(\.cause) == Cause.allCases)
        // LOOKUP 12.26 + GETATTR 1.5; OPEN 6.25 + RELEASE 2.125; READ 8.33.
        #expect(try time(.lookups, waterfall) == 138)
        #expect(try time(.opens, waterfall) == 84)
        #expect(try time(.reads, waterfall) == 83)
        // Replies to READs 9.5; and the server sends from memory, for 9.25 more.
        #expect(try time(.copies, waterfall) == 188)
        // 136.28 more in open and 50.5 in read, of which 30.465 are service and 9.5 the replies to READs.
        #expect(try time(.contextSwitches, waterfall) == 1468)
        #expect(try time(.everythingElse, waterfall) == 2280 - 312 - 138 - 84 - 83 - 188 - 1468)
    }

    @Test func stepsAndSharesAddUpAsPrinted() throws {
        for microseconds in stride(from: 40.01, through: 400, by: 7.77) {
            let round = CostMeasurement.Round(bypass: Rounds.bypass(), mount: Rounds.seed(microseconds))
            let waterfall = CostWaterfall(round, hasShares: true)
            let steps = waterfall.steps.reduce(0) { $0 + $1.time.tenths }
            #expect(waterfall.bypass.tenths + steps == waterfall.mount.tenths)
            #expect(waterfall.steps.reduce(0) { $0 + ($1.share ?? 0) } == 100)
            let calls = CostOfCalls(round, hasShares: true)
            #expect(calls.rows.reduce(0) { $0 + $1.bypass.tenths } == waterfall.bypass.tenths)
            #expect(calls.rows.reduce(0) { $0 + $1.mount.tenths } == waterfall.mount.tenths)
            #expect(calls.rows.reduce(0) { $0 + ($1.share ?? 0) } == 100)
        }
    }

    @Test func whereSendfileReadsFromTheMountItsTimeIsWaitedForReads() throws {
        var mount = Rounds.seed()
        mount.phaseNanoseconds[.read] = 0
        let waterfall = CostWaterfall(.init(bypass: Rounds.bypass(), mount: mount), hasShares: true)
        #expect(try time(.copies, waterfall) == 95)
        // 136.28 in open and 9.25 in send.
        #expect(try time(.contextSwitches, waterfall) == 1056)
    }

    @Test func whereBothCopyNothingOfTheSendIsTheMounts() throws {
        var round = Rounds.seedRound
        round.bypass.phaseNanoseconds[.read] = 20_000_000
        let waterfall = CostWaterfall(round, hasShares: true)
        #expect(try time(.copies, waterfall) == 95)
        #expect(try time(.contextSwitches, waterfall) == 1448)
    }

    @Test func countsAreARequests() {
        let steps = CostWaterfall(Rounds.seedRound, hasShares: true).steps
        #expect(
            steps.map(\.counts) == [
                "2.00 LOOKUP, 1.00 GETATTR", "1.00 OPEN, 1.00 RELEASE", "2.00 READ", "26,400 bytes of READs",
                "10.32: http 5.12, fuse 5.20", "",
            ])
    }

    @Test func aRunWithoutRequestsIsNotDividedByZero() {
        let nothing = CostRun(workers: 2, nanoseconds: 0)
        let waterfall = CostWaterfall(.init(bypass: nothing, mount: nothing), hasShares: false)
        #expect(waterfall.cost.tenths == 0)
        #expect(waterfall.steps.allSatisfy { $0.share == nil })
    }

    @Test func theRoundWithTheMedianRatioIsTaken() {
        func round(_ bypass: Double, _ mount: Double) -> CostMeasurement.Round {
            .init(bypass: Rounds.run(bypass, [:]), mount: Rounds.run(mount, [:]))
        }
        let odd = CostMeasurement(rounds: [round(30, 300), round(30, 200), round(90, 400)])
        #expect(abs(odd.medianRound.ratio - 0.15) < 1e-6)
        #expect(odd.isSignificant)
        let even = CostMeasurement(rounds: [round(30, 300), round(30, 200), round(90, 400), round(30, 31)])
        #expect(abs(even.medianRound.ratio - 0.15) < 1e-6)
        #expect(abs(even.ratios[3] - 30 / 31.0) < 1e-6)
    }

    /// 1 % is never told from noise; 5 % is where the rounds agree, whatever a single one says.
    @Test func aCostThatTheRoundsDoNotAgreeOnIsNoise() {
        func round(_ mount: Double) -> CostMeasurement.Round {
            .init(bypass: Rounds.run(100, [:]), mount: Rounds.run(mount, [:]))
        }
        #expect(!CostMeasurement(rounds: [round(101)]).isSignificant)
        #expect(CostMeasurement(rounds: [round(105), round(104), round(106)]).isSignificant)
        #expect(CostMeasurement(rounds: [round(105), round(50), round(106)]).isSignificant)
        #expect(!CostMeasurement(rounds: [round(105), round(95), round(112)]).isSignificant)
        #expect(!CostMeasurement(rounds: [round(105), round(95)]).isSignificant)
        #expect(!CostMeasurement(rounds: [round(90), round(91)]).isSignificant)
    }

    @Test func threadsAreKnownByTheirNames() {
        let usages = ["http-0", "http-1", "http-x", "fuse-0", "fuse-watch", "monitor-http", "load-0"].map { name in
            var usage = ThreadUsage(name: name, threadID: 1)
            usage.voluntarySwitches = 3
            usage.processorNanoseconds = 5
            return usage
        }
        #expect(ThreadWork(usages, named: "http-") == ThreadWork(voluntarySwitches: 6, processorNanoseconds: 10))
        #expect(ThreadWork(usages, named: "fuse-") == ThreadWork(voluntarySwitches: 3, processorNanoseconds: 5))
    }
}
