import CFuse3
import Glibc
import Platform
import Synchronization
import Telemetry

/// What belongs to one FUSE thread: its channel to the kernel, its counters and its buffers. Found again by the callbacks
/// that run on the thread. But for `hasEnded`, the thread's own.
final class ProxyThread: @unchecked Sendable {
    let counters: Counters<FuseCounter>
    /// What its requests take.
    let meter: FuseRequestMeter
    private let progress: ThreadProgress?
    /// What requests are received in. As large as libfuse has told the kernel; untouched pages cost nothing.
    let requestBuffer: UnsafeMutableRawBufferPointer
    /// What a reply is gathered in. As large as the largest READ, 1 MiB.
    let buffer: UnsafeMutableRawBufferPointer
    /// The descriptor that requests are read from and replies written to.
    let channel: CInt
    /// Files found to have changed while the request at hand was answered: the watcher is told of them after the reply.
    var changedInodes: [InodeNumber] = []
    /// Set while a READ is answered that ends early.
    var earlyAnswer: EarlyAnswer?
    /// Set while INIT is answered: what to add to libfuse's answer.
    var initAmendment: InitAmendment?
    /// Set while the high-level API answers an OPEN: what its answer has no field for.
    var pendingOpenReply: OpenReply?
    /// Set while the high-level API answers a READ from a descriptor, which must stay open until the answer is made.
    var heldDescriptor: SharedDescriptor?
    /// The request at hand, which may keep the thread waiting. Any thread.
    let call = WaitingCall()
    /// Set once, when the thread makes no more system calls on the session. Any thread may read it.
    let hasEnded = Atomic(false)

    private let session: ProxySession
    /// Shared with the thread whose place this one has taken, should that be stuck still.
    let heldChannel: FuseChannel

    static let bufferBytes = 1 << 20

    init(session: ProxySession, name: String, progress: ThreadProgress?, channel: FuseChannel) {
        self.session = session
        counters = session.measurements.fuse.makeCounters()
        meter = FuseRequestMeter(session.measurements, threadName: name)
        self.progress = progress
        self.channel = channel.rawValue
        heldChannel = channel
        requestBuffer = .allocate(byteCount: Self.bufferBytes + 4096, alignment: 4096)
        buffer = .allocate(byteCount: Self.bufferBytes, alignment: 4096)
    }

    deinit {
        requestBuffer.deallocate()
        buffer.deallocate()
    }

    /// Makes this the calling thread's, for as long as the caller holds it.
    func bind() {
        pthread_setspecific(Self.key, Unmanaged.passUnretained(self).toOpaque())
        meter.bind()
    }

    /// Takes it out of what is counted and measured, once the thread has ended or could not be started. The sums stay.
    func retire() {
        session.measurements.fuse.retire(counters)
        meter.retire()
    }

    /// The calling FUSE thread's object.
    static var current: ProxyThread {
        Unmanaged<ProxyThread>.fromOpaque(pthread_getspecific(key)!).takeUnretainedValue()
    }

    /// The calling thread's object if it is a FUSE thread.
    static var currentIfAny: ProxyThread? {
        pthread_getspecific(key).map { Unmanaged<ProxyThread>.fromOpaque($0).takeUnretainedValue() }
    }

    /// The request at hand is answered.
    func requestIsAnswered() {
        meter.end()
        progress?.add()
        endEarlyAnswer()
        guard !changedInodes.isEmpty else { return }
        for inode in changedInodes { session.operations.changed.add(inode) }
        changedInodes.removeAll(keepingCapacity: true)
    }

    /// The READ at hand is not answered so after all, which teaches the kernel nothing.
    func dropEarlyAnswer() {
        earlyAnswer?.end = .max
        endEarlyAnswer()
    }

    /// The READ at hand is answered.
    func endEarlyAnswer() {
        guard let answer = earlyAnswer else { return }
        earlyAnswer = nil
        session.operations.inodes.noteAnswered(answer)
    }

    /// The request at hand is INIT.
    func isAnsweringInit(_ capabilities: KernelCapabilities) {
        initAmendment = session.agree(on: capabilities)
    }

    private static let key: pthread_key_t = {
        var key = pthread_key_t()
        precondition(pthread_key_create(&key, nil) == 0)
        return key
    }()
}
