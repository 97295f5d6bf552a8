/// Reads HTTP/1.1 responses that have a Content-Length, as serverfs's have, one after the other, in whatever pieces they come.
package struct ResponseReader {
    package enum Progress: Equatable {
        case incomplete, complete
        /// No such response, or more than one where only one was asked for.
        case malformed
    }

    /// Of the last response whose head was complete.
    package private(set) var status = 0
    package private(set) var contentLength = 0
    private var head: [UInt8] = []
    /// nil while the head is incomplete.
    private var bodyLeft: Int?

    private static let headBytesMax = 16 << 10

    package init() {}

    /// Takes the next bytes that have come.
    package mutating func take(_ bytes: UnsafeRawBufferPointer) -> Progress {
        if let left = bodyLeft {
            bodyLeft = left - bytes.count
        } else {
            let before = head.count
            head += bytes.prefix(Self.headBytesMax - before)
            guard let end = Self.endOfHead(head, from: max(before - 3, 0)) else {
                return head.count == Self.headBytesMax ? .malformed : .incomplete
            }
            guard let (status, length) = Self.parse(head[..<end]) else { return .malformed }
            self.status = status
            contentLength = length
            bodyLeft = length - (before + bytes.count - end)
        }
        guard bodyLeft! <= 0 else { return .incomplete }
        defer {
            head.removeAll(keepingCapacity: true)
            bodyLeft = nil
        }
        return bodyLeft! == 0 ? .complete : .malformed
    }

    private static func endOfHead(_ bytes: [UInt8], from start: Int) -> Int? {
        var index = start
        while index + 4 <= bytes.count {
            if bytes[index] == 13, bytes[index + 1] == 10, bytes[index + 2] == 13, bytes[index + 3] == 10 {
                return index + 4
            }
            index += 1
        }
        return nil
    }

    private static func parse(_ head: ArraySlice<UInt8>) -> (status: Int, length: Int)? {
        let lines = head.split(separator: 10).map { $0.last == 13 ? $0.dropLast() : $0 }
        guard let first = lines.first, first.starts(with: "HTTP/1.1 ".utf8),
            let status = Int(String(decoding: first.dropFirst(9).prefix(3), as: UTF8.self))
        else { return nil }
        for line in lines {
            let name = "content-length:".utf8
            guard line.count > name.count, zip(line, name).allSatisfy({ $0 | 0x20 == $1 | 0x20 }) else { continue }
            let value = String(decoding: line.dropFirst(name.count).filter { $0 != 32 }, as: UTF8.self)
            return Int(value).flatMap { $0 >= 0 ? (status, $0) : nil }
        }
        return nil
    }
}
