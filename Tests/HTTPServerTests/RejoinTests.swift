import Glibc
import HTTPMessage
import Platform
import Telemetry
import Testing

@testable import HTTPServer

/// A connection whose thread was stuck, on its way back to its loop.
@Suite struct RejoinTests {
    private func makeLoop() throws -> EventLoop {
        let configuration = HTTPServerConfiguration(
            workers: 1, openFileCacheCapacity: 0, mountSender: .sendfile, bypassSender: .sendfile,
            mountKeepsPages: true, keepAliveSeconds: 60, connectionsMaxPerWorker: 8, stallTimeoutSeconds: 10,
            onMountLoss: .bypass, serverTiming: false)
        return try EventLoop(
            configuration: configuration, listeners: [], mount: nil,
            docrootRoot: SharedDescriptor(try Files.open("/", flags: Files.pathOnly)),
            bypassSwitch: BypassSwitch(isOn: true), mountLoss: MountLoss(nil), closer: DescriptorCloser(),
            budgets: FileBudgets(), measurements: Measurements())
    }

    private func makeConnection(_ loop: EventLoop, _ socket: CInt) throws -> Connection {
        let listener = SharedDescriptor(try Files.open("/dev/null", flags: O_RDONLY))
        let made = Connection(
            OwnedDescriptor(adopting: socket), loop: loop, base: loop.base,
            listener: Listener(socket: listener, alwaysBypasses: true), slot: 0)
        let connection = try #require(made)
        loop.connections = [connection]
        loop.connectionCount = 1
        return connection
    }

    /// What the thread that was stuck has found is of use only where the file would be looked for now.
    @Test func whatWasFoundInATreeThatIsGoneIsLookedForAgain() throws {
        let (loop, gone) = (try makeLoop(), try makeLoop())
        let connection = try makeConnection(loop, dup(STDERR_FILENO))
        let target: [UInt8] = Array("/etc/passwd".utf8)
        let path = try RequestPath.decode(target: target.span.bytes, into: loop.thread.pathBuffer)
        for tree in [loop.docrootTree, gone.docrootTree] {
            connection.broughtBack = .found(Connection.Finding(tree: tree, file: .unavailable))
            let finding = try #require(connection.find(path, on: loop.thread))
            #expect(finding.tree === loop.docrootTree)
            #expect(connection.broughtBack == nil)
            switch finding.file {
            case .unavailable: #expect(tree === loop.docrootTree)
            case .file: #expect(tree === gone.docrootTree)
            default: Issue.record("it was not found")
            }
        }
        connection.close()
    }

    /// Its deadline may be long past, for it is the one of before it was stuck; and a tick may come between the loop's taking
    /// it back and its turn.
    @Test func aTickBeforeItsTurnDoesNotCloseIt() throws {
        let loop = try makeLoop()
        var ends: [CInt] = [-1, -1]
        try #require(socketpair(AF_UNIX, CInt(SOCK_STREAM.rawValue | SOCK_NONBLOCK.rawValue), 0, &ends) == 0)
        let client = SharedDescriptor(OwnedDescriptor(adopting: ends[1]))
        let connection = try makeConnection(loop, ends[0])
        connection.broughtBack = .sent(.done, hasProgressed: true)
        connection.phase = .rejoining
        connection.deadlineTick = loop.tick
        connection.timeUp()
        #expect(connection.phase == .rejoining)
        var byte: UInt8 = 0
        #expect(recv(client.rawValue, &byte, 1, 0) == -1)
        #expect(errno == EAGAIN)

        // Its turn: the response is done, and the connection is one like any other.
        connection.rejoin()
        #expect(connection.phase == .receiving)
        #expect(connection.deadlineTick > loop.tick)
        connection.timeUp()
        #expect(connection.phase == .closed)
    }

    /// The pipe of a thread that is stuck while it sends is its own: the loop goes on with another.
    @Test func twoThreadsNeverHaveOnePipe() throws {
        let loop = try makeLoop()
        let first = try #require(loop.takePagePipe())
        let second = try #require(loop.takePagePipe())
        #expect(first !== second)
        loop.giveBack(second)
        #expect(loop.takePagePipe() === second)
    }
}
