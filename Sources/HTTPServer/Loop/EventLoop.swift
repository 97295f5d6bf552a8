import CLibevent
import Glibc
import HTTPMessage
import Platform
import Synchronization
import Telemetry

/// A socket that one event loop accepts from, and where its requests read their files.
struct Listener: Sendable {
    let socket: SharedDescriptor
    /// Whether it always reads the docroot, whatever the bypass switch says.
    let alwaysBypasses: Bool
}

/// One libevent loop on one thread, with the connections it has accepted: they never leave it.
///
/// Everything here belongs to the event thread, but for `requestDrain`, which any thread may call.
final class EventLoop: @unchecked Sendable {
    let configuration: HTTPServerConfiguration
    let counters: Counters<HTTPCounter>
    let bypassSwitch: BypassSwitch
    /// nil when there is no mount at all.
    let mountTree: FileTree?
    let docrootTree: FileTree
    /// What a request is received into; a connection keeps bytes of its own only while a request is incomplete.
    let readBuffer: UnsafeMutableRawBufferPointer
    /// What a response head, and a short body, is written in.
    let headBuffer: UnsafeMutableRawBufferPointer
    /// What a body is copied through.
    let bodyBuffer: UnsafeMutableRawBufferPointer
    /// The decoded path of the request at hand, NUL-terminated.
    let pathBuffer: UnsafeMutableRawBufferPointer
    private var dateText = DateText()
    /// Counts the turns of the loop, from 1 on.
    private(set) var turn: UInt64 = 0
    /// Counts seconds: what connections' deadlines are given in.
    private(set) var tick = 0
    private(set) var isDraining = false

    private let base: OpaquePointer
    private let listeners: [Listener]
    private let wakeUp: WakeUp
    private let drainDeadline = Atomic<UInt64>(0)
    /// Each loop's own part of the process's bound.
    private let connectionsMax: Int
    /// Open connections by slot; the free slots' indices are in `freeSlots`.
    private var connections: [Connection?] = []
    private var freeSlots: [Int] = []
    private var connectionCount = 0
    private var listenerEvents: [OpaquePointer] = []
    private var areListenersPaused = false
    /// Connections with whole requests that wait for the next turn.
    private var resuming: [Connection] = []

    init(
        configuration: HTTPServerConfiguration, listeners: [Listener], mountRoot: SharedDescriptor?,
        mountDevice: UInt64?, docrootRoot: SharedDescriptor, bypassSwitch: BypassSwitch, counters: Counters<HTTPCounter>
    ) throws(Errno) {
        self.configuration = configuration
        self.listeners = listeners
        self.bypassSwitch = bypassSwitch
        self.counters = counters
        connectionsMax = configuration.connectionsMaxPerWorker
        let capacity = configuration.openFileCacheCapacity
        mountTree = mountRoot.map {
            FileTree(
                root: $0, servingPath: .mount, excludedDevice: nil,
                sender: Sender(configuration.send, usesDirectIO: configuration.mountUsesDirectIO),
                openFileCacheCapacity: capacity)
        }
        docrootTree = FileTree(
            root: docrootRoot, servingPath: .bypass, excludedDevice: mountDevice,
            sender: Sender(configuration.send, usesDirectIO: false), openFileCacheCapacity: capacity)
        readBuffer = .allocate(byteCount: Limits.readBufferBytes, alignment: 64)
        headBuffer = .allocate(byteCount: Limits.headBufferBytes, alignment: 64)
        bodyBuffer = .allocate(byteCount: Limits.bodyBufferBytes, alignment: 4096)
        // Room for a decoded path and the name of the index file after it.
        pathBuffer = .allocate(byteCount: RequestLimits.pathBytesMax + 32, alignment: 64)
        wakeUp = try WakeUp()

        let options = event_config_new()
        defer { event_config_free(options) }
        // One thread uses the base: its locks would be taken for nothing.
        event_config_set_flag(options, Int32(EVENT_BASE_FLAG_NOLOCK.rawValue))
        guard let base = event_base_new_with_config(options) else { throw .noMemory }
        self.base = base
    }

    deinit {
        event_base_free(base)
        readBuffer.deallocate()
        headBuffer.deallocate()
        bodyBuffer.deallocate()
        pathBuffer.deallocate()
    }

    // MARK: - Running

    /// Serves until a drain has been asked for and is complete. On the event thread.
    func run() {
        let context = Unmanaged.passUnretained(self).toOpaque()
        var ownEvents: [OpaquePointer] = []
        let wakeEvent = event_new(base, wakeUp.rawValue, Int16(EV_READ | EV_PERSIST), loopWokenUp, context)!
        event_add(wakeEvent, nil)
        ownEvents.append(wakeEvent)
        let tickEvent = event_new(base, -1, Int16(EV_PERSIST), loopTicked, context)!
        var second = timeval(tv_sec: 1, tv_usec: 0)
        event_add(tickEvent, &second)
        ownEvents.append(tickEvent)

        let acceptContexts = listeners.map { listener in
            let acceptContext = AcceptContext(loop: self, listener: listener)
            let pointer = Unmanaged.passUnretained(acceptContext).toOpaque()
            let event = event_new(
                base, listener.socket.rawValue, Int16(EV_READ | EV_PERSIST), listenerReadable, pointer)!
            event_add(event, nil)
            listenerEvents.append(event)
            return acceptContext
        }
        withExtendedLifetime(acceptContexts) {
            while !(isDraining && connectionCount == 0) {
                turn &+= 1
                let hasWork = !resuming.isEmpty
                if event_base_loop(base, EVLOOP_ONCE | (hasWork ? EVLOOP_NONBLOCK : 0)) < 0 { break }
                resumeConnections()
                if isDraining, Clock.monotonicNanoseconds >= drainDeadline.load(ordering: .relaxed) {
                    closeAll()
                }
            }
        }
        closeAll()
        for event in ownEvents + listenerEvents { event_free(event) }
        listenerEvents = []
        mountTree?.removeAll()
        docrootTree.removeAll()
    }

