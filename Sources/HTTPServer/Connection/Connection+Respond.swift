import Glibc
import HTTPMessage
import Platform
import Telemetry

extension Connection {
    /// Answers a request whose head is at the start of `bytes`.
    ///
    /// It may end with the thread being overtaken; what it has found is in `broughtBack` then.
    func respond(_ head: RequestHead, in bytes: UnsafeRawBufferPointer, on thread: LoopThread) {
        // A body would follow, which nothing here wants: the connection cannot be used after it.
        outgoing.isLast = !head.wantsKeepAlive || head.hasBody || loop.isDraining
        guard head.method.isSupported else {
            loop.counters.add(.invalidRequests)
            return respond(status: .methodNotAllowed, isLast: true, head: head)
        }
        let target = bytes.bytes.extracting(head.target.range)
        let path: RequestPath
        do throws(RequestError) {
            path = try RequestPath.decode(target: target, into: thread.pathBuffer)
        } catch {
            loop.counters.add(.invalidRequests)
            return respond(status: error.status, isLast: true, head: head)
        }
        thread.meter.setPath(
            UnsafeRawBufferPointer(rebasing: thread.pathBuffer[..<path.byteCount]), isFolder: path.isDirectory)
        guard let found = find(path, on: thread) else { return }
        let servingPath = found.tree.servingPath
        outgoing.servingPath = servingPath
        thread.meter.count(servingPath)
        switch found.file {
        case .file(let file, let isKept):
            loop.counters.add(isKept ? .openFileHits(servingPath) : .openFileMisses(servingPath))
            respond(head, in: bytes.bytes, with: file, of: found.tree)
        case .folder:
            respond(status: .forbidden, isLast: outgoing.isLast, head: head)
        case .failure(.isDirectory) where !path.isDirectory:
            let query = target.extracting(path.query.range)
            redirect(head, to: thread.pathBuffer[..<path.byteCount], query: path.query.isPresent ? query : nil)
        case .failure(let error):
            respond(status: HTTPStatus(errno: error), isLast: outgoing.isLast, head: head)
        case .unavailable:
            respond(status: .serviceUnavailable, isLast: outgoing.isLast, head: head)
        }
    }

    // MARK: - With a file

    private func respond(_ head: RequestHead, in bytes: RawSpan, with file: OpenFile, of tree: FileTree) {
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
            outgoing.body = FileBody(file: file, offset: Int64(first), remaining: Int64(count), of: tree)
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
        if status == .serviceUnavailable { writer.field("Retry-After", decimal: 1) }
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
        var writer = ResponseHeadWriter(loop.thread.headBuffer)
        writer.statusLine(status)
        writer.append(verbatim: loop.dateFields)
        loop.thread.meter.setStatus(status.rawValue)
        return writer
    }

    private func endHead(_ writer: inout ResponseHeadWriter, _ head: RequestHead?) {
        if outgoing.isLast {
            writer.field("Connection", "close")
        } else if let head, head.minorVersion == 0 {
            writer.field("Connection", "keep-alive")
        }
        appendServerTiming(to: &writer)
        writer.endOfHead()
    }
}
