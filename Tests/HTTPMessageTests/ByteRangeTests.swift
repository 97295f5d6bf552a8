import HTTPMessage
import Testing

@Suite struct ByteRangeTests {
    private func parse(_ value: String, size: UInt64 = 1000) -> ByteRange {
        withGuarded(Array(value.utf8)) { ByteRange.parse($0, size: size) }
    }

    @Test func oneRangeIsCutToTheFile() {
        #expect(parse("bytes=0-0") == .partial(first: 0, count: 1))
        #expect(parse("bytes=0-499") == .partial(first: 0, count: 500))
        #expect(parse("bytes=500-999") == .partial(first: 500, count: 500))
        #expect(parse("bytes=500-1000") == .partial(first: 500, count: 500))
        #expect(parse("bytes=999-") == .partial(first: 999, count: 1))
        #expect(parse("bytes=0-") == .partial(first: 0, count: 1000))
        #expect(parse("bytes=-1") == .partial(first: 999, count: 1))
        #expect(parse("bytes=-1000") == .partial(first: 0, count: 1000))
        #expect(parse("bytes=-1001") == .partial(first: 0, count: 1000))
        #expect(parse("BYTES=007-09") == .partial(first: 7, count: 3))
    }

    @Test func rangesBehindTheEndAreUnsatisfiable() {
        #expect(parse("bytes=1000-") == .unsatisfiable)
        #expect(parse("bytes=1000-2000") == .unsatisfiable)
        #expect(parse("bytes=-0") == .unsatisfiable)
        #expect(parse("bytes=0-", size: 0) == .unsatisfiable)
        #expect(parse("bytes=-0", size: 0) == .unsatisfiable)
        #expect(parse("bytes=-5", size: 0) == .whole)
    }

    @Test func numbersOfAnyLengthAreRead() {
        let nines = String(repeating: "9", count: 400)
        #expect(parse("bytes=0-\(nines)") == .partial(first: 0, count: 1000))
        #expect(parse("bytes=\(nines)-") == .unsatisfiable)
        #expect(parse("bytes=\(nines)-\(nines)") == .unsatisfiable)
        #expect(parse("bytes=-\(nines)") == .partial(first: 0, count: 1000))
        #expect(parse("bytes=\(nines)-0") == .whole)
        #expect(parse("bytes=0-18446744073709551615", size: UInt64.max) == .partial(first: 0, count: UInt64.max))
        #expect(parse("bytes=0-", size: UInt64.max) == .partial(first: 0, count: UInt64.max))
        #expect(parse("bytes=18446744073709551614-", size: UInt64.max) == .partial(first: UInt64.max - 1, count: 1))
        #expect(parse("bytes=-18446744073709551616", size: UInt64.max) == .partial(first: 0, count: UInt64.max))
        #expect(parse("bytes=" + String(repeating: "0", count: 400) + "5-5") == .partial(first: 5, count: 1))
    }

    @Test(arguments: [
        "", "bytes", "bytes=", "bytes=-", "bytes=a-b", "bytes=5-4", "bytes=0-4,6-8", "bytes=0-4,", "bytes=,0-4",
        "bytes= 0-4", "bytes=0-4 ", "bytes =0-4", "bytes=0 -4", "bytes=0--4", "bytes=--4", "bytes=+0-4", "bytes=0-4x",
        "items=0-4", "byte=0-4", "bytess=0-4", "=0-4", "0-4", "bytes:0-4", "bytes=0x0-4", "bytes=0", "bytes=0-4-5",
        "bytes=\u{661}-4",
    ])
    func everythingElseIsIgnored(value: String) { #expect(parse(value) == .whole) }

    @Test func randomRangesLieInTheFile() {
        var generator = SeededGenerator(state: 9)
        let alphabet = Array("bytes=0123456789-,  ".utf8)
        let memory = GuardedMemory()
        for _ in 0..<20_000 {
            let size =
                UInt64.random(in: 0...UInt64.max, using: &generator) >> UInt64.random(in: 0..<64, using: &generator)
            let tail = (0..<Int.random(in: 0..<30, using: &generator)).map { _ in
                alphabet.randomElement(using: &generator)!
            }
            guard
                case .partial(let first, let count) = ByteRange.parse(
                    memory.place(Array("bytes=".utf8) + tail).bytes, size: size)
            else { continue }
            #expect(count > 0 && first < size && count <= size - first)
        }
    }
}
