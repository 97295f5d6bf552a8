import Glibc
import Platform
import Synchronization

/// The spans that one thread records while a trace is taken: written by that thread alone, read when the trace is over. Bounded:
/// what does not fit is dropped and counted.
package final class SpanBuffer: @unchecked Sendable {
    package let threadName: String
    /// The kernel's id of its thread; 0 before it runs. Atomic.
    private let thread = Atomic<UInt32>(0)
    /// The trace that `count` is of. Atomic: written by the thread, read by any.
    private let trace = Atomic<UInt64>(0)
    private let count = Atomic<Int>(0)
    private let dropped = Atomic<UInt64>(0)
    /// Made at the first span of the first trace; the thread's own until then.
    private let storage = Atomic<UnsafeMutableRawPointer?>(nil)
    /// The thread's own.
    private var textCount = 0

    /// Spans of one trace: 5 MiB a thread.
    package static let capacity = 1 << 17
    /// Bytes of texts of one trace.
    package static let textBytesMax = 1 << 20
    private static var spanBytes: Int { capacity * MemoryLayout<Span>.stride }
    private static var byteCount: Int { spanBytes + textBytesMax }

    init(threadName: String) { self.threadName = threadName }

    deinit { storage.load(ordering: .relaxed)?.deallocate() }

    // MARK: - The thread itself

    /// The calling thread is the one that records.
    package func bind() { thread.store(UInt32(bitPattern: NamedThread.currentID), ordering: .releasing) }

    /// Records a span of the trace with that number (`Tracer.current`).
    package func add(_ span: Span, trace number: UInt64) {
        guard let memory = prepare(number) else { return }
        let index = count.load(ordering: .relaxed)
        guard index < Self.capacity else {
            dropped.store(dropped.load(ordering: .relaxed) + 1, ordering: .relaxed)
            return
        }
        memory.storeBytes(of: span, toByteOffset: index * MemoryLayout<Span>.stride, as: Span.self)
        count.store(index + 1, ordering: .releasing)
    }

    /// Keeps a short text for a span's `detail`; 0 when there is no room.
    package func addText(_ text: UnsafeRawBufferPointer, trace number: UInt64) -> UInt64 {
        guard let memory = prepare(number) else { return 0 }
        let length = min(text.count, 255)
        guard length > 0, textCount + length <= Self.textBytesMax else { return 0 }
        (memory + Self.spanBytes + textCount).copyMemory(from: text.baseAddress!, byteCount: length)
        defer { textCount += length }
        return UInt64(textCount) << 8 | UInt64(length)
    }

    /// - Returns: nil when a later trace has begun: a span of the one before comes too late.
    private func prepare(_ number: UInt64) -> UnsafeMutableRawPointer? {
        let present = trace.load(ordering: .relaxed)
        guard number >= present else { return nil }
        let memory: UnsafeMutableRawPointer
        if let made = storage.load(ordering: .relaxed) {
            memory = made
        } else {
            // Pages that are not written cost nothing.
            memory = .allocate(byteCount: Self.byteCount, alignment: 4096)
            storage.store(memory, ordering: .releasing)
        }
        if present != number {
            count.store(0, ordering: .relaxed)
            dropped.store(0, ordering: .relaxed)
            textCount = 0
            trace.store(number, ordering: .releasing)
        }
        return memory
    }

    // MARK: - Any thread, once the trace is over

    /// Gives the pages back (`madvise(2)`); a span that still comes finds zeros around it, and nobody reads it.
    func releaseMemory() {
        if let memory = storage.load(ordering: .acquiring) { madvise(memory, Self.byteCount, MADV_DONTNEED) }
    }

    /// The kernel's id of its thread; 0 before it has run.
    package var threadID: UInt32 { thread.load(ordering: .acquiring) }

    /// How many spans of a trace it holds. Any thread, at any time.
    func count(trace number: UInt64) -> Int {
        trace.load(ordering: .acquiring) == number ? count.load(ordering: .relaxed) : 0
    }

    /// The spans of a trace, in the order in which they ended, and how many did not fit. Only once the trace is over.
    package func spans(trace number: UInt64) -> (spans: [Span], dropped: UInt64) {
        guard trace.load(ordering: .acquiring) == number, let memory = storage.load(ordering: .acquiring) else {
            return ([], 0)
        }
        let count = count.load(ordering: .acquiring)
        let spans = (0..<count).map {
            memory.load(fromByteOffset: $0 * MemoryLayout<Span>.stride, as: Span.self)
        }
        return (spans, dropped.load(ordering: .relaxed))
    }

    /// The text behind a span's `detail`; only once the trace is over.
    package func text(_ detail: UInt64) -> String {
        guard detail != 0, let memory = storage.load(ordering: .acquiring) else { return "" }
        let bytes = UnsafeRawBufferPointer(
            start: memory + Self.spanBytes + Int(detail >> 8), count: Int(detail & 255))
        return String(decoding: bytes, as: UTF8.self)
    }
}
