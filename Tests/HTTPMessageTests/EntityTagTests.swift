import HTTPMessage
import Testing

/// A tag as it is written.
func text(_ tag: EntityTag) -> String {
    let memory = GuardedMemory(bytesMax: EntityTag.bytesMax)
    let output = memory.tail(EntityTag.bytesMax)
    return withExtendedLifetime(memory) {
        String(decoding: UnsafeMutableRawBufferPointer(rebasing: output[..<tag.write(into: output)]), as: UTF8.self)
    }
}

@Suite struct EntityTagTests {
    private let tag = EntityTag(size: 0x1a2b3, modificationTimeNanoseconds: 0x17d3_a2b4_c5e6_f708)
    private let own = "\"17d3a2b4c5e6f708-1a2b3\""

    private func matches(_ value: String) -> Bool { withGuarded(Array(value.utf8)) { tag.matches(ifNoneMatch: $0) } }

    @Test func aTagIsWrittenInHexadecimal() {
        #expect(text(tag) == own)
        #expect(text(EntityTag(size: 0, modificationTimeNanoseconds: 0)) == "\"0-0\"")
        #expect(
            text(EntityTag(size: UInt64.max, modificationTimeNanoseconds: -1))
                == "\"ffffffffffffffff-ffffffffffffffff\"")
        for shift in 0..<63 {
            let value = UInt64(1) << UInt64(shift)
            let number = String(value, radix: 16)
            #expect(
                text(EntityTag(size: value, modificationTimeNanoseconds: Int64(value))) == "\"\(number)-\(number)\"")
        }
    }

    @Test func weakComparisonFindsTheTagInLists() {
        let values = [
            own, "W/\(own)", " \t\(own)\t ", "*", " * ", "\"x\", \(own)", "\"x\",\(own)", "\"a,b\" , W/\(own)",
            ",,\(own),,",
            "\"\",\(own)", "W/\"x\",\t\(own)", "garbage, \(own)", "\"x\" y, \(own)", "\"caf\u{e9}\", \(own)",
            "*, \(own)",
        ]
        for value in values { #expect(matches(value), "\(value)") }
    }

    @Test func otherOrMalformedTagsDoNotMatch() {
        let bare = own.dropFirst().dropLast()
        let values = [
            "", " ", ",", ",,,", "\"x\"", "W/\"x\"", "\"", "\"\"", "W/", "W", "W/\"", "\(bare)", "\"\(bare)",
            "\(bare)\"",
            "w/\(own)", "W \(own)", "W/ \(own)", "W/W/\(own)", "\(own)\(own)", "\(own) x", "x \(own)", "x\(own)",
            "\(own)\"",
            "\"x \(own)", "**", "* *", "*,*", "\"*\"", own.uppercased(), "\"\(bare)0\"", "\"0\(bare)\"", "\"a\(own)b\"",
        ]
        for value in values { #expect(!matches(value), "\(value)") }
    }

    @Test func strongComparisonTakesTheTagAlone() {
        func isSame(_ value: String) -> Bool { withGuarded(Array(value.utf8)) { tag.matches(ifRange: $0) } }
        #expect(isSame(own) && isSame(" \(own) "))
        for value in ["", "W/\(own)", "*", "\(own), \(own)", "\(own),", "\"x\"", "\"", String(own.dropLast())] {
            #expect(!isSame(value), "\(value)")
        }
    }

    @Test func tagsDifferWithSizeAndTime() {
        let others = [
            EntityTag(size: 0x1a2b4, modificationTimeNanoseconds: tag.modificationTimeNanoseconds),
            EntityTag(size: tag.size, modificationTimeNanoseconds: tag.modificationTimeNanoseconds + 1),
        ]
        for other in others { #expect(other != tag && !matches(text(other))) }
    }

    @Test func mutatedListsAreNeverReadOutside() {
        var generator = SeededGenerator(state: 8)
        let memory = GuardedMemory()
        let alphabet = Array("\"\",, W/*a\t".utf8)
        for _ in 0..<20_000 {
            var bytes = Array("W/\"x\", \(own), \"y\"".utf8)
            for _ in 0..<3 {
                let index = Int.random(in: 0..<bytes.count, using: &generator)
                bytes[index] = alphabet.randomElement(using: &generator)!
            }
            bytes.removeLast(Int.random(in: 0...bytes.count, using: &generator))
            _ = tag.matches(ifNoneMatch: memory.place(bytes).bytes)
        }
    }
}
