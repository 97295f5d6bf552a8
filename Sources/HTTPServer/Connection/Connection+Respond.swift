import Glibc
import HTTPMessage
import Platform
import Telemetry

extension Connection {
    private static let indexName: StaticString = "index.html"

    /// Answers a request whose head is at the start of `bytes`.
    func respond(_ head: RequestHead, in bytes: UnsafeRawBufferPointer) {
        // A body would follow, which nothing here wants: the connection cannot be used after it.
        outgoing.isLast = !head.wantsKeepAlive || head.hasBody || loop.isDraining
        guard head.method.isSupported else {
            loop.counters.add(.invalidRequests)
            return respond(status: .methodNotAllowed, isLast: true, head: head)
        }
        let target = bytes.bytes.extracting(head.target.range)
        let path: RequestPath
        do throws(RequestError) {
            path = try RequestPath.decode(target: target, into: loop.pathBuffer)
        } catch {
            loop.counters.add(.invalidRequests)
            return respond(status: error.status, isLast: true, head: head)
        }
        let tree = self.tree
        outgoing.servingPath = tree.servingPath
        loop.counters.add(.requests(tree.servingPath))
        do throws(Errno) {
            var isHit = false
            let file = try tree.open(nameOfFile(path), turn: loop.turn, tick: loop.tick, isHit: &isHit)
            loop.counters.add(isHit ? .openFileHits(tree.servingPath) : .openFileMisses(tree.servingPath))
            respond(head, in: bytes.bytes, with: file, sender: tree.sender)
        } catch {
            respond(head, path, query: target.extracting(path.query.range), error: error)
        }
    }

    /// Where this request's file is read.
    private var tree: FileTree {
        if let mountTree = loop.mountTree, !listener.alwaysBypasses, !loop.bypassSwitch.isOn { return mountTree }
        return loop.docrootTree
    }

    /// The path of the file that answers: for a folder its index file, whose name is put behind it in the path buffer.
    private func nameOfFile(_ path: RequestPath) -> UnsafeRawBufferPointer {
        var count = path.byteCount
        if path.isDirectory {
            if count > 0 {
                loop.pathBuffer[count] = UInt8(ascii: "/")
                count += 1
            }
            let name = UnsafeRawBufferPointer(
                start: Self.indexName.utf8Start, count: Self.indexName.utf8CodeUnitCount + 1)
            UnsafeMutableRawBufferPointer(rebasing: loop.pathBuffer[count...]).copyMemory(from: name)
            count += Self.indexName.utf8CodeUnitCount
        }
        return UnsafeRawBufferPointer(rebasing: loop.pathBuffer[..<count])
    }

    // MARK: - With a file

    private func respond(_ head: RequestHead, in bytes: RawSpan, with file: OpenFile, sender: Sender) {
        let size = UInt64(max(file.size, 0))
        var first: UInt64 = 0
        var count = size
        var status = HTTPStatus.ok
        // Conditions are rare under load: one look tells that there are none.
        if head.ifNoneMatch.isPresent || head.ifModifiedSince.isPresent || head.range.isPresent {
            let now = Clock.unixSeconds
            let condition = Conditional.evaluate(
                head, in: bytes, entityTag: file.entityTag, lastModifiedSeconds: file.lastModifiedSeconds,
                nowSeconds: now)
            if condition == .notModified {
                return respondNotModified(head, file)
            }
            let range = Conditional.range(
                head, in: bytes, entityTag: file.entityTag, lastModifiedSeconds: file.lastModifiedSeconds,
                nowSeconds: now)
            switch range {
            case .whole: break
            case .partial(let start, let length):
                status = .partialContent
                first = start
                count = length
            case .unsatisfiable:
                return respondUnsatisfiable(head, size: size)
            }
        }
        var writer = beginHead(status)
        writer.append(verbatim: file.fields)
        if status == .partialContent { writer.contentRange(first: first, count: count, size: size) }
        writer.field("Content-Length", decimal: count)
        endHead(&writer, head)
        if head.method == .get, count > 0 {
            outgoing.body = FileBody(file: file, offset: Int64(first), remaining: Int64(count), sender: sender)
        }
        startSending(headCount: writer.count)
    }

    private func respondNotModified(_ head: RequestHead, _ file: OpenFile) {
        var writer = beginHead(.notModified)
        writer.append(verbatim: file.fields)
        endHead(&writer, head)
        startSending(headCount: writer.count)
    }

    private func respondUnsatisfiable(_ head: RequestHead, size: UInt64) {
        var writer = beginHead(.rangeNotSatisfiable)
        writer.unsatisfiedContentRange(size: size)
        writer.field("Content-Length", decimal: 0)
        endHead(&writer, head)
        startSending(headCount: writer.count)
    }

    // MARK: - Without one

    private func respond(_ head: RequestHead, _ path: RequestPath, query: RawSpan, error: Errno) {
        if error == .isDirectory, !path.isDirectory {
            return redirect(head, to: loop.pathBuffer[..<path.byteCount], query: path.query.isPresent ? query : nil)
        }
        var status = HTTPStatus(errno: error)
        if status == .notFound, path.isDirectory {
            // Was it the folder that is missing, or its index file?
            let name = loop.pathBuffer.baseAddress!.assumingMemoryBound(to: CChar.self)
            name[path.byteCount] = 0
            if path.byteCount == 0 || tree.isDirectory(name) { status = .forbidden }
        }
        respond(status: status, isLast: outgoing.isLast, head: head)
    }

    /// 301 to the same path with a slash behind it, so that the links in a folder's index file work.
    private func redirect(_ head: RequestHead, to path: Slice<UnsafeMutableRawBufferPointer>, query: RawSpan?) {
        var writer = beginHead(.movedPermanently)
        writer.beginField("Location")
        writer.append("/")
        writer.append(percentEncodingPath: UnsafeRawBufferPointer(rebasing: path).bytes)
        writer.append("/")
        if let query {
            writer.append("?")
            writer.append(query)
        }
        writer.endField()
        writer.field("Content-Length", decimal: 0)
        endHead(&writer, head)
        guard !writer.overflowed else { return respond(status: .uriTooLong, isLast: outgoing.isLast, head: head) }
        startSending(headCount: writer.count)
    }

    /// Answers with a status and one line of text that names it. `head` is nil when the request had none that could be used.
    func respond(status: HTTPStatus, isLast: Bool, head: RequestHead? = nil) {
        outgoing.isLast = isLast
        var writer = beginHead(status)
        if status == .methodNotAllowed { writer.field("Allow", "GET, HEAD") }
        writer.field("Content-Type", "text/plain; charset=utf-8")
        let reason = status.reasonPhrase
        writer.field("Content-Length", decimal: UInt64(4 + reason.utf8CodeUnitCount + 1))
        endHead(&writer, head)
        if head?.method != .head {
            writer.append(decimal: UInt64(status.rawValue))
            writer.append(" ")
            writer.append(reason)
            writer.append("\n")
        }
        startSending(headCount: writer.count)
    }

    // MARK: - Heads

    private func beginHead(_ status: HTTPStatus) -> ResponseHeadWriter {
        var writer = ResponseHeadWriter(loop.headBuffer)
        writer.statusLine(status)
        writer.append(verbatim: loop.dateFields)
        return writer
    }

    private func endHead(_ writer: inout ResponseHeadWriter, _ head: RequestHead?) {
        if outgoing.isLast {
            writer.field("Connection", "close")
        } else if let head, head.minorVersion == 0 {
            writer.field("Connection", "keep-alive")
        }
        writer.endOfHead()
    }
}
