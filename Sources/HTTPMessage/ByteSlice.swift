/// Where a run of bytes lies in the buffer a message was parsed from.
///
/// A slice holds no pointer: it stays right when the buffer moves, and means nothing once the bytes are gone.
/// Any thread.
package struct ByteSlice: BitwiseCopyable, Equatable, Sendable {
    /// Bytes from the start of the buffer to the first byte of the run; `UInt32.max` in `absent`.
    package var offset: UInt32

    /// Length in bytes.
    package var count: UInt32

    /// The slice of a field that was not in the message.
    @inlinable
    package static var absent: ByteSlice { ByteSlice(offset: UInt32.max, count: 0) }

    @inlinable
    package init(offset: UInt32, count: UInt32) {
        self.offset = offset
        self.count = count
    }

    /// The slice of the bytes in `range`, which must lie below 4 GiB.
    @inlinable
    package init(_ range: Range<Int>) {
        self.init(offset: UInt32(range.lowerBound), count: UInt32(range.count))
    }

    /// Whether the field was in the message, with or without a value.
    @inlinable
    package var isPresent: Bool { offset != UInt32.max }

    /// Whether there are no bytes: the field is absent, or present with an empty value.
    @inlinable
    package var isEmpty: Bool { count == 0 }

    /// The offsets of the bytes, for `RawSpan.extracting(_:)`; `0..<0` when absent.
    @inlinable
    package var range: Range<Int> { isPresent ? Int(offset)..<Int(offset) + Int(count) : 0..<0 }
}
