import HTTPMessage
import Testing

@Suite struct RequestPropertyTests {
    private let memory = GuardedMemory()

    /// The outcome of every prefix, the empty one first.
    private func outcomes(_ bytes: [UInt8]) -> [ParseOutcome] {
        (0...bytes.count).map { RequestParser.parse(memory.place(bytes[..<$0]).bytes) }
    }

    @Test(arguments: goodHeads.indices)
    func aGoodHeadIsIncompleteUpToItsLastByte(index: Int) {
        let text = goodHeads[index]
        let outcomes = outcomes(Array(text.utf8))
        #expect(outcomes.dropLast().allSatisfy { $0 == .incomplete })
        guard case .complete(let head)? = outcomes.last else {
            Issue.record("\(String(describing: outcomes.last))")
            return
        }
        #expect(head.byteCount == text.utf8.count)
    }

    @Test(arguments: badHeads.indices)
    func noPrefixOfABadHeadIsComplete(index: Int) {
        let (text, error) = badHeads[index]
        let outcomes = outcomes(Array(text.utf8))
        #expect(outcomes.last == .invalid(error))
        #expect(isSettledOnce(outcomes))
        #expect(outcomes.allSatisfy { if case .complete = $0 { false } else { true } })
    }

    @Test func anErrorIsToldWithItsFirstByte() {
        #expect(parse([0x16]) == .invalid(.badRequest))
        #expect(parse("GET / X") == .invalid(.badRequest))
        #expect(parse("GET / HTTP/2.") == .incomplete)
        #expect(parse("GET / HTTP/2.0") == .invalid(.unsupportedVersion))
        #expect(parse("BREW ") == .invalid(.unknownMethod))
        #expect(parse("GET / HTTP/1.1\r\nHost ") == .invalid(.badRequest))
        #expect(parse("GET / HTTP/1.1\r\nHost: a\u{1}") == .invalid(.badRequest))
        #expect(parse("GET / HTTP/1.1\r\nHost: a/\r\n") == .invalid(.badRequest))
    }

    @Test func mutatedHeadsSettleOnceWhateverArrivesAfter() {
        var generator = SeededGenerator(state: 1)
        for _ in 0..<150 {
            let text = Array(goodHeads.randomElement(using: &generator)!.utf8)
            let bytes = mutated(text, using: &generator)
            #expect(isSettledOnce(outcomes(bytes)), "\(bytes)")
        }
    }

    @Test func mutatedHeadsAreNeverReadOutside() {
        var generator = SeededGenerator(state: 2)
        for _ in 0..<20_000 {
            let bytes = mutated(Array(goodHeads.randomElement(using: &generator)!.utf8), using: &generator)
            guard case .complete(let head) = RequestParser.parse(memory.place(bytes).bytes) else { continue }
            #expect(head.byteCount <= bytes.count && bytes[..<head.byteCount].suffix(4) == Array("\r\n\r\n".utf8)[...])
            let slices = [head.target, head.host, head.ifNoneMatch, head.ifModifiedSince, head.range, head.ifRange]
            for slice in slices { #expect(slice.range.upperBound <= head.byteCount) }
        }
    }

    @Test func noiseIsNeverReadOutside() {
        var generator = SeededGenerator(state: 3)
        for _ in 0..<20_000 {
            let bytes = (0..<Int.random(in: 0..<64, using: &generator)).map { _ in
                UInt8.random(in: 0...255, using: &generator)
            }
            if case .complete = RequestParser.parse(memory.place(bytes).bytes) { Issue.record("\(bytes)") }
        }
    }

    /// Whether the outcomes are `.incomplete` up to some prefix, and from there on one and the same.
    private func isSettledOnce(_ outcomes: [ParseOutcome]) -> Bool {
        let settled = outcomes.drop { $0 == .incomplete }
        return settled.allSatisfy { $0 == settled.first }
    }

    private func mutated(_ text: [UInt8], using generator: inout SeededGenerator) -> [UInt8] {
        let telling = Array("\r\n \t:,/.\"#%*\u{0}\u{7f}09azAZ[]".utf8) + [0x80, 0xFF]
        var bytes = text
        for _ in 0..<Int.random(in: 1...3, using: &generator) where !bytes.isEmpty {
            let index = Int.random(in: 0..<bytes.count, using: &generator)
            switch Int.random(in: 0..<5, using: &generator) {
            case 0: bytes[index] = UInt8.random(in: 0...255, using: &generator)
            case 1: bytes[index] = telling.randomElement(using: &generator)!
            case 2: bytes.insert(telling.randomElement(using: &generator)!, at: index)
            case 3: bytes.remove(at: index)
            default: bytes.removeSubrange(index..<min(bytes.count, index + 20))
            }
        }
        return bytes
    }
}
