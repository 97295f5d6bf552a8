import Testing

@testable import FuseProxy

@Suite struct InitTests {
    /// An INIT request as the kernel sends it: 40 bytes of header, then major, minor, max_readahead, flags, flags2.
    private func request(opcode: UInt32 = 26, minor: UInt32 = 45, flags: UInt64) -> [UInt8] {
        var bytes = [UInt8](repeating: 0, count: 104)
        bytes.withUnsafeMutableBytes { buffer in
            buffer.storeBytes(of: opcode, toByteOffset: 4, as: UInt32.self)
            buffer.storeBytes(of: 7, toByteOffset: 40, as: UInt32.self)
            buffer.storeBytes(of: minor, toByteOffset: 44, as: UInt32.self)
            buffer.storeBytes(of: UInt32(truncatingIfNeeded: flags), toByteOffset: 52, as: UInt32.self)
            buffer.storeBytes(of: UInt32(truncatingIfNeeded: flags >> 32), toByteOffset: 56, as: UInt32.self)
        }
        return bytes
    }

    private func capabilities(_ bytes: [UInt8]) -> KernelCapabilities? {
        bytes.withUnsafeBytes { KernelCapabilities(request: $0) }
    }

    @Test func readsWhatTheKernelOffers() throws {
        let all = try #require(capabilities(request(flags: 1 << 18 | 1 << 30 | 1 << 37)))
        #expect(all.parallelDirectoryOperations)
        #expect(all.passthrough)
        #expect(all.epochs)
        let old = try #require(capabilities(request(minor: 38, flags: 0)))
        #expect(!old.parallelDirectoryOperations)
        #expect(!old.passthrough)
        #expect(!old.epochs)
    }

    @Test func upperFlagsCountOnlyWhenTheKernelSaysThatTheyAreThere() throws {
        #expect(try !#require(capabilities(request(flags: 1 << 37))).passthrough)
    }

    @Test func anythingElseIsNoInit() {
        #expect(capabilities(request(opcode: 1, flags: .max)) == nil)
        #expect(capabilities([UInt8](repeating: 26, count: 20)) == nil)
    }

    @Test func theAnswerIsAmendedInPlaceAndNothingElseChanges() {
        var reply = [UInt8](repeating: 0, count: 64)
        let amendment = InitAmendment(parallelDirectoryOperations: true, passthrough: true)
        reply.withUnsafeMutableBytes { amendment.apply(to: $0) }
        reply.withUnsafeBytes { buffer in
            #expect(buffer.loadUnaligned(fromByteOffset: 12, as: UInt32.self) == 1 << 18 | 1 << 30)
            #expect(buffer.loadUnaligned(fromByteOffset: 32, as: UInt32.self) == 1 << 5)
            #expect(buffer.loadUnaligned(fromByteOffset: 36, as: UInt32.self) == 2)
        }
        #expect(reply.enumerated().allSatisfy { (12..<16).contains($0) || (32..<40).contains($0) || $1 == 0 })
        var short = [UInt8](repeating: 0, count: 24)
        short.withUnsafeMutableBytes { amendment.apply(to: $0) }
        #expect(short.allSatisfy { $0 == 0 })
    }
}
