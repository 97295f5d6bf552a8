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
    /// The response head is written; with the first phase of sending in one where the request is not traced.
    case prepare
    /// The body is read where it is copied (`pread(2)`).
    case read
    /// The head is sent, and the body where it is copied (`send(2)`).
    case send
    /// The body is sent from the page cache (`sendfile(2)`; from a mapping, `vmsplice(2)` and `splice(2)`); with `send` of the head
    /// in one where the request is not traced.
    case sendfile
    /// The client does not take more, or a thread that is stuck is waited for.
    case wait

    /// Its name in traces, headers and on the page.
    package var name: String { "\(self)" }
}