    /// Ends the loop in good order: no new connections, idle ones are closed, responses under way are completed until
    /// `deadlineNanoseconds` (CLOCK_MONOTONIC) and cut off then. Any thread.
    func requestDrain(deadlineNanoseconds: UInt64) {
        drainDeadline.store(deadlineNanoseconds, ordering: .relaxed)
        wakeUp.signal()
    }

    fileprivate func wokenUp() {
        wakeUp.clear()
        let deadline = drainDeadline.load(ordering: .relaxed)
        guard deadline != 0, !isDraining else { return }
        isDraining = true
        for event in listenerEvents { event_del(event) }
        for connection in connections { connection?.drain() }
        // The loop turns at least once more when the time is up, whatever the clients do.
        let now = Clock.monotonicNanoseconds
        let rest = deadline > now ? deadline - now : 0
        var delay = timeval(tv_sec: Int(rest / 1_000_000_000), tv_usec: Int(rest % 1_000_000_000 / 1000) + 1000)
        event_base_once(base, -1, Int16(EV_TIMEOUT), drainTimeUp, nil, &delay)
    }

    fileprivate func ticked() {
        tick += 1
        if areListenersPaused, !isDraining {
            areListenersPaused = false
            for event in listenerEvents { event_add(event, nil) }
        }
        mountTree?.closeIdle(tick: tick)
        docrootTree.closeIdle(tick: tick)
        for connection in connections {
            if let connection, connection.deadlineTick <= tick { connection.timeUp() }
        }
    }

    /// The Server and Date fields of a response made now. libevent reads the clock once a turn; its time is exact enough.
    var dateFields: UnsafeRawBufferPointer {
        var now = timeval()
        event_base_gettimeofday_cached(base, &now)
        return dateText.fields(nowSeconds: Int64(now.tv_sec))
    }

    /// The tick at which `seconds` from now have passed in full, whatever part of the present one is gone.
    func deadline(seconds: Int) -> Int { tick + seconds + 1 }

    // MARK: - Connections

    fileprivate func accept(_ listener: Listener) {
        for _ in 0..<Limits.acceptsPerTurnMax {
            do throws(Errno) {
                let socket = try Sockets.accept(listener.socket.rawValue)
                add(socket, listener)
            } catch .resourceTemporarilyUnavailable, .invalidArgument {
                // Nobody waits, or the socket does not listen any more.
                return
            } catch .noBufferSpace, .tooManyOpenFiles, .tooManyOpenFilesInSystem, .noMemory {
                // The connection stays in the backlog: without a pause the loop would spin on it.
                areListenersPaused = true
                for event in listenerEvents { event_del(event) }
                return
            } catch {
                // The client gave up while it waited: the next one may not have.
                continue
            }
        }
    }

    private func add(_ socket: consuming OwnedDescriptor, _ listener: Listener) {
        guard connectionCount < connectionsMax else {
            counters.add(.connectionsRefused)
            let text: StaticString =
                "HTTP/1.1 503 Service Unavailable\r\nContent-Length: 0\r\nRetry-After: 1\r\nConnection: close\r\n\r\n"
            let bytes = UnsafeRawBufferPointer(start: text.utf8Start, count: text.utf8CodeUnitCount)
            _ = try? Sockets.send(socket.rawValue, bytes, more: false)
            return
        }
        let slot = freeSlots.popLast() ?? connections.count
        guard
            let connection = Connection(socket, loop: self, base: base, listener: listener, slot: slot)
        else {
            freeSlots.append(slot)
            return
        }
        if slot == connections.count { connections.append(connection) } else { connections[slot] = connection }
        connectionCount += 1
        counters.add(.connectionsAccepted)
    }

    /// Calls `resume` on a connection in the next turn, after every other connection has had its chance.
    func resumeNextTurn(_ connection: Connection) { resuming.append(connection) }

    private func resumeConnections() {
        guard !resuming.isEmpty else { return }
        let waiting = resuming
        resuming = []
        for connection in waiting { connection.resume() }
    }

    /// Forgets a connection that has closed itself.
    func remove(_ connection: Connection) {
        guard connections[connection.slot] === connection else { return }
        connections[connection.slot] = nil
        freeSlots.append(connection.slot)
        connectionCount -= 1
    }

    private func closeAll() {
        for connection in connections { connection?.close() }
    }
}

/// What a listener's event is given: alive as long as the event.
private final class AcceptContext {
    unowned(unsafe) let loop: EventLoop
    let listener: Listener

    init(loop: EventLoop, listener: Listener) {
        self.loop = loop
        self.listener = listener
    }
}

@c private func listenerReadable(_ socket: CInt, _ what: Int16, _ context: UnsafeMutableRawPointer?) {
    let accept = Unmanaged<AcceptContext>.fromOpaque(context!).takeUnretainedValue()
    accept.loop.accept(accept.listener)
}

@c private func loopWokenUp(_ descriptor: CInt, _ what: Int16, _ context: UnsafeMutableRawPointer?) {
    Unmanaged<EventLoop>.fromOpaque(context!).takeUnretainedValue().wokenUp()
}

@c private func loopTicked(_ descriptor: CInt, _ what: Int16, _ context: UnsafeMutableRawPointer?) {
    Unmanaged<EventLoop>.fromOpaque(context!).takeUnretainedValue().ticked()
}

@c private func drainTimeUp(_ descriptor: CInt, _ what: Int16, _ context: UnsafeMutableRawPointer?) {}
