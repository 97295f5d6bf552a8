import HTTPMessage
import Testing

@Suite struct ResponseHeadWriterTests {
    /// What `body` writes into `capacity` bytes in front of an inaccessible page; nil when it does not fit.
    private func written(capacity: Int = 4096, _ body: (inout ResponseHeadWriter) -> Void) -> String? {
        let memory = GuardedMemory(bytesMax: max(capacity, 1))
        let output = memory.tail(capacity)
        return withExtendedLifetime(memory) {
            var writer = ResponseHeadWriter(output)
            body(&writer)
            #expect(writer.count <= capacity)
            if writer.overflowed { return nil }
            return String(decoding: UnsafeMutableRawBufferPointer(rebasing: output[..<writer.count]), as: UTF8.self)
        }
    }

    private func wholeHead(_ writer: inout ResponseHeadWriter) {
        writer.statusLine(.partialContent)
        writer.field("Server", "serverfs")
        writer.field("Date", dateSeconds: 784_111_777)
        writer.field("Content-Length", decimal: 1000)
        writer.entityTag(EntityTag(size: 0xabc, modificationTimeNanoseconds: 0x123))
        writer.contentRange(first: 5, count: 10, size: 20)
        withGuarded(Array("text/x".utf8)) { writer.field("Content-Type", $0) }
        writer.endOfHead()
    }

    private let wholeHeadText = """
        HTTP/1.1 206 Partial Content\r
        Server: serverfs\r
        Date: Sun, 06 Nov 1994 08:49:37 GMT\r
        Content-Length: 1000\r
        ETag: "123-abc"\r
        Content-Range: bytes 5-14/20\r
        Content-Type: text/x\r
        \r

        """

    @Test func aHeadIsWritten() { #expect(written(wholeHead) == wholeHeadText) }

    @Test func everyCapacityEitherFitsOrOverflows() {
        let count = wholeHeadText.utf8.count
        for capacity in 0..<count { #expect(written(capacity: capacity, wholeHead) == nil) }
        #expect(written(capacity: count, wholeHead) == wholeHeadText)
    }

    @Test func anOverflowStays() {
        let text = written(capacity: 12) { writer in
            writer.append("0123456789")
            writer.append("012")
            #expect(writer.overflowed && writer.count == 10)
            writer.append("0")
            #expect(writer.count == 10)
        }
        #expect(text == nil)
    }

    @Test func statusLinesNameTheReason() {
        for status in HTTPStatus.allCases {
            #expect(written { $0.statusLine(status) } == "HTTP/1.1 \(status.rawValue) \(status.reasonPhrase)\r\n")
        }
    }

    @Test func numbersAreWrittenInDecimal() {
        var values: [UInt64] = [0, 1, 9, UInt64.max, UInt64.max - 1]
        var power: UInt64 = 1
        for _ in 0..<19 {
            power *= 10
            values += [power - 1, power, power + 1]
        }
        for value in values { #expect(written { $0.append(decimal: value) } == String(value)) }
    }

    @Test func anUnsatisfiedRangeTellsTheSize() {
        #expect(written { $0.unsatisfiedContentRange(size: 7) } == "Content-Range: bytes */7\r\n")
    }

    @Test func foreignBytesCanNotForgeALine() {
        let text = written { writer in
            withGuarded(Array("a\r\nSet-Cookie: x\u{0}\n".utf8)) { writer.field("Location", $0) }
        }
        #expect(text == "Location: a  Set-Cookie: x  \r\n")
    }

    @Test func pathsAreEscapedForALocation() {
        let path = Array("a b/\r\n?#%\"<\u{7f}~!$&'()*+,;=:@-._".utf8) + [0xFF, 0x80, 0]
        let text = written { writer in
            writer.beginField("Location")
            writer.append("/")
            withGuarded(path) { writer.append(percentEncodingPath: $0) }
            writer.append("/")
            writer.endField()
        }
        #expect(text == "Location: /a%20b/%0D%0A%3F%23%25%22%3C%7F~!$&'()*+,;=:@-._%FF%80%00/\r\n")
    }

    @Test func escapedPathsDecodeToThemselves() throws {
        let path = (UInt8(1)...255).filter { $0 != UInt8(ascii: "/") }
        let target = Array(
            try #require(
                written { writer in
                    writer.append("/")
                    withGuarded(path) { writer.append(percentEncodingPath: $0) }
                }
            ).utf8)
        let memory = GuardedMemory()
        let output = memory.tail(4096)
        let decoded = try withGuarded(target) { bytes in
            Result { () throws(RequestError) in try RequestPath.decode(target: bytes, into: output) }
        }.get()
        #expect(Array(output[..<decoded.byteCount]) == path)
    }

    @Test func errorsHaveTheirStatus() {
        #expect(RequestError.badRequest.status.rawValue == 400)
        #expect(RequestError.targetTooLong.status.rawValue == 414)
        #expect(RequestError.headTooLarge.status.rawValue == 431)
        #expect(RequestError.unknownMethod.status.rawValue == 501)
        #expect(RequestError.unsupportedVersion.status.rawValue == 505)
    }
}
