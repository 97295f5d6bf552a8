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

/// One libevent loop, with the connections it has accepted: they never leave it.
///
/// One thread at a time runs it, and everything here is that thread's, but for `requestDrain`, `offerMount` and `bringBack`,
/// which any thread may call. Nothing is done inside of libevent's callbacks but to note what is to be done: so another
/// thread can go on where one is stuck.
final class EventLoop: @unchecked Sendable {
    let configuration: HTTPServerConfiguration
    private let budgets: FileBudgets
    private let measurements: Measurements
    /// What mapped bodies go through, while none does. Event thread only.
    private var pagePipe: PagePipe?
    let bypassSwitch: BypassSwitch
    /// nil when there is no mount, or none at present.
    private(set) var mountTree: FileTree?
    private var mountSerial: UInt64 = 0
    /// Whether anything is read from a mount. Written by the loop, read by any thread.
    private let isMountInUse = Atomic(false)
    /// Whether there is no mount any more, but something may still be read from it.
    private var isLettingGo = false
    let docrootTree: FileTree
    /// The thread that runs the loop, with its buffers.
    private(set) var thread: LoopThread
    /// Requests whose thread waits for a file system.
    let stuck = StuckRequests()
    private var dateText = DateText()
    /// Counts the turns of the loop, from 1 on.
    private(set) var turn: UInt64 = 0
    /// Counts seconds: what connections' deadlines are given in.
    private(set) var tick = 0
    private(set) var isDraining = false

    let base: OpaquePointer
    let listeners: [Listener]
    private let wakeUp: WakeUp
    private let mountLoss: MountLoss
    private let drainDeadline = Atomic<UInt64>(0)
    /// Each loop's own part of the process's bound.
    let connectionsMax: Int
    /// Open connections by slot; the free slots' indices are in `freeSlots`.
    var connections: [Connection?] = []
    var freeSlots: [Int] = []
    var connectionCount = 0
    var listenerEvents: [OpaquePointer] = []
    var areListenersPaused = false
    private var ownEvents: [OpaquePointer] = []
    private var acceptContexts: [AcceptContext] = []
    /// What this turn has to do, and how far it is.
    private var tasks: [Task] = []
    private var taskIndex = 0
    /// What waits for the next turn.
    private var nextTasks: [Task] = []
    /// What other threads have for the loop.
    private let mailbox: LoopMailbox

    /// Something to do for a connection.
    struct Task {
        enum Kind { case read, write, resume, rejoin }
        let connection: Connection
        let kind: Kind
    }

    init(
        configuration: HTTPServerConfiguration, listeners: [Listener], mount: MountRoot?,
        docrootRoot: SharedDescriptor, bypassSwitch: BypassSwitch, mountLoss: MountLoss,
        closer: DescriptorCloser, budgets: FileBudgets, measurements: Measurements
    ) throws(Errno) {
        self.configuration = configuration
        self.budgets = budgets
        self.measurements = measurements
        self.listeners = listeners
        self.bypassSwitch = bypassSwitch
        // It runs nothing: each thread that does brings its own.
        thread = LoopThread(RequestMeter(measurements, threadName: "", samplesAll: false))
        self.mountLoss = mountLoss
        connectionsMax = configuration.connectionsMaxPerWorker
        docrootTree = FileTree(
            root: docrootRoot, servingPath: .bypass, excludedDevice: mount?.device,
            sender: configuration.bypassSender, keepsPages: false, budgets: budgets,
            openFileCacheCapacity: configuration.openFileCacheCapacity, closer: closer, measurements: measurements)
        wakeUp = try WakeUp()
        mailbox = LoopMailbox(wakeUp: wakeUp)

        let options = event_config_new()
        defer { event_config_free(options) }
        // One thread uses the base: its locks would be taken for nothing.
        event_config_set_flag(options, Int32(EVENT_BASE_FLAG_NOLOCK.rawValue))
        guard let base = event_base_new_with_config(options) else { throw .noMemory }
        self.base = base
        use(mount)
    }

    deinit { event_base_free(base) }

    // MARK: - Running

