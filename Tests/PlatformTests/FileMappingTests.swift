import Glibc
import Synchronization
import Testing

@testable import Platform

@Suite(.timeLimit(.minutes(1))) struct FileMappingTests {
    private let folder = try? TemporaryFolder()

    private func makeFile(_ bytes: [UInt8]) throws -> OwnedDescriptor {
        let path = try #require(folder).path + "/file"
        let file = OwnedDescriptor(adopting: open(path, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0o600))
        #expect(write(file.rawValue, bytes, bytes.count) == bytes.count)
        return file
    }

    @Test func aByteThatIsGoneIsNil() throws {
        let file = try makeFile([UInt8](repeating: 7, count: 10_000))
        let mapping = try FileMapping(file.rawValue, byteCount: 10_000)
        #expect(mapping.byte(at: 0) == 7 && mapping.byte(at: 9999) == 7)
        ftruncate(file.rawValue, 5000)
        // The rest of the page in which it ends, and the next, which is none.
        #expect(mapping.byte(at: 4999) == 7 && mapping.byte(at: 5000) == 0 && mapping.byte(at: 9999) == nil)
        ftruncate(file.rawValue, 0)
        #expect(mapping.byte(at: 0) == nil)
        ftruncate(file.rawValue, 10_000)
        #expect(mapping.byte(at: 9999) == 0)
    }

    /// Each thread's load fails for itself.
    @Test func threadsLoadWhileTheFileComesAndGoes() throws {
        let file = try makeFile([UInt8](repeating: 7, count: 8192))
        let mapping = try FileMapping(file.rawValue, byteCount: 8192)
        let loads = Loads(mapping)
        let threads = try (0..<3).map { try NamedThread("load-\($0)") { loads.run() } }
        let page = [UInt8](repeating: 7, count: 4096)
        let deadline = Clock.monotonicNanoseconds + 30_000_000_000
        var rounds = 0
        // The threads may not have run by then.
        while rounds < 2000 || !loads.haveMetBoth && Clock.monotonicNanoseconds < deadline {
            ftruncate(file.rawValue, 4096)
            pwrite(file.rawValue, page, page.count, 4096)
            rounds += 1
        }
        loads.isDone.store(true, ordering: .relaxed)
        for thread in threads { thread.join() }
        #expect(loads.haveMetBoth)
    }

    private final class Loads: Sendable {
        let mapping: FileMapping
        let isDone = Atomic(false)
        let seen = Atomic(0)
        let gone = Atomic(0)

        /// Whether some loads found the byte, and others found it gone.
        var haveMetBoth: Bool { seen.load(ordering: .relaxed) > 0 && gone.load(ordering: .relaxed) > 0 }

        init(_ mapping: FileMapping) { self.mapping = mapping }

        func run() {
            while !isDone.load(ordering: .relaxed) {
                if mapping.byte(at: 5000) == nil {
                    gone.add(1, ordering: .relaxed)
                } else {
                    seen.add(1, ordering: .relaxed)
                }
            }
        }
    }

    @Test func whatCannotBeMappedIsAnError() throws {
        let file = try Files.open("/dev/null", flags: O_WRONLY)
        #expect(throws: Errno.self) { try FileMapping(file.rawValue, byteCount: 1) }
    }
}

@Suite(.timeLimit(.minutes(1))) struct PagePipeTests {
    private func makeSockets() -> (SharedDescriptor, SharedDescriptor) {
        var ends: [CInt] = [-1, -1]
        #expect(socketpair(AF_UNIX, CInt(SOCK_STREAM.rawValue | SOCK_NONBLOCK.rawValue), 0, &ends) == 0)
        return (
            SharedDescriptor(OwnedDescriptor(adopting: ends[0])), SharedDescriptor(OwnedDescriptor(adopting: ends[1]))
        )
    }

    private func makeMapping(_ count: Int) throws -> (FileMapping, [UInt8]) {
        let folder = try TemporaryFolder()
        let bytes = (0..<count).map { UInt8(truncatingIfNeeded: $0 &* 31 &+ $0 >> 8) }
        let file = OwnedDescriptor(adopting: open(folder.path + "/file", O_RDWR | O_CREAT | O_CLOEXEC, 0o600))
        #expect(write(file.rawValue, bytes, count) == count)
        return (try FileMapping(file.rawValue, byteCount: count), bytes)
    }

    /// nil when the socket takes nothing.
    private func send(_ range: Range<Int>, of mapping: FileMapping, through pipe: PagePipe, to socket: CInt) -> Int? {
        try? pipe.send(range, of: mapping, to: socket) { true }
    }

    private func receive(_ socket: CInt, atMost count: Int) -> ArraySlice<UInt8> {
        var bytes = [UInt8](repeating: 0, count: count)
        return bytes[..<max(read(socket, &bytes, count), 0)]
    }

    /// A socket that takes only so much: nothing is lost, and nothing is sent twice or to another.
    @Test func whatASocketDoesNotTakeIsNotLeftInThePipe() throws {
        let (mapping, bytes) = try makeMapping(PagePipe.capacity)
        let pipe = try PagePipe()
        let (socket, client) = makeSockets()
        var received: [UInt8] = []
        var refusals = 0
        for _ in 0..<8 {
            var range = 0..<bytes.count
            while !range.isEmpty {
                if let sent = send(range, of: mapping, through: pipe, to: socket.rawValue) {
                    range = (range.lowerBound + sent)..<range.upperBound
                } else {
                    refusals += 1
                    received += receive(client.rawValue, atMost: 10_000)
                }
            }
        }
        while case let rest = receive(client.rawValue, atMost: 10_000), !rest.isEmpty { received += rest }
        #expect(refusals > 0)
        #expect(received == (0..<8).flatMap { _ in bytes })
    }

    @Test func nothingIsSentOfWhatIsNotWhole() throws {
        let (mapping, bytes) = try makeMapping(10_000)
        let pipe = try PagePipe()
        let (socket, client) = makeSockets()
        #expect(try pipe.send(0..<10_000, of: mapping, to: socket.rawValue) { false } == nil)
        var chunk = [UInt8](repeating: 0, count: 20_000)
        #expect(read(client.rawValue, &chunk, chunk.count) == -1)
        #expect(try pipe.send(17..<10_000, of: mapping, to: socket.rawValue) { true } == 9983)
        #expect(read(client.rawValue, &chunk, chunk.count) == 9983)
        #expect(Array(chunk[..<9983]) == Array(bytes[17...]))
    }

    @Test func aClosedSocketIsAnError() throws {
        let (mapping, _) = try makeMapping(100)
        let pipe = try PagePipe()
        let (socket, client) = makeSockets()
        shutdown(client.rawValue, CInt(SHUT_RDWR))
        signal(SIGPIPE, SIG_IGN)
        #expect(throws: Errno.brokenPipe) { try pipe.send(0..<100, of: mapping, to: socket.rawValue) { true } }
    }
}
