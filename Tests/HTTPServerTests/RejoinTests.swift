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

    /// Its deadline may be long past, for it is the one of before it was stuck; and a tick may come between the loop's taking
    /// it back and its turn.
    @Test func aTickBeforeItsTurnDoesNotCloseIt() throws {
        let loop = try makeLoop()
        var ends: [CInt] = [-1, -1]
        try #require(socketpair(AF_UNIX, CInt(SOCK_STREAM.rawValue | SOCK_NONBLOCK.rawValue), 0, &ends) == 0)
        let client = SharedDescriptor(OwnedDescriptor(adopting: ends[1]))
        let made = Connection(
            OwnedDescriptor(adopting: ends[0]), loop: loop, base: loop.base,
            listener: Listener(socket: client, alwaysBypasses: true), slot: 0)
        let connection = try #require(made)
        loop.connections = [connection]
        loop.connectionCount = 1
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