    /// Before the first `run`, on its thread.
    func begin(on thread: LoopThread) {
        self.thread = thread
        let context = Unmanaged.passUnretained(self).toOpaque()
        let wakeEvent = event_new(base, wakeUp.rawValue, Int16(EV_READ | EV_PERSIST), loopWokenUp, context)!
        event_add(wakeEvent, nil)
        ownEvents.append(wakeEvent)
        let tickEvent = event_new(base, -1, Int16(EV_PERSIST), loopTicked, context)!
        var second = timeval(tv_sec: 1, tv_usec: 0)
        event_add(tickEvent, &second)
        ownEvents.append(tickEvent)

        for listener in listeners {
            let acceptContext = AcceptContext(loop: self, listener: listener)
            let pointer = Unmanaged.passUnretained(acceptContext).toOpaque()
            let event = event_new(
                base, listener.socket.rawValue, Int16(EV_READ | EV_PERSIST), listenerReadable, pointer)!
            event_add(event, nil)
            listenerEvents.append(event)
            acceptContexts.append(acceptContext)
        }
    }

    /// Goes on where another thread is stuck, with everything but the connection that this one waits for.
    func adopt(on thread: LoopThread) {
        let stuckMeter = self.thread.meter
        self.thread = thread
        thread.meter.takeOver(stuckMeter)
        let connection = tasks[taskIndex].connection
        taskIndex += 1
        connections[connection.slot] = nil
        connection.suspend()
        stuck.add(
            connection, path: stuckMeter.pathText, deadlineTick: deadline(seconds: configuration.stallTimeoutSeconds))
        counters.add(.stuckRequests)
    }

    /// Serves until a drain has been asked for and is complete.
    ///
    /// - Returns: false when another thread has the loop now.
    func run(on thread: LoopThread) -> Bool {
        repeat {
            while taskIndex < tasks.count {
                let task = tasks[taskIndex]
                // It may be closed by now, or its thread be stuck.
                if connections[task.connection.slot] === task.connection {
                    task.connection.perform(task.kind)
                    if thread.isOvertaken {
                        thread.meter.suspend(into: &task.connection.suspendedRequest)
                        bringBack(task.connection)
                        return false
                    }
                    // Whatever became of it, the next one's time begins here.
                    thread.meter.abandon()
                }
                taskIndex += 1
            }
            tasks.removeAll(keepingCapacity: true)
            taskIndex = 0
            if isLettingGo { letGoIfUnused() }
            if isDraining {
                if connectionCount == stuck.count { break }
                // `end` closes the rest.
                if Clock.monotonicNanoseconds >= drainDeadline.load(ordering: .relaxed) { break }
            }
            turn &+= 1
            if event_base_loop(base, EVLOOP_ONCE | (nextTasks.isEmpty ? 0 : EVLOOP_NONBLOCK)) < 0 { break }
            // After every other connection has had its chance.
            if !nextTasks.isEmpty {
                if tasks.isEmpty { thread.meter.beginTurn() }
                tasks += nextTasks
                nextTasks.removeAll(keepingCapacity: true)
            }
            if !tasks.isEmpty { thread.meter.beginTasks() }
        } while true
        end()
        return true
    }

    private func end() {
        closeAll()
        for event in ownEvents + listenerEvents { event_free(event) }
        ownEvents = []
        listenerEvents = []
        acceptContexts = []
        use(nil)
        letGoIfUnused()
        docrootTree.removeAll()
        for late in mailbox.take(closes: true).returned { late.connection.dispose() }
    }

    /// Ends the loop in good order: no new connections, idle ones are closed, responses under way are completed until
    /// `deadlineNanoseconds` (CLOCK_MONOTONIC) and cut off then. Any thread.
    func requestDrain(deadlineNanoseconds: UInt64) {
        drainDeadline.store(deadlineNanoseconds, ordering: .relaxed)
        wakeUp.signal()
    }

    /// Reads from another mount from the next turn on, or from none. Any thread.
    func offerMount(_ mount: MountRoot?) { mailbox.put(mount) }

    /// Whether it, or a thread that was stuck with one of its requests, reads from a mount; after another was offered, from the one
    /// before. Any thread.
    var usesMount: Bool { isMountInUse.load(ordering: .acquiring) }

    /// Hands a connection back whose thread was stuck. From that thread.
    private func bringBack(_ connection: Connection) {
        if !mailbox.put(LoopMailbox.Returned(connection: connection)) { connection.dispose() }
    }

