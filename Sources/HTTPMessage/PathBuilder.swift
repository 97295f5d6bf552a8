/// A path being put together, segment by segment, in a caller's buffer that outlives it.
@safe
struct PathBuilder {
    private let output: UnsafeMutableRawBufferPointer

    /// Bytes of path the buffer takes, with one more left for the NUL. Every write is checked against it.
    private let capacity: Int

    /// The end of the whole segments. The slash behind them is written only when another segment starts.
    private(set) var end = 0

    /// Whether the last segment was empty or of dots.
    private(set) var isDirectory = true

    private var segmentStart = 0
    private var cursor = 0

    /// A path of at most `byteCountMax` bytes with its NUL; nil when not even the NUL fits.
    init?(output: UnsafeMutableRawBufferPointer, byteCountMax: Int) {
        guard min(output.count, byteCountMax) > 0 else { return nil }
        unsafe self.output = output
        capacity = min(output.count, byteCountMax) - 1
    }

    /// Adds a byte to the current segment.
    @inline(__always)
    mutating func append(_ byte: UInt8) throws(RequestError) {
        if cursor == end {
            if end > 0 { try write(ASCII.slash) }
            segmentStart = cursor
        }
        try write(byte)
    }

    /// Ends the current segment at a slash or at the end of the path.
    @inline(__always)
    mutating func endSegment() throws(RequestError) {
        isDirectory = true
        if cursor == end { return }
        let count = cursor - segmentStart
        if count <= 2, unsafe output[segmentStart] == ASCII.dot {
            if count == 1 {
                cursor = end
                return
            }
            if unsafe output[segmentStart + 1] == ASCII.dot { return try removeLastSegment() }
        }
        end = cursor
        isDirectory = false
    }

    /// Writes the NUL behind the last whole segment.
    @inline(__always)
    func terminate() { unsafe output[end] = ASCII.nul }

    /// Applies a `..`. Every byte is taken back at most once, so all of them together stay linear.
    private mutating func removeLastSegment() throws(RequestError) {
        guard end > 0 else { throw .badRequest }
        end -= 1
        while end > 0, unsafe output[end] != ASCII.slash { end -= 1 }
        cursor = end
    }

    @inline(__always)
    private mutating func write(_ byte: UInt8) throws(RequestError) {
        guard cursor < capacity else { throw .targetTooLong }
        unsafe output[cursor] = byte
        cursor &+= 1
    }
}
