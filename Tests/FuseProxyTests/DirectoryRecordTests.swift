import Testing

@testable import FuseProxy

@Suite struct DirectoryRecordTests {
    @Test func readsRecordsAsTheKernelLaysThemOut() throws {
        var bytes: [UInt8] = []
        append(inode: 7, offset: 100, type: 8, name: "a", to: &bytes)
        append(inode: .max, offset: -1, type: 4, name: String(repeating: "n", count: 255), to: &bytes)
        try bytes.withUnsafeBytes { buffer in
            var records = DirectoryRecords(bytes: buffer)
            let next = records.next()
            let first = try #require(next)
            #expect(first.inode == 7)
            #expect(first.nextOffset == 100)
            #expect(first.type == 8)
            #expect(String(cString: first.name) == "a")
            let following = records.next()
            let second = try #require(following)
            #expect(second.inode == .max)
            #expect(second.nextOffset == -1)
            #expect(String(cString: second.name).count == 255)
            let third = records.next()
            #expect(third == nil)
        }
    }

    private func append(inode: UInt64, offset: Int64, type: UInt8, name: String, to bytes: inout [UInt8]) {
        let length = (19 + name.utf8.count + 1 + 7) / 8 * 8
        var record = [UInt8](repeating: 0, count: length)
        record.withUnsafeMutableBytes { buffer in
            buffer.storeBytes(of: inode, toByteOffset: 0, as: UInt64.self)
            buffer.storeBytes(of: offset, toByteOffset: 8, as: Int64.self)
            buffer.storeBytes(of: UInt16(length), toByteOffset: 16, as: UInt16.self)
            buffer[18] = type
            for (index, byte) in name.utf8.enumerated() { buffer[19 + index] = byte }
        }
        bytes += record
    }
}