    fileprivate func wokenUp() {
        wakeUp.clear()
        let content = mailbox.take()
        if let mount = content.mount { use(mount) }
        for returned in content.returned { rejoin(returned.connection) }
        drainIfAsked()
    }

    private func use(_ mount: MountRoot?) {
        isLettingGo = mount == nil && usesMount
        if mount != nil { isMountInUse.store(true, ordering: .releasing) }
        mountTree?.removeAll()
        docrootTree.excludedDevice = mount?.device
        mountTree = mount.map { mount in
            FileTree(
                root: mount.descriptor, servingPath: .mount, excludedDevice: nil,
                sender: configuration.mountSender, keepsPages: configuration.mountKeepsPages, budgets: budgets,
                openFileCacheCapacity: configuration.openFileCacheCapacity, closer: nil, measurements: measurements)
        }
        mountSerial = mount?.serial ?? 0
    }

    /// At the end of a turn: nobody looks for anything in a mount that is gone, but what was found there may be on its way.
    private func letGoIfUnused() {
        guard !stuck.isAnyIn(.mount), !connections.contains(where: { $0?.isReadingMount == true }) else { return }
        isLettingGo = false
        isMountInUse.store(false, ordering: .releasing)
    }

    /// The pipe for a body that is mapped, until `giveBack`: a thread that is overtaken while it sends keeps it, and the loop
    /// makes another. nil when there are no descriptors left.
    func takePagePipe() -> PagePipe? {
        defer { pagePipe = nil }
        return pagePipe ?? (try? PagePipe())
    }

    func giveBack(_ pipe: PagePipe) { pagePipe = pipe.isSpoilt ? nil : pipe }

    /// A request has found the mount to be gone.
    func mountIsLost() {
        guard mountTree != nil else { return }
        mountLoss.report(mountSerial)
        use(nil)
    }

    private func rejoin(_ connection: Connection) {
        guard let request = stuck.remove(connection) else { return }
        connections[connection.slot] = connection
        for waiter in request.waiters where waiter.phase == .waiting {
            nextTasks.append(Task(connection: waiter, kind: .rejoin))
        }
        if request.isGivenUp { return connection.close() }
        connection.phase = .rejoining
        nextTasks.append(Task(connection: connection, kind: .rejoin))
    }

    private func drainIfAsked() {
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
        thread.meter.settleUsage()
        if areListenersPaused, !isDraining {
            areListenersPaused = false
            for event in listenerEvents { event_add(event, nil) }
        }
        mountTree?.closeIdle(tick: tick)
        docrootTree.closeIdle(tick: tick)
        for connection in connections {
            if let connection, connection.deadlineTick <= tick { connection.timeUp() }
        }
        for request in stuck.takeDue(tick: tick) { request.connection.giveUp(path: request.path) }
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

    /// Those of the thread.
    var counters: Counters<HTTPCounter> { thread.meter.counters }

    /// Has a task done in this turn, once libevent has told of everything that is ready.
    func perform(_ kind: Task.Kind, of connection: Connection) {
        if tasks.isEmpty { thread.meter.beginTurn() }
        tasks.append(Task(connection: connection, kind: kind))
    }

    /// Goes on with a connection in the next turn, after every other connection has had its chance.
    func resumeNextTurn(_ connection: Connection) { nextTasks.append(Task(connection: connection, kind: .resume)) }

    /// Forgets a connection that has closed itself.
    func remove(_ connection: Connection) {
        guard connections[connection.slot] === connection else { return }
        connections[connection.slot] = nil
        freeSlots.append(connection.slot)
        connectionCount -= 1
        counters.add(.connectionsClosed)
    }

    private func closeAll() {
        for connection in connections { connection?.close() }
        for request in stuck.takeDue(tick: .max) { request.connection.giveUp(path: request.path) }
    }
}

@c private func loopWokenUp(_ descriptor: CInt, _ what: Int16, _ context: UnsafeMutableRawPointer?) {
    Unmanaged<EventLoop>.fromOpaque(context!).takeUnretainedValue().wokenUp()
}

@c private func loopTicked(_ descriptor: CInt, _ what: Int16, _ context: UnsafeMutableRawPointer?) {
    Unmanaged<EventLoop>.fromOpaque(context!).takeUnretainedValue().ticked()
}

@c private func drainTimeUp(_ descriptor: CInt, _ what: Int16, _ context: UnsafeMutableRawPointer?) {}
