import CKernel
import Glibc

/// What the kernel records of one thread from now on: when it is taken off a processor and put on one, and the tracepoints that
/// it passes (`perf_event_open(2)`). One thread drains it, again and again: what finds no room meanwhile is lost, and counted.
package final class ThreadEvents {
    package enum Record {
        /// It leaves its processor: preempted, or because it waits.
        case switchedOut(nanoseconds: UInt64, isPreempted: Bool)
        case switchedIn(nanoseconds: UInt64)
        /// It passed a tracepoint, whose record starts with the tracepoint's number (u16).
        case tracepoint(nanoseconds: UInt64, record: UnsafeRawBufferPointer)
        /// So many records found no room.
        case lost(UInt64)
    }

    /// The kernel's id of the thread.
    package let threadID: Int32
    /// The number of its descriptor.
    package var descriptor: CInt { events.rawValue }
    private let events: OwnedDescriptor
    private let memory: UnsafeMutableRawBufferPointer
    private var tracepoints: [CInt] = []

    private static let pageBytes = Int(getpagesize())
    /// What is recorded between two drains, at 24 bytes a switch and some 64 a tracepoint. Of an ordinary user's memory, the
    /// kernel locks only so much.
    private static let pageCounts = [128, 32, 8]
    /// The longest record: its length has 16 bits.
    private static let recordBytesMax = 1 << 16

    /// - Parameter threadID: a thread of this process, or another that the user may look at.
    /// - Throws: EACCES or EPERM without the right (/proc/sys/kernel/perf_event_paranoid), ESRCH when there is no such thread,
    ///   ENOSYS or ENOENT when the kernel has no such events.
    package init(threadID: Int32) throws(Errno) {
        self.threadID = threadID
        var result = kernel_perf_open_switches(threadID, 0)
        if result == -Int(EACCES) || result == -Int(EPERM) { result = kernel_perf_open_switches(threadID, 1) }
        events = OwnedDescriptor(adopting: CInt(try Errno.check(result)))
        memory = try Self.map(events.rawValue)
    }

    deinit {
        for tracepoint in tracepoints { close(tracepoint) }
        munmap(memory.baseAddress, memory.count)
    }

    private static func map(_ events: CInt) throws(Errno) -> UnsafeMutableRawBufferPointer {
        var code: CInt = 0
        for pages in pageCounts {
            let byteCount = (pages + 1) * pageBytes
            let address = mmap(nil, byteCount, PROT_READ | PROT_WRITE, MAP_SHARED, events, 0)
            if address != MAP_FAILED { return UnsafeMutableRawBufferPointer(start: address, count: byteCount) }
            code = errno
        }
        throw Errno(rawValue: code)
    }

    /// Has a tracepoint recorded as well, by its number.
    ///
    /// - Throws: EACCES or EPERM without the right.
    package func add(tracepoint number: UInt64) throws(Errno) {
        let event = OwnedDescriptor(adopting: CInt(try Errno.check(kernel_perf_open_tracepoint(threadID, number))))
        _ = try Errno.check(kernel_perf_set_output(event.rawValue, events.rawValue))
        tracepoints.append(event.release())
    }

    /// Whether the thread has ended: nothing more comes of it (`poll(2)`, POLLHUP).
    package var hasEnded: Bool {
        var state = pollfd(fd: events.rawValue, events: 0, revents: 0)
        return poll(&state, 1, 0) > 0 && state.revents & Int16(POLLHUP) != 0
    }

    /// Hands over what was recorded since the last time, in the order in which it happened.
    package func drain(_ body: (Record) -> Void) {
        let data = UnsafeMutableRawBufferPointer(rebasing: memory[Self.pageBytes...])
        let head = kernel_perf_head(memory.baseAddress!)
        var tail = kernel_perf_tail(memory.baseAddress!)
        // A record that goes over the end of the memory, in one piece.
        let wrapped = UnsafeMutableRawBufferPointer.allocate(byteCount: Self.recordBytesMax, alignment: 8)
        defer { wrapped.deallocate() }
        while tail < head {
            let offset = Int(tail % UInt64(data.count))
            // struct perf_event_header: u32 type, u16 misc, u16 size; records are aligned to 8 bytes.
            let byteCount = Int(data.loadUnaligned(fromByteOffset: offset + 6, as: UInt16.self))
            guard byteCount >= 8 else { break }
            let piece = min(byteCount, data.count - offset)
            if piece == byteCount {
                Self.decode(UnsafeRawBufferPointer(rebasing: data[offset..<(offset + byteCount)]), body)
            } else {
                wrapped.copyMemory(from: UnsafeRawBufferPointer(rebasing: data[offset...]))
                UnsafeMutableRawBufferPointer(rebasing: wrapped[piece...])
                    .copyMemory(from: UnsafeRawBufferPointer(rebasing: data[..<(byteCount - piece)]))
                Self.decode(UnsafeRawBufferPointer(rebasing: wrapped[..<byteCount]), body)
            }
            tail += UInt64(byteCount)
        }
        kernel_perf_set_tail(memory.baseAddress!, head)
    }

    private static func decode(_ record: UnsafeRawBufferPointer, _ body: (Record) -> Void) {
        let misc = UInt32(record.loadUnaligned(fromByteOffset: 4, as: UInt16.self))
        switch record.loadUnaligned(fromByteOffset: 0, as: UInt32.self) {
        case UInt32(KERNEL_PERF_RECORD_SWITCH) where record.count >= 24:
            let time = record.loadUnaligned(fromByteOffset: record.count - 8, as: UInt64.self)
            if misc & UInt32(KERNEL_PERF_SWITCH_OUT) == 0 {
                body(.switchedIn(nanoseconds: time))
            } else {
                body(.switchedOut(nanoseconds: time, isPreempted: misc & UInt32(KERNEL_PERF_SWITCH_OUT_PREEMPT) != 0))
            }
        case UInt32(KERNEL_PERF_RECORD_SAMPLE) where record.count >= 28:
            let time = record.loadUnaligned(fromByteOffset: 16, as: UInt64.self)
            let byteCount = Int(record.loadUnaligned(fromByteOffset: 24, as: UInt32.self))
            guard 28 + byteCount <= record.count else { return }
            body(
                .tracepoint(
                    nanoseconds: time, record: UnsafeRawBufferPointer(rebasing: record[28..<(28 + byteCount)])))
        case UInt32(KERNEL_PERF_RECORD_LOST) where record.count >= 24:
            body(.lost(record.loadUnaligned(fromByteOffset: 16, as: UInt64.self)))
        default: break
        }
    }
}
