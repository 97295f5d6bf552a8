import HTTPMessage
import Testing

/// Parses bytes that end at an inaccessible page.
func parse(_ bytes: some Collection<UInt8>) -> ParseOutcome { withGuarded(bytes) { RequestParser.parse($0) } }

func parse(_ text: String) -> ParseOutcome { parse(Array(text.utf8)) }

/// The outcome of a GET of HTTP/1.1 with these field lines behind its Host.
func parse(fields: String...) -> ParseOutcome {
    parse("GET / HTTP/1.1\r\nHost: a\r\n" + fields.map { $0 + "\r\n" }.joined() + "\r\n")
}

/// The head in `text`, which must be good and whole.
func head(_ text: String, sourceLocation: SourceLocation = #_sourceLocation) throws -> RequestHead {
    let outcome = parse(text)
    guard case .complete(let head) = outcome else {
        Issue.record("\(outcome) for \(text.debugDescription)", sourceLocation: sourceLocation)
        throw RequestError.badRequest
    }
    return head
}

/// The head of a GET of HTTP/1.1 with these field lines behind its Host.
func head(fields: String..., sourceLocation: SourceLocation = #_sourceLocation) throws -> RequestHead {
    try head(
        "GET / HTTP/1.1\r\nHost: a\r\n" + fields.map { $0 + "\r\n" }.joined() + "\r\n", sourceLocation: sourceLocation)
}

extension String {
    /// The text a slice stands for; nil when it is absent.
    func at(_ slice: ByteSlice) -> String? {
        slice.isPresent ? String(decoding: Array(utf8)[slice.range], as: UTF8.self) : nil
    }
}

let wrkHead = "GET /index.html HTTP/1.1\r\nHost: 127.0.0.1:8080\r\n\r\n"

let browserHead = """
    GET /assets/app.4f1c2b.js?v=12 HTTP/1.1\r
    Host: static.example.org:8080\r
    User-Agent: Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/126.0 Safari/537.36\r
    Accept: */*\r
    Accept-Language: en-GB,en-US;q=0.9,en;q=0.8,de;q=0.7\r
    Accept-Encoding: gzip, deflate, br, zstd\r
    Connection: keep-alive\r
    Referer: http://static.example.org:8080/index.html\r
    sec-ch-ua: "Chromium";v="126", "Not/A)Brand";v="8"\r
    If-None-Match: "17d3a2b4c5e6f708-1a2b3"\r
    If-Modified-Since: Sun, 06 Nov 1994 08:49:37 GMT\r
    Range: bytes=0-99\r
    If-Range: "17d3a2b4c5e6f708-1a2b3"\r
    \r

    """

/// Heads that are good.
let goodHeads = [
    wrkHead,
    browserHead,
    "GET / HTTP/1.0\r\n\r\n",
    "\r\n\r\nHEAD / HTTP/1.1\r\nHost:\r\n\r\n",
    "OPTIONS * HTTP/1.1\r\nhost: [::1]:80\r\n\r\n",
    "CONNECT a:443 HTTP/1.1\r\nHost: a:443\r\n\r\n",
    "GET http://a.example/x?y HTTP/1.1\r\nHost: a.example\r\nConnection: close\r\n\r\n",
    "POST /x HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\n",
    "PUT /x HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: gzip, chunked\r\n\r\n",
    "GET / HTTP/1.9\r\nHost: a\r\nx:\t \t\r\nX-Latin: caf\u{e9} \t\u{1F600}\r\n\r\n",
]

/// Bytes that are no good head, with what is wrong.
let badHeads: [(String, RequestError)] = [
    ("\u{16}\u{3}\u{1}", .badRequest),
    ("GET  / HTTP/1.1\r\nHost: a\r\n\r\n", .badRequest),
    ("GET / HTTP/1.1\nHost: a\n\n", .badRequest),
    ("GET / HTTP/1.1\r\nHost: a\r\n folded\r\n\r\n", .badRequest),
    ("GET / HTTP/1.1\r\nHost : a\r\n\r\n", .badRequest),
    ("GET / HTTP/1.1\r\n\r\n", .badRequest),
    ("GET / HTTP/1.1\r\nHost: a\r\nHost: a\r\n\r\n", .badRequest),
    ("GET / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n", .badRequest),
    ("BREW / HTTP/1.1\r\nHost: a\r\n\r\n", .unknownMethod),
    ("GET / HTTP/2.0\r\nHost: a\r\n\r\n", .unsupportedVersion),
    ("GET /\r\n\r\n", .badRequest),
    ("GET /" + String(repeating: "a", count: 8192) + " HTTP/1.1\r\nHost: a\r\n\r\n", .targetTooLong),
    (
        "GET / HTTP/1.1\r\nHost: a\r\n" + String(repeating: "x: y\r\n", count: RequestLimits.headerFieldsMax) + "\r\n",
        .headTooLarge
    ),
]
