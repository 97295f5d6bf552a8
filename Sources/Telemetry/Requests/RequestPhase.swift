/// What becomes of an HTTP request's time, one after the other.
package enum RequestPhase: Int, CaseIterable, Sendable {
    /// Other requests of the same turn of the event loop come first.
    case queue
    /// `recv(2)` of its head; with `parse` in one where the request is not traced.
    case receive
    /// Its head is parsed.
    case parse
    /// Its path is decoded and looked for among the files kept open.
    case resolve
    /// The file kept open is looked at by its name, to see that it is still that one (`fstatat(2)`).
    case statx
    /// The file is opened (`openat2(2)`) and looked at.
    case open
    /// The response head is written; with `send` in one where the request is not traced.
    case prepare
    /// The body is read where it is copied (`pread(2)`).
    case read
    /// Head and body are sent (`send(2)`, `sendfile(2)`).
    case send
    /// The client does not take more, or a thread that is stuck is waited for.
    case wait

    /// Its name in traces, headers and on the page.
    package var name: String { "\(self)" }
}
