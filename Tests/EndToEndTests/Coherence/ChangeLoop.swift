import Glibc
import Platform
import Synchronization

/// Changes one thing in a docroot again and again, while it is asked for over HTTP without a pause: by the loop itself, until
/// it sees each change, and by a thread beside it.
///
/// How late an answer is goes by when its request was sent. So a tester that is kept waiting by a busy machine makes no
/// answer late, and hides none: what was asked for in time is judged as if nothing had happened.
struct ChangeLoop {
    let kind: ChangeKind
    let site: Site

    struct Result {
        var delays = Delays()
        var requests = 0
        /// Responses that ended before their promised length.
        var cut = 0
        /// Responses filled with zeros up to their promised length.
        var zeroFilled = 0
    }

    /// An answer with when it was asked for and received; nil when the response was cut off or filled up.
    private struct Observation {
        var answer: Answer?
        var asked: UInt64
        var answered: UInt64
    }

    func run(seconds: Double) throws -> Result {
        let history = History<Answer>()
        let target = kind.target
        let worstBeside = Atomic<UInt64>(0)
        let requestsBeside = Atomic(0)
        let cutBeside = Atomic(0)
        let zeroFilledBeside = Atomic(0)
        let isOver = SharedFlag()

        let first = try kind.prepare(site.docroot)
        history.begin(target, first)
        var client = Client(self)
        let isThere = try eventually(seconds: 3) { try client.ask().answer == first }
        guard isThere else { throw ClientFailure.mismatch("never seen at all") }

        let beside = try ClientThreads(1) { [self] _ in
            var client = Client(self)
            while !isOver.isSet {
                let staleness = try judge(try client.ask(), history)
                worstBeside.max(staleness, ordering: .relaxed)
            }
            requestsBeside.add(client.requests, ordering: .relaxed)
            cutBeside.add(client.cut, ordering: .relaxed)
            zeroFilledBeside.add(client.zeroFilled, ordering: .relaxed)
        }
        var result = Result()
        let deadline = Deadline(seconds: seconds)
        var number = 0
        do {
            defer { isOver.set() }
            while !deadline.hasPassed {
                number += 1
                let step = kind.step(number, site.docroot)
                let changed = try history.change(to: [target: step.answer], step.change)
                var staleness: UInt64 = 0
                while true {
                    let observation = try client.ask()
                    if observation.answer == step.answer {
                        let beside = worstBeside.exchange(0, ordering: .relaxed)
                        result.delays.add(
                            step.label, seen: observation.answered - changed, stale: max(staleness, beside))
                        break
                    }
                    staleness = max(staleness, try judge(observation, history))
                    guard staleness <= 3 * Delays.neverNanoseconds else {
                        throw ClientFailure.mismatch("\(step.label): stale for more than 3 s")
                    }
                }
                // Sometimes the next change comes at once, sometimes when everything has come to rest.
                usleep(UInt32(number % 4) * 500)
            }
        }
        try beside.join()
        let last = kind.step(number, site.docroot)
        result.delays.add(last.label, stale: worstBeside.load(ordering: .relaxed))
        try expectNothingStale(last.answer)
        result.requests = client.requests + requestsBeside.load(ordering: .relaxed)
        result.cut = client.cut + cutBeside.load(ordering: .relaxed)
        result.zeroFilled = client.zeroFilled + zeroFilledBeside.load(ordering: .relaxed)
        return result
    }

    /// How long the answer had been wrong when it was asked for.
    ///
    /// - Throws: when it never was right.
    private func judge(_ observation: Observation, _ history: History<Answer>) throws -> UInt64 {
        guard let answer = observation.answer else { return 0 }
        let staleness = history.staleness(
            kind.target, asked: observation.asked, answered: observation.answered, where: { $0 == answer })
        guard let staleness else { throw ClientFailure.mismatch("\(answer) was never right, or not for seconds") }
        return staleness
    }

    private func expectNothingStale(_ last: Answer) throws {
        usleep(100_000)
        for _ in 1...20 {
            let answer = try Answer(site.fetch(.mount, kind.target))
            guard answer == last else { throw ClientFailure.mismatch("\(answer) at the end, not \(last)") }
        }
    }

    /// Asks for the target, on a new connection now and then: so each event loop, with its own open files, has its turn.
    private struct Client {
        let loop: ChangeLoop
        private(set) var requests = 0
        private(set) var cut = 0
        private(set) var zeroFilled = 0
        private var connection: HTTPConnection?

        init(_ loop: ChangeLoop) { self.loop = loop }

        mutating func ask() throws -> Observation {
            if requests % 50 == 0 { connection = nil }
            requests += 1
            let connected = try connection ?? loop.site.connect(.mount)
            connection = connected
            let asked = Clock.monotonicNanoseconds
            do {
                let response = try connected.exchange(loop.kind.target)
                let answered = Clock.monotonicNanoseconds
                if loop.kind == .truncated, response.body.withUnsafeBytes({ ZeroFill.start($0) }) != nil {
                    zeroFilled += 1
                    return Observation(answer: nil, asked: asked, answered: answered)
                }
                return Observation(answer: try Answer(response), asked: asked, answered: answered)
            } catch ClientFailure.closed where loop.kind.mayCutResponses {
                cut += 1
                connection = nil
                return Observation(answer: nil, asked: asked, answered: Clock.monotonicNanoseconds)
            }
        }
    }
}
